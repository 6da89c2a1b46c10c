/** `docker compose up -d`, the requirement's calls, a gRPC call, the load test, and restarts of service and database. */
import { join } from "node:path";
import { book, call, getBooking, isReady, request } from "./api.ts";
import { expect, run, say, until } from "./engine.ts";
import { projectRoot } from "./images.ts";
import { runLoad } from "./load.ts";
import type { Stack } from "./stack.ts";

/** Starts service and database, and leaves them running. */
export async function tryService(stack: Stack): Promise<void> {
  const port = stack.port("APP_REST_PORT");
  say("starting the service and its database");
  await stack.compose(["up", "--detach"], { COMPOSE_PROFILES: "" });
  await until("the service is ready", () => isReady(port));
  await until("its container is healthy", async () => {
    return (await stack.inspect("app", "{{.State.Health.Status}}")) === "healthy";
  });
  const concertId = await callByCurl(`http://127.0.0.1:${port}`);
  await callByGrpc(stack.port("APP_GRPC_PORT"));
  await runLoad(stack, `http://app:${port}`, "--users", "500", "--tickets", "700");
  await restart(stack, concertId);
}

/** The calls of the requirement, by curl. Resolves with the id of the created concert. */
async function callByCurl(url: string): Promise<string> {
  const curl = async (...args: string[]) =>
    JSON.parse(await run("curl", ["--silent", "--show-error", "--fail", "--max-time", "20", ...args]));
  await curl(`${url}/health`);
  const inHours = (hours: number) => Temporal.Now.instant().add({ hours }).toString();
  const concert = {
    ...{ name: "Rock Concert", artist: "Band Name", venue: "Concert Hall", total_tickets: 1000, price: 50.0 },
    ...{ concert_date: inHours(48), booking_start_time: inHours(-1), booking_end_time: inHours(24) },
  };
  const json = ["-H", "Content-Type: application/json", "-d", JSON.stringify(concert)];
  const { id } = await curl("-X", "POST", `${url}/api/v1/concerts`, ...json);
  const { concerts } = await curl(`${url}/api/v1/concerts`);
  expect(
    "concerts that curl lists after it has created one",
    concerts.map((listed: { id: string }) => listed.id),
    [id],
  );
  return id;
}

/** By reflection, without a schema. */
export async function callByGrpc(port: number): Promise<void> {
  const buf = join(projectRoot, "node_modules", ".bin", "buf");
  const url = `http://127.0.0.1:${port}/frontrow.v1.ConcertService/ListConcerts`;
  const answer = await run(buf, ["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--data", "{}", url]);
  expect(`the first concert by gRPC at port ${port}`, typeof JSON.parse(answer).concerts[0].id, "string");
}

async function restart(stack: Stack, concertId: string): Promise<void> {
  const port = stack.port("APP_REST_PORT");
  const first = await book(port, concertId);
  say("stopping and starting the service");
  await stack.compose(["stop", "app"]);
  expect("the exit status after SIGTERM", await stack.inspect("app", "{{.State.ExitCode}}"), "0");
  await stack.compose(["start", "app"]);
  await until("the service is ready", () => isReady(port));
  expect("the booking after the service's restart", await getBooking(port, first.id), first);

  say("restarting the database");
  await stack.compose(["restart", "db"]);
  await until("the service reaches the database again", async () => {
    return (await request(`http://127.0.0.1:${port}/api/v1/bookings/${first.id}`)).ok;
  });
  expect("the booking after the database's restart", await getBooking(port, first.id), first);
  await book(port, concertId);
  expect("restarts of the service", await stack.inspect("app", "{{.RestartCount}}"), "0");
  const concert = await call<{ available_tickets: number }>(port, "GET", `concerts/${concertId}`);
  expect("available tickets", concert.available_tickets, 996);
}
