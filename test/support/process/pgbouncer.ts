/** A PgBouncer in transaction mode with default settings, between a service and the database of a URL. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCommand, onFreePort, spawnChild } from "./child-process.ts";

/** Debian's package is `pgbouncer`. It installs the command where only root's PATH leads. */
const command = findCommand(["pgbouncer", "/usr/sbin/pgbouncer"], { skipped: "tests with a real PgBouncer" });

export const hasPgBouncer = command !== undefined;

export interface PgBouncer {
  /** The database by way of this PgBouncer. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A PgBouncer for all databases of a test run. Its URL switches prepared statements off. Sessions take turns, so that
 * what one transaction left in its session meets another client. A test holds almost 100 transactions open at once.
 */
export async function startSharedPgBouncer(serverUrl: string): Promise<PgBouncer> {
  const settings = { server_round_robin: "1", max_client_conn: "2000", default_pool_size: "150" };
  const { url, close } = await startPgBouncer(serverUrl, settings);
  return { url: `${url}?pgbouncer=true`, close };
}

/** `settings` go into its file as they are. */
export async function startPgBouncer(databaseUrl: string, settings: Record<string, string> = {}): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-pgbouncer-"));
  await chmod(folder, 0o755);
  return await onFreePort(async (port) => {
    const file = join(folder, "pgbouncer.ini");
    await writeFile(file, configuration(new URL(databaseUrl), port, settings));
    const child = spawnChild(command ?? "pgbouncer", [file], { cwd: "/" });
    await child.line("process up");
    const url = new URL(databaseUrl);
    url.hostname = "127.0.0.1";
    url.port = String(port);
    return { url: url.href, close: () => child.stop("SIGKILL").then(() => rm(folder, { recursive: true })) };
  });
}

function configuration({ hostname, port, username, password }: URL, ownPort: number, settings: object): string {
  const target = `host=${hostname} port=${port || 5432} user=${decodeURIComponent(username)}`;
  return [
    "[databases]",
    `* = ${target} password=${decodeURIComponent(password)}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${ownPort}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    // PgBouncer refuses to run as root.
    ...Object.entries({ ...(process.getuid?.() === 0 && { user: "nobody" }), ...settings }).map(
      ([name, value]) => `${name} = ${value}`,
    ),
    "",
  ].join("\n");
}
