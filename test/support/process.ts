import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "./service.ts";

/** The service as a process of its own. */
export interface ServiceProcess {
  readonly process: ChildProcess;
  readonly baseUrl: string;
  readonly grpcUrl: string;
  /** The log's lines so far. */
  readonly lines: readonly string[];
  /** Sends a signal to the whole process group and waits for the end; returns the exit code, null after a signal. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** The line that says that both ports answer. */
interface OpenLine {
  readonly restPort: number;
  readonly grpcPort: number;
}

/** Starts `node src/main.ts` with nothing but this environment (and PATH, HOME), and waits until it is open. */
export async function spawnService(env: Record<string, string>, args: string[] = []): Promise<ServiceProcess> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [join(projectRoot, "src", "main.ts"), ...args], {
    env: { PATH, HOME, ...env, APP_LOG_LEVEL: "info" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const lines: string[] = [];
  const open = Promise.withResolvers<OpenLine>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      const parsed = parseOpenLine(line);
      if (parsed) open.resolve(parsed);
    });
  }
  const exited = once(child, "exit").then(([code]) => code as number | null);
  exited.then((code) => open.reject(new Error(`the service ended with ${code}:\n${lines.join("\n")}`)));
  const { restPort, grpcPort } = await open.promise;
  return {
    process: child,
    baseUrl: `http://127.0.0.1:${restPort}`,
    grpcUrl: `http://127.0.0.1:${grpcPort}`,
    lines,
    kill: async (signal) => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, signal);
      }
      return await exited;
    },
  };
}

function parseOpenLine(line: string): OpenLine | undefined {
  if (!line.includes('"restPort"')) return undefined;
  const { restPort, grpcPort } = JSON.parse(line);
  return typeof restPort === "number" && typeof grpcPort === "number" ? { restPort, grpcPort } : undefined;
}
