/** Faults of clients that Connect takes for faults of the server. */
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

const undecodable = "parse binary: ";

/**
 * An answer as it should be: a Connect call whose binary is no message of its method is the client's fault, 400 with
 * `invalid_argument`, as it is for JSON. (For gRPC it is INTERNAL everywhere, and stays that.)
 */
export async function blameClient(answer: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (answer.status !== 500 || !answer.body || !answer.header) return answer;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const mended = mend(body);
  const header = new Headers(answer.header);
  if (mended) header.set("content-length", String(mended.length));
  return { ...answer, status: mended ? 400 : 500, header, body: yieldOnce(mended ?? body) };
}

function mend(body: Buffer): Buffer | undefined {
  try {
    const error = JSON.parse(body.toString());
    if (error.code !== "internal" || !String(error.message).startsWith(undecodable)) return undefined;
    return Buffer.from(JSON.stringify({ ...error, code: "invalid_argument" }));
  } catch {
    return undefined;
  }
}

/** A body of one piece. */
export async function* yieldOnce(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A body that fails: Connect answers with the error in the call's own protocol. */
export function failWith(error: unknown): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}
