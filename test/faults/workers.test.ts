/** Workers that are killed in a rush, and workers that hang. */
import { expect, onTestFinished, test, vi } from "vitest";
import { checkAccounts } from "../support/booking/accounts.ts";
import { startCrowd } from "../support/booking/crowd.ts";
import { createTestDatabase } from "../support/database/database.ts";
import { openProgram } from "../support/process/program.ts";
import { isThere, workerPids } from "../support/process/worker-pids.ts";
import { createProtocolClient, type ProtocolClient } from "../support/protocols/protocols.ts";
import { testEnvironment } from "../support/service/service.ts";
import { createConcert } from "../support/service/stage.ts";

vi.setConfig({ testTimeout: 120_000 });

const wait = { timeout: 30_000, interval: 5 };
/** What clients make of a connection that closes, or that cannot be opened, before a response has come. */
const closed = new Set(["UNAVAILABLE", "UNKNOWN", "INTERNAL", "CANCELLED", "ABORTED"]);

/** Turns a closed connection into an answer that leaves the outcome open. Other errors without a reason stay as they are. */
function withClosedConnections(client: ProtocolClient, note: () => void): ProtocolClient {
  return {
    ...client,
    async call(method, request, options) {
      const nothing = { ok: false, metadata: {}, violations: [], retryDelayMs: undefined } as const;
      const unanswered = { ...nothing, code: "UNAVAILABLE", reason: "OUTCOME_UNKNOWN" };
      const outcome = await client
        .call(method, request, options)
        .catch((error) => ({ ...unanswered, message: String(error) }));
      const isClosed = !outcome.ok && outcome.reason === undefined && closed.has(outcome.code);
      if (isClosed) note();
      return isClosed ? { ...unanswered, message: outcome.message } : outcome;
    },
  };
}

test("workers that are killed in a rush: nothing is lost or doubled, and the others go on", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const settings = { APP_WORKERS: "2", APP_REQUEST_TIMEOUT: "5s", APP_MAX_HOLDS_PER_USER: "100" };
  await using service = await openProgram(testEnvironment(database.url, settings), [], { logLevel: "debug" });
  let closedConnections = 0;
  const clients = (["REST", "Connect JSON", "gRPC", "gRPC", "REST", "Connect binary"] as const).map((protocol) =>
    withClosedConnections(createProtocolClient(protocol, service.baseUrl), () => {
      closedConnections++;
    }),
  );
  const [client] = clients;
  if (!client) throw new Error("there is no client");
  const { id: hotConcert } = await createConcert(client, { totalTickets: 100_000 });
  const { id: scarceConcert } = await createConcert(client, { totalTickets: 40 });
  const crowd = startCrowd(
    [clients],
    [
      { concertId: hotConcert, returnsAll: false },
      { concertId: scarceConcert, returnsAll: true },
    ],
  );
  try {
    for (let round = 0; round < 3; round++) {
      await crowd.untilGranted(100);
      const pid = workerPids(service)[round] ?? 0;
      const replaced = service.nextLine("a worker process serves");
      process.kill(pid, "SIGKILL");
      // By the other worker, while there is only one.
      await crowd.untilGranted(100);
      await replaced;
    }
    await crowd.untilGranted(200);
  } finally {
    await crowd.goHome();
  }
  expect(closedConnections).toBeGreaterThan(0);
  await checkAccounts(database, crowd.wishes);
  await database.checkInvariants();
  for (const each of clients) each.close();
  const sessions = () =>
    database.query(
      `SELECT state FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'frontrow' AND state LIKE 'idle in transaction%'`,
    );
  await vi.waitFor(async () => expect(await sessions()).toEqual([]), wait);
  expect(await service.stop()).toBe(0);
  const errors = service.lines.filter((line) => /"level":"(error|fatal)"/.test(line));
  expect(errors.map((line) => JSON.parse(line).signal)).toEqual(["SIGKILL", "SIGKILL", "SIGKILL"]);
});

/** Starts two workers, one of which hangs. Resolves when the other one has answered calls. */
async function startWithHangingWorker() {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const settings = { APP_WORKERS: "2", APP_SHUTDOWN_TIMEOUT: "100ms" };
  const service = await openProgram(testEnvironment(database.url, settings), [], { logLevel: "debug" });
  onTestFinished(async () => void (await service.stop("SIGKILL")));
  const [hanging = 0] = workerPids(service);
  process.kill(hanging, "SIGSTOP");
  // At most the next connection is passed to the worker that hangs.
  const answered: number[] = [];
  const calls = Array.from({ length: 6 }, () =>
    fetch(`${service.baseUrl}/livez`, { headers: { Connection: "close" } }).then(({ status }) => answered.push(status)),
  );
  for (const call of calls) call.catch(() => {});
  await vi.waitFor(() => expect(answered.length).toBeGreaterThanOrEqual(5), wait);
  expect(new Set(answered)).toEqual(new Set([200]));
  return { service, hanging };
}

test("a worker that hangs takes one new connection at most, and is replaced when it is killed", async () => {
  const { service, hanging } = await startWithHangingWorker();
  const replaced = service.nextLine("a worker process serves");
  process.kill(hanging, "SIGKILL");
  await replaced;
  expect(await service.stop()).toBe(0);
});

test("a worker that hangs is killed at the end of a shutdown", async () => {
  const { service } = await startWithHangingWorker();
  expect(await service.stop()).toBe(3);
  expect(workerPids(service).filter(isThere)).toEqual([]);
  expect(service.output()).toMatch(/"level":"fatal".*had to be cut off/);
});
