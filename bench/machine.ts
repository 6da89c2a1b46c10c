import { mkdtemp, open, rm } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { BenchPostgres } from "./postgres.ts";
import type { Machine } from "./results.ts";
import { median } from "./statistics.ts";

const fsyncs = 50;
const pageBytes = 8 * 1024;

/** Describes what figures depend on, without anything that identifies the machine. */
export async function describeMachine(postgres: BenchPostgres): Promise<Machine> {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    postgres: postgres.version,
    fsync: postgres.fsync,
    fsyncMs: await timeFsync(),
  };
}

/** Whether figures of the two compare. */
export function isSameMachine(one: Machine, other: Machine): boolean {
  // The time of the disk varies from run to run.
  return isDeepStrictEqual({ ...one, fsyncMs: 0 }, { ...other, fsyncMs: 0 });
}

/** How long a commit waits for the disk. For a folder in memory it is nothing. */
async function timeFsync(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-bench-"));
  try {
    const file = await open(join(folder, "fsync"), "w");
    const timesMs: number[] = [];
    for (let count = 0; count < fsyncs; count++) {
      await file.write(Buffer.alloc(pageBytes), 0, pageBytes, count * pageBytes);
      const startedAtMs = performance.now();
      await file.datasync();
      timesMs.push(performance.now() - startedAtMs);
    }
    await file.close();
    return median(timesMs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
