/** Three Patroni nodes, etcd, and HAProxy, which leads to the primary: the files of deploy/patroni with shorter times. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, vi } from "vitest";
import { parse, stringify } from "yaml";
import { databaseTools, type TestDatabase } from "../../support/database/database.ts";
import { projectRoot } from "../../support/project-root.ts";
import { type Patience, startPatience } from "./patience.ts";
import { createPatroniNode, type PatroniNode, superuser } from "./patroni-node.ts";
import { owner, type Programs, spawnServer } from "./programs.ts";

export interface Cluster {
  /** By way of HAProxy. Its URL is that of a role without other rights than the service needs. */
  readonly database: TestDatabase;
  readonly nodes: readonly PatroniNode[];
  /** Resolves with the primary, once there is one besides `not`. */
  untilPrimary(patience: Patience, not?: PatroniNode): Promise<PatroniNode>;
  /** Resolves once a primary has two standbys that have all of its history, one of them synchronous. */
  untilWhole(patience: Patience): Promise<void>;
}

const names = ["node1", "node2", "node3"] as const;
/** Of PostgreSQL and HAProxy, of Patroni, and of etcd. */
const ports = [5432, 8008, 2379, 2380];
const startMs = 60_000;
const settingsFolder = join(projectRoot, "deploy", "patroni");
/** New versions of Patroni raise `ttl` to 20, and the tests of its expiry take so much longer. */
const shortTimes = { ttl: 6, loop_wait: 1, retry_timeout: 2 };

/**
 * Starts a cluster in a new folder, at random addresses in the loopback network. The stack owns all of it, also if the start
 * does not come to its end.
 */
export async function startCluster(programs: Programs, stack: AsyncDisposableStack): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), "frontrow-failover-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const configuration = await writeConfiguration(folder);
  const network = `127.${64 + Math.floor(Math.random() * 128)}.${Math.floor(Math.random() * 256)}`;
  for (const port of ports) await checkFree(network, port);
  const [haproxyAddress, etcdAddress] = [`${network}.1`, `${network}.2`];
  const etcd = startEtcd(programs, folder, etcdAddress);
  stack.use(etcd);
  await etcd.line("ready to serve client requests");
  const nodes: PatroniNode[] = [];
  const backends: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const at = (first: number) => `${network}.${first + index}`;
    const addresses = { ownAddress: at(10), nodeAddress: at(20), clientAddress: at(30), etcdAddress: at(40) };
    const place = { name, folder, ...addresses };
    backends[`NODE${index + 1}`] = place.clientAddress;
    nodes.push(stack.use(await createPatroniNode(programs, place, configuration.patroni, etcdAddress)));
  }
  for (const node of nodes) node.start();
  const env = { ...backends, BIND: haproxyAddress };
  stack.use(spawnServer(programs.haproxy, ["-db", "-f", configuration.haproxy], env));
  const primary = openSessions(haproxyAddress);
  await untilWhole(nodes, primary, startPatience(startMs));
  const database = await createDatabase(haproxyAddress, primary);
  return {
    ...{ nodes, database },
    untilPrimary: (patience, not) => untilPrimary(nodes, patience, not),
    untilWhole: (patience) => untilWhole(nodes, primary, patience),
  };
}

/** Rejects if a server listens on a port at all addresses. The cluster would wait for its own until its time is up. */
async function checkFree(network: string, port: number): Promise<void> {
  const server = createServer().listen(port, `${network}.1`);
  await once(server, "listening");
  server.close();
  await once(server, "close");
}

function startEtcd(programs: Programs, folder: string, address: string) {
  const [clients, peers] = [`http://${address}:2379`, `http://${address}:2380`];
  const dataDir = join(folder, "etcd");
  return spawnServer(programs.etcd, [
    ...(programs.needsOldApi ? ["--enable-v2"] : []),
    ...["--name", "etcd", "--data-dir", dataDir, "--listen-client-urls", clients, "--advertise-client-urls", clients],
    ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", `etcd=${peers}`],
  ]);
}

/**
 * Patroni's file and HAProxy's, where the programs' user can read them: it may not enter the folders above the project. The
 * nodes share a machine here: none has a watchdog or a socket in the file system.
 */
async function writeConfiguration(folder: string) {
  const configuration = parse(await readFile(join(settingsFolder, "patroni.yml"), "utf8"));
  Object.assign(configuration.bootstrap.dcs, shortTimes);
  configuration.watchdog.mode = "off";
  configuration.postgresql.parameters = { unix_socket_directories: "" };
  const [patroni, haproxy] = [join(folder, "patroni.yml"), join(folder, "haproxy.cfg")];
  await writeFile(patroni, stringify(configuration));
  await writeFile(haproxy, await readFile(join(settingsFolder, "haproxy.cfg")));
  if (owner) execFileSync("chown", ["-R", owner, folder]);
  return { patroni, haproxy };
}

async function untilPrimary(
  nodes: readonly PatroniNode[],
  patience: Patience,
  not?: PatroniNode,
): Promise<PatroniNode> {
  const others = nodes.filter((node) => node !== not);
  return await until(others, patience, async () => {
    const answers = await Promise.all(others.map(async (node) => ({ node, isPrimary: await node.isPrimary() })));
    const primary = answers.find(({ isPrimary }) => isPrimary)?.node;
    if (!primary) throw new Error("there is no primary");
    return primary;
  });
}

/** What Patroni says of a member may be a few seconds old: the server knows which standbys it has. */
async function untilWhole(nodes: readonly PatroniNode[], { query }: Sessions, patience: Patience): Promise<void> {
  await until(nodes, patience, async () => {
    const primary = await untilPrimary(nodes, patience);
    const standbys = await query<{ name: string }>(
      "postgres",
      `SELECT application_name AS name FROM pg_stat_replication
       WHERE state = 'streaming' AND replay_lsn > pg_current_wal_lsn() - 1000000 ORDER BY 1`,
    );
    const others = nodes.filter((node) => node !== primary);
    expect(standbys.map(({ name }) => name)).toEqual(others.map(({ name }) => name));
    expect([...(await primary.roles())].sort()).toEqual(["leader", "replica", "sync_standby"]);
  });
}

/** Waits. If it takes too long, the error has what the nodes have written last. */
async function until<Result>(
  nodes: readonly PatroniNode[],
  patience: Patience,
  condition: () => Promise<Result>,
): Promise<Result> {
  try {
    return await vi.waitFor(condition, patience());
  } catch (error) {
    const output = nodes.map((node) => `${node.name}:\n${node.output().slice(-3_000)}`).join("\n\n");
    throw new Error(`${error}\n\n${output}`, { cause: error });
  }
}

interface Sessions {
  connect(database: string): Promise<pg.Client>;
  /** In a new session. */
  query<Row extends object>(database: string, text: string, values?: unknown[]): Promise<Row[]>;
}

/** Sessions of the superuser on the server that HAProxy leads to. */
function openSessions(host: string): Sessions {
  const limits = { connectionTimeoutMillis: 5_000, query_timeout: 20_000 };
  const connect = async (database: string) => {
    const client = new pg.Client({
      host,
      port: 5432,
      database,
      user: superuser.username,
      password: superuser.password,
      ...limits,
    });
    client.on("error", () => {});
    await client.connect();
    return client;
  };
  return {
    connect,
    async query<Row extends object>(database: string, text: string, values: unknown[] = []) {
      const client = await connect(database);
      return (await client.query<Row>(text, values).finally(() => client.end())).rows;
    },
  };
}

/** Creates the database and the role, as docs/operations.md has it. */
async function createDatabase(host: string, sessions: Sessions): Promise<TestDatabase> {
  const role = { username: "frontrow", password: "failover" };
  const name = "concert_tickets";
  const query = <Row extends object>(text: string, values?: unknown[]) => sessions.query<Row>(name, text, values);
  await sessions.query("postgres", `CREATE DATABASE ${name} ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0`);
  await query(`CREATE ROLE ${role.username} LOGIN PASSWORD '${role.password}'`);
  await query(`GRANT CREATE ON DATABASE ${name} TO ${role.username}`);
  await query(`GRANT CREATE ON SCHEMA public TO ${role.username}`);
  const url = `postgres://${role.username}:${role.password}@${host}/${name}`;
  return { url, connect: () => sessions.connect(name), ...databaseTools(query, async () => {}) };
}
