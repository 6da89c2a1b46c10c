/** A data folder for an embedded database, and sessions in that database from outside the service. */
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPostmaster, type Postmaster, stopPostmaster } from "@frontrow/embedded-postgres";
import pg from "pg";

export interface DataFolder {
  readonly path: string;
  /** The PostgreSQL server that runs on it, if one does. */
  server(): Promise<Postmaster | undefined>;
  /** A session in the service's database; the caller ends it. */
  connect(): Promise<pg.Client>;
  /** Ends a server that was left behind, and removes everything. */
  remove(): Promise<void>;
}

export async function createDataFolder(): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), "frontrow-data-"));
  // Under root the server runs as another user, which must be able to enter.
  await chmod(path, 0o755);
  const cluster = join(path, "postgres");
  const server = () => findPostmaster(path);
  return {
    path,
    server,
    async connect() {
      const port = (await server())?.port;
      const password = await readFile(join(cluster, "frontrow.password"), "utf8");
      const client = new pg.Client({
        ...{ host: "127.0.0.1", user: "postgres", database: "concert_tickets", password },
        ...(port !== undefined && { port }),
      });
      client.on("error", () => {});
      await client.connect();
      return client;
    },
    async remove() {
      const left = await server();
      if (left) await stopPostmaster(path, left);
      await rm(path, { recursive: true, force: true });
    },
  };
}
