import { randomBytes } from "node:crypto";
import type { LoadSpec } from "./spec.ts";

/** Gives the bytes that users send. */
export interface RequestDealer {
  next(user: number): Buffer;
  /** What a user sends after an answer with that id; undefined if nothing. */
  followUp(user: number, id: number): string | undefined;
}

const counterLength = 12;

/** Deals the requests of a load to its users, and renews the keys in them. */
export function createRequestDealer(
  spec: Pick<LoadSpec, "requests" | "users" | "keyOffsets" | "followUp">,
): RequestDealer {
  const { users, keyOffsets, followUp } = spec;
  const requests = spec.requests.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const rounds = new Uint32Array(users);
  const keyStart = `${randomBytes(4).toString("hex")}-0000-4000-8000-`;
  let keys = 0;
  /** Of each user's last request. */
  const counters: string[] = [];

  for (const [index, request] of requests.entries()) {
    const offset = keyOffsets[index];
    if (offset !== undefined) request.write(keyStart, offset, "latin1");
  }
  function next(user: number): Buffer {
    const round = rounds[user] ?? 0;
    rounds[user] = round + 1;
    const index = (user + round * users) % requests.length;
    const request = requests[index];
    if (!request) throw new Error("a load needs a request");
    const offset = keyOffsets[index];
    if (offset !== undefined) {
      const counter = (keys++).toString(16).padStart(counterLength, "0");
      request.write(counter, offset + keyStart.length, "latin1");
      if (followUp) counters[user] = counter;
    }
    return request;
  }
  return {
    next,
    followUp(user, id) {
      if (!followUp) return undefined;
      const [start, middle, end] = followUp.pieces;
      return `${start}${String(id).padEnd(followUp.idWidth)}${middle}${keyStart}${counters[user]}${end}`;
    },
  };
}
