/** A machine with Patroni and PostgreSQL, and what can happen to it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Child } from "../../support/process/child-process.ts";
import { startLink } from "./link.ts";
import { type Programs, spawnServer } from "./programs.ts";

export interface PatroniNode extends AsyncDisposable {
  readonly name: string;
  start(): void;
  /** Ends all processes at once, as a loss of power does. */
  kill(): Promise<void>;
  /** Stops all processes at once, as a hypervisor does that pauses a machine, or Patroni alone. */
  freeze(what: "machine" | "Patroni"): void;
  thaw(): void;
  /** Cuts the machine off from the other nodes, and from its clients and etcd as well, or not. */
  cutOff(from: "all" | "nodes"): void;
  reconnect(): void;
  /** Whether its Patroni says that it is the primary and has the lease. */
  isPrimary(): Promise<boolean>;
  /** The roles that Patroni has given to the nodes. */
  roles(): Promise<readonly string[]>;
  /** Asks it, the primary, to pass its role on. */
  switchOver(): Promise<void>;
  /** What its Patroni and its PostgreSQL have written. */
  output(): string;
}

/** Where a node is in the loopback network. All its addresses but its own are links that can be cut. */
export interface Place {
  readonly name: string;
  readonly folder: string;
  readonly ownAddress: string;
  /** Where the other nodes reach it. */
  readonly nodeAddress: string;
  /** Where HAProxy and the test reach it. */
  readonly clientAddress: string;
  /** Where it reaches etcd. */
  readonly etcdAddress: string;
}

const answerMs = 2_000;
const switchoverMs = 40_000;
/** Who may ask Patroni for a switchover. */
const operator = { username: "operator", password: "failover" };
/** Of PostgreSQL. */
export const superuser = { username: "postgres", password: "failover" };

/** Prepares the node of a place, which `start` starts. `configuration` is Patroni's file, the same for all nodes. */
export async function createPatroniNode(
  programs: Programs,
  place: Place,
  configuration: string,
  etcd: string,
): Promise<PatroniNode> {
  await using stack = new AsyncDisposableStack();
  const { name, ownAddress, nodeAddress, clientAddress } = place;
  const linkTo = async (host: string, target: string, port: number) => stack.use(await startLink(host, target, port));
  const toNodes = await Promise.all([5432, 8008].map((port) => linkTo(nodeAddress, ownAddress, port)));
  const toClients = await Promise.all([5432, 8008].map((port) => linkTo(clientAddress, ownAddress, port)));
  const toAll = [...toNodes, ...toClients, await linkTo(place.etcdAddress, etcd, 2379)];
  const dataDir = join(place.folder, name);
  let patroni: Child | undefined;

  /** Signals Patroni and PostgreSQL. The parents stop first, so that they start no process meanwhile. */
  function signalAll(signal: NodeJS.Signals): void {
    const parents = [patroni?.isRunning() ? patroni.pid : undefined, postmasterOf(dataDir)].filter(
      (pid) => pid !== undefined,
    );
    for (const pid of parents) signalOne(pid, "SIGSTOP");
    for (const pid of [...parents.flatMap(childrenOf), ...parents]) signalOne(pid, signal);
  }
  async function kill(): Promise<void> {
    signalAll("SIGKILL");
    await patroni?.ended;
  }
  const ask = (path: string, limitMs: number, init: RequestInit = {}) =>
    fetch(`http://${clientAddress}:8008${path}`, { ...init, signal: AbortSignal.timeout(limitMs) });
  stack.defer(kill);
  const owned = stack.move();
  return {
    name,
    start() {
      patroni = spawnServer(programs.patroni, [configuration], environment(programs, place, dataDir));
    },
    kill,
    freeze: (what) => (what === "machine" ? signalAll("SIGSTOP") : patroni?.signal("SIGSTOP")),
    thaw: () => signalAll("SIGCONT"),
    cutOff(from) {
      for (const link of from === "all" ? toAll : toNodes) link.cut();
    },
    reconnect() {
      for (const link of toAll) link.mend();
    },
    isPrimary: async () => (await ask("/primary", answerMs).catch(() => undefined))?.status === 200,
    async roles() {
      const answer = await ask("/cluster", answerMs);
      const { members } = (await answer.json()) as { readonly members: readonly { readonly role: string }[] };
      return members.map(({ role }) => role);
    },
    async switchOver() {
      const authorization = Buffer.from(`${operator.username}:${operator.password}`).toString("base64");
      const headers = { Authorization: `Basic ${authorization}`, "Content-Type": "application/json" };
      const request = { method: "POST", headers, body: JSON.stringify({ leader: name }) };
      const response = await ask("/switchover", switchoverMs, request);
      if (!response.ok) throw new Error(`no switchover: ${response.status} ${await response.text()}`);
    },
    output: () => patroni?.output() ?? "",
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function environment(programs: Programs, place: Place, dataDir: string): Record<string, string> {
  const { name, ownAddress, nodeAddress, etcdAddress } = place;
  const api = programs.needsOldApi ? "ETCD" : "ETCD3";
  return {
    PATRONI_NAME: name,
    [`PATRONI_${api}_HOSTS`]: `'${etcdAddress}:2379'`,
    // Otherwise Patroni asks etcd for its address, and passes the link by.
    [`PATRONI_${api}_USE_PROXIES`]: "true",
    PATRONI_RESTAPI_LISTEN: `${ownAddress}:8008`,
    PATRONI_RESTAPI_CONNECT_ADDRESS: `${nodeAddress}:8008`,
    PATRONI_RESTAPI_USERNAME: operator.username,
    PATRONI_RESTAPI_PASSWORD: operator.password,
    PATRONI_POSTGRESQL_LISTEN: `${ownAddress}:5432`,
    PATRONI_POSTGRESQL_CONNECT_ADDRESS: `${nodeAddress}:5432`,
    PATRONI_POSTGRESQL_DATA_DIR: dataDir,
    PATRONI_POSTGRESQL_BIN_DIR: join(programs.postgres, ".."),
    PATRONI_POSTGRESQL_PGPASS: `${dataDir}.pgpass`,
    PATRONI_SUPERUSER_USERNAME: superuser.username,
    PATRONI_SUPERUSER_PASSWORD: superuser.password,
    PATRONI_REPLICATION_USERNAME: "replicator",
    PATRONI_REPLICATION_PASSWORD: superuser.password,
  };
}

/** The process that a data folder's lock file names, if it is there. */
function postmasterOf(dataDir: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n")[0]);
    // A number in a file that a killed server left behind may be another program's by now.
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(dataDir) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Throws if the kernel does not list children: a fault would reach the parent only. */
function childrenOf(pid: number): number[] {
  if (!existsSync(`/proc/${pid}`)) return [];
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
