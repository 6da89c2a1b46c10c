/** What callers hear when something is wrong with the service: each trouble is made once and met by every call at once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { type Attempt, attemptAll, type Batch, prepareBatch, prepareCalls, prepareWrites } from "./support/calls.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { callOnce } from "./support/exchange.ts";
import { type ExpectedRefusal, expectRefusal, troubles } from "./support/expected-answers.ts";
import { holdLock, patientSettings } from "./support/locks.ts";
import { createMatrix, documentedReasons, methods, protocolsOf } from "./support/matrix.ts";
import { type CallOptions, type Protocol, protocols } from "./support/protocols.ts";
import { type Settings, startTestService, type TestService } from "./support/service.ts";
import { createStage } from "./support/stage.ts";
import { startTcpProxy, type TcpProxy } from "./support/tcp-proxy.ts";

const troubleReasons: readonly string[] = [...troubles, "INTERNAL"];
const matrix = createMatrix();
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
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

/** Tests that the methods, by every protocol, were refused as expected, with a request_id and without. */
function describeTrouble(
  title: string,
  expected: ExpectedRefusal,
  cause: () => Promise<readonly Attempt[]>,
  only: (method: (typeof methods)[number], protocol: Protocol) => boolean = () => true,
): void {
  describe(`${expected.reason} ${title}`, () => {
    let attempts: readonly Attempt[] = [];
    beforeAll(async () => {
      attempts = await cause();
    });
    const cells = methods.flatMap((method) =>
      protocolsOf(method)
        .filter((protocol) => only(method, protocol))
        .map((protocol) => ({ method, name: method.name, protocol })),
    );
    it.each(cells)("$name by $protocol", ({ method, protocol }) => {
      const seen = attempts.filter(({ call, protocol: by }) => call.method === method && by === protocol);
      expect(seen).not.toEqual([]);
      for (const { call, answer } of seen) {
        expectRefusal(protocol, answer, { ...expected, repeatable: call.repeatable });
      }
      matrix.fill(method, protocol, expected.reason);
    });
  });
}

const isWrite = (method: (typeof methods)[number]) => documentedReasons(method).includes("OUTCOME_UNKNOWN");

const overloaded = {
  reason: "OVERLOADED",
  message: "too many requests are waiting; nothing was stored, repeat in a moment",
} as const;

describeTrouble(
  "when a row stays locked",
  overloaded,
  () =>
    withService({ APP_LOCK_TIMEOUT: "50ms", APP_MAX_RETRIES: "1" }, async ({ baseUrl }) => {
      const batch = await prepareBatch(() => prepareWrites(createStage(baseUrl)));
      const before = await countRows();
      const held = await holdLock(database, "SELECT id FROM concerts FOR UPDATE");
      // Keeps new rows out, as the building of an index does.
      await held.query("LOCK TABLE concerts IN SHARE MODE");
      const attempts = await attemptAll(batch, baseUrl).finally(() => held.release());
      expect(await countRows()).toEqual(before);
      return attempts;
    }),
  isWrite,
);

describeTrouble("when all database connections stay busy", overloaded, () =>
  withBusyConnection(({ baseUrl }, batch) => attemptAll(batch, baseUrl)),
);

/** A service whose only database connection waits for a lock, and calls that would be all right otherwise. */
async function withBusyConnection(
  work: (service: TestService, batch: Batch) => Promise<Attempt[]>,
): Promise<Attempt[]> {
  return await withService({ ...patientSettings, APP_DATABASE_POOL_SIZE: "1" }, async (service) => {
    const stage = createStage(service.baseUrl);
    const batch = await prepareBatch(() => prepareCalls(stage));
    const concert = await stage.concert();
    const before = await countRows();
    const held = await holdLock(database, "SELECT id FROM concerts WHERE id = $1 FOR UPDATE", [concert.id]);
    const booking = stage.booking(concert);
    const attempts = await held
      .untilWaiting(1)
      .then(() => work(service, batch))
      .finally(() => held.release());
    await booking;
    // Whoever still waits for the connection comes before this one.
    await stage.concert();
    expect(await countRows()).toEqual({ ...before, concerts: before.concerts + 1, bookings: before.bookings + 1 });
    return attempts;
  });
}

/** The caller's deadline as its protocol's header, so that it is the service that notices. */
function deadlineHeader(protocol: Protocol): CallOptions {
  return { headers: protocol.startsWith("gRPC") ? { "grpc-timeout": "300m" } : { "connect-timeout-ms": "300" } };
}

const hasDeadlines = (protocol: Protocol) => protocol !== "REST";

describeTrouble(
  "when the caller's time is up before the call began",
  { reason: "DEADLINE_EXCEEDED", message: "the deadline passed before the request began; nothing was stored" },
  () =>
    withBusyConnection(({ baseUrl }, batch) =>
      attemptAll(
        batch.filter(([protocol]) => hasDeadlines(protocol)),
        baseUrl,
        deadlineHeader,
      ),
    ),
  (_method, protocol) => hasDeadlines(protocol),
);

const late: ExpectedRefusal = {
  reason: "DEADLINE_EXCEEDED",
  message: /^the deadline passed(?:; the request may have been stored| before the request began; nothing was stored)/,
};

describeTrouble(
  "when the caller's time is up",
  late,
  () =>
    withLockedTables(patientSettings, ({ baseUrl }, batch) =>
      attemptAll(
        batch.filter(([protocol]) => hasDeadlines(protocol)),
        baseUrl,
        deadlineHeader,
      ),
    ),
  (_method, protocol) => hasDeadlines(protocol),
);

describeTrouble("when the service's own time is up", late, () =>
  withLockedTables({ ...patientSettings, APP_REQUEST_TIMEOUT: "300ms" }, ({ baseUrl }, batch) =>
    attemptAll(batch, baseUrl),
  ),
);

async function withLockedTables<Result>(
  settings: Settings,
  work: (service: TestService, batch: Batch) => Promise<Result>,
): Promise<Result> {
  const batch = await withService({}, ({ baseUrl }) => prepareBatch(() => prepareCalls(createStage(baseUrl))));
  return await withService(settings, async (service) => {
    const held = await holdLock(database, "LOCK TABLE concerts, bookings IN ACCESS EXCLUSIVE MODE");
    return await work(service, batch).finally(() => held.release());
  });
}

describe("DEADLINE_EXCEEDED from a client's own clock", () => {
  it.each(protocols.filter(hasDeadlines))("GetBooking by %s", async (protocol) => {
    const { outcome } = await withLockedTables(patientSettings, ({ baseUrl }) =>
      callOnce(protocol, baseUrl, BookingService.method.getBooking, { id: 1n }, { timeoutMs: 100 }),
    );
    // Whoever notices first, the client or the service, the code is the same.
    expect(outcome).toMatchObject({ ok: false, code: "DEADLINE_EXCEEDED" });
  });
});

describe("behind a network that fails", () => {
  let proxy: TcpProxy;
  let service: TestService;
  let writes: Batch;
  let calls: Batch;

  beforeAll(async () => {
    proxy = await startTcpProxy(database.url);
    const settings = { ...patientSettings, APP_DATABASE_URL: proxy.url(database.url), APP_DATABASE_POOL_SIZE: "60" };
    service = await startTestService(settings, database);
    const stage = createStage(service.baseUrl);
    writes = await prepareBatch(() => prepareWrites(stage));
    calls = await prepareBatch(() => prepareCalls(stage));
  });
  afterAll(async () => {
    await service.close();
    await proxy.close();
  });

  describeTrouble(
    "when the answer to COMMIT is lost and nobody can be asked",
    { reason: "OUTCOME_UNKNOWN", message: /^the request may have been stored; / },
    async () => {
      const held = writes.map(() => proxy.failNextCommit("answer held"));
      const attempts = attemptAll(writes, service.baseUrl);
      await Promise.all(held);
      proxy.refuse();
      return await attempts;
    },
    isWrite,
  );

  describeTrouble(
    "when the database cannot be reached",
    {
      reason: "DATABASE_UNAVAILABLE",
      message: "the database cannot be reached; nothing was stored, repeat in a moment",
    },
    async () => {
      const before = await countRows();
      const attempts = await attemptAll(calls, service.baseUrl);
      expect(await countRows()).toEqual(before);
      return attempts;
    },
  );

  it("is safe to repeat what may have been stored with its request_id, once the database is back", async () => {
    proxy.accept();
    const attempts = await attemptAll(
      writes.filter(([, { repeatable }]) => repeatable),
      service.baseUrl,
    );
    for (const { answer } of attempts) expect(answer.outcome).toMatchObject({ ok: true, replayed: "true" });
    await database.checkInvariants();
  });
});

describeTrouble("for what nobody foresaw", { reason: "INTERNAL", message: "internal error" }, () =>
  withService({}, async ({ baseUrl }) => {
    const batch = await prepareBatch(() => prepareCalls(createStage(baseUrl)));
    await database.query("ALTER TABLE concerts RENAME TO hidden_concerts");
    await database.query("ALTER TABLE bookings RENAME TO hidden_bookings");
    return await attemptAll(batch, baseUrl);
  }),
);

it("has seen every trouble that the schema documents, by every protocol", () => {
  matrix.expectComplete((method) =>
    [...documentedReasons(method), "INTERNAL"].filter((reason) => troubleReasons.includes(reason)),
  );
});

/** How many rows there are, and how many a call has changed. */
async function countRows() {
  const [counts] = await database.query<{ concerts: number; bookings: number; changed: number }>(
    `SELECT (SELECT count(*)::int FROM concerts) AS concerts, (SELECT count(*)::int FROM bookings) AS bookings,
       (SELECT count(*)::int FROM concerts WHERE version > 1) + (SELECT count(*)::int FROM bookings WHERE status = 'cancelled')
         AS changed`,
  );
  if (!counts) throw new Error("nothing counted");
  return counts;
}
