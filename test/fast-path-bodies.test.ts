/** Bodies that arrive in pieces, or only in part. */

import { constants } from "node:http2";
import { setImmediate } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BookTicketsRequestSchema } from "../gen/frontrow/v1/booking_service_pb.ts";
import { frame, frameType, grpcFields, headers, opening, reset } from "./support/network/http2-frames.ts";
import { openRaw } from "./support/network/raw-connection.ts";
import { restCall } from "./support/service/rest.ts";
import { type Subject, startSubject } from "./support/service/subject.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { rpcPath, sendHttp } from "./support/wire/http.ts";

let subject: Subject;

beforeAll(async () => {
  subject = await startSubject();
});
afterAll(() => subject.close());

test("a message that arrives in many pieces is read whole", async () => {
  const pieces = new ReadableStream({
    async start(controller) {
      for (const piece of '{"id":"1"}') {
        controller.enqueue(Buffer.from(piece));
        // Each in a chunk and a packet.
        await setImmediate();
      }
      controller.close();
    },
  });
  const response = await fetch(subject.baseUrl + rpcPath("ConcertService.GetConcert"), {
    ...{ method: "POST", headers: { "content-type": "application/json" } },
    ...{ body: pieces, duplex: "half" },
  });
  expect(response.status).toBe(200);
});

describe("a call that is reset before the end of its body", () => {
  const order = { concertId: 1n, userId: "gone", ticketCount: 1 };
  const ofRest = JSON.stringify({ concert_id: "1", user_id: "gone", ticket_count: 1 });
  const ofBinary = toBinary(BookTicketsRequestSchema, create(BookTicketsRequestSchema, order));
  const path = rpcPath("BookingService.BookTickets");

  test.each([
    { by: "REST", path: "/api/v1/bookings", type: "application/json", body: ofRest },
    { by: "Connect in JSON", path, type: "application/json", body: ofRest },
    { by: "Connect in binary", path, type: "application/proto", body: ofBinary },
    { by: "gRPC", path, type: "application/grpc", body: envelope(ofBinary) },
    { by: "gRPC-Web", path, type: "application/grpc-web", body: envelope(ofBinary) },
    { by: "gRPC-Web in text", path, type: "application/grpc-web-text", body: envelope(ofBinary).toString("base64") },
  ])("books nothing by $by, for every reset code", async ({ path, type, body }) => {
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
