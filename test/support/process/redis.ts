/** A Redis server of one test file, which may stop, start again and hang while services use it. */
import { type Child, findCommand, onFreePort, spawnChild } from "./child-process.ts";

/** Debian's package is `redis-server`. */
const command = findCommand(["redis-server"], { skipped: "tests with a real Redis" });

export const hasRedis = command !== undefined;

export interface RedisServer {
  /** `redis://127.0.0.1:PORT`, with its password if it has one. */
  readonly url: string;
  /** Kills it: its clients get no farewell, and its data is lost. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Until `resume` it keeps its connections open and answers nothing. */
  hang(): void;
  resume(): void;
}

export async function startRedis(password?: string): Promise<RedisServer> {
  let { child, port } = await onFreePort(async (port) => ({ child: await launch(port, password), port }));
  return {
    url: `redis://${password === undefined ? "" : `:${password}@`}127.0.0.1:${port}`,
    start: async () => {
      child = await launch(port, password);
    },
    stop: async () => void (await child.stop("SIGKILL")),
    hang: () => child.signal("SIGSTOP"),
    resume: () => child.signal("SIGCONT"),
  };
}

async function launch(port: number, password: string | undefined): Promise<Child> {
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const protection = password === undefined ? [] : ["--requirepass", password];
  const child = spawnChild(command ?? "redis-server", [...settings, ...protection], { cwd: "/" });
  await child.line("Ready to accept connections");
  return child;
}
