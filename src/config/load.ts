import { join, resolve } from "node:path";
import { type AuthConfig, chooseAuth, chooseHost } from "./auth.ts";
import {
  chooseDatabase,
  databaseWarnings,
  type EmbeddedDatabase,
  type ExternalDatabase,
  usesPreparedStatements,
} from "./database.ts";
import { readYaml } from "./file.ts";
import { type Command, readFlags } from "./flags.ts";
import { holdProblems } from "./holds.ts";
import { quote } from "./kinds.ts";
import { fields, rateLimits, type ValuesOf } from "./schema.ts";
import { createValues, type Given, readEnvironment, type SourceContent } from "./sources.ts";
import { readTracing, type TracingConfig } from "./tracing.ts";
import { chooseWorkers, workerProblems, workerWarnings } from "./workers.ts";

export { helpText } from "./help.ts";
export type { TracingConfig } from "./tracing.ts";

/** What the service runs with: complete, checked, and never changed after the start. Its other fields are the table's. */
export interface Config extends Omit<ValuesOf<typeof fields>, "workers"> {
  readonly command: Command;
  /** Processes that serve. */
  readonly workers: number;
  /** A sentence for the log if `host` must be a loopback address. */
  readonly whyLoopback: string | undefined;
  readonly auth: AuthConfig;
  readonly rateLimits: ValuesOf<typeof rateLimits>;
  readonly database: ExternalDatabase | EmbeddedDatabase;
  /** How long to wait for a database that is still starting. Undefined for no wait. */
  readonly waitForDbMs: number | undefined;
  /** From OpenTelemetry's own variables. Undefined for no traces. */
  readonly tracing: TracingConfig | undefined;
}

/** The inputs of the configuration. A test passes its own. */
export interface ConfigInput {
  /** The arguments after the script's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Returns a file's text, or undefined if there is no such file. */
  readonly readFile: (path: string) => string | undefined;
  /** The folder of relative paths and of the default configuration file. */
  readonly projectRoot: string;
  /** The cores that the process may use, if not as the system says. */
  readonly cores?: number;
}

/** The configuration is wrong. Each problem names the setting as its source spells it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** Merges flags, environment, file and defaults, in this precedence. Throws a ConfigError with all problems. */
export function loadConfig(input: ConfigInput): { config: Config; warnings: readonly string[] } {
  const commandLine = readFlags(input.argv);
  // Help must work when the configuration is broken: that is when it is needed.
  const informs = commandLine.command === "help" || commandLine.command === "version";
  const sources = informs
    ? []
    : [readConfigFile(input, commandLine.configFile), readEnvironment(input.env), commandLine];
  const given = sources.flatMap((source) => source.given);
  const { tracing, ...ofTracing } = readTracing(informs ? {} : input.env, input.readFile);
  throwIfAny([...sources.flatMap((source) => source.problems), ...given.flatMap(problemsOf), ...ofTracing.problems]);

  const values = createValues(given);
  const { auth, problems, warnings: authWarnings } = chooseAuth(values);
  const workers = chooseWorkers(values, input.cores);
  throwIfAny([...problems, ...holdProblems(values), ...workerProblems(values, workers)]);
  const { warnings: hostWarnings, ...host } = chooseHost(values);
  const database = chooseDatabase(values, input.projectRoot);
  const config: Config = {
    ...values.of(fields),
    ...host,
    auth,
    workers,
    command: commandLine.command,
    waitForDbMs: commandLine.waitForDbMs,
    rateLimits: values.of(rateLimits),
    dataDir: resolve(input.projectRoot, values.get(fields.dataDir)),
    database,
    tracing: tracing && { ...tracing, maxCallerTraces: values.get(fields.maxCallerTraces) },
    databasePreparedStatements: usesPreparedStatements(values),
  };
  const sourceWarnings = sources.flatMap((source) => source.warnings);
  const choiceWarnings = [...databaseWarnings(values, database), ...hostWarnings, ...authWarnings];
  const warnings = [...sourceWarnings, ...choiceWarnings, ...workerWarnings(values, workers), ...ofTracing.warnings];
  return { config, warnings };
}

const defaultConfigFile = "config/config.yaml";

function readConfigFile(input: ConfigInput, named: string | undefined): SourceContent {
  const label = named ?? defaultConfigFile;
  const nothing = { given: [], problems: [], warnings: [] };
  try {
    const text = input.readFile(named ?? join(input.projectRoot, defaultConfigFile));
    if (text !== undefined) return readYaml(label, text);
    return named === undefined ? nothing : { ...nothing, problems: [`--config: ${quote(named)} does not exist`] };
  } catch (error) {
    return { ...nothing, problems: [`${label}: cannot be read: ${error instanceof Error ? error.message : error}`] };
  }
}

function problemsOf({ setting, text, name }: Given): string[] {
  const result = setting.kind.parse(text);
  return "problem" in result ? [`${name}: ${result.problem}`] : [];
}

function throwIfAny(problems: readonly string[]): void {
  if (problems.length > 0) throw new ConfigError(problems);
}
