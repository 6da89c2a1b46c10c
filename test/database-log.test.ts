/** The log of calls that fail because of the database has the cause, and no stored values. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { postJson } from "./support/service/rest.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlightJson } from "./support/service/stage.ts";

let service: TestService;
beforeEach(async () => {
  service = await startTestService({ APP_MAX_RETRIES: "0" }, undefined, "trace");
});
afterEach(() => service.close());

const artist = "an artist in no log";

async function createConcert(): Promise<number> {
  return (await postJson(service.baseUrl, "/api/v1/concerts", { ...moonlightJson, artist })).status;
}

/** The line at `warn` of the call that failed. */
function warning(): Record<string, unknown> {
  const lines = service.lines.map((line) => JSON.parse(line)).filter(({ level }) => level === "warn");
  expect(JSON.stringify(lines)).not.toContain(artist);
  return lines.find(({ msg }) => msg === "call");
}

test.each([
  ["53100", "disk_full", "could not extend file: No space left on device"],
  ["53300", "too_many_connections", "sorry, too many clients already"],
])("the log has the SQLSTATE %s and its message", async (state, _name, message) => {
  await service.database.query(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE EXCEPTION USING ERRCODE = '${state}', MESSAGE = '${message}', DETAIL = NEW.artist; END$$;
    CREATE TRIGGER fail BEFORE INSERT ON concerts FOR EACH ROW EXECUTE FUNCTION fail()`);
  expect(await createConcert()).toBe(503);
  expect(warning()).toMatchObject({ reason: "DATABASE_UNAVAILABLE", cause: `SQLSTATE ${state}: ${message}` });
});

test("the log has the cause when a connection is killed", async () => {
  await createStage(service.baseUrl).concert();
  const session = await service.database.connect();
  await session.query("BEGIN; LOCK TABLE concerts");
  const call = createConcert();
  await vi.waitFor(async () => {
    const { rowCount } = await session.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    expect(rowCount).toBe(1);
  }, 20_000);
  expect(await call).toBe(503);
  await session.end();
  const { cause } = warning();
  expect(cause).toBe("SQLSTATE 57P01: terminating connection due to administrator command");
});
