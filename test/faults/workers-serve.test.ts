/** Several processes behind the same ports, as clients and operators see them. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "@frontrow/embedded-postgres";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { signDevToken } from "../../src/auth/dev-key.ts";
import { createDataFolder } from "../support/database/data-folder.ts";
import { openProgram } from "../support/process/program.ts";
import { useTwoWorkers } from "../support/process/two-workers.ts";
import {
  answeringWorkers,
  callAnew,
  callUntilBothAnswer,
  isThere,
  pidOfWorker,
  workerPids,
} from "../support/process/worker-pids.ts";
import { createProtocolClient, protocols } from "../support/protocols/protocols.ts";
import { createStage } from "../support/service/stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const wait = { timeout: 20_000, interval: 10 };

const { database, environment, open } = useTwoWorkers();

const preloaded = (name: string) => join(import.meta.dirname, "..", "support", "process", name);

describe("two workers", () => {
  test("serve every protocol on both ports, and the start prints once what one process prints", async () => {
    await using service = await open();
    const stage = createStage(service.baseUrl);
    const { id } = await stage.concert();
    for (const protocol of protocols) {
      for (const url of [service.baseUrl, service.grpcUrl]) {
        const client = createProtocolClient(protocol, url);
        const outcome = await client.call(ConcertService.method.getConcert, { id });
        expect(outcome, `${protocol} at ${url}`).toMatchObject({ ok: true, message: { id } });
        client.close();
      }
    }
    await callUntilBothAnswer(service, () => callAnew(`${service.baseUrl}/api/v1/concerts`));
    for (const text of ["the database is up to date", "Frontrow is open", "try: curl"]) {
      expect(service.lines.filter((line) => line.includes(text))).toHaveLength(1);
    }
    expect(service.output()).toContain('"workers":2');
    expect(await service.stop()).toBe(0);
    for (const text of ["draining", "closed"]) {
      expect(service.lines.filter((line) => line.includes(`"msg":"${text}"`))).toHaveLength(1);
    }
    expect(workerPids(service).filter(isThere)).toEqual([]);
  });

  test("share the connections of the pool", async () => {
    await using service = await open({ APP_DATABASE_POOL_SIZE: "7" });
    const stage = createStage(service.baseUrl);
    const concerts = await Promise.all(Array.from({ length: 12 }, () => stage.concert()));
    const book = ({ id }: { readonly id: bigint }) =>
      callAnew(`${service.baseUrl}/api/v1/bookings`, {
        method: "POST",
        body: JSON.stringify({ concert_id: String(id), user_id: "nora", ticket_count: 1 }),
      });
    const answers = await Promise.all(concerts.map(book));
    expect(answers.map(({ status }) => status)).toEqual(concerts.map(() => 201));
    const [row] = await database().query<{ sessions: number }>(
      `SELECT count(*)::int AS sessions FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'frontrow'`,
    );
    // Three of each worker's pool, and two beside it.
    expect(row?.sessions).toBeLessThanOrEqual(2 * (3 + 2));
  });
});

test("where the primary accepts the connections, both workers serve, also after one is replaced", async () => {
  const nodeFlags = ["--import", preloaded("other-platform.ts")];
  await using service = await openProgram(environment(), [], { logLevel: "debug", nodeFlags });
  const list = async () => expect((await callAnew(`${service.baseUrl}/api/v1/concerts`)).status).toBe(200);
  // In turn.
  for (let call = 0; call < 4; call++) await list();
  await vi.waitFor(() => expect(answeringWorkers(service).toSorted()).toEqual([1, 1, 2, 2]), wait);
  const replaced = service.nextLine("a worker process serves");
  process.kill(pidOfWorker(service, 1), "SIGKILL");
  await replaced;
  for (let call = 0; call < 4; call++) await list();
  await vi.waitFor(() => expect(answeringWorkers(service).slice(4).toSorted()).toEqual([1, 1, 2, 2]), wait);
  expect(await service.stop()).toBe(0);
});

describe("a worker that ends", () => {
  test("is replaced behind the same ports, and the others serve meanwhile", async () => {
    const port = await freePort();
    await using service = await open({ APP_REST_PORT: String(port) });
    const [first = 0] = workerPids(service);
    const ended = service.nextLine("a worker process ended: another one is started");
    process.kill(first, "SIGKILL");
    expect(JSON.parse(await ended)).toMatchObject({ level: "error", signal: "SIGKILL", restart_ms: 100 });
    expect((await callAnew(`${service.baseUrl}/api/v1/concerts`)).status).toBe(200);
    await vi.waitFor(() => expect(workerPids(service)).toHaveLength(3), wait);
    for (let call = 0; call < 4; call++) expect((await callAnew(`${service.baseUrl}/readyz`)).status).toBe(200);
    expect(await service.stop()).toBe(0);
  });

  test("all of them at once are replaced too", async () => {
    const port = await freePort();
    await using service = await open({ APP_REST_PORT: String(port) });
    for (const pid of workerPids(service)) process.kill(pid, "SIGKILL");
    await vi.waitFor(() => expect(workerPids(service)).toHaveLength(4), wait);
    expect((await callAnew(`${service.baseUrl}/api/v1/concerts`)).status).toBe(200);
    expect(await service.stop()).toBe(0);
  });

  test("again and again ends the service with the reason", async () => {
    await using service = await open();
    const killed = new Set<number>();
    while (service.isRunning()) {
      const pid = pidOfWorker(service, 2);
      if (!killed.has(pid) && isThere(pid)) process.kill(pid, "SIGKILL");
      killed.add(pid);
      await delay(5);
    }
    expect(await service.ended).toBe(1);
    expect(killed.size).toBe(6);
    expect(service.output()).toMatch(
      /"level":"fatal".*worker 2 ended six times in a row within 10 seconds of its start; the last time: a worker process ended \(SIGKILL\)/,
    );
    expect(workerPids(service).filter(isThere)).toEqual([]);
  });

  test("because of an error that nothing handles is logged at fatal, closes in order and is replaced", async () => {
    const nodeFlags = ["--import", preloaded("throws-on-signal.ts")];
    await using service = await openProgram(environment(), [], { logLevel: "debug", nodeFlags });
    const fatal = service.nextLine("an unforeseen error; closing");
    const ended = service.nextLine("a worker process ended: another one is started");
    const replaced = service.nextLine("a worker process serves");
    process.kill(pidOfWorker(service, 2), "SIGUSR2");
    expect(JSON.parse(await fatal)).toMatchObject({
      level: "fatal",
      worker: 2,
      err: { message: "thrown by the test" },
    });
    expect(JSON.parse(await ended)).toMatchObject({ worker: 2, exit_code: 1 });
    await replaced;
    expect(await service.stop()).toBe(0);
  });

  test("is replaced by one with the configuration file as the primary has read it", async () => {
    const folder = await createDataFolder();
    onTestFinished(() => folder.remove());
    const file = join(folder.path, "frontrow.yaml");
    await writeFile(file, "max_tickets_per_booking: 3\n");
    await using service = await openProgram(environment(), ["--config", file], { logLevel: "debug" });
    await writeFile(file, "max_tickets_per_booking: [\n");
    const replaced = service.nextLine("a worker process serves");
    process.kill(pidOfWorker(service, 1), "SIGKILL");
    await replaced;
    expect(service.lines.filter((line) => line.includes("a worker process ended"))).toHaveLength(1);
    expect(await service.stop()).toBe(0);
  });
});

test("tokens of the mode dev are valid at both workers", async () => {
  const folder = await createDataFolder();
  onTestFinished(() => folder.remove());
  await using service = await open({ APP_AUTH_MODE: "dev", APP_DATA_DIR: folder.path });
  const token = await signDevToken(folder.path, { subject: "nora", scope: "bookings:read", lifetime: "1h" });
  const call = async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const { status } = await callAnew(`${service.baseUrl}/api/v1/bookings?user_id=nora`, { headers });
    expect(status).toBe(200);
  };
  await callUntilBothAnswer(service, call);
  expect((await callAnew(`${service.baseUrl}/api/v1/bookings?user_id=nora`)).status).toBe(401);
});

test("a booking through one worker is found through the other", async () => {
  await using service = await open();
  const stage = createStage(service.baseUrl);
  const booking = await stage.booking(await stage.concert());
  for (const protocol of ["gRPC", "REST"] as const) {
    const client = createProtocolClient(protocol, service.baseUrl);
    const outcome = await client.call(BookingService.method.getBooking, { id: booking.id });
    expect(outcome).toMatchObject({ ok: true, message: { id: booking.id } });
    client.close();
  }
});
