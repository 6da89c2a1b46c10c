/** Frontrow as a separate process: `node src/main.ts` with an environment that the test sets. */
import { join } from "node:path";
import { projectRoot } from "../project-root.ts";
import { type Child, spawnChild } from "./child-process.ts";

/** A program that serves. */
export interface OpenProgram extends Child {
  readonly restPort: number;
  readonly baseUrl: string;
  readonly grpcUrl: string;
}

interface ProgramOptions {
  readonly logLevel?: string;
  /** Another script in place of `src/main.ts`, which writes its ports as Frontrow does. */
  readonly script?: string;
  readonly nodeFlags?: readonly string[];
}

/** Starts Frontrow in a new process group with only this environment, PATH, HOME and Node's cache. */
export function startProgram(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  { logLevel = "info", script = join(projectRoot, "src", "main.ts"), nodeFlags = [] }: ProgramOptions = {},
): Child {
  const { PATH = "", HOME = "", NODE_COMPILE_CACHE = "" } = process.env;
  return spawnChild(process.execPath, [...nodeFlags, script, ...args], {
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...env, APP_LOG_LEVEL: logLevel },
    ownGroup: true,
  });
}

/** Starts Frontrow and waits until it serves. */
export async function openProgram(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  options: ProgramOptions = {},
): Promise<OpenProgram> {
  const program = startProgram(env, args, options);
  const { restPort, grpcPort } = JSON.parse(await program.line('"restPort"'));
  const [baseUrl, grpcUrl] = [restPort, grpcPort].map((port) => `http://127.0.0.1:${port}`) as [string, string];
  return { ...program, restPort, baseUrl, grpcUrl };
}
