/** Instances that share their rate limits through a real Redis, which stops, hangs and comes back. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { ignoreEvents } from "../src/domain/publish.ts";
import type { LimitEvents } from "../src/limits/events.ts";
import { createRateLimits } from "../src/limits/rate-limit.ts";
import { connectRedis } from "../src/limits/redis.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { type OpenProgram, openProgram } from "./support/process/program.ts";
import { hasRedis, type RedisServer, startRedis } from "./support/process/redis.ts";
import { startTestServices, type TestService, testEnvironment } from "./support/service/service.ts";
import { recordEvents } from "./support/unit/events.ts";

const limit = 4;
/** The service reconnects to Redis every five seconds, and a slow machine takes longer. */
const patience = { timeout: 20_000, interval: 50 };

let database: TestDatabase;
let redis: RedisServer;

beforeAll(async () => {
  database = await createTestDatabase();
  if (hasRedis) redis = await startRedis();
});
afterAll(async () => {
  await redis?.stop();
  await database.drop();
});

let users = 0;
const newUser = () => `user-${++users}`;

interface Seen {
  readonly status: number;
  readonly remaining: number;
}

async function read({ baseUrl }: Pick<TestService, "baseUrl">, userId: string): Promise<Seen> {
  const { status, headers } = await fetch(`${baseUrl}/api/v1/bookings?userID=${userId}`);
  return { status, remaining: Number(headers.get("ratelimit-remaining")) };
}

const left = (...remaining: number[]): Seen[] => remaining.map((each) => ({ status: 200, remaining: each }));
const refused: Seen = { status: 429, remaining: 0 };

describe.skipIf(!hasRedis)("two instances", () => {
  let services: TestService[];
  let first: TestService;
  let second: TestService;

  beforeAll(async () => {
    const settings = { APP_REDIS_URL: redis.url, APP_RATE_LIMIT_READS: String(limit) };
    services = await startTestServices(2, database, settings);
    [first, second] = services as [TestService, TestService];
    await untilShared();
  });
  afterAll(() => Promise.all((services ?? []).map((service) => service.close())));

  /** The calls that one instance counts, the other has counted too. */
  const expectShared = async () => {
    const userId = newUser();
    const seen = [];
    for (const service of [first, second, second, first, first, second]) seen.push(await read(service, userId));
    expect(seen).toEqual([...left(3, 2, 1, 0), refused, refused]);
  };
  const untilShared = () => vi.waitFor(expectShared, patience);

  const expectAlone = async (userId: string) => {
    for (const service of services) {
      const seen = [];
      for (let call = 0; call <= limit; call++) seen.push(await read(service, userId));
      expect(seen).toEqual([...left(3, 2, 1, 0), refused]);
    }
  };

  test("share a limit", () => expectShared());

  test("share a limit exactly when many calls come at once", async () => {
    const userId = newUser();
    const calls = Array.from({ length: 100 }, (_, index) => read(index % 2 === 0 ? first : second, userId));
    const seen = await Promise.all(calls);
    const allowed = seen.filter(({ status }) => status === 200);
    expect(allowed.map(({ remaining }) => remaining).sort()).toEqual([0, 1, 2, 3]);
    expect(seen.filter(({ status }) => status === 429)).toHaveLength(96);
  });

  test("count alone while Redis is down, fail no call, and share again when it is back", async () => {
    const userId = newUser();
    expect([await read(first, userId), await read(second, userId)]).toEqual(left(3, 2));
    await redis.stop();
    await expectAlone(userId);
    await redis.start();
    await untilShared();
  });

  test("fail no call in flight when Redis stops", async () => {
    const calls = Array.from({ length: 200 }, (_, index) => read(index % 2 === 0 ? first : second, newUser()));
    await redis.stop();
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
    await redis.start();
    await untilShared();
  });

  test("count alone while Redis hangs, and share again when it answers", async () => {
    redis.hang();
    try {
      await expectAlone(newUser());
    } finally {
      redis.resume();
    }
    await untilShared();
  });
});

test.skipIf(!hasRedis)("a costly call that is rejected does not use up the rest for plain calls", async () => {
  const events = recordEvents<LimitEvents>();
  const connection = connectRedis(redis.url, events.publish);
  onTestFinished(() => connection.disconnect());
  await vi.waitFor(() => expect(connection.status).toBe("ready"), patience);
  const rates = createRateLimits(
    { reads: 5, bookings: 0, settlements: 0, admin: 0, callersPerAddress: 20 },
    connection,
    ignoreEvents,
  );
  const counted = { kind: "caller", key: newUser() } as const;
  const seen = [];
  for (const cost of [4, 3, 3, 1, 3, 1]) {
    const allowance = await rates.count("reads", [counted], cost);
    seen.push([allowance?.isAllowed, allowance?.remaining]);
  }
  expect(seen).toEqual([
    [true, 1],
    [false, 1],
    [false, 1],
    [true, 0],
    [false, 0],
    [false, 0],
  ]);
  expect(events.of("limits.redis_failed")).toEqual([]);
});

describe.skipIf(!hasRedis)("a Redis that hangs", () => {
  test("delays one call, and not every call, until it answers again", async () => {
    const events = recordEvents<LimitEvents>();
    const connection = connectRedis(redis.url, events.publish);
    onTestFinished(() => connection.disconnect());
    const untilReady = () => vi.waitFor(() => expect(connection.status).toBe("ready"), patience);
    await untilReady();
    const rates = createRateLimits(
      { reads: 1_000, bookings: 0, settlements: 0, admin: 0, callersPerAddress: 20 },
      connection,
      ignoreEvents,
    );
    const count = async (times: number) => {
      const key = { kind: "caller", key: newUser() } as const;
      for (let call = 0; call < times; call++) await rates.count("reads", [key]);
    };

    await count(3);
    expect(events.of("limits.redis_failed")).toEqual([]);
    const sent = vi.spyOn(connection, "sendCommand");
    redis.hang();
    try {
      await Promise.all([count(1), count(1), count(1)]);
      expect(events.of("limits.redis_failed").length).toBeGreaterThan(0);
      sent.mockClear();
      await Promise.all([count(100), count(100), count(100)]);
      // A new connection sends other commands, to find out whether Redis answers.
      expect(sent.mock.calls.filter(([{ name }]) => /eval|rlflx/i.test(name))).toEqual([]);
    } finally {
      redis.resume();
    }
    await untilReady();
    await count(3);
    expect(sent.mock.calls.filter(([{ name }]) => /eval|rlflx/i.test(name)).length).toBeGreaterThanOrEqual(3);
  });
});

test.skipIf(!hasRedis)(
  "a command that Redis rejects is published without its arguments, and counted in memory",
  async () => {
    const events = recordEvents<LimitEvents>();
    const connection = connectRedis(redis.url, events.publish);
    onTestFinished(() => connection.disconnect());
    await vi.waitFor(() => expect(connection.status).toBe("ready"), patience);
    const limits = { reads: 5, bookings: 0, settlements: 0, admin: 0, callersPerAddress: 20 };
    const rates = createRateLimits(limits, connection, ignoreEvents);
    const key = { kind: "caller", key: newUser() } as const;
    // Redis counts in an integer, and rejects this one.
    await connection.set(`frontrow:reads:caller:${key.key}`, "not a number");
    expect(await rates.count("reads", [key])).toMatchObject({ isAllowed: true, remaining: 4 });
    const [failure] = events.of("limits.redis_failed");
    expect(failure?.message).toContain("not an integer");
    expect(JSON.stringify(failure)).not.toContain(key.key);
  },
);

/** Calls of one user are still limited. Afterwards the instance exits with 0. */
async function expectCountsAlone(program: OpenProgram): Promise<void> {
  const userId = newUser();
  const seen = [];
  for (let call = 0; call <= limit; call++) seen.push(await read(program, userId));
  expect(seen).toEqual([...left(3, 2, 1, 0), refused]);
  expect(await program.stop()).toBe(0);
}

describe("an instance that finds no Redis at its start", () => {
  test("starts, logs a warning, and counts alone", async () => {
    // No program may listen there.
    const settings = { APP_REDIS_URL: "redis://127.0.0.1:1", APP_RATE_LIMIT_READS: String(limit) };
    await using program = await openProgram(testEnvironment(database.url, settings));
    expect(JSON.parse(await program.line("Redis cannot be reached"))).toMatchObject({
      level: "warn",
      err: { code: "ECONNREFUSED" },
    });
    await expectCountsAlone(program);
  });

  test.skipIf(!hasRedis)("that accepts its password counts alone too, and does not log the password", async () => {
    const locked = await startRedis("open-sesame");
    onTestFinished(() => locked.stop());
    const settings = {
      APP_REDIS_URL: locked.url.replace("open-sesame", "open-barley"),
      APP_RATE_LIMIT_READS: String(limit),
    };
    await using program = await openProgram(testEnvironment(database.url, settings));
    const line = await program.line("Redis cannot be reached");
    await expectCountsAlone(program);
    expect(line).toMatch(/WRONGPASS|NOAUTH/);
    expect(program.output()).not.toContain("open-barley");
  });
});
