/** Workers that are killed in a rush, and workers that hang. */
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { checkAccounts } from "../support/booking/accounts.ts";
import { startCrowd } from "../support/booking/crowd.ts";
import { createTestDatabase } from "../support/database/database.ts";
import { openRaw } from "../support/network/raw-connection.ts";
import { type OpenProgram, openProgram } from "../support/process/program.ts";
import { isThere, pidOfWorker, workerPids } from "../support/process/worker-pids.ts";
import { createProtocolClient, type ProtocolClient } from "../support/protocols/protocols.ts";
import { type Settings, testEnvironment } from "../support/service/service.ts";
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

async function openWorkers(settings: Settings = {}) {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const environment = testEnvironment(database.url, { APP_WORKERS: "2", ...settings });
  const service = await openProgram(environment, [], { logLevel: "debug" });
  onTestFinished(async () => void (await service.stop("SIGKILL")));
  return service;
}

/** Calls over new connections. Each result is a status, or that the connection was closed. */
function callAnew({ baseUrl }: OpenProgram, calls: number): Promise<number | "closed">[] {
  return Array.from({ length: calls }, () =>
    fetch(`${baseUrl}/livez`, { headers: { Connection: "close" } }).then(
      ({ status }) => status,
      () => "closed" as const,
    ),
  );
}

test("a worker that is killed among new connections leaves no caller without an end", async () => {
  const service = await openWorkers();
  const pid = pidOfWorker(service, 1);
  let isReplaced = false;
  const replaced = service.nextLine("a worker process serves").finally(() => {
    isReplaced = true;
  });
  const callers = Array.from({ length: 10 }, async () => {
    const results: (number | "closed")[] = [];
    while (!isReplaced) results.push(...(await Promise.all(callAnew(service, 1))));
    return results;
  });
  // The system gives it connections that it does not accept.
  process.kill(pid, "SIGSTOP");
  const connections = Array.from({ length: 30 }, () => openRaw(service.restPort));
  await Promise.all(connections.map(({ socket }) => once(socket, "connect")));
  for (const { socket } of connections) socket.write("GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  process.kill(pid, "SIGKILL");
  const ends = await Promise.all(connections.map(async ({ closed }) => (await closed).split("\r\n")[0]));
  expect(new Set(ends)).toEqual(new Set(["HTTP/1.1 200 OK", ""]));
  await replaced;
  const results = (await Promise.all(callers)).flat();
  expect(new Set(results).difference(new Set([200, "closed"]))).toEqual(new Set());
  expect(new Set(await Promise.all(callAnew(service, 50)))).toEqual(new Set([200]));
  expect(await service.stop()).toBe(0);
});

/** Stops a worker, as one does that hangs. Resolves when the other one has answered new connections, with all results. */
async function hangOne(service: OpenProgram) {
  const pid = pidOfWorker(service, 1);
  process.kill(pid, "SIGSTOP");
  const results = callAnew(service, 30);
  // The system gives each connection to either worker.
  await Promise.any(results.map(async (result) => expect(await result).toBe(200)));
  return { pid, results };
}

test("a worker that hangs is killed and replaced, its callers get a closed connection, and the other one serves", async () => {
  const service = await openWorkers();
  const killed = service.nextLine("a worker process has given no sign of life for 10 seconds: it is killed");
  const replaced = service.nextLine("a worker process serves");
  const { pid, results } = await hangOne(service);
  expect(JSON.parse(await killed)).toMatchObject({ level: "error", worker: 1, pid });
  expect(new Set(await Promise.all(results))).toEqual(new Set([200, "closed"]));
  await replaced;
  expect(new Set(await Promise.all(callAnew(service, 30)))).toEqual(new Set([200]));
  expect(await service.stop()).toBe(0);
});

test("a worker that hangs does not keep a shutdown from its end", async () => {
  const service = await openWorkers({ APP_SHUTDOWN_TIMEOUT: "100ms" });
  const { results } = await hangOne(service);
  expect(await service.stop()).toBe(3);
  expect(new Set(await Promise.all(results))).toEqual(new Set([200, "closed"]));
  expect(workerPids(service).filter(isThere)).toEqual([]);
  expect(service.output()).toContain("a worker process has given no sign of life for 10 seconds: it is killed");
  expect(service.output()).toMatch(/"worker":1,"exit_code":null,"signal":"SIGKILL".*a worker process ended/);
  expect(service.output()).toMatch(/"level":"fatal".*had to be cut off/);
});
