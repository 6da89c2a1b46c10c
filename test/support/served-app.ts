/** The HTTP application on a socket, around handlers that a test writes: no database. */
import type { ServiceImpl } from "@connectrpc/connect";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createHttpApp, type HttpAppOptions } from "../../src/transport/http.ts";
import { listen } from "../../src/transport/listener/listen.ts";
import { createReadiness, type Readiness } from "../../src/transport/readiness.ts";
import { listenOptions, type TestLimits } from "./listen-options.ts";
import { publishToLog } from "./transport-log.ts";

export interface ServedApp {
  readonly port: number;
  readonly baseUrl: string;
  readonly readiness: Readiness;
  /** What was logged, parsed. */
  readonly logged: Record<string, unknown>[];
  /** Aborts the calls under way. */
  readonly shutdown: AbortController;
  /** Drains. Resolves when every connection is gone. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export type ConcertHandlers = Partial<ServiceImpl<typeof ConcertService>>;

export async function serveApp(
  handlers: ConcertHandlers = {},
  options: Partial<
    Pick<
      HttpAppOptions,
      | "corsOrigins"
      | "corsAllowedHeaders"
      | "loopbackOnly"
      | "maxBodyBytes"
      | "trustedProxies"
      | "interceptors"
      | "fastPath"
    >
  > & { readonly limits?: TestLimits } = {},
): Promise<ServedApp> {
  const logged: Record<string, unknown>[] = [];
  const logger = createLogger({ level: "debug", destination: { write: (line) => logged.push(JSON.parse(line)) } });
  const publish = publishToLog(logger);
  const readiness = createReadiness({ probe: () => Promise.resolve({ isGood: true }), publish });
  const shutdown = new AbortController();
  const http = await createHttpApp({
    // What a test leaves out is answered as unimplemented.
    services: [{ service: ConcertService, implementation: handlers as ServiceImpl<typeof ConcertService> }],
    interceptors: options.interceptors ?? [],
    readiness,
    corsOrigins: options.corsOrigins ?? "*",
    corsAllowedHeaders: options.corsAllowedHeaders ?? [],
    loopbackOnly: options.loopbackOnly ?? false,
    maxBodyBytes: options.maxBodyBytes ?? 64 * 1024,
    trustedProxies: options.trustedProxies ?? [],
    publish,
    logger,
    shutdownSignal: shutdown.signal,
    fastPath: options.fastPath ?? true,
  });
  const listener = await listen({ ...listenOptions(options.limits), handler: http.routing });
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
    async close() {
      listener.destroy();
      await listener.close();
      readiness.close();
      await http.close();
    },
  };
}
