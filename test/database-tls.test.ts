/** TLS to the database by libpq's modes, on a server with and without TLS. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, readFile, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { EmbeddedPostgres } from "@frontrow/embedded-postgres";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { parseDatabaseUrl } from "../src/config/database-url.ts";
import { startEmbeddedDatabase } from "../src/store/embedded.ts";
import type { StoreOptions } from "../src/store/store.ts";
import { createDataFolder, type DataFolder } from "./support/database/data-folder.ts";
import { openDeadline, openStore } from "./support/database/store.ts";
import { findCommand } from "./support/process/child-process.ts";
import { openProgram } from "./support/process/program.ts";
import { testEnvironment } from "./support/service/service.ts";

/** It makes the certificates. */
const openssl = findCommand(["openssl"], { argument: "version", skipped: "tests of TLS to the database" });
const describeTls = describe.skipIf(!openssl);

let folder: DataFolder;
let postgres: EmbeddedPostgres;
/** The server's certificate, which is its own authority and names `localhost` only. */
let authority: string;
let otherAuthority: string;

beforeAll(async () => {
  if (!openssl) return;
  folder = await createDataFolder();
  postgres = await startEmbeddedDatabase({ dataDir: folder.path });
  authority = join(folder.path, "server.crt");
  otherAuthority = join(folder.path, "other.crt");
  certify(join(folder.path, "server.key"), authority);
  certify(join(folder.path, "other.key"), otherAuthority);
  for (const name of ["server.key", "server.crt"]) await giveToServer(name, await readFile(join(folder.path, name)));
});
afterAll(async () => {
  await postgres?.stop();
  await folder?.remove();
});

function certify(key: string, certificate: string): void {
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha256", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", ...kind, ...names, "-keyout", key, "-out", certificate], { stdio: "ignore" });
}

/** Writes a file that PostgreSQL's user owns. */
async function giveToServer(name: string, content: string | Buffer): Promise<void> {
  const path = join(folder.path, "postgres", name);
  await writeFile(path, content);
  const { uid, gid } = await stat(join(folder.path, "postgres", "PG_VERSION"));
  await chown(path, uid, gid);
  await chmod(path, 0o600);
}

/** From now on new connections meet a server with or without TLS, and these lines of pg_hba.conf. */
async function serve(ssl: "on" | "off", lines: readonly string[]): Promise<void> {
  // The test's own way in is by a role that no line below is about.
  const own = "host all postgres 127.0.0.1/32 scram-sha-256";
  await giveToServer("pg_hba.conf", [own, ...lines, ""].join("\n"));
  const session = await folder.connect();
  await session.query(`ALTER SYSTEM SET ssl = ${ssl}`);
  await session.query("SET password_encryption = 'scram-sha-256'");
  await session.query("DO $$ BEGIN CREATE ROLE nora LOGIN PASSWORD 'pw'; EXCEPTION WHEN duplicate_object THEN END $$");
  await session.query("GRANT pg_read_all_stats TO nora");
  const { rows } = await session.query("SELECT pg_conf_load_time() AS before, pg_reload_conf()");
  const isLoaded = "SELECT pg_conf_load_time() > $1 AS loaded, current_setting('ssl') AS ssl";
  await vi.waitFor(async () => {
    const { rows: now } = await session.query(isLoaded, [rows[0]?.before]);
    expect(now).toEqual([{ loaded: true, ssl }]);
  }, 20_000);
  await session.end();
}

/** How a first read goes that is made by these options. */
async function connect(options: Partial<StoreOptions>): Promise<"plain" | "encrypted" | string> {
  const { port, database } = postgres.connection;
  const store = openStore(`postgres://nora:pw@127.0.0.1:${port}/${database}`, { maxRetries: 0, ...options });
  const question = sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
  try {
    const { rows } = await store.read((db) => question.execute(db), openDeadline());
    return rows[0]?.ssl ? "encrypted" : "plain";
  } catch (error) {
    // DATABASE_UNAVAILABLE, then ConnectFailure, then what was wrong.
    const causes = [error, (error as Error).cause, ((error as Error).cause as Error).cause];
    return (causes[2] as Error).message;
  } finally {
    await store.close();
  }
}

type Case = [name: string, options: Partial<StoreOptions>, outcome: string | RegExp];

async function expectOutcome(options: Partial<StoreOptions>, outcome: string | RegExp): Promise<void> {
  const authorities = { authority, otherAuthority }[options.sslCaFile ?? ""];
  expect(await connect({ ...options, ...(authorities && { sslCaFile: authorities }) })).toMatch(outcome);
}

describeTls("a server without TLS", () => {
  beforeAll(() => serve("off", ["host all nora 127.0.0.1/32 scram-sha-256"]));

  test.each<Case>([
    ["disable", { sslMode: "disable" }, "plain"],
    ["allow", { sslMode: "allow" }, "plain"],
    ["prefer", { sslMode: "prefer" }, "plain"],
    ["require", { sslMode: "require" }, "does not support SSL"],
    ["verify-ca", { sslMode: "verify-ca", sslCaFile: "authority" }, "does not support SSL"],
    ["verify-full", { sslMode: "verify-full", sslCaFile: "authority" }, "does not support SSL"],
    ["prefer with channel binding preferred", { sslMode: "prefer", channelBinding: "prefer" }, "plain"],
    ["prefer with channel binding required", { sslMode: "prefer", channelBinding: "require" }, "channel binding"],
  ])("%s", (_, options, outcome) => expectOutcome(options, outcome));
});

describeTls("a server with TLS", () => {
  beforeAll(() => serve("on", ["host all nora 127.0.0.1/32 scram-sha-256"]));

  test.each<Case>([
    ["disable", { sslMode: "disable" }, "plain"],
    ["allow", { sslMode: "allow" }, "plain"],
    ["prefer", { sslMode: "prefer" }, "encrypted"],
    ["require", { sslMode: "require" }, "encrypted"],
    ["verify-ca", { sslMode: "verify-ca", sslCaFile: "authority" }, "encrypted"],
    ["verify-ca, another authority", { sslMode: "verify-ca", sslCaFile: "otherAuthority" }, /certificate/],
    ["verify-ca, the system's authorities", { sslMode: "verify-ca" }, /certificate/],
    ["verify-full by name", { sslMode: "verify-full", sslCaFile: "authority", host: "localhost" }, "encrypted"],
    ["verify-full by address", { sslMode: "verify-full", sslCaFile: "authority" }, /altnames|127\.0\.0\.1/],
    ["verify-full, another authority", { sslMode: "verify-full", sslCaFile: "otherAuthority" }, /certificate/],
    ["channel binding preferred", { sslMode: "require", channelBinding: "prefer" }, "encrypted"],
    ["channel binding required", { sslMode: "require", channelBinding: "require" }, "encrypted"],
    ["TLS from the first byte", { sslMode: "require", sslNegotiation: "direct" }, "encrypted"],
  ])("%s", (_, options, outcome) => expectOutcome(options, outcome));

  test("accepts a URL with the parameters that providers add", async () => {
    const { port, database, password } = postgres.connection;
    const query = "sslmode=require&channel_binding=require&connect_timeout=10&keepalives=1";
    const url = `postgresql://postgres:${password}@127.0.0.1:${port}/${database}?${query}`;
    expect(parseDatabaseUrl(url)).toMatchObject({ value: { channelBinding: "require" } });
    await using program = await openProgram(testEnvironment(url));
    expect((await fetch(`${program.baseUrl}/api/v1/concerts`)).status).toBe(200);
    expect(await program.line("keepalives is ignored")).not.toContain(password);
  });
});

describeTls("a server that wants TLS", () => {
  beforeAll(() => serve("on", ["hostssl all nora 127.0.0.1/32 scram-sha-256"]));

  test.each<Case>([
    ["disable", { sslMode: "disable" }, "no pg_hba.conf entry"],
    ["allow", { sslMode: "allow" }, "encrypted"],
    ["prefer", { sslMode: "prefer" }, "encrypted"],
  ])("%s", (_, options, outcome) => expectOutcome(options, outcome));
});

describeTls("a server that does not want TLS", () => {
  beforeAll(() => serve("on", ["hostnossl all nora 127.0.0.1/32 scram-sha-256"]));

  test.each<Case>([
    ["prefer", { sslMode: "prefer" }, "plain"],
    ["require", { sslMode: "require" }, "no pg_hba.conf entry"],
  ])("%s", (_, options, outcome) => expectOutcome(options, outcome));
});

describeTls("an alternative to TLS that fails too", () => {
  test("is not remembered", async () => {
    await serve("on", ["hostnossl all nora 127.0.0.1/32 scram-sha-256"]);
    const setPassword = async (password: string) => {
      const session = await folder.connect();
      await session.query(`ALTER ROLE nora PASSWORD '${password}'`).finally(() => session.end());
    };
    await setPassword("another");
    const { port, database } = postgres.connection;
    const url = `postgres://nora:pw@127.0.0.1:${port}/${database}`;
    const store = openStore(url, { maxRetries: 0, sslMode: "prefer" });
    onTestFinished(async () => void (await store.close()));
    const question = sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
    const ask = async () => (await store.read((db) => question.execute(db), openDeadline())).rows;
    await expect(ask()).rejects.toMatchObject({ cause: { cause: { code: "28P01" } } });
    await setPassword("pw");
    await serve("on", ["host all nora 127.0.0.1/32 scram-sha-256"]);
    expect(await ask()).toEqual([{ ssl: true }]);
  });
});

describeTls("a server that only says that it binds the channel", () => {
  /** A message of PostgreSQL's protocol. */
  function message(type: string, content: Buffer): Buffer {
    const length = Buffer.alloc(4);
    length.writeInt32BE(content.length + 4);
    return Buffer.concat([Buffer.from(type), length, content]);
  }
  const offer = message("R", Buffer.from("\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"));
  const accept = Buffer.concat([message("R", Buffer.alloc(4)), message("Z", Buffer.from("I"))]);
  const final = message("R", Buffer.from("\0\0\0\x0cv=AAAA"));

  /** Offers channel binding, sends `answer` to the client's first message, and gives up at any statement. */
  async function startImpostor(hasTls: boolean, answer: Buffer) {
    const received: Buffer[] = [];
    const sockets = new Set<Socket>();
    const [key, cert] = await Promise.all([readFile(join(folder.path, "server.key")), readFile(authority)]);
    const talk = (socket: Duplex) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.write(offer);
        socket.on("data", (data: Buffer) => {
          received.push(data);
          if (data.toString("latin1", 0, 1) === "p" && received.length === 1) socket.write(answer);
          else socket.destroy();
        });
      });
    };
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      if (!hasTls) return talk(socket);
      socket.once("data", () => {
        socket.write("S");
        talk(new TLSSocket(socket, { isServer: true, key, cert }));
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { port: (server.address() as AddressInfo).port, received };
  }

  test.each([
    ["accepts at once", true, accept],
    ["accepts after a proof that is none", true, Buffer.concat([final, accept])],
    ["has no TLS", false, accept],
  ])("and %s is refused where channel binding is required", async (_, hasTls, answer) => {
    const { port, received } = await startImpostor(hasTls, answer);
    const outcome = await connect({ port, sslMode: hasTls ? "require" : "disable", channelBinding: "require" });
    expect(outcome).toMatch(/channel binding|SASL/);
    // The client's first message of the exchange and nothing after it, such as a statement.
    expect(received.map((data) => data.toString("latin1", 0, 1))).toEqual(hasTls ? ["p"] : []);
  });
});

describeTls.each(["password", "trust", "md5"])("a server that asks by %s", (method) => {
  beforeAll(() => serve("on", [`host all nora 127.0.0.1/32 ${method}`]));

  test("gets no answer where channel binding is required", async () => {
    // By md5 PostgreSQL proves a SCRAM password by SCRAM.
    const outcome = method === "md5" ? "encrypted" : "channel binding";
    await expectOutcome({ sslMode: "require", channelBinding: "require" }, outcome);
    await expectOutcome({ sslMode: "require" }, "encrypted");
  });
});
