/** The profile scale: three replicas behind HAProxy, and a rolling restart of them that no client notices. */
import { isReady, request } from "./api.ts";
import { expect, run, say, until } from "./engine.ts";
import { startLoad } from "./load.ts";
import type { Stack } from "./stack.ts";
import { callByGrpc } from "./try-service.ts";

const replicas = ["replica1", "replica2", "replica3"];

/** The profile must be up. */
export async function tryScale(stack: Stack): Promise<void> {
  const restPort = stack.port("BALANCER_REST_PORT");
  await until("all replicas are up", async () =>
    (await Promise.all(replicas.map((name) => isUp(stack, name)))).every(Boolean),
  );
  for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
    const url = `http://127.0.0.1:${restPort}/api/v1/concerts`;
    const format = "%{response_code} HTTP/%{http_version}";
    const answer = await run("curl", ["--silent", version, "--output", "/dev/null", "--write-out", format, url]);
    expect(`by way of the balancer with ${version}`, answer, version === "--http1.1" ? "200 HTTP/1.1" : "200 HTTP/2");
  }
  await callByGrpc(stack.port("BALANCER_GRPC_PORT"));
  await roll(stack);
  await until("the balancer is ready", () => isReady(restPort));
}

/** Replaces one replica after the other while users book by gRPC. */
async function roll(stack: Stack): Promise<void> {
  const crowd = ["--users", "60", "--requests", "100", "--pause", "2.5", "--tickets", "6000", "--time-limit", "300"];
  const load = await startLoad(stack, "http://balancer:50051", "--protocol", "grpc", "--attempts", "5", ...crowd);
  for (const replica of replicas) {
    // As docs/operations.md has it.
    await stack.compose(["up", "--detach", "--no-build", "--no-deps", "--force-recreate", replica]);
    await until(`${replica} is up again`, () => isUp(stack, replica));
  }
  await load.assertRunning();
  await load.finish();
  say("every call during the rolling restart had its answer");
}

/** Whether HAProxy sends calls to a replica. */
async function isUp(stack: Stack, replica: string): Promise<boolean> {
  const response = await request(`http://127.0.0.1:${stack.port("BALANCER_STATUS_PORT")}/metrics`);
  return (await response.text()).includes(`haproxy_server_status{proxy="replicas",server="${replica}",state="UP"} 1`);
}
