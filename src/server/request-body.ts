/** The bodies of requests to Connect's handlers. */
import type { IncomingMessage } from "node:http";
import type { RefusedBodies } from "./refused-bodies.ts";

/** What the protocols may put before a message. */
const envelopeBytes = 5;

/**
 * All of a body, so that nothing is begun for a request of which only a part ever comes. Of one that is too large no more
 * than shows it; the rest stays unread. Resolves with undefined if the client has gone before.
 */
export function receiveBody(request: IncomingMessage, maxMessageBytes: number): Promise<Uint8Array[] | undefined> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const settle = (received: Uint8Array[] | undefined) => {
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve(received);
    };
    const onData = (chunk: Uint8Array) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= maxMessageBytes + envelopeBytes) return;
      request.pause();
      settle(chunks);
    };
    const onEnd = () => settle(chunks);
    const onClose = () => settle(undefined);
    if (request.destroyed) return onClose();
    request.on("data", onData).once("end", onEnd).once("close", onClose);
  });
}

/** A body as it comes. Who stops early leaves the rest to be dropped, so that the client can finish and see the answer. */
export async function* streamBody(request: IncomingMessage, refusedBodies: RefusedBodies): AsyncGenerator<Uint8Array> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } finally {
    refusedBodies.drop(request);
  }
}
