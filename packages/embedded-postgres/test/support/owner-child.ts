/**
 * A service in miniature, to be killed, signalled and run as other users: starts an embedded PostgreSQL, writes what
 * happens as JSON lines, and stops on a line of standard input. Arguments: the URL of the module under test, the
 * options, and the user id to run as (0: stay who we are).
 */
import type { startEmbeddedPostgres } from "../../src/postgres/embedded.ts";

const [moduleUrl = "", options = "{}", uid = "0"] = process.argv.slice(2);
const report = (event: string, fields?: object) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const embedded: { startEmbeddedPostgres: typeof startEmbeddedPostgres } = await import(moduleUrl);
if (uid !== "0") {
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
process.on("SIGTERM", () => report("SIGTERM"));
try {
  const postgres = await embedded.startEmbeddedPostgres({
    ...JSON.parse(options),
    log: (message, fields) => report("log", { message, fields }),
  });
  report("ready", { dataDir: postgres.dataDir, connection: postgres.connection });
  process.stdin.once("data", () => {
    process.stdin.destroy();
    void postgres.stop().then(() => report("stopped"));
  });
} catch (error) {
  report("failed", error instanceof Error ? { name: error.name, message: error.message } : { message: String(error) });
}
