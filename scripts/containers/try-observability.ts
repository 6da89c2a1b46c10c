/** The profile observability: Prometheus finds the service and its replicas, and evaluates the rules. */
import { request } from "./api.ts";
import { until } from "./engine.ts";
import type { Stack } from "./stack.ts";

/** The profile must be up, and the profile scale as well. */
export async function tryObservability(stack: Stack): Promise<void> {
  const url = `http://127.0.0.1:${stack.port("PROMETHEUS_PORT")}/api/v1`;
  const ask = async (path: string) => (await (await request(`${url}/${path}`)).json()).data;
  await until("Prometheus scrapes the service and three replicas", async () => {
    const { result } = await ask("query?query=sum(up%7Bjob%3D%22frontrow%22%7D)");
    return result[0]?.value[1] === "4";
  });
  await until("Prometheus has evaluated every alert", async () => {
    const { groups } = await ask("rules?type=alert");
    const alerts = groups.flatMap(({ rules }: { rules: { name: string; health: string }[] }) => rules);
    return alerts.length > 20 && alerts.every(({ health }: { health: string }) => health === "ok");
  });
  if (!stack.images.missing.includes("grafana")) await tryGrafana(stack);
}

/** Grafana has read what deploy/grafana provisions, and reaches Prometheus. */
async function tryGrafana(stack: Stack): Promise<void> {
  const headers = { authorization: `Basic ${Buffer.from("admin:admin").toString("base64")}` };
  const ask = async (path: string) => {
    const url = `http://127.0.0.1:${stack.port("GRAFANA_PORT")}/api/${path}`;
    return await (await request(url, { headers })).json();
  };
  await until("Grafana is ready", async () => (await ask("health")).database === "ok");
  await until("Grafana reaches Prometheus", async () => {
    const [source] = await ask("datasources");
    return (await ask(`datasources/uid/${source.uid}/health`)).status === "OK";
  });
  await until("Grafana has the dashboard", async () => {
    const found: { uid: string }[] = await ask("search?type=dash-db");
    return found.some(({ uid }) => uid === "frontrow");
  });
}
