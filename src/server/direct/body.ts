import type { IncomingMessage } from "node:http";

/** What has come of a request's body. */
export type ReceivedBody =
  | { readonly kind: "whole"; readonly bytes: Uint8Array }
  /** It is longer than it may be. The request is paused behind these bytes. */
  | { readonly kind: "too long"; readonly bytes: Uint8Array }
  /** The client has hung up before it was through. */
  | { readonly kind: "cut off" };

/** Reads a body, as far as it is no longer than it may be. Never rejects. */
export function receiveBody(request: IncomingMessage, maxBytes: number): Promise<ReceivedBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (body: ReceivedBody) => {
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve(body);
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= maxBytes) return;
      request.pause();
      settle({ kind: "too long", bytes: joined(chunks) });
    };
    const onEnd = () => settle({ kind: "whole", bytes: joined(chunks) });
    const onClose = () => settle({ kind: "cut off" });
    request.on("data", onData).once("end", onEnd).once("close", onClose);
  });
}

function joined(chunks: readonly Buffer[]): Uint8Array {
  const [first] = chunks;
  return first && chunks.length === 1 ? first : Buffer.concat(chunks);
}
