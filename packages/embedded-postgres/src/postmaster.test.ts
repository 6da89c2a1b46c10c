import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findPostmaster, stopProcess } from "./postmaster.ts";

let dataDir: string;
let cluster: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "embedded-postgres-unit-"));
  cluster = join(dataDir, "postgres");
  await mkdir(cluster);
});
afterEach(() => rm(dataDir, { recursive: true }));

const writePidFile = (content: string) => writeFile(join(cluster, "postmaster.pid"), content);

async function startProgram(script: string, cwd: string) {
  const child = spawn("sh", ["-c", script], { cwd, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  return { pid: child.pid ?? expect.unreachable(), child, ended };
}

it("finds no server in a data folder without a cluster", async () => {
  expect(await findPostmaster(join(dataDir, "missing"))).toBeUndefined();
});

describe.runIf(process.platform === "linux")("on Linux", () => {
  it("finds the server whose working folder is the cluster, with its port and status", async () => {
    const { pid, child, ended } = await startProgram("echo; exec sleep 60", cluster);
    await writePidFile(`${pid}\n${cluster}\n1700000000\n5432\n\n127.0.0.1\n  1 2\nready   \n`);
    expect(await findPostmaster(dataDir)).toEqual({ pid, port: 5432, status: "ready" });
    child.kill("SIGKILL");
    await ended;
  });

  it("removes a file that names another program, and keeps one whose process does not exist", async () => {
    const { pid, child, ended } = await startProgram("echo; exec sleep 60", "/");
    await writePidFile(`${pid}\n`);
    expect(await findPostmaster(dataDir)).toBeUndefined();
    expect(await readdir(cluster)).toEqual([]);

    child.kill("SIGKILL");
    await ended;
    await writePidFile(`${pid}\n`);
    expect(await findPostmaster(dataDir)).toBeUndefined();
    expect(await readdir(cluster)).toEqual(["postmaster.pid"]);
  });

  it("removes an empty file only when it is old, because a starting server's is empty for a moment", async () => {
    await writePidFile("");
    expect(await findPostmaster(dataDir)).toBeUndefined();
    expect(await readdir(cluster)).toEqual(["postmaster.pid"]);
    await utimes(join(cluster, "postmaster.pid"), 1, 1);
    expect(await findPostmaster(dataDir)).toBeUndefined();
    expect(await readdir(cluster)).toEqual([]);
  });
});

it("stops a process by SIGINT, which is PostgreSQL's fast shutdown", async () => {
  const { pid, child, ended } = await startProgram("trap 'exit 7' INT; echo; while :; do sleep 0.05; done", "/");
  await stopProcess(pid, () => child.exitCode !== null);
  expect(await ended).toEqual([7, null]);
});

it("stops a process that does not end in time by SIGQUIT, which is PostgreSQL's immediate shutdown, then by SIGKILL", async () => {
  const wait = "echo; while :; do sleep 0.05; done";
  const slow = await startProgram(`trap '' INT; trap 'exit 8' QUIT; ${wait}`, "/");
  await stopProcess(slow.pid, () => slow.child.exitCode !== null, 2_000);
  expect(await slow.ended).toEqual([8, null]);
  const deaf = await startProgram(`trap '' INT QUIT; ${wait}`, "/");
  await stopProcess(deaf.pid, () => deaf.child.signalCode !== null, 1_000);
  expect(await deaf.ended).toEqual([null, "SIGKILL"]);
});
