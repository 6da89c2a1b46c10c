/** Three Patroni nodes, etcd, and HAProxy, which leads to the primary: the files of deploy/patroni with shorter times. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, vi } from "vitest";
import { parse, stringify } from "yaml";
import { databaseTools, type TestDatabase } from "../../support/database/database.ts";
import { projectRoot } from "../../support/service/service.ts";
import { createPatroniNode, type PatroniNode, superuser } from "./patroni-node.ts";
import { owner, type Programs, spawnServer } from "./programs.ts";

export interface Cluster extends AsyncDisposable {
  /** By way of HAProxy. Its URL is that of a role without other rights than the service needs. */
  readonly database: TestDatabase;
  readonly nodes: readonly PatroniNode[];
  /** Resolves with the primary, once there is one besides `not`. */
  untilPrimary(not?: PatroniNode): Promise<PatroniNode>;
  /** Resolves once a primary has two standbys that have all of its history, one of them synchronous. */
  untilWhole(): Promise<void>;
}

const names = ["node1", "node2", "node3"] as const;
const wait = { timeout: 40_000, interval: 50 };
const settingsFolder = join(projectRoot, "deploy", "patroni");
/** A dead primary is replaced within this time, and each failure of the network is retried. */
const shortTimes = { ttl: 6, loop_wait: 1, retry_timeout: 2 };
const databaseName = "concert_tickets";

/** Starts a cluster in a new folder, at addresses of its own in the loopback network. */
export async function startCluster(programs: Programs): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "frontrow-failover-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  if (owner) spawnSync("chown", [owner, folder]);
  const network = `127.${64 + Math.floor(Math.random() * 128)}.${Math.floor(Math.random() * 256)}`;
  const [haproxyAddress, etcdAddress] = [`${network}.1`, `${network}.2`];
  const etcd = startEtcd(programs, folder, etcdAddress);
  stack.use(etcd);
  await etcd.line("ready to serve client requests");
  const configuration = await writeConfiguration(folder);
  const nodes: PatroniNode[] = [];
  for (const [index, name] of names.entries()) {
    const [address, ownAddress, etcdLink] = [10, 20, 30].map((first) => `${network}.${first + index}`) as [
      string,
      string,
      string,
    ];
    const place = { name, folder, address, ownAddress, etcdAddress: etcdLink };
    nodes.push(stack.use(await createPatroniNode(programs, place, configuration, etcdAddress)));
  }
  for (const node of nodes) node.start();
  const addresses = Object.fromEntries(nodes.map((_, index) => [`NODE${index + 1}`, `${network}.${10 + index}`]));
  const env = { ...addresses, BIND: haproxyAddress };
  stack.use(spawnServer(programs.haproxy, ["-db", "-f", join(settingsFolder, "haproxy.cfg")], env));
  const cluster = {
    nodes,
    untilPrimary: (not?: PatroniNode) => untilPrimary(nodes, not),
    untilWhole: () => untilWhole(nodes),
  };
  await cluster.untilWhole();
  const database = await createDatabase(haproxyAddress);
  const owned = stack.move();
  return { ...cluster, database, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function startEtcd({ etcd }: Programs, folder: string, address: string) {
  const [clients, peers] = [`http://${address}:2379`, `http://${address}:2380`];
  const dataDir = join(folder, "etcd");
  return spawnServer(etcd, [
    ...["--name", "etcd", "--data-dir", dataDir, "--listen-client-urls", clients, "--advertise-client-urls", clients],
    ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", `etcd=${peers}`],
  ]);
}

/** The nodes share a machine here: none has a watchdog or a socket in the file system. */
async function writeConfiguration(folder: string): Promise<string> {
  const configuration = parse(await readFile(join(settingsFolder, "patroni.yml"), "utf8"));
  Object.assign(configuration.bootstrap.dcs, shortTimes);
  configuration.watchdog.mode = "off";
  configuration.postgresql.parameters = { unix_socket_directories: "" };
  const file = join(folder, "patroni.yml");
  await writeFile(file, stringify(configuration));
  return file;
}

async function untilPrimary(nodes: readonly PatroniNode[], not?: PatroniNode): Promise<PatroniNode> {
  return await vi.waitFor(async () => {
    const others = nodes.filter((node) => node !== not);
    const answers = await Promise.all(others.map(async (node) => ({ node, isPrimary: await node.isPrimary() })));
    const primary = answers.find(({ isPrimary }) => isPrimary)?.node;
    if (!primary) throw new Error(`no primary:\n${others.map((node) => node.output().slice(-1_000)).join("\n")}`);
    return primary;
  }, wait);
}

async function untilWhole(nodes: readonly PatroniNode[]): Promise<void> {
  await vi.waitFor(async () => {
    const members = await (await untilPrimary(nodes)).members();
    expect(members.map(({ role }) => role).sort()).toEqual(["leader", "replica", "sync_standby"]);
    for (const { name, role, state, lag } of members) {
      expect(state, name).toMatch(/^(running|streaming)$/);
      if (role !== "leader") expect(lag, `the lag of ${name}`).toBeLessThan(1_000_000);
    }
  }, wait);
}

/** Creates the database and the role, as docs/operations.md has it. */
async function createDatabase(host: string): Promise<TestDatabase> {
  const connect = async (database = databaseName) => {
    const client = new pg.Client({
      host,
      port: 5432,
      user: superuser.username,
      password: superuser.password,
      database,
    });
    client.on("error", () => {});
    await client.connect();
    return client;
  };
  const queryIn = async <Row extends object>(database: string, text: string, values: unknown[] = []) => {
    const client = await connect(database);
    return (await client.query<Row>(text, values).finally(() => client.end())).rows;
  };
  const role = { username: "frontrow", password: "failover" };
  await vi.waitFor(() => queryIn("postgres", "SELECT"), wait);
  await queryIn("postgres", `CREATE DATABASE ${databaseName} ENCODING 'UTF8' LC_CTYPE 'C.UTF-8' TEMPLATE template0`);
  await queryIn("postgres", `CREATE ROLE ${role.username} LOGIN PASSWORD '${role.password}'`);
  await queryIn("postgres", `GRANT CREATE ON DATABASE ${databaseName} TO ${role.username}`);
  const query = <Row extends object>(text: string, values: unknown[] = []) => queryIn<Row>(databaseName, text, values);
  await query(`GRANT CREATE ON SCHEMA public TO ${role.username}`);
  const url = `postgres://${role.username}:${role.password}@${host}/${databaseName}`;
  return { url, connect: () => connect(), ...databaseTools(query, async () => {}) };
}
