/** A PgBouncer of a test's own, in transaction mode with default settings, before the database of a URL. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "@frontrow/embedded-postgres";

/** Debian keeps it where only root looks. */
const program = ["pgbouncer", "/usr/sbin/pgbouncer"].find((path) => spawnSync(path, ["--version"]).status === 0);
const maxStarts = 5;

/** Whether this machine has one. Debian's package is `pgbouncer`. */
export const hasPgBouncer = program !== undefined;

/** A skipped test proves nothing, so that it is announced. */
export function warnWithoutPgBouncer(): void {
  if (hasPgBouncer) return;
  process.stderr.write(
    "\nSKIPPED: there is no pgbouncer on this machine; the tests with a real PgBouncer do not run\n\n",
  );
}

export interface PgBouncer {
  /** The database, by way of this PgBouncer. */
  readonly url: string;
  close(): Promise<void>;
}

/** `settings` go into its file as they are. */
export async function startPgBouncer(databaseUrl: string, settings: Record<string, string> = {}): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-pgbouncer-"));
  await chmod(folder, 0o755);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      const stop = await launch(folder, configuration(new URL(databaseUrl), port, settings));
      const url = new URL(databaseUrl);
      url.hostname = "127.0.0.1";
      url.port = String(port);
      return { url: url.href, close: () => stop().finally(() => rm(folder, { recursive: true })) };
    } catch (error) {
      // Another process may take the port first.
      if (attempt === maxStarts) throw error;
    }
  }
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
    // It does not run as root.
    ...(process.getuid?.() === 0 ? ["user = nobody"] : []),
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
    "",
  ].join("\n");
}

/** Resolves once it takes connections, with what ends it. */
async function launch(folder: string, text: string): Promise<() => Promise<void>> {
  const file = join(folder, "pgbouncer.ini");
  await writeFile(file, text);
  const child = spawn(program ?? "pgbouncer", [file], { stdio: ["ignore", "ignore", "pipe"], cwd: "/" });
  const lines: string[] = [];
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    if (line.includes("process up")) resolve();
  });
  const ended = once(child, "exit");
  const failed = ended.then(([code]) => {
    throw new Error(`pgbouncer ended with ${code}:\n${lines.join("\n")}`);
  });
  failed.catch(() => {});
  await Promise.race([ready, failed]);
  return async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  };
}
