/** The programs of a Patroni cluster, which are Debian's packages, and how they are started. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { type Child, findCommand, spawnChild } from "../../support/process/child-process.ts";

const skipped = "tests of failovers";

const etcd = findCommand(["etcd"], { skipped });
const patroni = findCommand(["patroni"], { skipped });
const haproxy = findCommand(["haproxy", "/usr/sbin/haproxy"], { argument: "-v", skipped });
/** Debian keeps the programs of each major version in a folder that is not in PATH. The newest one is used. */
const installed = globSync("/usr/lib/postgresql/*/bin/postgres");
const postgres = findCommand(
  [...installed.sort((one, other) => other.localeCompare(one, "en", { numeric: true })), "postgres"],
  { skipped },
);

/** Of util-linux: macOS does not have it. */
const setpriv = findCommand(["setpriv"], { skipped });

const isRoot = process.getuid?.() === 0;
/** PostgreSQL refuses to run as root. Debian's package makes this user. */
const user = "postgres";
const hasUser = !isRoot || spawnSync("id", [user]).status === 0;
if (!hasUser) process.stderr.write(`\ntests: SKIPPED: ${skipped}: there is no user ${user}\n\n`);

/** Undefined if one of them is not installed. */
export const programs =
  etcd && patroni && haproxy && postgres && setpriv && hasUser
    ? { etcd, patroni, haproxy, postgres, needsOldApi: needsOldApi(patroni) }
    : undefined;

/** Which programs a cluster is made of. */
export type Programs = NonNullable<typeof programs>;

/**
 * Whether to use etcd's v2 API, as for Patroni before 3.0.3 (Debian 12 has 3.0.2). With the v3 API a primary whose Patroni was
 * frozen takes the lease back from its successor, whatever that one has acknowledged.
 */
function needsOldApi(command: string): boolean {
  const version = spawnSync(command, ["--version"], { encoding: "utf8" }).stdout.replace(/^\D*/, "").trim();
  return version.localeCompare("3.0.3", "en", { numeric: true }) < 0;
}

/** Makes a folder the user's who runs the programs. */
export const owner = isRoot ? user : undefined;

/**
 * Starts a program as a user that may run PostgreSQL. The kernel ends it with the test's process, so that an interrupted run
 * leaves no cluster behind, unless a node of it is frozen at that moment.
 */
export function spawnServer(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const { PATH = "" } = process.env;
  const identity = isRoot ? ["--reuid", user, "--regid", user, "--init-groups"] : [];
  return spawnChild("setpriv", [...identity, "--pdeathsig", "TERM", command, ...args], {
    env: { PATH, ...env },
    cwd: "/",
  });
}
