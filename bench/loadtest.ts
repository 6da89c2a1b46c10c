/** The program of the load test, which needs a running service and nothing else: see `--help`. */

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { type Clients, createClients } from "./loadtest/clients.ts";
import { createTally, rush, type Tally } from "./loadtest/crowd.ts";
import { type LoadTestOptions, readOptions, UsageError, usage } from "./loadtest/options.ts";
import { describeLoadTest, describeProgress } from "./loadtest/report.ts";
import { isSound, verifySettled } from "./loadtest/verify.ts";

const exitCodes = { broken: 1, failed: 2 } as const;
const progressIntervalMs = 250;
const hourMs = 60 * 60_000;

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stopping.abort());

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === undefined) process.stdout.write(usage);
  else if (!(await runLoadTest(options))) process.exitCode = exitCodes.broken;
} catch (error) {
  const sentence =
    error instanceof UsageError ? `${error.message}\n\n${usage}` : `${ConnectError.from(error).message}\n`;
  process.stderr.write(`load test: ${sentence}`);
  process.exitCode = exitCodes.failed;
}
// Connections to the service would keep the process for a while.
process.exit();

/** Resolves with whether every request was answered, and all that is stored is what was answered. */
async function runLoadTest(options: LoadTestOptions): Promise<boolean> {
  const clients = createClients(options);
  const concertId = await createConcert(clients, options);
  const tally = createTally();
  const startedAtMs = performance.now();
  const endProgress = showProgress(options, tally);
  await rush(options, concertId, tally, { stopping: stopping.signal }).finally(endProgress);
  const elapsedMs = performance.now() - startedAtMs;
  const verdict = await verifySettled(clients, concertId, tally);
  process.stdout.write(describeLoadTest(options, tally, verdict, elapsedMs));
  if (!isSound(verdict)) process.stderr.write("load test: an invariant is broken: see the table\n");
  if (tally.unanswered > 0) process.stderr.write("load test: requests had no answer\n");
  return isSound(verdict) && tally.unanswered === 0;
}

async function createConcert({ concerts }: Clients, { tickets }: LoadTestOptions): Promise<bigint> {
  const nowMs = Date.now();
  const concert = {
    ...{ name: "Load test", artist: "The Crowd", venue: "Front row", totalTickets: tickets, price: 10 },
    bookingStartTime: timestampFromMs(nowMs - hourMs),
    bookingEndTime: timestampFromMs(nowMs + 2 * hourMs),
    concertDate: timestampFromMs(nowMs + 3 * hourMs),
  };
  const { id } = await concerts.createConcert(concert, { signal: stopping.signal });
  return id;
}

/** On a terminal: one line, written over again and again. Returns what ends it. */
function showProgress(options: LoadTestOptions, tally: Tally): () => void {
  if (!process.stdout.isTTY) return () => {};
  const show = () => process.stdout.write(`\r\u001b[K${describeProgress(options, tally)}`);
  const timer = setInterval(show, progressIntervalMs);
  return () => {
    clearInterval(timer);
    process.stdout.write("\r\u001b[K");
  };
}
