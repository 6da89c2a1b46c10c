/** Data folders for tests, and processes that own the servers on them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresErrorCode,
  type EmbeddedPostgresOptions,
  findPostmaster,
  startEmbeddedPostgres,
  stopPostmaster,
} from "../../src/index.ts";

export const isRoot = process.getuid?.() === 0;
/** The user id of `unprivilegedUid`. */
export const unprivilegedUid = 65534;
export const sources = path.join(import.meta.dirname, "..", "..", "src");

/** What an owner process reports. */
export interface Report {
  readonly event: "log" | "ready" | "failed" | "SIGTERM" | "stopped";
  readonly code?: EmbeddedPostgresErrorCode;
  readonly message?: string;
  readonly dataDir: string;
  readonly connection: EmbeddedPostgres["connection"];
}

interface OwnerOptions {
  readonly options?: Partial<EmbeddedPostgresOptions>;
  /** The folder of the launcher's sources. */
  readonly launcher?: string;
  readonly uid?: number;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Gives each test a folder. Afterwards ends the processes and servers that the test left, and removes the folder. */
export function useLauncher() {
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
  const children = new Set<ChildProcess>();
  /** Data folders whose servers must not outlive a test. */
  const used = new Set<string>();
  const state = {
    /** A folder that every user may enter. */
    folder: "",
    dataDir: "",
    /** Shared by the tests of a file, because PostgreSQL's programs may be copied there. */
    systemDir: "",
    logged: [] as string[],
  };
  const launcher = Object.assign(state, {
    /** Starts a server in the test's own process. */
    start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
      const { dataDir, systemDir, logged } = state;
      used.add(options.dataDir ?? dataDir);
      return startEmbeddedPostgres({
        ...{ name: "launched", dataDir, systemDir, log: (message) => logged.push(message) },
        ...options,
      });
    },
    /** Starts a process that owns a server, in its own process group. */
    spawnOwner({ options, launcher: code = sources, uid = 0, environment }: OwnerOptions = {}): Owner {
      const { dataDir, systemDir } = state;
      const merged = { name: "launched", dataDir, systemDir, ...options };
      used.add(merged.dataDir);
      const program = path.join(import.meta.dirname, "owner-child.ts");
      const moduleUrl = pathToFileURL(path.join(code, "index.ts")).href;
      const child = spawn(process.execPath, [program, moduleUrl, JSON.stringify(merged), String(uid)], {
        detached: true,
        stdio: ["pipe", "pipe", "inherit"],
        env: { ...process.env, ...environment },
      });
      children.add(child);
      return ownerOf(child);
    },
    /** Includes a process, or a data folder, in what is cleaned up after the test. */
    track: (child: ChildProcess) => void children.add(child),
    trackData: (dataDir: string) => void used.add(dataDir),
    async serverPid(dataDir: string = state.dataDir): Promise<number> {
      const server = await findPostmaster(dataDir);
      return server?.pid ?? expect.unreachable("no server runs on the data folder");
    },
  });

  beforeAll(async () => {
    state.systemDir = await mkdtemp(path.join(tmpdir(), "embedded-postgres-system-"));
    await chmod(state.systemDir, 0o755);
  });
  afterAll(() => rm(state.systemDir, { recursive: true }));

  beforeEach(async () => {
    state.folder = await mkdtemp(path.join(tmpdir(), "embedded-postgres-"));
    await chmod(state.folder, 0o755);
    state.dataDir = path.join(state.folder, "not", "yet", "there");
    state.logged = [];
  });
  afterEach(async () => {
    for (const child of children) kill(child, "SIGKILL");
    children.clear();
    for (const dataDir of used) {
      const server = await findPostmaster(dataDir);
      if (server) await stopPostmaster(dataDir, server);
    }
    used.clear();
    await rm(state.folder, { recursive: true });
  });
  return launcher;
}

/** A process that owns a server. */
export type Owner = ReturnType<typeof ownerOf>;

function ownerOf(child: ReturnType<typeof spawn> & { stdout: NodeJS.ReadableStream; stdin: NodeJS.WritableStream }) {
  const exited = once(child, "exit");
  const reports: Report[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => reports.push(JSON.parse(line)));
  return {
    child,
    reports,
    exited,
    /** The first report of one of these events. */
    async next(...events: Report["event"][]): Promise<Report> {
      const found = () => reports.find((report) => events.includes(report.event));
      for (;;) {
        const report = found();
        if (report) return report;
        await once(lines, "line");
      }
    },
    async stop() {
      child.stdin.write("stop\n");
      await exited;
    },
  };
}

/** Sends a signal to a child's process group. */
export function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal);
}

export async function query(postgres: Pick<EmbeddedPostgres, "connection">, sql: string, database?: string) {
  const client = new pg.Client({ ...postgres.connection, ...(database && { database }) });
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(sql);
    return result.rows;
  } finally {
    await client.end();
  }
}
