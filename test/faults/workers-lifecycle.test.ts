/** Several processes behind the same ports start, fail and stop together. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { freePort } from "@frontrow/embedded-postgres";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createDataFolder, type DataFolder } from "../support/database/data-folder.ts";
import { holdConcert } from "../support/database/locks.ts";
import { endChildren } from "../support/process/child-process.ts";
import { openProgram, startProgram } from "../support/process/program.ts";
import { useTwoWorkers } from "../support/process/two-workers.ts";
import { callAnew, childPids, isThere, workerPids } from "../support/process/worker-pids.ts";
import { scrapeUntil } from "../support/service/metrics.ts";
import { createStage } from "../support/service/stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const wait = { timeout: 20_000, interval: 10 };

const { database, environment, open } = useTwoWorkers();

describe("the end of the primary", () => {
  test("by a signal lets the calls in flight of every worker finish, also if the whole group gets the signal", async () => {
    const patient = { APP_STATEMENT_TIMEOUT: "30s", APP_LOCK_TIMEOUT: "30s", APP_REQUEST_TIMEOUT: "30s" };
    await using service = await open({ ...patient, APP_METRICS_PORT: "0" });
    const { metricsPort } = JSON.parse(await service.line('"metricsPort"'));
    const stage = createStage(service.baseUrl);
    const concerts = await Promise.all([stage.concert(), stage.concert()]);
    const held = await Promise.all(concerts.map(({ id }) => holdConcert(database(), id)));
    const answers = concerts.flatMap(({ id }) =>
      Array.from({ length: 4 }, (_, user) =>
        callAnew(`${service.baseUrl}/api/v1/bookings`, {
          method: "POST",
          body: JSON.stringify({ concert_id: String(id), user_id: `user ${user}`, ticket_count: 1 }),
        }),
      ),
    );
    for (const lock of held) await lock.untilInTheWay();
    // A connection that no worker has accepted yet is reset.
    await scrapeUntil(`http://127.0.0.1:${metricsPort}/metrics`, (found) =>
      expect(found.value("frontrow_calls_in_flight")).toBe(answers.length),
    );
    const draining = [1, 2].map((worker) => service.line(`"worker":${worker},"state":"draining"`));
    service.signal("SIGTERM");
    await Promise.all(draining);
    for (const lock of held) await lock.release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(await service.ended).toBe(0);
    expect(service.output()).toContain('"msg":"closed"');
  });

  test("by a signal serves new calls with readiness down on every worker for APP_SHUTDOWN_DELAY", async () => {
    await using service = await open({ APP_SHUTDOWN_DELAY: "3s" });
    const draining = [1, 2].map((worker) => service.line(`"worker":${worker},"state":"draining"`));
    service.signal("SIGTERM");
    await Promise.all(draining);
    const statuses = ["/readyz", "/readyz", "/readyz", "/readyz", "/livez"].map(
      async (path) => (await callAnew(`${service.baseUrl}${path}`)).status,
    );
    expect(await Promise.all(statuses)).toEqual([503, 503, 503, 503, 200]);
    expect(await service.ended).toBe(0);
  });

  test("by SIGKILL ends its workers, so that none serves without it", async () => {
    await using service = await open();
    process.kill(service.pid, "SIGKILL");
    await vi.waitFor(() => expect(workerPids(service).filter(isThere)).toEqual([]), wait);
    await expect(callAnew(`${service.baseUrl}/livez`)).rejects.toThrow();
    await vi.waitFor(() => {
      const lines = service.lines.filter((line) => line.includes("the primary process has ended; ending"));
      expect(lines.map((line) => JSON.parse(line).level)).toEqual(["fatal", "fatal"]);
    }, wait);
  });
});

describe("with the embedded database", () => {
  let folder: DataFolder;
  let env: Record<string, string>;
  beforeEach(async () => {
    folder = await createDataFolder();
    const { APP_DATABASE_URL: _, ...rest } = environment({ APP_DATA_DIR: folder.path });
    env = rest;
  });
  afterEach(async () => {
    await endChildren();
    await folder.remove();
  });

  test("both workers serve the demo concerts, which are made once, and the database stops last", async () => {
    await using service = await openProgram(env, [], { logLevel: "debug" });
    const pages = await Promise.all(
      Array.from({ length: 4 }, async () => (await callAnew(`${service.baseUrl}/api/v1/concerts`)).json()),
    );
    for (const { concerts } of pages) expect(concerts).toHaveLength(7);
    expect(await service.stop()).toBe(0);
    expect(await folder.server()).toBeUndefined();
    expect(service.lines.filter((line) => line.includes("created demo concerts"))).toHaveLength(1);
  });

  test("its end ends all processes", async () => {
    await using service = await openProgram(env, [], { logLevel: "debug" });
    const server = await folder.server();
    process.kill(server?.pid ?? 0, "SIGKILL");
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(/"level":"fatal".*cannot go on; closing/);
    expect(workerPids(service).filter(isThere)).toEqual([]);
  });
});

describe("a start that fails", () => {
  test.each(["APP_REST_PORT", "APP_GRPC_PORT"])("names the port of %s that is taken, once", async (setting) => {
    const rival = createServer().listen(0, "127.0.0.1");
    await once(rival, "listening");
    const { port } = rival.address() as AddressInfo;
    await using service = startProgram(environment({ [setting]: String(port) }));
    expect(await service.ended).toBe(1);
    const lines = service.lines.filter((line) => line.startsWith("frontrow:"));
    expect(lines).toEqual([`frontrow: port ${port} is in use: set another by ${setting}`]);
    rival.close();
  });

  test.each(["1", "2"])(
    "because two workers of another service have the port, with APP_WORKERS=%s",
    async (workers) => {
      await using service = await open();
      const ports = { APP_REST_PORT: String(service.restPort) };
      await using second = startProgram(environment({ APP_WORKERS: workers, ...ports }));
      expect(await second.ended).toBe(1);
      expect(second.output()).toContain(`frontrow: port ${service.restPort} is in use: set another by APP_REST_PORT`);
      expect((await callAnew(`${service.baseUrl}/livez`)).status).toBe(200);
    },
  );

  test("because both ports are the same one", async () => {
    const port = String(await freePort());
    await using service = startProgram(environment({ APP_REST_PORT: port, APP_GRPC_PORT: port }));
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain(`frontrow: port ${port} is in use: set another by APP_GRPC_PORT`);
  });

  test("because another service starts its workers on the port", async () => {
    const port = await freePort();
    // As that one's primary does before its first worker listens.
    await using rival = createServer().listen({ path: `\0frontrow 127.0.0.1 ${port}` });
    await once(rival, "listening");
    await using service = startProgram(environment({ APP_GRPC_PORT: String(port) }));
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain(`frontrow: port ${port} is in use: set another by APP_GRPC_PORT`);
  });

  test("because of a pool that is too small ends with status 2", async () => {
    await using service = startProgram(environment({ APP_WORKERS: "4", APP_DATABASE_POOL_SIZE: "3" }));
    expect(await service.ended).toBe(2);
    expect(service.output()).toBe(
      "frontrow: APP_DATABASE_POOL_SIZE (3) is less than APP_WORKERS (4): each worker needs a connection",
    );
  });

  test("by a signal ends its workers", async () => {
    await using service = startProgram(environment(), [], { logLevel: "debug" });
    await service.line("the database is up to date");
    const workers = await vi.waitFor(() => {
      const pids = childPids(service.pid);
      expect(pids).not.toEqual([]);
      return pids;
    }, wait);
    expect(await service.stop(), service.output()).toBe(0);
    expect(workers.filter(isThere)).toEqual([]);
  });
});
