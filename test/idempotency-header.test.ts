/** The header Idempotency-Key sets the request_id of a message without one, over every protocol. */
import { randomUUID } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BookingService, BookTicketsRequestSchema } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type Protocol, type ProtocolClient } from "./support/protocols/protocols.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, moonlight, type Stage, userId } from "./support/service/stage.ts";
import { envelope } from "./support/wire/envelopes.ts";
import { expectGrpcError } from "./support/wire/errors.ts";
import { rpcPath, sendGrpc } from "./support/wire/http.ts";

const { bookTickets, cancelBooking, holdTickets, confirmHold } = BookingService.method;
const { createConcert } = ConcertService.method;

let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService();
  stage = createStage(service.baseUrl);
});
afterAll(() => service?.close());

const header = (key: string) => ({ headers: { "Idempotency-Key": key } });

describe.each<Protocol>(["REST", "gRPC", "gRPC-Web", "Connect JSON", "Connect binary"])("by %s", (protocol) => {
  let client: ProtocolClient;
  beforeAll(() => {
    client = createProtocolClient(protocol, service.baseUrl);
  });
  afterAll(() => client?.close());

  async function order() {
    const { id: concertId } = await stage.concert();
    return { concertId, userId, ticketCount: 2 };
  }

  test("a booking, its cancellation and a concert are made once", async () => {
    const [request, key] = [await order(), randomUUID()];
    const booking = succeeded(await client.call(bookTickets, request, header(key)));
    const again = await client.call(bookTickets, request, header(`"${key.toUpperCase()}"`));
    expect(again).toMatchObject({ ok: true, replayed: "true", message: { id: booking.id } });
    expect(await client.call(bookTickets, { ...request, requestId: key })).toMatchObject({ replayed: "true" });

    const cancel = () => client.call(cancelBooking, { id: booking.id, userId }, header(key));
    expect(await cancel()).toMatchObject({ ok: true, replayed: undefined });
    expect(await cancel()).toMatchObject({ ok: true, replayed: "true" });

    const created = succeeded(await client.call(createConcert, moonlight, header(key)));
    const repeated = await client.call(createConcert, moonlight, header(key));
    expect(repeated).toMatchObject({ ok: true, replayed: "true", message: { id: created.id } });
  });

  test("a hold is made once, and a confirmation ignores the header", async () => {
    const [request, key] = [await order(), randomUUID()];
    const hold = succeeded(await client.call(holdTickets, request, header(key)));
    const again = await client.call(holdTickets, request, header(key));
    expect(again).toMatchObject({ ok: true, replayed: "true", message: { id: hold.id } });
    expect(await client.call(holdTickets, { ...request, requestId: key })).toMatchObject({ replayed: "true" });
    for (const ignored of ["x", key]) {
      const confirmed = await client.call(confirmHold, { id: hold.id, userId }, header(ignored));
      expect(confirmed).toMatchObject({ ok: true, message: { id: hold.id } });
    }
  });

  test("a header that equals request_id is accepted, one that differs is rejected", async () => {
    const [request, requestId] = [{ ...(await order()), requestId: randomUUID() }, randomUUID()];
    const { requestId: key } = request;
    expect(await client.call(bookTickets, request, header(key.toUpperCase()))).toMatchObject({ ok: true });
    expect(await client.call(bookTickets, request, header(requestId))).toMatchObject({
      ok: false,
      code: "INVALID_ARGUMENT",
      reason: "INVALID_REQUEST",
      violations: [{ field: "request_id", message: "differs from the one in the header Idempotency-Key" }],
    });
  });

  test.each([
    ['""', "the header Idempotency-Key is empty"],
    ["x", "must be a valid UUID"],
    [`${randomUUID()}, ${randomUUID()}`, "must be a valid UUID"],
  ])("%s is rejected", async (key, message) => {
    expect(await client.call(bookTickets, await order(), header(key))).toMatchObject({
      ok: false,
      reason: "INVALID_REQUEST",
      violations: [{ field: "request_id", message }],
    });
  });

  test("a key that was used for another request is rejected", async () => {
    const [request, key] = [await order(), randomUUID()];
    succeeded(await client.call(bookTickets, request, header(key)));
    const other = await client.call(bookTickets, { ...request, ticketCount: 1 }, header(key));
    expect(other).toMatchObject({ ok: false, reason: "REQUEST_ID_REUSED" });
  });
});

test("two keys in gRPC metadata are rejected", async () => {
  const { id: concertId } = await stage.concert();
  const message = toBinary(BookTicketsRequestSchema, {
    $typeName: "frontrow.v1.BookTicketsRequest",
    ...{ concertId, userId, ticketCount: 1, requestId: "" },
  });
  const keys = [randomUUID(), randomUUID()];
  const headers = { "idempotency-key": keys } as unknown as Record<string, string>;
  const answer = await sendGrpc(service.baseUrl, rpcPath("BookingService.BookTickets"), envelope(message), headers);
  expect(expectGrpcError(answer, Code.InvalidArgument)).toBe("request_id: must be a valid UUID");
});
