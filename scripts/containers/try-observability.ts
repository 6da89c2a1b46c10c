/** The profile observability: Prometheus finds the service and its replicas, and has read the rules. */
import { expect, overall, until } from "./engine.ts";
import type { Stack } from "./stack.ts";

/** The profile must be up, and the profile scale as well. */
export async function tryObservability(stack: Stack): Promise<void> {
  const url = `http://127.0.0.1:${stack.port("PROMETHEUS_PORT")}/api/v1`;
  const ask = async (path: string) => (await (await fetch(`${url}/${path}`, { signal: overall })).json()).data;
  await until("Prometheus scrapes the service and three replicas", async () => {
    const { result } = await ask("query?query=sum(up%7Bjob%3D%22frontrow%22%7D)");
    return result[0]?.value[1] === "4";
  });
  const { groups } = await ask("rules?type=alert");
  const alerts = groups.flatMap(({ rules }: { rules: { name: string; health: string }[] }) => rules);
  expect(
    "alerts that Prometheus cannot evaluate",
    alerts.filter(({ health }: { health: string }) => health === "err"),
    [],
  );
  expect("whether Prometheus has the alerts", alerts.length > 20, true);
}
