/** One process owns a data folder, whatever happens to the others and to their servers. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chown, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { describe, expect, test, vi } from "vitest";
import { findPostmaster } from "../src/index.ts";
import { connectAndLock } from "../src/lock.ts";
import { kill, query, useLauncher } from "./support/launcher.ts";

// A spy: one call is replaced to lose a race.
vi.mock("../src/lock.ts", { spy: true });

const launcher = useLauncher();
const heldLocks = "FROM pg_locks WHERE locktype = 'advisory' AND granted";

describe("two processes on one data folder", () => {
  test("the second one fails with IN_USE", async () => {
    const first = await launcher.start();
    const second = launcher.spawnOwner();
    expect(await second.next("ready", "failed")).toMatchObject({ event: "failed", code: "IN_USE" });
    await second.exited;
    expect(await query(first, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await first.stop();
  });

  test.each(["an empty", "a used"])(
    "of three started at once on %s folder exactly one becomes the owner",
    async (kind) => {
      if (kind === "a used") await (await launcher.start()).stop();
      const owners = [launcher.spawnOwner(), launcher.spawnOwner(), launcher.spawnOwner()];
      const outcomes = await Promise.all(owners.map((owner) => owner.next("ready", "failed")));
      expect(outcomes.map(({ event, code }) => code ?? event).sort()).toEqual(["IN_USE", "IN_USE", "ready"]);
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.event !== "ready") continue;
        expect(await query(outcome, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
        await owners[index]?.stop();
      }
      await Promise.all(owners.map((owner) => owner.exited));
    },
  );

  test("one whose new server is stopped by another gives up with IN_USE", async () => {
    vi.mocked(connectAndLock).mockImplementationOnce(async () => {
      process.kill(await launcher.serverPid(), "SIGINT");
      return "no answer";
    });
    await expect(launcher.start()).rejects.toMatchObject({ code: "IN_USE" });
  });

  test("the owner takes its lock again when the connection that holds it is lost", async () => {
    const postgres = await launcher.start();
    const holder = `SELECT pid ${heldLocks}`;
    const [before] = await query(postgres, holder, "postgres");
    await query(postgres, `SELECT pg_terminate_backend(${before?.pid})`);
    await vi.waitFor(async () => {
      const [after] = await query(postgres, holder, "postgres");
      expect(after).toBeDefined();
      expect(after).not.toEqual(before);
    }, 10_000);
    await expect(launcher.start()).rejects.toMatchObject({ code: "IN_USE" });
    await postgres.stop();
    expect(await postgres.exited).toBeUndefined();
  });

  test("the owner reports that another process has taken its lock", async () => {
    const postgres = await launcher.start();
    const rival = new pg.Client({ ...postgres.connection, database: "postgres" });
    await rival.connect();
    const { rows } = await rival.query(`SELECT pid, (classid::bigint << 32) | objid::bigint AS key ${heldLocks}`);
    const waiting = rival.query("SELECT pg_advisory_lock($1)", [rows[0].key]);
    await query(postgres, `SELECT pg_terminate_backend(${rows[0].pid})`);
    await waiting;
    expect(await postgres.exited).toMatchObject({ code: "IN_USE", message: expect.stringContaining("has taken over") });
    await rival.end();
    await postgres.stop();
  });
});

describe("a signal to the owner", () => {
  test("SIGTERM to its process group leaves the server running until the owner stops it", async () => {
    const owner = launcher.spawnOwner();
    const ready = await owner.next("ready");
    kill(owner.child, "SIGTERM");
    await owner.next("SIGTERM");
    expect(await query(ready, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await owner.stop();
    expect(owner.child.exitCode).toBe(0);
    expect(await findPostmaster(launcher.dataDir)).toBeUndefined();
  });

  test("after SIGKILL the next start replaces the server that is left running, and finds the data", async () => {
    const owner = launcher.spawnOwner();
    await query(await owner.next("ready"), "CREATE TABLE kept AS SELECT 42 AS answer");
    const orphan = await launcher.serverPid();
    kill(owner.child, "SIGKILL");
    await owner.exited;
    expect(await launcher.serverPid()).toBe(orphan);

    const next = await launcher.start();
    expect(await launcher.serverPid()).not.toBe(orphan);
    expect(launcher.logged).toContainEqual(expect.stringContaining("left running"));
    expect(await query(next, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
    await next.stop();
  });
});

describe.runIf(process.platform === "linux")("a stale postmaster.pid", () => {
  const endedProcess = "true & echo $!; wait; echo";
  const zombie = "true & echo $!; exec sleep 60";
  const otherProgram = "echo $$; exec sleep 60";

  test.each([
    ["a process that has ended", endedProcess],
    ["a zombie", zombie],
    ["another program", otherProgram],
  ])("that names %s does not prevent the start", async (_name, script) => {
    await (await launcher.start()).stop();
    const cluster = path.join(launcher.dataDir, "postgres");
    const { uid, gid } = await stat(cluster);
    const child = spawn("sh", ["-c", script], {
      uid,
      gid,
      cwd: "/",
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    launcher.track(child);
    const [pid] = await once(createInterface({ input: child.stdout }), "line");
    if (script === endedProcess) await once(child, "exit");
    const pidFile = path.join(cluster, "postmaster.pid");
    await writeFile(pidFile, `${pid}\n${cluster}\n1700000000\n5432\n\n127.0.0.1\n  1 2\nready   \n`);
    await chown(pidFile, uid, gid);

    const postgres = await launcher.start();
    expect(await query(postgres, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await postgres.stop();
  });
});
