/** Instances that share their counts through a real Redis, whatever becomes of it. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createRateLimits } from "../src/limits/rate-limit.ts";
import { connectRedis } from "../src/limits/redis.ts";
import { createTestDatabase, type TestDatabase } from "./support/database.ts";
import { type OpenProgram, openProgram } from "./support/program.ts";
import { hasRedis, type RedisServer, startRedis } from "./support/redis.ts";
import { startTestServices, type TestService, testEnvironment } from "./support/service.ts";

const limit = 4;
/** As long as a slow machine may take to find Redis again: the service looks for it every five seconds. */
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

  /** What one counts, the other has counted. */
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

  test("share a budget", () => expectShared());

  test("share it to the last call when many come at once", async () => {
    const userId = newUser();
    const calls = Array.from({ length: 100 }, (_, index) => read(index % 2 === 0 ? first : second, userId));
    const seen = await Promise.all(calls);
    const allowed = seen.filter(({ status }) => status === 200);
    expect(allowed.map(({ remaining }) => remaining).sort()).toEqual([0, 1, 2, 3]);
    expect(seen.filter(({ status }) => status === 429)).toHaveLength(96);
  });

  test("count alone while Redis is gone, and fail no call; share again when it is back", async () => {
    const userId = newUser();
    expect([await read(first, userId), await read(second, userId)]).toEqual(left(3, 2));
    await redis.stop();
    await expectAlone(userId);
    await redis.start();
    await untilShared();
  });

  test("lose no call that is under way when Redis goes", async () => {
    const calls = Array.from({ length: 200 }, (_, index) => read(index % 2 === 0 ? first : second, newUser()));
    await redis.stop();
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
    await redis.start();
    await untilShared();
  });

  test("count alone while Redis hangs, and share again when it goes on", async () => {
    redis.hang();
    try {
      await expectAlone(newUser());
    } finally {
      redis.resume();
    }
    await untilShared();
  });
});

test.skipIf(!hasRedis)("a costly call that is refused leaves what was left to plain ones", async () => {
  const connection = connectRedis(redis.url, () => {});
  onTestFinished(() => connection.disconnect());
  await vi.waitFor(() => expect(connection.status).toBe("ready"), patience);
  const report = vi.fn();
  const rates = createRateLimits({ reads: 5, bookings: 0, admin: 0, callersPerAddress: 20 }, connection, report);
  const counted = { kind: "caller", key: newUser() } as const;
  const seen = [];
  for (const cost of [4, 3, 3, 1, 3, 1]) {
    const allowance = await rates.count("reads", counted, cost);
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
  expect(report).not.toHaveBeenCalled();
});

describe.skipIf(!hasRedis)("a Redis that hangs", () => {
  test("is waited for once in two seconds, and not by call after call", async () => {
    const connection = connectRedis(redis.url, () => {});
    onTestFinished(() => connection.disconnect());
    await vi.waitFor(() => expect(connection.status).toBe("ready"), patience);
    const report = vi.fn();
    let nowMs = 0;
    const rates = createRateLimits({ reads: 1_000, bookings: 0, admin: 0, callersPerAddress: 20 }, connection, report, {
      clockMs: () => nowMs,
    });
    const count = async (times: number) => {
      const counted = { kind: "caller", key: newUser() } as const;
      for (let call = 0; call < times; call++) await rates.count("reads", counted);
    };

    await count(3);
    expect(report).not.toHaveBeenCalled();
    redis.hang();
    try {
      await count(100);
      expect(report).toHaveBeenCalledOnce();
      nowMs = 2_000;
      await Promise.all([count(100), count(100), count(100)]);
      expect(report).toHaveBeenCalledTimes(2);
    } finally {
      redis.resume();
    }
    nowMs = 4_000;
    await count(3);
    expect(report).toHaveBeenCalledTimes(2);
  });
});

/** Calls of one user are limited all the same; then the instance ends well. */
async function expectCountsAlone(program: OpenProgram): Promise<void> {
  const userId = newUser();
  const seen = [];
  for (let call = 0; call <= limit; call++) seen.push(await read(program, userId));
  expect(seen).toEqual([...left(3, 2, 1, 0), refused]);
  expect(await program.stop()).toBe(0);
}

describe("an instance that finds no Redis at its start", () => {
  test("starts, says so, and counts alone", async () => {
    // Nobody may listen there.
    const settings = { APP_REDIS_URL: "redis://127.0.0.1:1", APP_RATE_LIMIT_READS: String(limit) };
    await using program = await openProgram(testEnvironment(database.url, settings));
    expect(JSON.parse(await program.line("Redis cannot be reached"))).toMatchObject({
      level: "warn",
      err: { code: "ECONNREFUSED" },
    });
    await expectCountsAlone(program);
  });

  test.skipIf(!hasRedis)("that lets it in does so too, and keeps the password to itself", async () => {
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
