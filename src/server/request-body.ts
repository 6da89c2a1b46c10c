/** The bodies of requests. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { RefusedBodies } from "./refused-bodies.ts";

/**
 * All of a body, so that nothing is begun for a request of which only a part ever comes. Of one that is too long no more
 * than shows it; the request is paused behind that. Resolves with undefined if the client has gone before.
 */
export function receiveBody(
  request: IncomingMessage | Http2ServerRequest,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const received = createCollector();
    const settle = (body: Uint8Array | undefined) => {
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve(body);
    };
    const onData = (piece: Buffer) => {
      if (received.add(piece) <= maxBytes) return;
      request.pause();
      settle(received.bytes());
    };
    // Node ends the body of a stream that has been reset as well.
    const onEnd = () => settle("stream" in request && request.stream.closed ? undefined : received.bytes());
    const onClose = () => settle(undefined);
    if (request.destroyed) return onClose();
    request.on("data", onData).once("end", onEnd).once("close", onClose);
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

/** A body as it comes. Who stops early leaves the rest to be dropped, so that the client can finish and see the answer. */
export async function* streamBody(request: IncomingMessage, refusedBodies: RefusedBodies): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } finally {
    refusedBodies.drop(request);
  }
}
