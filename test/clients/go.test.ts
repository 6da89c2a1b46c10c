/** Clients written in Go, each on one HTTP/2 connection to a running service: their calls, and what ends early beside them. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database/database.ts";
import { type OpenProgram, openProgram } from "../support/process/program.ts";
import { createProtocolClient } from "../support/protocols/protocols.ts";
import { testEnvironment } from "../support/service/service.ts";
import { createConcert } from "../support/service/stage.ts";
import { go, isInstalled } from "./support/toolchains.ts";

interface Outcome {
  readonly calls: number;
  /** Failures of the calls that must succeed, by what the client says. */
  readonly failures: Readonly<Record<string, number>>;
  /** How the calls that may fail ended. */
  readonly others: Readonly<Record<string, number>>;
}

const run = promisify(execFile);
const hasGo = isInstalled(go);

let folder: string;
let database: TestDatabase;
let service: OpenProgram;
let concertId: string;

beforeAll(async () => {
  if (!hasGo) return;
  folder = await mkdtemp(join(tmpdir(), "frontrow-clients-"));
  await run("go", ["build", "-o", join(folder, "clients"), "."], { cwd: join(import.meta.dirname, "go") });
  database = await createTestDatabase();
  // No call is rejected because the machine is too busy to answer it in time.
  service = await openProgram(testEnvironment(database.url, { APP_REQUEST_TIMEOUT: "60s" }));
  const rest = createProtocolClient("REST", service.baseUrl);
  concertId = String((await createConcert(rest, { totalTickets: 1_000_000 })).id);
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function play(scenario: string): Promise<Outcome> {
  const { host } = new URL(service.grpcUrl);
  const { stdout } = await run(join(folder, "clients"), [scenario, host, concertId], { timeout: 120_000 });
  return JSON.parse(stdout);
}

describe.skipIf(!hasGo).each(["grpc", "net-http"])("%s", (client) => {
  describe.each([1, 2, 3, 4, 5])("run %i", () => {
    test("60 calls with too large a body fail, and 240 others on their connection succeed", async () => {
      const { calls, failures, others } = await play(`${client}-oversized`);
      expect(failures).toEqual({});
      expect(calls).toBe(240);
      const [refusal] = Object.keys(others);
      expect(others).toEqual({ [refusal ?? ""]: 60 });
      expect(refusal).toMatch(/^(ResourceExhausted: |429 )/);
    });

    test("240 callers with deadlines of 20 ms do not fail a caller without one on their connection", async () => {
      const { calls, failures, others } = await play(`${client}-deadlines`);
      expect(failures).toEqual({});
      expect(calls).toBeGreaterThan(0);
      const misses = Object.keys(others).filter((end) => /deadline exceeded/i.test(end));
      expect(misses).not.toEqual([]);
    });
  });
});
