/** The server of `/metrics`: a separate port, so that scrapes pass no limit for clients, and clients see no metrics. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a scrape gets. */
export interface Exposition {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

interface MetricsServerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly exposition: Exposition;
  readonly onError: (error: unknown) => void;
}

const requestTimeoutMs = 5_000;
/** Longer than the usual interval between scrapes, so that a scraper keeps its connection. */
const idleTimeoutMs = 90_000;
const maxConnections = 100;

/** Serves until it is disposed of. Rejects with the system's own error, such as EADDRINUSE. */
export async function serveMetrics({ host, port, exposition, onError }: MetricsServerOptions): Promise<MetricsServer> {
  let rendering: Promise<string> | undefined;
  // Scrapes at the same time share one text.
  const render = () => {
    rendering ??= exposition.metrics().finally(() => {
      rendering = undefined;
    });
    return rendering;
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = (request.url ?? "").split("?");
    if (path !== "/metrics") return send(request, response, 404, "the metrics are at /metrics\n");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return send(request, response, 405, "only GET and HEAD are allowed\n");
    }
    try {
      send(request, response, 200, await render(), exposition.contentType);
    } catch (error) {
      onError(error);
      send(request, response, 500, "the metrics cannot be read: see the log\n");
    }
  }

  const server = createServer(
    {
      ...{ headersTimeout: requestTimeoutMs, requestTimeout: requestTimeoutMs, keepAliveTimeout: idleTimeoutMs },
      ...{ connectionsCheckingInterval: requestTimeoutMs, maxHeaderSize: 8_192 },
    },
    (request, response) => void answer(request, response),
  );
  server.maxConnections = maxConnections;
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ host, port }, listening.resolve);
  await listening.promise;
  server.off("error", listening.reject);
  server.on("error", onError);
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  contentType = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
