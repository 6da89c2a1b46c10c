/** Failures of the service: each is caused once, and every call meets it at the same time. */
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { methods } from "./methods/index.ts";
import { countRows } from "./support/database/count-rows.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { type HeldLock, holdConcert, holdLock, patientSettings, queueUp } from "./support/database/locks.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/database/postgres-proxy.ts";
import type { CallOptions, Protocol } from "./support/protocols/protocols.ts";
import { type ExpectedRefusal, expectRefusal, troubles } from "./support/scenario/expected-answers.ts";
import { createMatrix, declaredReasons, protocolsOf } from "./support/scenario/matrix.ts";
import {
  type Attempt,
  attemptAll,
  type Batch,
  isWrite,
  type PreparedCall,
  prepareBatch,
  prepareCalls,
  prepareWrites,
} from "./support/scenario/right-calls.ts";
import { noCache, type Settings, startTestService, type TestService } from "./support/service/service.ts";
import { createStage } from "./support/service/stage.ts";

const matrix = createMatrix();
let database: TestDatabase;
/** Calls of every method. Most are refused repeatedly, because a refusal changes nothing. */
let calls: Batch;
/** Calls of every write, for the failure after which they may have been stored. */
let writes: Batch;

beforeAll(async () => {
  database = await createTestDatabase();
  await withService({}, async ({ baseUrl }) => {
    const stage = createStage(baseUrl);
    calls = await prepareBatch(() => prepareCalls(stage));
    writes = await prepareBatch(() => prepareWrites(stage));
  });
});
afterAll(() => database.drop());

/** Runs services on the file's database, one after the other, and closes each after its work. */
async function withService<Result>(
  settings: Settings,
  work: (service: TestService) => Promise<Result>,
): Promise<Result> {
  const service = await startTestService(settings, database);
  try {
    return await work(service);
  } finally {
    await service.close();
  }
}

interface Cell {
  readonly method: DescMethodUnary;
  readonly protocol: Protocol;
}

/** Tests that every method, by every protocol, was refused for the reason, with a request_id and without. */
function describeTrouble(
  reason: ExpectedRefusal["reason"],
  when: string,
  messageOf: (call: PreparedCall) => string | RegExp,
  cause: () => Promise<readonly Attempt[]>,
  isConcerned: (cell: Cell) => boolean = () => true,
): void {
  describe(`${reason} when ${when}`, () => {
    let attempts: readonly Attempt[] = [];
    beforeAll(async () => {
      attempts = await cause();
    });
    const cells = methods.flatMap((method) => protocolsOf(method).map((protocol) => ({ method, protocol })));
    for (const { method, protocol } of cells.filter(isConcerned)) {
      it(`${method.name} by ${protocol}`, () => {
        const seen = attempts.filter(({ call, protocol: by }) => call.method === method && by === protocol);
        expect(seen).not.toEqual([]);
        for (const { call, answer } of seen) {
          expectRefusal(protocol, answer, { reason, message: messageOf(call), repeatable: call.repeatable });
        }
        matrix.fill(method, protocol, reason);
      });
    }
  });
}

const { bookTickets, holdTickets, confirmHold, releaseHold, extendHold } = BookingService.method;
const idempotent: readonly DescMethodUnary[] = [confirmHold, releaseHold, extendHold];
const ofWrite = ({ method }: Cell) => isWrite(method);
const hasDeadlines = ({ protocol }: Pick<Cell, "protocol">) => protocol !== "REST";
const tooMany = () => "too many requests are waiting; nothing was stored, repeat in a moment";

describeTrouble(
  "OVERLOADED",
  "a row stays locked",
  tooMany,
  () =>
    withService({ APP_LOCK_TIMEOUT: "50ms", APP_MAX_RETRIES: "1" }, async ({ baseUrl }) => {
      const before = await countRows(database);
      const held = await holdLock(database, "SELECT id FROM concerts FOR UPDATE");
      // Blocks inserts, as building an index does.
      await held.query("LOCK TABLE concerts IN SHARE MODE");
      const attempts = await attemptAll(writes, baseUrl).finally(() => held.release());
      expect(await countRows(database)).toEqual(before);
      return attempts;
    }),
  ofWrite,
);

/** Bookings and holds wait in the engine's queue, as long as their callers wait. */
const queued: readonly DescMethodUnary[] = [bookTickets, holdTickets];
const needsConnection = ({ method }: Pick<Cell, "method">) => !queued.includes(method);

describeTrouble(
  "OVERLOADED",
  "all database connections stay busy",
  tooMany,
  () => {
    const waiting = calls.filter(({ call }) => needsConnection(call));
    return withBusyConnection(({ baseUrl }) => attemptAll(waiting, baseUrl));
  },
  needsConnection,
);

/** A service whose only database connection waits for a lock. Nothing that `work` calls may be stored. */
async function withBusyConnection<Result>(work: (service: TestService) => Promise<Result>): Promise<Result> {
  return await withService({ ...patientSettings, APP_DATABASE_POOL_SIZE: "1" }, async (service) => {
    const stage = createStage(service.baseUrl);
    const concert = await stage.concert();
    const before = await countRows(database);
    const held = await holdConcert(database, concert.id);
    const booking = stage.booking(concert);
    const result = await held
      .untilWaiting(1)
      .then(() => work(service))
      .finally(() => held.release());
    await booking;
    // A call that still waits for the connection comes before this one.
    await stage.concert();
    expect(await countRows(database)).toEqual({
      ...before,
      concerts: before.concerts + 1,
      bookings: before.bookings + 1,
    });
    return result;
  });
}

/** The caller's deadline in the protocol's header only, so that the service enforces it and not the client. */
function deadlineHeader(protocol: Protocol): CallOptions {
  return { headers: protocol.startsWith("gRPC") ? { "grpc-timeout": "1000m" } : { "connect-timeout-ms": "1000" } };
}

describeTrouble(
  "DEADLINE_EXCEEDED",
  "the caller's deadline passes before the call begins",
  () => "the deadline passed before the request began; nothing was stored",
  () => withBusyConnection(({ baseUrl }) => attemptAll(calls.filter(hasDeadlines), baseUrl, deadlineHeader)),
  hasDeadlines,
);

/** Whether the work has begun when the deadline passes depends on the machine. */
const late = ({ repeatable }: PreparedCall) =>
  repeatable
    ? /^the deadline passed(; the request may have been stored: repeat it (with the same request_id|as it was)| before .* stored)$/
    : /^the deadline passed(; the request may have been stored| before the request began; nothing was stored)$/;

describeTrouble(
  "DEADLINE_EXCEEDED",
  "the caller's deadline passes",
  late,
  () =>
    withLockedTables(patientSettings, ({ baseUrl }) => attemptAll(calls.filter(hasDeadlines), baseUrl, deadlineHeader)),
  hasDeadlines,
);

describeTrouble("DEADLINE_EXCEEDED", "the service's request timeout passes", late, () =>
  withLockedTables({ ...patientSettings, APP_REQUEST_TIMEOUT: "1s" }, ({ baseUrl }) => attemptAll(calls, baseUrl)),
);

/** Which work has begun depends on the machine. */
const cutOff = ({ repeatable }: PreparedCall) =>
  repeatable
    ? /^the service is shutting down; (nothing was stored, repeat in a moment|the .* stored: repeat it (with the same request_id|as it was))$/
    : /^the service is shutting down; (nothing was stored, repeat in a moment|the .* stored: look before repeating it)$/;

describeTrouble("SHUTTING_DOWN", "the grace period of a shutdown ends", cutOff, () =>
  // A connection and a statement for each call, so that all of them are seen to wait.
  withLockedTables(
    { ...patientSettings, APP_SHUTDOWN_TIMEOUT: "100ms", APP_DATABASE_POOL_SIZE: String(2 * calls.length) },
    async (service, held) => {
      // One after the other: lookups of the same turn of the event loop are one statement.
      const started = await queueUp(
        held,
        calls.map((call) => () => attemptAll([call], service.baseUrl, () => noCache)),
      );
      const closed = service.close();
      const attempts = await Promise.all(started)
        .finally(() => held.release())
        .finally(() => closed);
      return attempts.flat();
    },
  ),
);

it("a client whose own timer fires first sees DEADLINE_EXCEEDED", async () => {
  const attempts = await withLockedTables(patientSettings, ({ baseUrl }) =>
    attemptAll(calls.filter(hasDeadlines), baseUrl, () => ({ timeoutMs: 100 })),
  );
  for (const { answer } of attempts) expect(answer.outcome).toMatchObject({ ok: false, code: "DEADLINE_EXCEEDED" });
});

/** A service whose statements all wait for locks until `work` is done. */
function withLockedTables<Result>(
  settings: Settings,
  work: (service: TestService, held: HeldLock) => Promise<Result>,
): Promise<Result> {
  return withService(settings, async (service) => {
    const held = await holdLock(database, "LOCK TABLE concerts, bookings IN ACCESS EXCLUSIVE MODE");
    return await work(service, held).finally(() => held.release());
  });
}

describe("behind a network that fails", () => {
  let proxy: PostgresProxy;
  let service: TestService;

  beforeAll(async () => {
    proxy = await startPostgresProxy(database.url);
    // Each write holds a connection, and the batches of bookings may hold two fifths of the pool.
    const settings = { ...patientSettings, APP_DATABASE_URL: proxy.url(database.url), APP_DATABASE_POOL_SIZE: "150" };
    service = await startTestService(settings, database);
  });
  afterAll(async () => {
    await service.close();
    await proxy.close();
  });

  describeTrouble(
    "OUTCOME_UNKNOWN",
    "the answer to COMMIT is lost and the database cannot be reached",
    ({ repeatable, method }) =>
      repeatable
        ? `the request may have been stored; repeat it ${idempotent.includes(method) ? "as it was" : "with the same request_id"}`
        : "the request may have been stored; look before repeating it",
    async () => {
      const held = writes.map(() => proxy.failNextCommit("answer held"));
      const attempts = attemptAll(writes, service.baseUrl);
      await Promise.all(held);
      proxy.refuse();
      return await attempts;
    },
    ofWrite,
  );

  describeTrouble(
    "DATABASE_UNAVAILABLE",
    "the database cannot be reached",
    () => "the database cannot be reached; nothing was stored, repeat in a moment",
    async () => {
      const before = await countRows(database);
      const attempts = await attemptAll(calls, service.baseUrl);
      expect(await countRows(database)).toEqual(before);
      return attempts;
    },
  );

  it("replays what may have been stored when the request_id is repeated after the database is back", async () => {
    proxy.accept();
    const repeatable = writes.filter(({ call }) => call.repeatable);
    const attempts = await attemptAll(repeatable, service.baseUrl);
    for (const { answer, call } of attempts) {
      // An extension that is repeated later extends further.
      const replayed = call.method === extendHold ? undefined : "true";
      expect(answer.outcome).toMatchObject({ ok: true, replayed });
    }
    await database.checkInvariants();
  });
});

describeTrouble(
  "INTERNAL",
  "a statement fails for an unforeseen reason",
  () => "internal error",
  () =>
    withService({}, async ({ baseUrl }) => {
      await database.query("ALTER TABLE concerts RENAME TO hidden_concerts");
      await database.query("ALTER TABLE bookings RENAME TO hidden_bookings");
      return await attemptAll(calls, baseUrl);
    }),
);

it("has checked every failure of the service that the schema declares, by every protocol", () => {
  const isTrouble = (reason: string) => troubles.some((trouble) => trouble === reason);
  matrix.expectComplete((method) => declaredReasons(method).filter(isTrouble));
});
