/**
 * Where the SDKs play their scenarios: the service with and without tokens and with strict limits, on one PostgreSQL. Each
 * player has its own control server, with its own proxies before the services, so that players do not disturb each other.
 *
 * `npx node test/sdk/stage.ts COMMAND [ARGUMENT...]` runs a player alone.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import pg from "pg";
import { withTemporaryDatabase } from "../../scripts/temporary-database.ts";
import { createTokenIssuer, type TokenIssuer, trusting } from "../support/auth/tokens.ts";
import { databaseTools, type TestDatabase } from "../support/database/database.ts";
import { patientSettings } from "../support/database/locks.ts";
import { endChildren } from "../support/process/child-process.ts";
import { type OpenProgram, openProgram } from "../support/process/program.ts";
import { projectRoot } from "../support/project-root.ts";
import { type Settings, testEnvironment } from "../support/service/service.ts";
import { type Control, startControl } from "./control.ts";

/** What all players share. */
export interface Stage {
  readonly database: TestDatabase;
  readonly issuer: TokenIssuer;
  /** Trusts each request's `user_id`. */
  readonly plain: OpenProgram;
  /** Verifies tokens of the issuer. */
  readonly tokens: OpenProgram;
  /** Verifies tokens, and allows each user one read a minute and one unfinished booking. */
  readonly strict: OpenProgram;
  /** Starts one more service, like `plain`. */
  startService(): Promise<OpenProgram>;
  /** Opens the control server of a player. */
  open(): Promise<Control>;
}

/** Each batch of bookings that waits for a concert's lock has a connection, and players lock concerts at the same time. */
const shared: Settings = { ...patientSettings, APP_DATABASE_POOL_SIZE: "20" };

// The services load the same modules. The cache halves the time that a start takes.
process.env.NODE_COMPILE_CACHE ??= join(projectRoot, "node_modules", ".cache", "node");

/**
 * Starts the stage for the time of `play`, and compares the tickets and bookings at the end. If the process is stopped by a
 * signal, the stage ends and the promise rejects: services and PostgreSQL have process groups that no signal reaches.
 */
export async function withStage<Result>(
  play: (stage: Stage, stopping: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stopping = new AbortController();
  const stopped = Promise.withResolvers<never>();
  // The signal may come before the stage is ready.
  stopped.promise.catch(() => {});
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      const error = new Error(`stopped by ${name}`);
      stopping.abort(error);
      stopped.reject(error);
    });
  }
  return await withTemporaryDatabase(async (url) => {
    const database = openDatabase(url);
    const issuer = await createTokenIssuer();
    const start = (settings: Settings) => openProgram(testEnvironment(url, { ...shared, ...settings }));
    const strictLimits = { APP_RATE_LIMIT_READS: "1", APP_MAX_UNFINISHED_PER_CALLER: "1" };
    try {
      const [plain, tokens, strict] = await Promise.all([
        start({}),
        start(trusting(issuer)),
        start(trusting(issuer, strictLimits)),
      ]);
      const stage: Stage = {
        ...{ database, issuer, plain, tokens, strict },
        startService: () => start({}),
        open: () => startControl(stage),
      };
      const result = await Promise.race([play(stage, stopping.signal), stopped.promise]);
      await Promise.all([plain, tokens, strict].map((service) => service.stop()));
      await database.checkInvariants();
      return result;
    } finally {
      await endChildren();
      await database.drop();
    }
  });
}

/** The stage's database as tests have theirs. The server ends with the stage, so there is nothing to drop. */
function openDatabase(url: string): TestDatabase {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on("error", () => {});
  const query = async <Row extends object>(text: string, values: unknown[] = []) =>
    (await pool.query<Row>(text, values)).rows;
  return {
    url,
    ...databaseTools(query, () => pool.end()),
    connect: async () => {
      const client = new pg.Client({ connectionString: url });
      client.on("error", () => {});
      await client.connect();
      return client;
    },
  };
}

if (import.meta.main) {
  const [command = "env", ...args] = process.argv.slice(2);
  process.exitCode = await withStage(async (stage, signal) => {
    await using control = await stage.open();
    const env = { ...process.env, FRONTROW_STAGE: control.address };
    const [code] = await once(spawn(command, args, { env, stdio: "inherit", signal }), "close");
    return code as number;
  });
}
