/** The documents' work on a PostgreSQL server, in a reader's order, by the programs of PostgreSQL. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { chmod, chown, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { binariesOf, type EmbeddedPostgres, startTemporaryPostgres } from "@frontrow/embedded-postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { oldestPackage } from "../support/database/majors.ts";
import { findCommand } from "../support/process/child-process.ts";
import { projectRoot } from "../support/project-root.ts";
import { copyProject, type ProjectCopy } from "./support/project-copy.ts";
import { commandsIn, describeOutput, openTerminal, type Terminal } from "./support/shell.ts";
import { nameOf, type Snippet, snippetsOf } from "./support/snippets.ts";

const skipped = "the documents' work on databases";
const hasPrograms = ["psql", "pg_dump", "openssl"].every((name) =>
  findCommand([name], { skipped, ...(name === "openssl" && { argument: "version" }) }),
);
const snippets = snippetsOf("psql database", "bash database", "sql database", "sql before-holds");
const migrations = readdirSync(join(projectRoot, "db", "migrations")).sort();

let server: EmbeddedPostgres;
let copy: ProjectCopy;
let terminal: Terminal;

beforeAll(async () => {
  if (!hasPrograms) return;
  // The oldest that the service accepts: pg_dump reads servers up to its version.
  server = await startTemporaryPostgres({ name: "frontrow-docs", binaries: await binariesOf(oldestPackage) });
  copy = await copyProject();
  const { port, password } = server.connection;
  const login = { PGHOST: "127.0.0.1", PGPORT: String(port), PGUSER: "postgres", PGPASSWORD: password };
  const ports = { APP_REST_PORT: "0", APP_GRPC_PORT: "0", APP_HOST: "127.0.0.1" };
  terminal = await openTerminal({
    cwd: copy.path,
    env: { ...copy.env, ...login, ...ports, PGDATABASE: "postgres" },
    limitMs: 120_000,
  });
});
afterAll(async () => {
  await terminal?.[Symbol.asyncDispose]();
  await copy?.[Symbol.asyncDispose]();
  await server?.stop();
});

async function run(text: string): Promise<void> {
  const output = await terminal.run(text);
  expect(output.code, describeOutput(output)).toBe(0);
}

/** By psql, which ends at the first error. */
async function query(text: string, database: string): Promise<void> {
  await run(`psql --quiet --set ON_ERROR_STOP=1 --dbname ${database} <<'QUERY'\n${text}\nQUERY`);
}

/** The documents' host is this server. */
const addressed = (text: string) => text.replaceAll("db.example.org", `127.0.0.1:${server.connection.port}`);

async function runCommands(text: string): Promise<void> {
  for (const command of commandsIn(addressed(text))) {
    if (!/\bnpm start\b/.test(command)) await run(command);
    else {
      const child = terminal.start(command);
      await child.line("Frontrow is open");
      await child.stop("SIGINT");
    }
  }
}

/** A database with the names of docs/configuration.md, on a server with TLS whose certificate the service trusts. */
async function prepareTls(): Promise<void> {
  const [key, certificate] = [join(copy.path, "server.key"), join(copy.path, "server.crt")];
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", ...kind, ...names, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const folder = join(server.dataDir, "postgres");
  const { uid, gid } = await stat(join(folder, "PG_VERSION"));
  for (const name of ["server.key", "server.crt"]) {
    await writeFile(join(folder, name), await readFile(join(copy.path, name)));
    await chown(join(folder, name), uid, gid);
    await chmod(join(folder, name), 0o600);
  }
  await query("ALTER SYSTEM SET ssl = on", "postgres");
  await query("SELECT pg_reload_conf(); CREATE ROLE ann LOGIN SUPERUSER PASSWORD 'secret'", "postgres");
  await run(`createdb tickets; export NODE_EXTRA_CA_CERTS='${certificate}'`);
}

/** Runs the text between the migrations from before holds and that to holds. */
async function upgrade(text: string): Promise<void> {
  await run("createdb --template=template0 --encoding=UTF8 --lc-ctype=C.UTF-8 earlier");
  const run1 = (name: string) => run(`psql --quiet --set ON_ERROR_STOP=1 -1 -d earlier -f db/migrations/${name}`);
  const [earlier, holds] = Object.values(Object.groupBy(migrations, (name) => String(name >= "0006")));
  for (const name of earlier ?? []) await run1(name);
  await query(text, "earlier");
  await run1(holds?.[0] ?? "");
}

async function prove({ kind, document, text }: Snippet): Promise<void> {
  if (document === "docs/configuration.md") await prepareTls();
  if (kind === "psql database") await query(text, "postgres");
  else if (kind === "sql database") await query(text, "concert_tickets");
  else if (kind === "sql before-holds") await upgrade(text);
  else await runCommands(text);
}

describe.skipIf(!hasPrograms)("a reader with a PostgreSQL server", () => {
  test.each(snippets.map((snippet) => ({ name: nameOf(snippet), snippet })))("$name", ({ snippet }) => prove(snippet));
});
