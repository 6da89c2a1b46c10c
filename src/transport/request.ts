/** The bodies of requests. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { discardBody } from "./listener/unread-body.ts";
import type { ShutdownNotices } from "./shutdown-notices.ts";

/**
 * All of a body, so that nothing is begun for a request of which only a part ever comes. Of one that is too long no more
 * than shows it; the request is paused behind that. Resolves with undefined if the client has gone before. Rejects with the
 * shutdown's reason if that comes first.
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
    // Node ends the body of a stream that has been reset as well.
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

/** Puts pieces together as they come: kept one by one, pieces of a byte would take 200 times their size. */
function createCollector() {
  let space: Buffer | undefined;
  let length = 0;
  return {
    /** Returns how many bytes there are. */
    add(piece: Buffer): number {
      const needed = length + piece.length;
      if (space === undefined) {
        // Most often it is all there is.
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
 * A body as it comes. If its reader stops early the rest is dropped, so that the client can finish and see the answer. Throws
 * the shutdown's reason when that comes first.
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
