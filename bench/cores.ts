/** Keeps the load generator off the cores of the service and PostgreSQL, on machines that have enough of them. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** With fewer cores, one of the generator's own would be too large a part of them. */
const fewestCores = 4;
const statusFile = "/proc/self/status";

/** Which cores the generator has, and which all else has. */
export interface Division {
  readonly generator: readonly number[];
  readonly rest: readonly number[];
}

/** Gives the generator a quarter of the cores. Undefined if there are fewer than four. */
export function divideCores(cores: readonly number[]): Division | undefined {
  if (cores.length < fewestCores) return undefined;
  const first = cores.length - Math.floor(cores.length / fewestCores);
  return { generator: cores.slice(first), rest: cores.slice(0, first) };
}

/** Reads a list such as "0-3,8": of what Linux's `Cpus_allowed_list` says. */
export function parseCores(list: string): number[] {
  return list
    .trim()
    .split(",")
    .flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/**
 * Moves this process, and so all that it will start, off the cores of the generator. Returns what moves the generator to its
 * own. Changes nothing where the system is not Linux or has no `taskset`, and says what it has done.
 */
export function reserveCores(say: (line: string) => void): (generatorPid: number) => void {
  const [, list = "0"] =
    (existsSync(statusFile) && /^Cpus_allowed_list:(.*)$/m.exec(readFileSync(statusFile, "utf8"))) || [];
  const division = divideCores(parseCores(list));
  if (division === undefined || !pin(process.pid, division.rest)) {
    say("the load generator shares its cores with the service and PostgreSQL");
    return () => {};
  }
  say(`the load generator has separate cores: ${division.generator.join(", ")}`);
  return (pid) => void pin(pid, division.generator);
}

function pin(pid: number, cores: readonly number[]): boolean {
  return spawnSync("taskset", ["-a", "-c", "-p", cores.join(","), String(pid)], { stdio: "ignore" }).status === 0;
}
