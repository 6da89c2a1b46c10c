import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Binaries, startTemporaryPostgres } from "@frontrow/embedded-postgres";
import { binariesOfMajor } from "./majors.ts";

/** A PostgreSQL server for one test run. */
interface TestPostgres {
  readonly adminUrl: string;
  stop(): Promise<void>;
}

const image = "postgres:18";

function say(message: string): void {
  process.stderr.write(`tests: ${message}\n`);
}

/**
 * The server that APP_TEST_DATABASE_URL names; else the embedded binaries of the major version APP_TEST_POSTGRES, if it is
 * set; else a container, if an engine and the image are installed; else the embedded binaries.
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const given = process.env.APP_TEST_DATABASE_URL;
  if (given) {
    say("PostgreSQL is the one of APP_TEST_DATABASE_URL");
    return { adminUrl: given, stop: async () => {} };
  }
  const major = process.env.APP_TEST_POSTGRES;
  if (major) {
    const binaries = await binariesOfMajor(Number(major)).catch((error: unknown) => {
      throw new Error(`APP_TEST_POSTGRES is ${major}: ${error instanceof Error ? error.message : error}`);
    });
    say(`PostgreSQL is the embedded ${binaries.version}`);
    return await startEmbedded(binaries);
  }
  try {
    const container = await startContainer();
    say(`PostgreSQL runs in a container of ${image}`);
    return container;
  } catch (error) {
    say(`no container (${error instanceof Error ? error.message : String(error)}); PostgreSQL is the embedded one`);
    return await startEmbedded();
  }
}

/** Only with an image that is installed: a test run downloads nothing. */
async function startContainer(): Promise<TestPostgres> {
  if (process.env.APP_TEST_CONTAINERS === "off") throw new Error("switched off by APP_TEST_CONTAINERS");
  const { getContainerRuntimeClient, ImageName } = await import("testcontainers");
  const runtime = await getContainerRuntimeClient();
  const isInstalled = (name: string) => runtime.image.exists(ImageName.fromString(name));
  if (!(await isInstalled(image))) throw new Error(`the image ${image} is not installed`);
  // Without its clean-up image, the clean-up is ours: `stop` below.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= "true";
  const { PostgreSqlContainer } = await import("@testcontainers/postgresql");
  const container = await new PostgreSqlContainer(image)
    .withStartupTimeout(30_000)
    .withCommand(["postgres", "-c", "max_connections=300"])
    .start();
  return { adminUrl: container.getConnectionUri(), stop: async () => void (await container.stop()) };
}

async function startEmbedded(binaries?: Binaries): Promise<TestPostgres> {
  const settings = { max_connections: "300" };
  const postgres = await startTemporaryPostgres({ name: "frontrow", settings, ...(binaries && { binaries }) });
  // Vitest has no teardown when it is interrupted.
  const kill = () => killServer(postgres.dataDir);
  const exit = () => process.exit(130);
  process.once("exit", kill).once("SIGINT", exit).once("SIGTERM", exit);
  return {
    adminUrl: postgres.url,
    stop: async () => {
      process.off("exit", kill).off("SIGINT", exit).off("SIGTERM", exit);
      await postgres.stop();
    },
  };
}

function killServer(dataDir: string): void {
  try {
    const [pid] = readFileSync(join(dataDir, "postgres", "postmaster.pid"), "utf8").split("\n");
    process.kill(Number(pid), "SIGINT");
  } catch {
    // It has ended.
  }
}
