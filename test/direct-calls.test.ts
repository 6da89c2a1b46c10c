/** Calls that are answered without Connect's pipeline: nobody can tell them from those that it answers. */
import { constants } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BookTicketsRequestSchema } from "../gen/frontrow/v1/booking_service_pb.ts";
import { GetConcertRequestSchema, ListConcertsRequestSchema } from "../gen/frontrow/v1/concert_service_pb.ts";
import {
  concertJson,
  envelope,
  type HttpAnswer,
  rpcPath,
  type Subject,
  sendGrpc,
  sendHttp,
  startSubject,
} from "./support/bad-input.ts";
import { frame, frameType, grpcFields, headers, opening, reset } from "./support/http2-frames.ts";
import { openRaw } from "./support/raw-connection.ts";
import { restCall } from "./support/rest.ts";

let subject: Subject;

beforeAll(async () => {
  subject = await startSubject();
  // So that a page of them is long enough to be compressed.
  for (let count = 0; count < 20; count++) {
    await restCall(subject.baseUrl, "ConcertService.CreateConcert", { ...concertJson, name: `Moonlight ${count}` });
  }
});
afterAll(() => subject.close());

interface Call {
  readonly what: string;
  readonly method: string;
  readonly json: object;
  readonly binary: () => Uint8Array;
  readonly headers?: Record<string, string>;
}

const list = {
  method: "ConcertService.ListConcerts",
  json: {},
  binary: () => toBinary(ListConcertsRequestSchema, create(ListConcertsRequestSchema)),
};
const concert = (id: bigint) => ({
  method: "ConcertService.GetConcert",
  json: { id: String(id) },
  binary: () => toBinary(GetConcertRequestSchema, create(GetConcertRequestSchema, { id })),
});
const broken = { artist: "a", venue: "b", name: "c", pageSize: 1_000, pageToken: "x".repeat(2_000) };
/** A refusal that names what is wrong with each of its fields. */
const tooMuch = {
  method: "ConcertService.ListConcerts",
  json: broken,
  binary: () => toBinary(ListConcertsRequestSchema, create(ListConcertsRequestSchema, broken)),
};
const takesGzip = { "accept-encoding": "br, gzip", "grpc-accept-encoding": "identity,gzip" };
const order = { concertId: 999_999n, userId: "nora", ticketCount: 1 };

const calls: readonly Call[] = [
  { what: "a message", ...concert(1n) },
  { what: "a long message", ...list },
  {
    what: "a long message to a client who takes it compressed",
    ...list,
    headers: takesGzip,
  },
  { what: "a short message to such a client", ...concert(1n), headers: takesGzip },
  { what: "a long refusal to such a client", ...tooMuch, headers: takesGzip },
  { what: "a refusal", ...concert(999_999n) },
  { what: "a refusal of what breaks the rules", ...concert(-1n) },
  {
    what: "a refusal of a change",
    method: "BookingService.BookTickets",
    json: { ...order, concertId: "999999" },
    binary: () => toBinary(BookTicketsRequestSchema, create(BookTicketsRequestSchema, order)),
  },
  { what: "an answer to a page of another origin", ...concert(1n), headers: { origin: "https://example.com" } },
  {
    what: "an answer that comes too late",
    ...concert(1n),
    headers: { "connect-timeout-ms": "0", "grpc-timeout": "0n" },
  },
];

/** What varies from call to call. */
const passing = new Set(["date", "ratelimit-remaining", "ratelimit-reset"]);

function lasting({ status, headers, text }: HttpAnswer) {
  const kept = Object.entries(headers).filter(([name]) => !passing.has(name));
  return { status, headers: Object.fromEntries(kept), text };
}

describe.each(calls)("$what", ({ method, json, binary, headers: more = {} }) => {
  const path = rpcPath(method);

  // Connect understands the second types as well, which are not the usual ones.
  test.each([
    { format: "JSON", types: ["application/json", "application/json;charset=utf-8"], body: () => JSON.stringify(json) },
    { format: "binary", types: ["application/proto", "application/PROTO"], body: binary },
  ])("by Connect in $format", async ({ types, body }) => {
    const send = async (type: string) =>
      lasting(await sendHttp(subject.baseUrl, { path, headers: { ...more, "content-type": type }, body: body() }));
    const [direct, piped] = [await send(types[0] ?? ""), await send(types[1] ?? "")];
    expect(direct).toEqual(piped);
  });

  test("by gRPC", async () => {
    const send = async (type: string) =>
      lasting(await sendGrpc(subject.baseUrl, path, envelope(binary()), { ...more, "content-type": type }));
    const [direct, piped] = [await send("application/grpc"), await send("application/GRPC")];
    expect(direct).toEqual(piped);
  });
});

test("a message in many pieces is put together", async () => {
  const { path, body } = { path: rpcPath("ConcertService.GetConcert"), body: '{"id":"1"}' };
  const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
  expect(await sendHttp(subject.baseUrl, { path, headers, body })).toMatchObject({ status: 200 });
});

describe("a call that is reset before its body has ended", () => {
  const order = { concertId: 1n, userId: "gone", ticketCount: 1 };
  const ofRest = JSON.stringify({ concert_id: "1", user_id: "gone", ticket_count: 1 });
  const ofBinary = toBinary(BookTicketsRequestSchema, create(BookTicketsRequestSchema, order));
  const path = rpcPath("BookingService.BookTickets");

  test.each([
    { by: "REST", path: "/api/v1/bookings", type: "application/json", body: ofRest },
    { by: "Connect in JSON", path, type: "application/json", body: ofRest },
    { by: "Connect in binary", path, type: "application/proto", body: ofBinary },
    { by: "Connect's pipeline", path, type: "application/PROTO", body: ofBinary },
    { by: "gRPC", path, type: "application/grpc", body: envelope(ofBinary) },
  ])("books nothing by $by, whatever the reason", async ({ path, type, body }) => {
    const { socket, waitFor } = openRaw(Number(new URL(subject.baseUrl).port));
    socket.write(opening);
    const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = constants;
    for (const [index, reason] of [NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR].entries()) {
      const stream = 2 * index + 1;
      const fields = { ...grpcFields(path), "content-type": type };
      socket.write(Buffer.concat([headers(stream, fields), frame(frameType.data, 0, stream, Buffer.from(body))]));
      // Once this is answered, the other's body has been received.
      await sendHttp(subject.baseUrl, { path: "/livez" });
      socket.write(reset(stream, reason));
    }
    socket.write(frame(frameType.ping, 0, 0, Buffer.from("all sent")));
    await waitFor("all sent");
    socket.destroy();
    // A booking of the same concert comes after theirs.
    const last = { concert_id: "1", user_id: "last", ticket_count: 1 };
    expect((await restCall(subject.baseUrl, "BookingService.BookTickets", last)).status).toBe(201);
    expect(await subject.database.query("SELECT FROM bookings WHERE user_id = 'gone'")).toEqual([]);
  });
});
