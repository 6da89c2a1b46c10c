import { join, resolve } from "node:path";
import type { AuthConfig } from "./choose-auth.ts";
import { chooseAuth } from "./choose-auth.ts";
import type { EmbeddedDatabase, ExternalDatabase } from "./choose-database.ts";
import { chooseDatabase } from "./choose-database.ts";
import { readEnvironment } from "./environment.ts";
import { readYaml } from "./file.ts";
import type { Command } from "./flags.ts";
import { readFlags } from "./flags.ts";
import { createLookup } from "./lookup.ts";
import { quote } from "./parsed.ts";
import { risksOf } from "./risks.ts";
import type { LogLevel } from "./settings.ts";
import { settings } from "./settings.ts";
import type { Given, SourceContent } from "./sources.ts";

export type { AuthConfig } from "./choose-auth.ts";
export type { EmbeddedDatabase, ExternalDatabase } from "./choose-database.ts";
export { helpText } from "./help.ts";
export { settingList, settings } from "./settings.ts";

/** What the service runs with: complete, checked, and never changed after the start. */
export interface Config {
  readonly command: Command;
  /** Loopback, whatever was asked for, unless callers are known or it was said that they need not be. */
  readonly host: string;
  /** A sentence for the log if the host may be no other than loopback. */
  readonly whyLoopback: string | undefined;
  readonly restPort: number;
  readonly grpcPort: number;
  readonly logLevel: LogLevel;
  readonly maxRetries: number;
  readonly maxTicketsPerBooking: number;
  readonly maxQueuedRequests: number;
  readonly requestTimeoutMs: number;
  readonly shutdownDelayMs: number;
  readonly shutdownTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxConcurrentStreams: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Addresses and networks. */
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: "*" | readonly string[];
  readonly corsAllowedHeaders: readonly string[];
  readonly auth: AuthConfig;
  /** Calls a caller may make a minute; 0 for no limit. */
  readonly rateLimits: {
    readonly reads: number;
    readonly bookings: number;
    readonly admin: number;
    /** An address gets as much as so many callers; 0 for no limit by address. */
    readonly callersPerAddress: number;
  };
  readonly maxUnfinishedPerCaller: number;
  /** Calls at once whose responses are streams. */
  readonly maxStreams: number;
  readonly maxStreamsPerCaller: number;
  readonly redisUrl: string | undefined;
  /** The folder for what the service keeps on its own disk. */
  readonly dataDir: string;
  readonly database: ExternalDatabase | EmbeddedDatabase;
  readonly databasePoolSize: number;
  readonly databasePreparedStatements: boolean;
  /** How long to wait for the database to come up; undefined means not at all. */
  readonly waitForDbMs: number | undefined;
}

/** Everything that configuration depends on, so that a test can give it. */
export interface ConfigInput {
  /** The arguments after the script's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gives a file's text, or undefined if there is no such file. */
  readonly readFile: (path: string) => string | undefined;
  /** The folder that relative paths and the default configuration file are in. */
  readonly projectRoot: string;
}

/** The configuration is wrong; every problem found, each naming the setting as its source spells it. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Merges flags, environment, file and defaults, in this precedence, into a configuration. Throws a ConfigError. */
export function loadConfig(input: ConfigInput): { config: Config; warnings: readonly string[] } {
  const commandLine = readFlags(input.argv);
  // Help must be had when the configuration is broken: that is when it is needed.
  const informs = commandLine.command === "help" || commandLine.command === "version";
  const sources = informs
    ? []
    : [readConfigFile(input, commandLine.configFile), readEnvironment(input.env), commandLine];
  const given = sources.flatMap((source) => source.given);
  const problems = [...sources.flatMap((source) => source.problems), ...given.flatMap(problemsOf)];
  if (problems.length > 0) throw new ConfigError(problems);

  const { value, optional } = createLookup(given);
  const database = chooseDatabase(given, input.projectRoot);
  const identity = chooseAuth(given);
  if (identity.problems.length > 0) throw new ConfigError(identity.problems);
  const config: Config = {
    command: commandLine.command,
    host: identity.host,
    whyLoopback: identity.whyLoopback,
    restPort: value(settings.restPort),
    grpcPort: value(settings.grpcPort),
    logLevel: value(settings.logLevel),
    maxRetries: value(settings.maxRetries),
    maxTicketsPerBooking: value(settings.maxTicketsPerBooking),
    maxQueuedRequests: value(settings.maxQueuedRequests),
    requestTimeoutMs: value(settings.requestTimeout),
    shutdownDelayMs: value(settings.shutdownDelay),
    shutdownTimeoutMs: value(settings.shutdownTimeout),
    lockTimeoutMs: value(settings.lockTimeout),
    statementTimeoutMs: value(settings.statementTimeout),
    maxBodyBytes: value(settings.maxBodyBytes),
    maxHeaderBytes: value(settings.maxHeaderBytes),
    maxConcurrentStreams: value(settings.maxConcurrentStreams),
    maxConnections: value(settings.maxConnections),
    maxConnectionsPerAddress: value(settings.maxConnectionsPerAddress),
    headersTimeoutMs: value(settings.headersTimeout),
    bodyTimeoutMs: value(settings.bodyTimeout),
    idleTimeoutMs: value(settings.idleTimeout),
    trustedProxies: optional(settings.trustedProxies) ?? [],
    corsOrigins: value(settings.corsOrigins),
    corsAllowedHeaders: optional(settings.corsAllowedHeaders) ?? [],
    auth: identity.auth,
    rateLimits: {
      reads: value(settings.rateLimitReads),
      bookings: value(settings.rateLimitBookings),
      admin: value(settings.rateLimitAdmin),
      callersPerAddress: value(settings.rateLimitAddressFactor),
    },
    maxUnfinishedPerCaller: value(settings.maxUnfinishedPerCaller),
    maxStreams: value(settings.maxStreams),
    maxStreamsPerCaller: value(settings.maxStreamsPerCaller),
    redisUrl: optional(settings.redisUrl),
    dataDir: resolve(input.projectRoot, value(settings.dataDir)),
    database: database.chosen,
    databasePoolSize: value(settings.databasePoolSize),
    databasePreparedStatements: database.preparedStatements,
    waitForDbMs: commandLine.waitForDbMs,
  };
  return {
    config,
    warnings: [
      ...sources.flatMap((source) => source.warnings),
      ...database.warnings,
      ...identity.warnings,
      ...risksOf(config),
    ],
  };
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
  const parsed = setting.kind.parse(text);
  return "problem" in parsed ? [`${name}: ${parsed.problem}`] : [];
}
