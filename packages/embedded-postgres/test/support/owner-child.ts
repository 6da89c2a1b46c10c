/**
 * A process that owns an embedded PostgreSQL, for tests that kill it, signal it, or run it as another user. Starts the server,
 * writes what happens as JSON lines, and stops on a line of standard input. Arguments: the URL of the module under test, the
 * options, and the user id to run as (0: the test's own).
 */
import type { startEmbeddedPostgres } from "../../src/index.ts";

const [moduleUrl = "", options = "{}", uid = "0"] = process.argv.slice(2);
const report = (event: string, fields?: object) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const launcher: { startEmbeddedPostgres: typeof startEmbeddedPostgres } = await import(moduleUrl);
if (uid !== "0") {
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
process.on("SIGTERM", () => report("SIGTERM"));
try {
  const postgres = await launcher.startEmbeddedPostgres({
    ...JSON.parse(options),
    log: (message, fields) => report("log", { message, fields }),
  });
  report("ready", { dataDir: postgres.dataDir, connection: postgres.connection });
  process.stdin.once("data", () => {
    process.stdin.destroy();
    void postgres.stop().then(() => report("stopped"));
  });
} catch (error) {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  report("failed", { code, message: error instanceof Error ? error.message : String(error) });
}
