import { randomBytes } from "node:crypto";
import type { LoadSpec } from "./spec.ts";

/** Gives the bytes that a user sends next. */
export type NextRequest = (user: number) => Buffer;

const counterLength = 12;

/** Deals the requests of a load to its users, and renews the keys in them. */
export function createRequestDealer(spec: Pick<LoadSpec, "requests" | "users" | "keyOffsets">): NextRequest {
  const { users, keyOffsets } = spec;
  const requests = spec.requests.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const rounds = new Uint32Array(users);
  const keyStart = `${randomBytes(4).toString("hex")}-0000-4000-8000-`;
  let keys = 0;

  for (const [index, request] of requests.entries()) {
    const offset = keyOffsets[index];
    if (offset !== undefined) request.write(keyStart, offset, "latin1");
  }
  return (user) => {
    const round = rounds[user] ?? 0;
    rounds[user] = round + 1;
    const index = (user + round * users) % requests.length;
    const request = requests[index];
    if (!request) throw new Error("a load needs a request");
    const offset = keyOffsets[index];
    if (offset !== undefined) {
      const counter = (keys++).toString(16).padStart(counterLength, "0");
      request.write(counter, offset + keyStart.length, "latin1");
    }
    return request;
  };
}
