/** The files of compose.yaml and deploy, by the programs that read them. */
import { say } from "./engine.ts";
import type { Stack } from "./stack.ts";

/** Fails if Compose, HAProxy or Prometheus refuses its configuration. */
export async function tryFiles({ compose }: Stack): Promise<void> {
  await compose(["config", "--quiet"]);
  say("Compose accepts compose.yaml with every profile");
  const once = (service: string, ...args: string[]) => compose(["run", "--rm", "--no-deps", "-T", service, ...args]);
  for (const service of ["balancer", "database-ha"]) {
    await once(service, "haproxy", "-c", "-f", "/usr/local/etc/haproxy/haproxy.cfg");
    say(`HAProxy accepts the file of ${service}`);
  }
  const promtool = ["run", "--rm", "--no-deps", "-T", "--entrypoint", "promtool", "prometheus"];
  await compose([...promtool, "check", "config", "/etc/prometheus/prometheus.yml"]);
  say("promtool accepts the files of Prometheus");
}
