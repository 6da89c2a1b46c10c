/**
 * OpenTelemetry's own variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/), which
 * switch tracing on. They are no settings of the service: the exporter reads those for headers, timeouts, compression and
 * certificates itself.
 */
import { quote } from "./kinds.ts";

export const samplers = [
  ...["always_on", "always_off", "traceidratio"],
  ...["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"],
] as const;

/** Where traces go, and which. */
export interface TracingConfig {
  /** The receiver's URL for traces. It may have a password. */
  readonly url: string;
  /** What is known of the service, such as `service.name`. */
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: (typeof samplers)[number];
  /** The part of traces that the samplers by ratio take. */
  readonly ratio: number;
  /** How many calls a second are recorded because of what their caller has sent. */
  readonly maxCallerTraces: number;
  readonly queue: {
    readonly maxQueueSize: number;
    readonly maxExportBatchSize: number;
    readonly scheduledDelayMillis: number;
    readonly exportTimeoutMillis: number;
  };
}

interface ReadTracing {
  /** Undefined if tracing is off. */
  readonly tracing: Omit<TracingConfig, "maxCallerTraces"> | undefined;
  /** Each names its variable. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const off: ReadTracing = { tracing: undefined, problems: [], warnings: [] };

/** Reads the variables. Tracing is off unless one of them names a receiver. */
export function readTracing(environment: Environment): ReadTracing {
  const read = createReader(environment);
  if (read.text("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return off;
  const exporter = read.choice("OTEL_TRACES_EXPORTER", ["otlp", "none"], "otlp");
  if (exporter === "none") return off;
  const url = read.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") ?? read.url("OTEL_EXPORTER_OTLP_ENDPOINT", "v1/traces");
  if (url === undefined) return { ...off, problems: read.problems };

  const sampler = read.choice("OTEL_TRACES_SAMPLER", samplers, "parentbased_always_on");
  const hasRatio = sampler.endsWith("traceidratio");
  const maxQueueSize = read.integer("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, 65_536);
  const tracing = {
    url,
    resource: read.resource(),
    sampler,
    ratio: hasRatio ? read.ratio("OTEL_TRACES_SAMPLER_ARG") : 1,
    queue: {
      maxQueueSize,
      maxExportBatchSize: read.integer("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Math.min(512, maxQueueSize), maxQueueSize),
      scheduledDelayMillis: read.integer("OTEL_BSP_SCHEDULE_DELAY", 5_000, maxDelayMs),
      exportTimeoutMillis: read.integer("OTEL_BSP_EXPORT_TIMEOUT", 30_000, maxDelayMs),
    },
  };
  const warnings = protocolVariables.flatMap((name) => {
    const protocol = read.choice(name, ["http/json", "http/protobuf"], "http/json");
    return protocol === "http/json" ? [] : [`${name} is ignored: traces are sent as http/json`];
  });
  return { tracing: read.problems.length > 0 ? undefined : tracing, problems: read.problems, warnings };
}

const maxDelayMs = 600_000;
const protocolVariables = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

/** Reads variables, and collects what is wrong with them. An empty one counts as unset. */
function createReader(environment: Environment) {
  const problems: string[] = [];
  const text = (name: string) => environment[name]?.trim() || undefined;
  return {
    problems,
    text,
    choice<Value extends string>(name: string, values: readonly Value[], usual: Value): Value {
      const given = text(name);
      const found = values.find((value) => value === given);
      if (given !== undefined && !found)
        problems.push(`${name}: must be one of ${values.join(", ")}, not ${quote(given)}`);
      return found ?? usual;
    },
    integer(name: string, usual: number, max: number): number {
      const given = text(name);
      const value = given === undefined ? usual : Number(given);
      if (Number.isInteger(value) && value >= 1 && value <= max) return value;
      problems.push(`${name}: must be a whole number from 1 to ${max}`);
      return usual;
    },
    /** 1 if it is not given. */
    ratio(name: string): number {
      const value = Number(text(name) ?? 1);
      if (value >= 0 && value <= 1) return value;
      problems.push(`${name}: must be a number from 0 to 1`);
      return 1;
    },
    /** The message does not repeat the value, which may have a password. */
    url(name: string, path?: string): string | undefined {
      const given = text(name);
      if (given === undefined) return undefined;
      if (/^https?:\/\//i.test(given) && URL.canParse(given)) {
        return path === undefined ? given : `${given.replace(/\/+$/, "")}/${path}`;
      }
      problems.push(`${name}: must be a URL such as http://localhost:4318`);
      return undefined;
    },
    resource(): Record<string, string> {
      const pairs = (text("OTEL_RESOURCE_ATTRIBUTES") ?? "").split(",").filter((pair) => pair.trim() !== "");
      const attributes = pairs.map((pair) => /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair));
      const named = attributes.flatMap((match) => (match ? [[match[1] ?? "", decoded(match[2] ?? "")] as const] : []));
      if (named.length < pairs.length || named.some(([, value]) => value === undefined)) {
        problems.push("OTEL_RESOURCE_ATTRIBUTES: must be KEY=VALUE,KEY=VALUE with percent-encoded values");
      }
      const serviceName = text("OTEL_SERVICE_NAME");
      return {
        "service.name": "frontrow",
        ...Object.fromEntries(named.map(([name, value]) => [name, value ?? ""])),
        ...(serviceName !== undefined && { "service.name": serviceName }),
      };
    },
  };
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
