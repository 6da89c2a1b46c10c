/**
 * Counts the files of src/ that one warm booking over REST enters: `node scripts/count-entered-files.ts`. It starts the
 * service on a new database and takes the counts of calls that V8 keeps for each function. A file that only a
 * timer enters is in some of the calls, so a file counts if every one of several calls enters it.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { type Profiler, Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { startApp } from "../src/app.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLogger } from "../src/telemetry/log.ts";

const warmUpCalls = 100;
const countedCalls = 10;

const source = new URL("../src/", import.meta.url).href;
const projectRoot = join(import.meta.dirname, "..");
const dataDir = await mkdtemp(join(tmpdir(), "frontrow-"));
// PostgreSQL refuses to run as root. It is another user then, which needs the folder.
await chmod(dataDir, 0o755);
try {
  const files = await filesOfOneBooking();
  for (const file of files) process.stdout.write(`${file}\n`);
  process.stdout.write(`${files.length} files\n`);
} finally {
  await rm(dataDir, { recursive: true, force: true });
}

async function filesOfOneBooking(): Promise<string[]> {
  const env = { APP_DATA_DIR: dataDir, APP_REST_PORT: "0", APP_GRPC_PORT: "0", APP_RATE_LIMIT_BOOKINGS: "1000000" };
  const { config } = loadConfig({ argv: [], env, readFile: () => undefined, projectRoot });
  const app = await startApp(config, createLogger({ level: "silent" }), new AbortController().signal);
  try {
    const api = `http://127.0.0.1:${app.restPort}/api/v1`;
    const concertId = await createConcert(api);
    const book = () => post(`${api}/bookings`, { concert_id: concertId, user_id: "ann", ticket_count: 1 });
    for (let call = 0; call < warmUpCalls; call++) await book();
    return await filesOfEvery(book);
  } finally {
    await app.close({ atOnce: true });
  }
}

/** The files of src/ that each of the calls enters. */
async function filesOfEvery(call: () => Promise<unknown>): Promise<string[]> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  let files: Set<string> | undefined;
  for (let count = 0; count < countedCalls; count++) {
    await session.post("Profiler.takePreciseCoverage");
    await call();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    const entered = new Set(result.filter(isEntered).map(({ url }) => relative(projectRoot, fileURLToPath(url))));
    files = files?.intersection(entered) ?? entered;
  }
  session.disconnect();
  return [...(files ?? [])].sort();
}

function isEntered({ url, functions }: Profiler.ScriptCoverage): boolean {
  return url.startsWith(source) && functions.some(({ ranges }) => ranges.some(({ count }) => count > 0));
}

async function createConcert(api: string): Promise<string> {
  const day = 24 * 60 * 60_000;
  const later = (ms: number) => new Date(Date.now() + ms).toISOString();
  const concert = {
    ...{ name: "Moonlight", artist: "Ann", venue: "Old Mill", price: 10, total_tickets: 10_000 },
    ...{ concert_date: later(30 * day), booking_start_time: later(-day), booking_end_time: later(day) },
  };
  const { id } = (await post(`${api}/concerts`, concert)) as { id: string };
  return id;
}

async function post(url: string, body: object): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (response.status !== 201) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return await response.json();
}
