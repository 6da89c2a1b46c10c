/** Reads requests, whichever protocol they are of: their URL, their headers and their bodies. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type { FastifyRequest } from "fastify";
import type { Origin, Protocol } from "../rpc/call-context.ts";
import { discardBody } from "./listener/unread-body.ts";
import type { ShutdownNotices } from "./shutdown-notices.ts";

type Addressed = Pick<FastifyRequest, "raw" | "url">;

/** The origins of valid hosts: making a URL takes longer than all other checks. */
const origins = new Map<string, string>();
const maxOrigins = 1_000;
/** The longest name in DNS. */
const maxKeptLength = 255;
/** A target that is the same in a URL. */
const plainTarget = /^\/(?!\/)[\w./~%?=&+-]*$/;

/** How a call has arrived, of the request that it is made by. */
export function arrivalOf({ ip, id, raw }: FastifyRequest, protocol: Protocol): Origin {
  return { address: ip, protocol, requestId: id, httpVersion: raw.httpVersionMajor === 2 ? "2" : raw.httpVersion };
}

/** The URL of a request that `hasUrl`. A proxy may send the absolute form of a target. */
export function urlOf({ raw, url }: Addressed): string {
  const origin = originOf(hostOf(raw)) ?? "";
  return plainTarget.test(url) ? origin + url : new URL(url, origin).toString();
}

/**
 * Whether Connect can make a URL of a request, and the right one: what begins a path, a query or user information is no part
 * of a host (RFC 9112, 3.2), and no target has a fragment (RFC 9112, 3.2.1).
 */
export function hasUrl({ raw, url }: Addressed): boolean {
  const origin = originOf(hostOf(raw));
  if (origin === undefined || url.includes("#")) return false;
  return url.startsWith("/") || URL.canParse(url, origin);
}

/** The host that the client names. X-Forwarded-Host, which Fastify prefers, is unknown to Connect. */
export function hostOf(raw: FastifyRequest["raw"]): unknown {
  return "authority" in raw ? raw.authority : raw.headers.host;
}

function originOf(host: unknown): string | undefined {
  if (typeof host !== "string") return undefined;
  const kept = origins.get(host);
  if (kept !== undefined) return kept;
  if (/[/?#@\\\s]/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  const { origin } = new URL(`http://${host}`);
  if (origins.size < maxOrigins && host.length <= maxKeptLength) origins.set(host, origin);
  return origin;
}

/** The path and the query of a target, as they were sent. */
export function splitTarget(url: string): { path: string; query: string } {
  // A proxy may be sent the absolute form: http://host/path.
  const target = url.startsWith("/") ? url : url.replace(/^[a-z]+:\/\/[^/?]*\/?/i, "/");
  const mark = target.indexOf("?");
  return mark < 0 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

const queries = new WeakMap<FastifyRequest, URLSearchParams>();

/** The parameters of a Connect GET, which holds what a POST has in its headers and its body. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  return queries.getOrInsertComputed(request, () => new URLSearchParams(splitTarget(request.url).query));
}

/** Whether a request is one of gRPC itself, and not of gRPC-Web. */
export function isGrpc({ headers }: FastifyRequest): boolean {
  const type = headers["content-type"];
  return type !== undefined && /^application\/grpc(?:[+; ]|$)/i.test(type);
}

/** The request's headers in the form that interceptors read. */
export function readHeaders(headers: IncomingHttpHeaders): Headers {
  const result = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    // HTTP/2 adds pseudo-headers such as :path.
    if (value === undefined || name.startsWith(":")) continue;
    if (typeof value === "string") result.set(name, value);
    else for (const each of value) result.append(name, each);
  }
  return result;
}

/**
 * Reads a whole body, so that no work begins for a request whose rest never arrives. A body that is too long is read just past
 * the limit, and the request is paused there. Resolves with undefined if the client goes first, and rejects with the reason
 * of a shutdown that comes first.
 */
export function receiveBody(
  request: IncomingMessage | Http2ServerRequest,
  maxBytes: number,
  shutdown: ShutdownNotices,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const received = createCollector();
    const settle = (body: Uint8Array | undefined) => {
      forget();
      resolve(body);
    };
    const forget = () => {
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      shutdown.remove(onShutdown);
    };
    const onData = (piece: Buffer) => {
      if (received.add(piece) <= maxBytes) return;
      request.pause();
      settle(received.bytes());
    };
    // Node also ends the body of a stream that has been reset.
    const onEnd = () => settle("stream" in request && request.stream.closed ? undefined : received.bytes());
    const onClose = () => settle(undefined);
    const onShutdown = (reason: unknown) => {
      request.pause();
      forget();
      reject(reason);
    };
    if (request.destroyed) return onClose();
    request.on("data", onData).once("end", onEnd).once("close", onClose);
    shutdown.add(onShutdown);
  });
}

/** Joins pieces as they arrive: kept one by one, pieces of a byte would take 200 times their size. */
function createCollector() {
  let space: Buffer | undefined;
  let length = 0;
  return {
    /** Returns how many bytes there are. */
    add(piece: Buffer): number {
      const needed = length + piece.length;
      if (space === undefined) {
        // Most bodies come in one piece.
        space = piece;
      } else {
        if (needed > space.length) {
          const larger = Buffer.allocUnsafe(Math.max(2 * space.length, needed));
          space.copy(larger, 0, 0, length);
          space = larger;
        }
        space.set(piece, length);
      }
      length = needed;
      return length;
    },
    bytes: (): Uint8Array => space?.subarray(0, length) ?? Buffer.alloc(0),
  };
}

/**
 * A body as it arrives. If its reader stops early, the rest is discarded, or the request would count as incomplete while its
 * response streams. Throws the reason of a shutdown that comes first.
 */
export async function* streamBody(
  request: IncomingMessage,
  response: ServerResponse,
  shutdown: ShutdownNotices,
): AsyncGenerator<Uint8Array> {
  const ended = Promise.withResolvers<never>();
  // It may reject while nothing is awaited.
  ended.promise.catch(() => {});
  shutdown.add(ended.reject);
  const pieces = request.iterator({ destroyOnReturn: false });
  const read = async () => {
    try {
      return await pieces.next();
    } catch (cause) {
      throw new ConnectError("the client has gone away", Code.Canceled, undefined, undefined, cause);
    }
  };
  try {
    for (;;) {
      const next: IteratorResult<Uint8Array> = await Promise.race([read(), ended.promise]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    shutdown.remove(ended.reject);
    // Not awaited: it would wait for the piece that the client has not sent.
    pieces.return?.().catch(() => {});
    discardBody(request, response);
  }
}
