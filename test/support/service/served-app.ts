/** The HTTP application on a socket, around handlers that a test writes: no database. */
import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { ignoreEvents } from "../../../src/domain/publish.ts";
import { createLogger } from "../../../src/telemetry/log.ts";
import { createHttpApp, type HttpAppOptions } from "../../../src/transport/http.ts";
import { createConnectionLimit } from "../../../src/transport/listener/connection-limit.ts";
import { type ListenOptions, listen } from "../../../src/transport/listener/listen.ts";
import type { ListenerLimits } from "../../../src/transport/listener/protocol-server.ts";
import { createReadiness, type Readiness } from "../../../src/transport/readiness.ts";
import { moonlight, timestamp } from "./stage.ts";
import { publishToLog } from "./transport-log.ts";

export interface ServedApp extends AsyncDisposable {
  readonly port: number;
  readonly baseUrl: string;
  readonly readiness: Readiness;
  /** What was logged, parsed. */
  readonly logged: Record<string, unknown>[];
  /** Aborts the calls in flight. */
  readonly shutdown: AbortController;
  /** Drains. Resolves when every connection is closed. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export type ConcertHandlers = Partial<ServiceImpl<typeof ConcertService>>;

export interface TestLimits extends Partial<ListenerLimits> {
  readonly lingerTimeoutMs?: number;
  readonly maxConnections?: number;
  readonly maxConnectionsPerAddress?: number;
  readonly trustedProxies?: readonly string[];
}

/** What a test may change of the application. The services, the log and the lifetimes are the stage's. */
type AppChanges = Partial<Omit<HttpAppOptions, "services" | "readiness" | "logger" | "publish" | "shutdownSignal">> & {
  readonly limits?: TestLimits;
};

const { config } = loadConfig({ argv: [], env: {}, readFile: () => undefined, projectRoot: "/" });

/** All that `listen` needs but a handler: loopback, a free port, and the service's limits unless a test sets others. */
export function listenOptions(limits: TestLimits = {}): Omit<ListenOptions, "handler"> {
  const all = { ...config, ...limits };
  const { lingerTimeoutMs } = limits;
  return {
    host: "127.0.0.1",
    port: 0,
    limits: all,
    connectionLimit: createConnectionLimit({ ...all, publish: ignoreEvents }),
    publish: ignoreEvents,
    ...(lingerTimeoutMs === undefined ? {} : { lingerTimeoutMs }),
  };
}

/** A concert with all that a response has, for handlers that answer clients which compare it with its schema. */
export const servedConcert = {
  ...moonlight,
  createdAt: timestamp("2026-01-01T00:00:00Z"),
  updatedAt: timestamp("2026-01-01T00:00:00Z"),
};

/** Serves ConcertService. Methods without a handler are answered with UNIMPLEMENTED. */
export function serveApp(handlers: ConcertHandlers = {}, changes: AppChanges = {}): Promise<ServedApp> {
  return serveServices([{ service: ConcertService, implementation: handlers as ServiceImpl<DescService> }], changes);
}

/** The log and the readiness of an application, for interceptors that need them before it exists. */
export function createAppContext() {
  const logged: Record<string, unknown>[] = [];
  const logger = createLogger({ level: "debug", destination: { write: (line) => logged.push(JSON.parse(line)) } });
  const publish = publishToLog(logger);
  const readiness = createReadiness({ probe: () => Promise.resolve({ isGood: true }), publish });
  return { logged, logger, publish, readiness };
}

export async function serveServices(
  services: HttpAppOptions["services"],
  { limits, ...changes }: AppChanges,
  { logged, logger, publish, readiness } = createAppContext(),
): Promise<ServedApp> {
  const shutdown = new AbortController();
  const http = await createHttpApp({
    services,
    interceptors: [],
    corsOrigins: "*",
    maxBodyBytes: 64 * 1024,
    trustedProxies: [],
    mcp: true,
    ...changes,
    ...{ readiness, publish, logger, shutdownSignal: shutdown.signal },
  });
  const listener = await listen({ ...listenOptions(limits), handler: http.routing });
  const close = async () => {
    listener.destroy();
    await listener.close();
    readiness.close();
    await http.close();
  };
  return {
    port: listener.port,
    baseUrl: `http://127.0.0.1:${listener.port}`,
    readiness,
    logged,
    shutdown,
    async drain() {
      readiness.drain();
      await listener.close();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
