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

/** The ports of the documents that something listens on. */
const ports = ["8080", "50051", "9090", "9464", "3000"];
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
/** What a server writes when it serves. */
const signs = [
  { command: /\bnpm start\b/, line: "Frontrow is open" },
  { command: /\bnpm run example:browser\b/, line: "open http://" },
  { command: /^prometheus\b/, line: "Server is ready to receive web requests" },
];

const hasPrometheus = findCommand(["prometheus"], { skipped: "the snippet of docs/operations.md with Prometheus" });
const snippets = snippetsOf("bash serves").filter(({ text }) => hasPrometheus || !/^prometheus /m.test(text));

/** The text with free ports, and that of a receiver of traces, in place of the documents' ones. */
async function createPortMap({ url }: OtlpReceiver): Promise<(text: string) => string> {
  const free = await Promise.all(ports.map(async (port) => [port, String(await freePort())] as const));
  const others = [...free, ["4318", new URL(url).port] as const];
  return (text) =>
    others.reduce((mapped, [port, other]) => mapped.replaceAll(new RegExp(`\\b${port}\\b`, "g"), other), text);
}

/** The environment's ports hold unless the command sets them itself, also by a file, over which the environment wins. */
function portsOf(command: string, mapped: (text: string) => string): NodeJS.ProcessEnv {
  const rest = /rest.port/i.test(command) ? {} : { APP_REST_PORT: mapped("8080") };
  return { APP_GRPC_PORT: mapped("50051"), PORT: mapped("3000"), ...rest };
}

/** Runs the commands in turn. What serves goes on until the end, or until the service is started anew. */
async function follow(text: string, copy: ProjectCopy): Promise<void> {
  await using receiver = await startOtlpReceiver();
  const mapped = await createPortMap(receiver);
  await replaceIn(join(copy.path, "deploy", "prometheus", "localhost.yml"), mapped);
  const serving = new Map<string, Child>();
  for (const command of commandsIn(text)) {
    // Prometheus has no other default for its port, nor for the folder of its data.
    const own = mapped(command)
      .replace(/^prometheus /, `prometheus --web.listen-address localhost:${mapped("9090")} `)
      .replaceAll("/tmp/", `${copy.path}/`);
    await using terminal = await openTerminal({ cwd: copy.path, env: { ...copy.env, ...portsOf(command, mapped) } });
    const sign = signs.find((each) => each.command.test(command));
    if (sign) {
      await end(serving.get(sign.line));
      const child = terminal.start(own);
      serving.set(sign.line, child);
      expectPorts(own, await child.line(sign.line));
    } else {
      const output = await terminal.run(own);
      expect(output.code, describeOutput(output)).toBe(0);
    }
  }
  if (text.includes("OTEL_")) await sendTrace(mapped("8080"));
  for (const child of serving.values()) await end(child);
  expect(new Set(receiver.spans.map((span) => span.traceId))).toEqual(new Set(text.includes("OTEL_") ? [traceId] : []));
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

async function replaceIn(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, "utf8")));
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
