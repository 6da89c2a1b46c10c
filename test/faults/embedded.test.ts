/** An embedded PostgreSQL that hangs. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDataFolder, type DataFolder } from "../support/database/data-folder.ts";
import { endChildren } from "../support/process/child-process.ts";
import { openProgram } from "../support/process/program.ts";
import { isThere } from "../support/process/worker-pids.ts";
import { testEnvironment } from "../support/service/service.ts";

let folder: DataFolder;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(async () => {
  await endChildren();
  await folder.remove();
});

test.each(["1", "2"])(
  "an embedded PostgreSQL that hangs ends before the service, with APP_WORKERS=%s",
  { timeout: 120_000 },
  async (workers) => {
    const { APP_DATABASE_URL: _, ...env } = testEnvironment("", { APP_DATA_DIR: folder.path, APP_WORKERS: workers });
    await using service = await openProgram(env);
    const server = (await folder.server()) ?? expect.unreachable();
    process.kill(server.pid, "SIGSTOP");
    expect(await service.stop()).toBe(0);
    expect(service.output()).not.toContain("closing took too long");
    expect(isThere(server.pid)).toBe(false);
  },
);
