/**
 * Writes the tables of documents: in docs/api.md those of methods and of error reasons, and in docs/clients.md that of tools,
 * from the schema; in docs/configuration.md and config/config.example.yaml those of the settings; and in docs/operations.md
 * that of the metrics, from their registry. `--verify` only compares and fails when they differ. Also fails when the
 * comment of a reason lacks its codes or its metadata.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getOption } from "@bufbuild/protobuf";
import { access } from "../gen/frontrow/v1/access_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { http } from "../gen/google/api/annotations_pb.ts";
import { exampleFile, settingTables } from "../src/config/help.ts";
import {
  describeReason,
  ErrorOrigin,
  type ReasonName,
  RetryDelay,
  reasonsFrom,
  reasonsOf,
} from "../src/rpc/reasons.ts";
import { type AppEvents, createEventHub } from "../src/telemetry/events.ts";
import { createMetrics } from "../src/telemetry/metrics/registry.ts";
import { httpStatusesOf } from "../src/transport/http-errors.ts";
import { readReasonComments } from "./reason-comments.ts";
import { codeNamesOf, meaningOf } from "./schema/reasons.ts";

/** A tool of gen/mcp/tools.json, as far as the table shows it. */
interface ToolDescription {
  readonly name: string;
  readonly title: string;
  readonly method: string;
  readonly annotations: { readonly readOnlyHint: boolean; readonly destructiveHint: boolean };
}

const projectRoot = join(import.meta.dirname, "..");

const commentOf = readReasonComments();

const meaningOfReason = (reason: ReasonName) => meaningOf(reason, commentOf(reason));

const delays = { [RetryDelay.UNSPECIFIED]: "", [RetryDelay.ALWAYS]: "yes", [RetryDelay.IF_SAFE]: "if safe" } as const;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`.replaceAll(/ {2,}/g, " ");
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

function reasonTable(origin: ErrorOrigin): string {
  const rows = reasonsFrom(origin).map((reason) => {
    const { metadata, retryDelay } = describeReason(reason);
    return [
      `\`${reason}\`: ${meaningOfReason(reason)}`,
      codeNamesOf(reason).join(", "),
      httpStatusesOf(reason).join(", "),
      inCode(metadata),
      delays[retryDelay as keyof typeof delays],
    ];
  });
  return table(["reason", "code", "HTTP", "metadata", "delay"], rows);
}

function refusalTable(): string {
  const rows = reasonsFrom(ErrorOrigin.TRANSPORT).map((reason) => [
    `\`${reason}\`: ${meaningOfReason(reason)}`,
    codeNamesOf(reason).join(", "),
    httpStatusesOf(reason).join(", "),
  ]);
  return table(["reason", "code", "HTTP"], rows);
}

const methods = [ConcertService, BookingService].flatMap((service) => service.methods);
const inCode = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");

/** A method's REST routes, its request's fields that are not in the path, and the scopes that it requires. */
function methodTable(): string {
  const rows = methods.map((method) => {
    const { scope, scopeForOthers } = getOption(method, access);
    const rule = getOption(method, http);
    const routes = [rule, ...rule.additionalBindings].map(
      ({ pattern }) => `${pattern.case?.toUpperCase()} ${pattern.value}`,
    );
    const fields = method.input.fields.map(({ name }) => name).filter((name) => !routes[0]?.includes(`{${name}}`));
    const scopes = [scope, scopeForOthers].filter((each) => each !== "");
    return [inCode(routes), `\`${method.parent.name}.${method.name}\``, inCode(fields), inCode(scopes)];
  });
  return table(["REST", "RPC", "parameters", "scope, and that for other users"], rows);
}

function methodReasonTable(): string {
  return table(
    ["method", "its own reasons"],
    methods.map((method) => [method.name, inCode(reasonsOf(method))]),
  );
}

/** The tools for assistants, with what their annotations say. */
function toolTable(): string {
  const { tools } = JSON.parse(readFileSync(join(projectRoot, "gen", "mcp", "tools.json"), "utf8")) as {
    readonly tools: readonly ToolDescription[];
  };
  const rows = tools.map(({ name, title, method, annotations: { readOnlyHint, destructiveHint } }) => {
    const kind = readOnlyHint ? "reads" : destructiveHint ? "changes, destructive" : "changes";
    return [`\`${name}\``, title, method.replace(/^.*\//, ""), kind];
  });
  return table(["tool", "what it does", "method", "annotation"], rows);
}

/** A page with its tables, each between its marks. */
function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((text, [name, table]) => {
    const start = `<!-- ${name}: generated by \`npm run generate\` -->\n`;
    const from = text.indexOf(start) + start.length;
    const to = text.indexOf("<!-- end -->", from);
    if (from < start.length || to < 0) throw new Error(`there is no place for the table "${name}"`);
    return `${text.slice(0, from)}\n${table}\n\n${text.slice(to)}`;
  }, page);
}

const schemaTables = {
  methods: methodTable(),
  "reasons of methods": reasonTable(ErrorOrigin.METHOD),
  "reasons of any method": reasonTable(ErrorOrigin.ANY_METHOD),
  "reasons of streams": reasonTable(ErrorOrigin.STREAM),
  "reasons by method": methodReasonTable(),
  "reasons before a method": refusalTable(),
};

/** Labels whose values are the schema's, or differ between builds. */
const openLabels = new Set(["service", "method", "protocol", "code", "version", "node"]);

/** The service's metrics, with the values of their labels as far as their series exist from the start. */
async function metricTable(): Promise<string> {
  const limits = { databasePoolSize: 0, maxQueuedRequests: 0, maxConnections: 0 };
  using metrics = createMetrics(
    createEventHub<AppEvents>(() => {}),
    limits,
  );
  metrics.watchInventory();
  metrics.watchWorkers({ configured: () => 1, running: () => 1, silent: () => 0, restarts: () => 0 });
  metrics.watchEmbedded(new Promise(() => {}));
  const own = metrics.registry.getMetricsAsArray().filter(({ name }) => name.startsWith("frontrow_"));
  const rows = own.map(async (metric) => {
    const names: readonly string[] =
      "labelNames" in metric && Array.isArray(metric.labelNames) ? metric.labelNames : [];
    const series = (await metrics.registry.getSingleMetric(metric.name)?.get())?.values ?? [];
    const labels = names.map((name) => {
      const values = new Set(series.flatMap((one) => one.labels[name] ?? []));
      return `\`${name}\`${values.size === 0 || openLabels.has(name) ? "" : `: ${[...values].join(", ")}`}`;
    });
    return [`\`${metric.name}\``, String(metric.type), labels.join("; "), metric.help];
  });
  return table(["metric", "type", "labels", "what it is"], await Promise.all(rows));
}

const metrics = await metricTable();
const documents: Readonly<Record<string, (written: string) => string>> = {
  "docs/api.md": (written) => withTables(written, schemaTables),
  "docs/clients.md": (written) => withTables(written, { tools: toolTable() }),
  "docs/operations.md": (written) => withTables(written, { metrics }),
  "docs/configuration.md": (written) => withTables(written, { settings: settingTables() }),
  "config/config.example.yaml": exampleFile,
};

for (const [name, derive] of Object.entries(documents)) {
  const path = join(projectRoot, name);
  const written = readFileSync(path, "utf8");
  const text = derive(written);
  if (!process.argv.includes("--verify")) writeFileSync(path, text);
  else if (text !== written) {
    process.stdout.write(`${name} is out of date: run \`npm run generate\` and commit it\n`);
    process.exitCode = 1;
  }
}
