/** Runs the service as it is shipped, with workers, and answers the bench's questions about all its processes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { serveQuestions } from "./questions.ts";
import type { ServerQuestion, ServerUsage } from "./server.ts";
import { serverSettings } from "./server-settings.ts";

const [databaseUrl = "", settings = "{}"] = process.argv.slice(2);
const service = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, "..", "src", "main.ts")], {
  env: {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
    ...{ APP_DATABASE_URL: databaseUrl, APP_REST_PORT: "0", APP_GRPC_PORT: "0" },
    ...serverSettings,
    // The ports are in the log.
    APP_LOG_LEVEL: "info",
    ...JSON.parse(settings),
  },
  stdio: ["ignore", "pipe", "inherit"],
});

const port = await new Promise<number>((resolve, reject) => {
  // Read to the end, since a full pipe would stop the service.
  createInterface({ input: service.stdout }).on("line", (line) => {
    if (line.includes('"restPort"')) resolve(JSON.parse(line).restPort);
  });
  service.once("exit", (code) => reject(new Error(`the service ended with status ${code}`)));
});

/** The service counts no statements for the bench. */
function usage(): ServerUsage {
  return { statements: 0, transactions: 0, reads: 0, cpuMs: processesOf(service.pid ?? 0).reduce(addCpuMs, 0) };
}

function processesOf(pid: number): number[] {
  const children = `/proc/${pid}/task/${pid}/children`;
  const text = existsSync(children) ? readFileSync(children, "utf8") : "";
  return [pid, ...text.split(" ").filter(Boolean).map(Number)];
}

const ticksPerSecond = 100;

/** The processor time from Linux's list of processes: 0 elsewhere. */
function addCpuMs(sum: number, pid: number): number {
  const file = `/proc/${pid}/stat`;
  // The name, in brackets, may contain spaces.
  const fields = existsSync(file)
    ? readFileSync(file, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")
    : [];
  const [userTicks = 0, systemTicks = 0] = [fields[11], fields[12]].map(Number);
  return sum + ((userTicks + systemTicks) * 1_000) / ticksPerSecond;
}

serveQuestions<ServerQuestion>(
  (question) => (question === "port" ? port : usage()),
  async () => {
    if (service.exitCode !== null || service.signalCode !== null) return;
    const ended = once(service, "exit");
    service.kill("SIGTERM");
    await ended;
  },
);
