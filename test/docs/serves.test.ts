/** The documents' ways to start the service and what runs beside it, each in a copy of the project. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@frontrow/embedded-postgres";
import { describe, expect, test } from "vitest";
import { type OtlpReceiver, startOtlpReceiver } from "../support/network/otlp-receiver.ts";
import { type Child, findCommand } from "../support/process/child-process.ts";
import { copyProject, type ProjectCopy } from "./support/project-copy.ts";
import { commandsIn, describeOutput, openTerminal } from "./support/shell.ts";
import { nameOf, snippetsOf } from "./support/snippets.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
/** What a server writes when it serves, and the ports of the documents that it may listen on. */
const servers = [
  { command: /\bnpm start\b/, line: "Frontrow is open", ports: ["8080", "50051", "9090", "9464"] },
  { command: /\bnpm run example:browser\b/, line: "open http://", ports: ["3000"] },
  { command: /^prometheus\b/, line: "Server is ready to receive web requests", ports: ["9090"] },
];

const hasPrometheus = findCommand(["prometheus"], { skipped: "the snippet of docs/operations.md with Prometheus" });
const snippets = snippetsOf("bash serves").filter(({ text }) => hasPrometheus || !/^prometheus /m.test(text));

/** Free ports, and that of a receiver of traces, in place of the documents' ones. */
function createPortMap({ url }: OtlpReceiver) {
  const others = new Map([["4318", new URL(url).port]]);
  return {
    mapped: (text: string) =>
      [...others].reduce((all, [port, other]) => all.replaceAll(new RegExp(`\\b${port}\\b`, "g"), other), text),
    async draw(ports: readonly string[]): Promise<void> {
      for (const port of ports) others.set(port, String(await freePort()));
    },
  };
}

/** The environment's ports hold unless the command sets them itself, also by a file, over which the environment wins. */
function portsOf(command: string, mapped: (text: string) => string): NodeJS.ProcessEnv {
  const rest = /rest.port/i.test(command) ? {} : { APP_REST_PORT: mapped("8080") };
  return { APP_GRPC_PORT: mapped("50051"), PORT: mapped("3000"), ...rest };
}

/** Runs the commands in turn. What serves goes on until the end, or until the service is started anew. */
async function follow(text: string, copy: ProjectCopy): Promise<void> {
  await using receiver = await startOtlpReceiver();
  await using stack = new AsyncDisposableStack();
  const { mapped, draw } = createPortMap(receiver);
  const scrapes = join(copy.path, "deploy", "prometheus", "localhost.yml");
  const targets = await readFile(scrapes, "utf8");
  const open = async (command: string) => {
    const env = { ...copy.env, ...portsOf(command, mapped) };
    return stack.use(await openTerminal({ cwd: copy.path, env, limitMs: 120_000 }));
  };
  // Prometheus has no other default for its port, nor for the folder of its data.
  const ownForm = (command: string) =>
    mapped(command)
      .replace(/^prometheus /, `prometheus --web.listen-address localhost:${mapped("9090")} `)
      .replaceAll("/tmp/", `${copy.path}/`);
  const serving = new Map<string, Child>();
  for (const command of commandsIn(text)) {
    const server = servers.find((each) => each.command.test(command));
    if (server) {
      await end(serving.get(server.line));
      const child = await retryWhereTaken(async () => {
        await draw(server.ports);
        await writeFile(scrapes, mapped(targets));
        const started = stack.use((await open(command)).start(ownForm(command)));
        expectPorts(ownForm(command), await started.line(server.line));
        return started;
      });
      serving.set(server.line, child);
    } else {
      const output = await (await open(command)).run(ownForm(command));
      expect(output.code, describeOutput(output)).toBe(0);
    }
  }
  if (text.includes("OTEL_")) await sendTrace(mapped("8080"));
  for (const child of serving.values()) await end(child);
  expect(new Set(receiver.spans.map((span) => span.traceId))).toEqual(new Set(text.includes("OTEL_") ? [traceId] : []));
}

/** Starts a server again if a different process has taken one of its ports first. */
async function retryWhereTaken(start: () => Promise<Child>): Promise<Child> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 5 || !/in use/.test(String(error))) throw error;
    }
  }
}

/** A call of a trace that its client records: the service exports it at the latest when it stops. */
async function sendTrace(port: string): Promise<void> {
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  expect(await fetch(`http://localhost:${port}/api/v1/concerts`, { headers })).toMatchObject({ status: 200 });
}

/** The ports that a command sets are those that the service has opened. */
function expectPorts(command: string, line: string): void {
  for (const [, port] of command.matchAll(/port(?:=|:? )(\d+)/gi)) expect(line).toContain(`:${port}`);
}

/** Ends what serves as Ctrl-C does. */
async function end(child: Child | undefined): Promise<void> {
  if (!child) return;
  await child.stop("SIGINT");
  if (child.output().includes("Frontrow is open")) expect(child.output()).toContain('"msg":"closed"');
}

describe("what the documents start", () => {
  // `npm ci` waits for files, and a service for its database: each has its own copy and its own ports.
  test.concurrent.each(snippets.map((snippet) => ({ name: nameOf(snippet), text: snippet.text })))(
    "$name",
    async ({ text }) => {
      await using copy = await copyProject({ isFresh: /\bnpm ci\b/.test(text) });
      await follow(text, copy);
    },
  );
});
