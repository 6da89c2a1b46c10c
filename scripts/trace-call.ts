/**
 * Prints the files that one booking by REST enters, with the functions that run in each, as V8 counts them. The service runs
 * as a separate process and is warm. A file counts if every one of several calls enters it, so that timers do not.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = join(import.meta.dirname, "..");
const warmUpCalls = 200;
const tracedCalls = 5;
const startTimeoutMs = 60_000;

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
  }[];
}

const dataDir = await mkdtemp(join(tmpdir(), "frontrow-trace-"));
// When root runs this, PostgreSQL runs as another user, which needs access.
await chmod(dataDir, 0o755);
const service = spawn(process.execPath, ["--inspect=127.0.0.1:0", "src/main.ts"], {
  cwd: root,
  env: { ...process.env, APP_DATA_DIR: dataDir, APP_REST_PORT: "0", APP_GRPC_PORT: "0", APP_RATE_LIMIT_BOOKINGS: "0" },
  stdio: ["ignore", "pipe", "pipe"],
});
try {
  const { inspector, restPort } = await addressesOf(service);
  const socket = new WebSocket(inspector);
  // Node does not exit while an inspector is connected.
  using _closing = { [Symbol.dispose]: () => socket.close() };
  const send = await openInspector(socket);
  for (let count = 0; count < warmUpCalls; count++) await book(restPort);
  await send("Profiler.enable");
  await send("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  const calls: Map<string, number>[] = [];
  for (let count = 0; count < tracedCalls; count++) {
    await send("Profiler.takePreciseCoverage");
    await book(restPort);
    const { result } = (await send("Profiler.takePreciseCoverage")) as { result: ScriptCoverage[] };
    calls.push(enteredFiles(result));
  }
  const files = [...(calls[0]?.keys() ?? [])].filter((file) => calls.every((call) => call.has(file))).sort();
  for (const file of files) print(calls[0]?.get(file) ?? 0, file);
  print(files.length, "files");
} finally {
  service.kill("SIGTERM");
  await once(service, "exit");
  await rm(dataDir, { recursive: true, force: true });
}

function print(count: number, text: string): void {
  process.stdout.write(`${String(count).padStart(4)}  ${text}\n`);
}

async function addressesOf({ stdout, stderr }: ChildProcess): Promise<{ inspector: string; restPort: number }> {
  if (!stdout || !stderr) throw new Error("the service has no output");
  const signal = AbortSignal.timeout(startTimeoutMs);
  const find = async (output: NodeJS.ReadableStream, pattern: RegExp) => {
    const lines = createInterface({ input: output });
    const timedOut = once(signal, "abort").then(() => lines.close());
    for await (const line of lines) {
      const [, found] = pattern.exec(line) ?? [];
      if (found !== undefined) return found;
    }
    await timedOut;
    throw new Error(`the service wrote nothing like ${pattern}`);
  };
  const [inspector, port] = await Promise.all([
    find(stderr, /Debugger listening on (ws:\S+)/),
    find(stdout, /"restPort":(\d+)/),
  ]);
  stdout.resume();
  stderr.resume();
  return { inspector, restPort: Number(port) };
}

async function openInspector(socket: WebSocket): Promise<(method: string, params?: object) => Promise<unknown>> {
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id: number; result: unknown };
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  await once(socket, "open");
  let last = 0;
  return (method, params = {}) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    waiting.set(++last, resolve);
    socket.send(JSON.stringify({ id: last, method, params }));
    return promise;
  };
}

async function book(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/bookings`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ concert_id: "1", user_id: "tracer", ticket_count: 1 }),
  });
  if (response.status !== 201) throw new Error(`a booking returned ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/** The files of the project, with how many of their functions have run. */
function enteredFiles(coverage: readonly ScriptCoverage[]): Map<string, number> {
  const entered = new Map<string, number>();
  for (const { url, functions } of coverage) {
    if (!url.startsWith("file:")) continue;
    const file = relative(root, fileURLToPath(url));
    // The function at the file's beginning is the module itself, which ran when the service started.
    const ran = functions.flatMap(({ ranges }) => ranges.slice(0, 1)).filter(({ startOffset }) => startOffset > 0);
    const count = ran.filter((range) => range.count > 0).length;
    if (count > 0 && /^(src|packages|gen)\//.test(file)) entered.set(file, count);
  }
  return entered;
}
