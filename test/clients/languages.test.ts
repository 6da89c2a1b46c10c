/** Clients made with other people's libraries, in several languages: each plays every scenario against a running service. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { patientSettings } from "../support/database/locks.ts";
import { type OpenProgram, openProgram } from "../support/process/program.ts";
import { type Settings, testEnvironment } from "../support/service/service.ts";
import { type Caller, startCaller } from "./support/caller.ts";
import { scenarios } from "./support/scenarios.ts";
import { go, isInstalled, java, python, type Toolchain } from "./support/toolchains.ts";
import { startWire, type Wire } from "./support/wire.ts";

interface Client {
  readonly name: string;
  readonly toolchain: Toolchain;
  /** What the program takes to choose the library, if it has several. */
  readonly arguments: readonly string[];
  /** HTTP/1.1 has no pings: such a connection is kept open without. */
  readonly pings: boolean;
}

const clients: readonly Client[] = [
  { name: "grpc-go", toolchain: go, arguments: ["grpc-go"], pings: true },
  { name: "connect-go by Connect", toolchain: go, arguments: ["connect-go Connect"], pings: false },
  { name: "connect-go by gRPC", toolchain: go, arguments: ["connect-go gRPC"], pings: true },
  { name: "connect-go by gRPC-Web", toolchain: go, arguments: ["connect-go gRPC-Web"], pings: true },
  { name: "grpcio", toolchain: python, arguments: [], pings: true },
  { name: "grpc-java", toolchain: java, arguments: [], pings: true },
];

const installed = new Set([go, python, java].filter(isInstalled));
let database: TestDatabase;
let service: OpenProgram;
let strict: OpenProgram;

beforeAll(async () => {
  database = await createTestDatabase();
  const start = (settings: Settings) => openProgram(testEnvironment(database.url, settings));
  [service, strict] = await Promise.all([
    // Connections are idle for as long as the other scenarios of a client take. Over HTTP/1.1 each call that is given up
    // ends its connection, so there are many.
    start({ ...patientSettings, APP_IDLE_TIMEOUT: "5m", APP_MAX_CONNECTIONS_PER_ADDRESS: "10000" }),
    start({ APP_RATE_LIMIT_READS: "1", APP_RATE_LIMIT_ADDRESS_FACTOR: "1" }),
  ]);
});
afterAll(async () => {
  await Promise.all([service?.stop(), strict?.stop()]);
  await database?.checkInvariants();
  await database?.drop();
});

/** Each toolchain builds once, however many clients it has. */
const builds = new Map<Toolchain, Promise<readonly string[]>>();
function build(toolchain: Toolchain): Promise<readonly string[]> {
  const started = builds.get(toolchain) ?? toolchain.build();
  builds.set(toolchain, started);
  return started;
}

/** A client's program, alone on a wire. */
interface Connected {
  readonly caller: Caller;
  readonly wire: Wire;
}

for (const client of clients) {
  describe.skipIf(!installed.has(client.toolchain))(client.name, () => {
    let command: readonly string[];
    let active: Connected;
    let idle: Connected;
    let earlierPings: number;
    const more: Caller[] = [];
    const connect = (address: string) => startCaller([...command, ...client.arguments, address]);

    async function connectToService(): Promise<Connected> {
      const wire = await startWire(service.grpcUrl);
      return { wire, caller: connect(wire.address) };
    }

    beforeAll(async () => {
      command = await build(client.toolchain);
      [active, idle] = await Promise.all([connectToService(), connectToService()]);
      // It is idle from now on, while the other one is busy.
      expect(await idle.caller.call("grpc.health.v1.Health/Check", {})).toMatchObject({ code: "OK" });
      // Some libraries ping during a call as well, to measure the connection.
      earlierPings = idle.wire.counts().pings;
    });
    afterAll(async () => {
      const callers = [active?.caller, idle?.caller, ...more];
      await Promise.all(callers.map((caller) => caller?.close()));
      await Promise.all([active?.wire.close(), idle?.wire.close()]);
    });

    test.each(Object.entries(scenarios))("%s", async (_, play) => {
      await play({
        ...active,
        ...{ service, strict, database },
        connect: (address) => {
          const caller = connect(address);
          more.push(caller);
          return caller;
        },
      });
    });

    test("keeps an idle connection open", async () => {
      const { caller, wire } = idle;
      // Three intervals. The longest is ten seconds.
      const pings = client.pings ? earlierPings + 3 : 0;
      await vi.waitFor(() => expect(wire.counts().pings).toBeGreaterThanOrEqual(pings), { timeout: 60_000 });
      expect(await caller.call("grpc.health.v1.Health/Check", {})).toMatchObject({ code: "OK" });
      expect(wire.counts()).toMatchObject({ connections: 1, goaways: 0 });
    });
  });
}
