import { gzipSync } from "node:zlib";
import { compressionGzip } from "@connectrpc/connect-node";
import { describe, expect, test, vi } from "vitest";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { type Envelope, joinEnvelopes, splitEnvelopes } from "./envelopes.ts";
import { createCodec } from "./fast-path/codec.ts";
import { readMessage } from "./fast-path/grpc.ts";
import type { Exchange } from "./fast-path/protocol.ts";
import { trailerFlag } from "./internals.ts";

const split = (bytes: number[], maxBytes = 100) => splitEnvelopes(Uint8Array.from(bytes), maxBytes);

describe("the envelopes of a body", () => {
  test.each<[what: string, bytes: number[], data: number[][], isCutOff: boolean]>([
    ["none", [], [], false],
    ["an empty one", [0, 0, 0, 0, 0], [[]], false],
    ["one", [0, 0, 0, 0, 2, 7, 8], [[7, 8]], false],
    ["two", [0, 0, 0, 0, 1, 7, 1, 0, 0, 0, 1, 8], [[7], [8]], false],
    ["one cut off", [0, 0, 0, 0, 2, 7], [], true],
    ["one and the beginning of a prefix", [0, 0, 0, 0, 1, 7, 0, 0], [[7]], true],
    ["a prefix that nothing follows", [0, 0, 0, 0, 2], [], false],
  ])("%s", (_, bytes, data, isCutOff) => {
    const body = split(bytes);
    expect(body.envelopes.map((envelope) => [...envelope.data])).toEqual(data);
    expect(body.isCutOff).toBe(isCutOff);
  });

  test("are split no further than a unary call can need", () => {
    expect(splitEnvelopes(new Uint8Array(5 * 1_000), 100).envelopes).toHaveLength(3);
  });

  test("are refused if one of them is over the limit, wherever it stands", () => {
    expect(() => split([0, 0, 0, 0, 101])).toThrow("message size 101 is larger than configured readMaxBytes 100");
    expect(() => split([0, 0, 0, 0, 0, 0, 255, 255, 255, 255])).toThrow("message size 4294967295 is larger");
  });
});

test("joined envelopes are split again", () => {
  const envelopes = [
    { flags: 1, data: Buffer.from("first") },
    { flags: 0, data: Buffer.alloc(0) },
    { flags: 0x80, data: Buffer.from("last") },
  ];
  expect(splitEnvelopes(joinEnvelopes(...envelopes), 100)).toEqual({ envelopes, isCutOff: false });
});

describe("the message of a gRPC-Web request", () => {
  const method = ConcertService.method.getConcert;
  const decompress = vi.fn(compressionGzip.decompress);
  const encodings = { request: { ...compressionGzip, decompress }, response: null };
  const maxMessageBytes = 1_000;
  const codec = createCodec(method, { jsonOptions: {}, maxMessageBytes });
  const exchange = { method: { codec }, form: { isJson: false }, encodings } as unknown as Exchange;
  const read = (...envelopes: readonly Envelope[]) =>
    readMessage(exchange, joinEnvelopes(...envelopes), maxMessageBytes, trailerFlag);
  const message = { flags: 0, data: Buffer.of(8, 7) };
  const trailers = { flags: trailerFlag | 1, data: gzipSync("a: b") };

  test("is read behind trailers, which are not decompressed", async () => {
    expect(await read(trailers, message)).toMatchObject({ id: 7n });
    expect(await read(message, trailers)).toMatchObject({ id: 7n });
    expect(decompress).not.toHaveBeenCalled();
  });

  test("is refused with more than one of them", async () => {
    await expect(read(trailers, trailers, message)).rejects.toThrow("received extra trailers");
    await expect(read(message, message)).rejects.toThrow("received extra input message");
  });
});
