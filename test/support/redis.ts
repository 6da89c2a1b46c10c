/** A Redis server of a test's own, which may go, come back and hang while services use it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freePort } from "@frontrow/embedded-postgres";

const program = "redis-server";
const maxStarts = 5;

/** Whether this machine has one. Debian's package is `redis-server`. */
export const hasRedis = spawnSync(program, ["--version"]).status === 0;

/** Says so where nobody can miss it, for a test that is skipped proves nothing. */
export function warnWithoutRedis(): void {
  if (hasRedis) return;
  process.stderr.write(`\nSKIPPED: there is no ${program} on this machine; the tests with a real Redis do not run\n\n`);
}

export interface RedisServer {
  /** `redis://127.0.0.1:PORT`, with its password if it has one. */
  readonly url: string;
  /** Ends it, without a word to its clients, and all that it knows. */
  stop(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
  /** From now on it holds its connections open and answers nothing. */
  hang(): void;
  resume(): void;
}

export async function startRedis(password?: string): Promise<RedisServer> {
  let running: ChildProcess | undefined;
  let port = 0;
  const start = async () => {
    running = await launch(port, password);
  };
  for (let attempt = 1; running === undefined; attempt++) {
    port = await freePort();
    // Somebody else may take the port first.
    await start().catch((error) => {
      if (attempt === maxStarts) throw error;
    });
  }
  return {
    url: `redis://${password === undefined ? "" : `:${password}@`}127.0.0.1:${port}`,
    start,
    async stop() {
      if (!running || running.exitCode !== null || running.signalCode !== null) return;
      const exited = once(running, "exit");
      running.kill("SIGKILL");
      await exited;
    },
    hang: () => void running?.kill("SIGSTOP"),
    resume: () => void running?.kill("SIGCONT"),
  };
}

/** Resolves once it takes connections. */
async function launch(port: number, password: string | undefined): Promise<ChildProcess> {
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = spawn(program, [...settings, ...(password === undefined ? [] : ["--requirepass", password])], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: "/",
  });
  const lines: string[] = [];
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      if (line.includes("Ready to accept connections")) resolve();
    });
  });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${program} ended with ${code}:\n${lines.join("\n")}`);
  });
  await Promise.race([ready, ended]);
  ended.catch(() => {});
  return child;
}
