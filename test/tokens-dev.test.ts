/** The mode `dev`, as its documentation describes it, and the modes in which other machines can connect. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { bearer, createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { openProgram } from "./support/process/program.ts";
import { projectRoot } from "./support/project-root.ts";
import { callOnce } from "./support/protocols/call-once.ts";
import type { Protocol } from "./support/protocols/protocols.ts";
import { expectRefusal } from "./support/scenario/expected-answers.ts";
import { type Settings, startTestService, type TestService, testEnvironment } from "./support/service/service.ts";
import { moonlight } from "./support/service/stage.ts";
import { sendHttp } from "./support/wire/http.ts";

const { createConcert } = ConcertService.method;
const { bookTickets, getBooking } = BookingService.method;

let dataDir: string;
let database: TestDatabase;
let dev: Record<string, string>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "frontrow-dev-"));
  database = await createTestDatabase();
  dev = { APP_AUTH_MODE: "dev", APP_DATA_DIR: dataDir, APP_HOST: "0.0.0.0" };
});
afterAll(async () => {
  await database.drop();
  await rm(dataDir, { recursive: true });
});

/** A service that ends with the test, if not before. */
async function start(settings: Settings): Promise<TestService> {
  const service = await startTestService(settings, database);
  onTestFinished(() => service.close());
  return service;
}

/** What `npm run -s dev-token -- ...` prints. */
async function devToken(...flags: readonly string[]): Promise<string> {
  const { PATH = "" } = process.env;
  const script = join(projectRoot, "src", "auth", "dev-token.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...flags], {
    env: { PATH, APP_DATA_DIR: dataDir },
  });
  return stdout.trim();
}

/** Whether the service listens on more than 127.0.0.1. */
async function isOpenBeyondLoopback(baseUrl: string): Promise<boolean> {
  const socket = connect(Number(new URL(baseUrl).port), "127.0.0.2");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe("the mode dev", () => {
  it("accepts the tokens that dev-token prints before the first start and after a restart", async () => {
    // Two programs at once, and no key yet.
    const printed = await Promise.all([
      devToken("--sub", "olga", "--scope", "concerts:write"),
      devToken("--sub", "alice", "--scope", "bookings:read bookings:write", "--expires", "5m"),
    ]);
    const [organizer, alice] = printed.map((token) => ({ headers: bearer(token) }));
    expect((await stat(join(dataDir, "dev-token-key.json"))).mode & 0o777).toBe(0o600);

    let service = await start(dev);
    const created = await callOnce("REST", service.baseUrl, createConcert, moonlight, organizer);
    if (!created.outcome.ok) throw new Error(created.outcome.message);
    const request = { concertId: created.outcome.message.id, ticketCount: 1 };
    for (const protocol of ["REST", "gRPC"] as const satisfies Protocol[]) {
      const { outcome } = await callOnce(protocol, service.baseUrl, bookTickets, request, alice);
      expect(outcome).toMatchObject({ ok: true, message: { userId: "alice" } });
      expectRefusal(protocol, await callOnce(protocol, service.baseUrl, bookTickets, request), {
        reason: "UNAUTHENTICATED",
        message: "this takes a bearer token, in the header Authorization",
      });
    }
    await service.close();

    service = await start(dev);
    const { outcome } = await callOnce("REST", service.baseUrl, getBooking, { id: 1n }, alice);
    expect(outcome).toMatchObject({ ok: true, message: { userId: "alice" } });
  });

  it("rejects a token of another key with correct claims", async () => {
    const stranger = await createTokenIssuer("EdDSA");
    const token = await stranger.sign({ sub: "alice", iss: "frontrow-dev", aud: "frontrow" });
    const service = await start(dev);
    const headers = bearer(token);
    expectRefusal("REST", await callOnce("REST", service.baseUrl, getBooking, { id: 1n }, { headers }), {
      reason: "UNAUTHENTICATED",
      message: "the token is not valid",
    });
  });

  it.each([
    [[], "--sub is missing"],
    [["--sub", "alice", "--role", "admin"], "--role"],
    [["--sub", "alice", "--expires", "soon"], "period"],
  ])("has a tool that names its missing flag: %j", async (flags, problem) => {
    const refused = await devToken(...flags).catch((error) => error);
    expect(refused).toMatchObject({ stdout: "", stderr: expect.stringContaining(problem) });
    expect(refused.stderr).toMatch(/^frontrow: .*\n$/);
  });
});

// Only Linux has all of 127.0.0.0/8 on loopback.
describe.runIf(process.platform === "linux")("a connection from another address", () => {
  it.each([
    ["dev", false],
    ["none", true],
    ["jwt", true],
  ])("in the mode %s: %s", async (mode, expected) => {
    const settings = mode === "jwt" ? trusting(await createTokenIssuer()) : { ...dev, APP_AUTH_MODE: mode };
    const service = await start({ ...settings, APP_HOST: "0.0.0.0" });
    for (const url of [service.baseUrl, service.grpcUrl]) expect(await isOpenBeyondLoopback(url)).toBe(expected);
  });

  it("is refused until a mode is set, with the reason in the log", async () => {
    const { APP_AUTH_MODE: _, ...environment } = testEnvironment(database.url);
    await using program = await openProgram({ ...environment, APP_HOST: "0.0.0.0" });
    expect(program.output()).toContain("APP_HOST is ignored: listening on loopback only");
    expect(program.output()).toContain("any client can act as any user until APP_AUTH_MODE is set");
    expect(await isOpenBeyondLoopback(program.baseUrl)).toBe(false);
    // Nor to a page whose name is made to mean this machine.
    const rebound = await sendHttp(program.baseUrl, { path: "/api/v1/concerts", headers: { host: "evil.test" } });
    expect([rebound.status, (await fetch(`${program.baseUrl}/api/v1/concerts`)).status]).toEqual([403, 200]);
    expect(await program.stop()).toBe(0);
  });
});

describe("the start ends", () => {
  it("with a sentence about a key that fits no algorithm", async () => {
    const issuer = await createTokenIssuer("ES256");
    const start = startTestService(trusting(issuer, { APP_AUTH_ALGORITHMS: "RS256" }), database);
    await expect(start).rejects.toThrow("APP_AUTH_PUBLIC_KEY is not a public key (PEM) for any of APP_AUTH_ALGORITHMS");
  });
});
