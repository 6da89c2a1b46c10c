/** `node src/main.ts` from its first line to its last, for tests of how it starts, stops and fails. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "./service.ts";

export interface Program {
  readonly pid: number;
  /** What it has written to both outputs so far. */
  output(): string;
  /** The first line, of either output, that contains the text. Rejects if the program ends without one. */
  line(text: string): Promise<string>;
  /** Sends a signal to the whole process group. */
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, null if a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** A program that serves. */
export interface OpenProgram extends Program {
  readonly restPort: number;
  readonly baseUrl: string;
}

const running = new Set<Program>();

/** Starts the program with nothing but this environment (and PATH, HOME). */
export function startProgram(env: Record<string, string>, args: string[] = [], logLevel = "info"): Program {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [join(projectRoot, "src", "main.ts"), ...args], {
    env: { PATH, HOME, ...env, APP_LOG_LEVEL: logLevel },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const lines: string[] = [];
  const waiting = new Map<string, (line: string) => void>();
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => {
      lines.push(line);
      for (const [text, found] of waiting) if (line.includes(text)) found(line);
    });
  }
  // "close" and not "exit": all that was written has then been read.
  const ended = once(child, "close").then(([code]) => {
    running.delete(program);
    return code as number | null;
  });
  const program: Program = {
    pid: child.pid ?? 0,
    output: () => lines.join("\n"),
    line: async (text) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      waiting.set(text, resolve);
      const earlier = lines.find((line) => line.includes(text));
      const line = earlier ?? (await Promise.race([promise, ended.then(() => undefined)]));
      if (line === undefined) throw new Error(`the program ended without "${text}":\n${lines.join("\n")}`);
      return line;
    },
    signal: (name) => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-program.pid, name);
    },
    ended,
  };
  running.add(program);
  return program;
}

/** Starts the program and waits until it serves. */
export async function openProgram(env: Record<string, string>, args: string[] = []): Promise<OpenProgram> {
  const program = startProgram(env, args);
  const { restPort } = JSON.parse(await program.line('"restPort"'));
  return { ...program, restPort, baseUrl: `http://127.0.0.1:${restPort}` };
}

/** Ends what a failed test has left running. */
export async function endPrograms(): Promise<void> {
  for (const program of [...running]) {
    program.signal("SIGKILL");
    await program.ended;
  }
}
