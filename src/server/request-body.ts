/** The bodies of requests to RPC methods. */
import type { IncomingMessage } from "node:http";
import type { RefusedBodies } from "./refused-bodies.ts";

/**
 * All of a body, so that nothing is begun for a request of which only a part ever comes. Of one that is too long no more
 * than shows it; the request is paused behind that. Resolves with undefined if the client has gone before.
 */
export function receiveBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const settle = (received: Uint8Array | undefined) => {
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve(received);
    };
    const onData = (chunk: Uint8Array) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= maxBytes) return;
      request.pause();
      settle(joined(chunks));
    };
    const onEnd = () => settle(joined(chunks));
    const onClose = () => settle(undefined);
    if (request.destroyed) return onClose();
    request.on("data", onData).once("end", onEnd).once("close", onClose);
  });
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  return first && chunks.length === 1 ? first : Buffer.concat(chunks);
}

/** A body as it comes. Who stops early leaves the rest to be dropped, so that the client can finish and see the answer. */
export async function* streamBody(request: IncomingMessage, refusedBodies: RefusedBodies): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } finally {
    refusedBodies.drop(request);
  }
}
