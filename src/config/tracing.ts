/**
 * OpenTelemetry's own variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/), which
 * switch tracing on. They are no settings of the service.
 */
import { quote } from "./kinds.ts";

export const samplers = [
  ...["always_on", "always_off", "traceidratio"],
  ...["parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"],
] as const;

/** Where traces go. Most of it may be secret. */
interface Receiver {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For an export with its retries. */
  readonly timeoutMs: number;
  readonly compression: "none" | "gzip";
  /** In PEM: the authorities to trust, and what the service identifies itself with. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Where traces go, and which. */
export interface TracingConfig {
  readonly receiver: Receiver;
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

type ReadFile = (path: string) => string | undefined;
type Environment = Readonly<Record<string, string | undefined>>;

const off: ReadTracing = { tracing: undefined, problems: [], warnings: [] };

/** Reads the variables. Tracing is off unless one of them names a receiver. */
export function readTracing(environment: Environment, readFile: ReadFile): ReadTracing {
  const read = createReader(environment, readFile);
  if (read.text("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return off;
  const exporter = read.choice("OTEL_TRACES_EXPORTER", ["otlp", "none"], "otlp");
  if (exporter === "none") return off;
  const url = read.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") ?? read.url("OTEL_EXPORTER_OTLP_ENDPOINT", "v1/traces");
  if (url === undefined) return { ...off, problems: read.problems };

  const sampler = read.choice("OTEL_TRACES_SAMPLER", samplers, "parentbased_always_on");
  const hasRatio = sampler.endsWith("traceidratio");
  const maxQueueSize = read.integer("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, 65_536);
  const tracing = {
    receiver: { url, ...readExport(read) },
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
  const [variable, protocol] = read.forTraces("PROTOCOL");
  const isOther = read.choice(variable, ["http/json", "http/protobuf", "grpc"], "http/json") !== "http/json";
  const warnings = isOther ? [`${variable}=${protocol} is ignored: traces are sent by HTTP, as JSON`] : [];
  return { tracing: read.problems.length > 0 ? undefined : tracing, problems: read.problems, warnings };
}

const maxDelayMs = 600_000;

/** How spans are sent. */
function readExport(read: Reader): Omit<Receiver, "url"> {
  return {
    headers: { ...read.headers("OTEL_EXPORTER_OTLP_HEADERS"), ...read.headers("OTEL_EXPORTER_OTLP_TRACES_HEADERS") },
    timeoutMs: read.integer(read.forTraces("TIMEOUT")[0], 10_000, maxDelayMs),
    compression: read.choice(read.forTraces("COMPRESSION")[0], ["none", "gzip"], "none"),
    ca: read.file(read.forTraces("CERTIFICATE")[0]),
    cert: read.file(read.forTraces("CLIENT_CERTIFICATE")[0]),
    key: read.file(read.forTraces("CLIENT_KEY")[0]),
  };
}

type Reader = ReturnType<typeof createReader>;

/** Reads variables, and collects what is wrong with them. An empty one counts as unset. */
function createReader(environment: Environment, readFile: ReadFile) {
  const problems: string[] = [];
  const text = (name: string) => environment[name]?.trim() || undefined;
  /** The values are percent-encoded. The message does not repeat them, since they may be secret. */
  const pairs = (name: string): Record<string, string> => {
    const given = (text(name) ?? "").split(",").filter((pair) => pair.trim() !== "");
    const read = given.map((pair) => {
      const [, key = "", value = ""] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
      return [key, decoded(value)] as const;
    });
    const good = read.flatMap(([key, value]) => (key !== "" && value !== undefined ? [[key, value] as const] : []));
    if (good.length < read.length) problems.push(`${name}: must be KEY=VALUE,KEY=VALUE with percent-encoded values`);
    return Object.fromEntries(good);
  };
  return {
    problems,
    text,
    /** The name and the value of a variable of the exporter: the one for traces if it is set, else the one for all. */
    forTraces(suffix: string): readonly [name: string, value: string | undefined] {
      const ofTraces = `OTEL_EXPORTER_OTLP_TRACES_${suffix}`;
      const name = text(ofTraces) === undefined ? `OTEL_EXPORTER_OTLP_${suffix}` : ofTraces;
      return [name, text(name)];
    },
    headers(name: string): Record<string, string> {
      try {
        return Object.fromEntries(new Headers(pairs(name)));
      } catch {
        problems.push(`${name}: must have names and values of HTTP headers`);
        return {};
      }
    },
    file(name: string): string | undefined {
      const path = text(name);
      if (path === undefined) return undefined;
      try {
        const content = readFile(path);
        if (content === undefined) problems.push(`${name}: ${quote(path)} does not exist`);
        return content;
      } catch (error) {
        problems.push(`${name}: ${quote(path)} cannot be read: ${error instanceof Error ? error.message : error}`);
        return undefined;
      }
    },
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
      const serviceName = text("OTEL_SERVICE_NAME");
      return {
        "service.name": "frontrow",
        ...pairs("OTEL_RESOURCE_ATTRIBUTES"),
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
