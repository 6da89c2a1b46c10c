import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Reports a step of the start. */
export type Log = (message: string, fields?: Record<string, unknown>) => void;

/** The user a program runs as, in the shape that `spawn` takes. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The environment of PostgreSQL's programs: none of our variables that change a locale, a time zone or a default (LANG, TZ,
 * PGPORT). Windows cannot load programs without its own variables.
 */
export const environment: NodeJS.ProcessEnv =
  process.platform === "win32" ? process.env : { PATH: process.env.PATH, TZ: "UTC" };

export interface RunOptions {
  readonly identity: Identity | undefined;
  /** Must be a folder that the program's user may enter. */
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a short-lived program to its end. Rejects with its standard error unless it succeeds. */
export async function runProgram(file: string, args: readonly string[], options: RunOptions): Promise<void> {
  await promisify(execFile)(file, args, {
    ...options.identity,
    cwd: options.cwd,
    env: environment,
    timeout: options.timeoutMs,
    windowsHide: true,
    ...(options.signal && { signal: options.signal }),
  });
}
