/** The audit trail of holds: acts on others' holds are recorded, those of owners and of time are in the bookings alone. */
import { randomUUID } from "node:crypto";
import type { DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Booking } from "../gen/frontrow/v1/booking_pb.ts";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../gen/frontrow/v1/concert_pb.ts";
import { createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { type AuditEntry, entriesOf } from "./support/database/audit.ts";
import { makeDue } from "./support/database/holds.ts";
import { succeeded } from "./support/protocols/outcomes.ts";
import { createProtocolClient, type ProtocolClient } from "./support/protocols/protocols.ts";
import { type CallerHeaders, callerHeaders } from "./support/scenario/permissions.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, instantOf, type Stage } from "./support/service/stage.ts";

const { holdTickets, confirmHold, releaseHold, extendHold, cancelBooking } = BookingService.method;

let service: TestService;
let open: TestService;
let stage: Stage;
let client: ProtocolClient;
let headersOf: CallerHeaders;

beforeAll(async () => {
  const issuer = await createTokenIssuer();
  headersOf = await callerHeaders(issuer);
  service = await startTestService(trusting(issuer));
  open = await startTestService({}, service.database);
  stage = createStage(open.baseUrl);
  client = createProtocolClient("REST", service.baseUrl);
});
afterEach(() => service.database.checkInvariants());
afterAll(async () => {
  client?.close();
  await open?.close();
  await service?.close();
});

async function as<Method extends DescMethodUnary>(
  caller: "nora" | "admin" | "shop",
  method: Method,
  request: MessageInitShape<Method["input"]>,
): Promise<MessageShape<Method["output"]>> {
  return succeeded(await client.call(method, request, { headers: headersOf[caller] }));
}

/** The trail of bookings: the concert itself has an entry as well. */
async function trail({ id }: Concert): Promise<AuditEntry[]> {
  return (await entriesOf(service.database, id)).filter(({ bookingId }) => bookingId !== null);
}

const inWords = ({ actor, action, before, after }: AuditEntry) =>
  `${actor} ${action}: ${before?.status ?? "nothing"}, ${after.status}`;

/** A hold of two tickets in the form of the trail, changed as given. */
function heldJson(hold: Booking, changes: object) {
  const time = (timestamp: Booking["createdAt"]) => instantOf(timestamp).toString();
  return {
    ...{ id: String(hold.id), concert_id: String(hold.concertId), user_id: "nora", ticket_count: 2, status: "held" },
    ...{ unit_price: 50.25, total_price: 100.5, currency_code: "EUR" },
    ...{ booking_time: time(hold.bookingTime), created_at: time(hold.createdAt), updated_at: time(hold.updatedAt) },
    hold_expires_time: time(hold.holdExpiresTime),
    ...changes,
  };
}

describe("the entries of acts on another's hold", () => {
  test("have the hold before and after: it is made, extended, confirmed in part and cancelled", async () => {
    const concert = await stage.concert();
    const order = { concertId: concert.id, userId: "nora", ticketCount: 2 };
    const held = await as("admin", holdTickets, order);
    const { id } = held;
    const extended = await as("admin", extendHold, { id, ttl: { seconds: 1_200n } });
    const confirmed = await as("shop", confirmHold, { id, ticketCount: 1, paymentReference: "pi_1" });
    const cancelled = await as("admin", cancelBooking, { id });

    const states = [
      heldJson(held, {}),
      heldJson(extended, {}),
      heldJson(confirmed, { status: "confirmed", ticket_count: 1, total_price: 50.25, payment_reference: "pi_1" }),
      heldJson(cancelled, { status: "cancelled", ticket_count: 1, total_price: 50.25, payment_reference: "pi_1" }),
    ];
    const [ada, shop] = ["ada", "shop"].map((actor) => ({ actor, address: "127.0.0.1", bookingId: String(id) }));
    expect(await trail(concert)).toEqual([
      { ...ada, action: "booking.hold", before: null, after: states[0] },
      { ...ada, action: "booking.extend", before: states[0], after: states[1] },
      { ...shop, action: "booking.confirm", before: states[1], after: states[2] },
      { ...ada, action: "booking.cancel", before: states[2], after: states[3] },
    ]);
  });

  test("name who has released it", async () => {
    const concert = await stage.concert();
    const { id } = await stage.hold(concert);
    await as("admin", releaseHold, { id });
    expect((await trail(concert)).map(inWords)).toEqual(["ada booking.release: held, released"]);
  });

  test("have the instant and the transaction of the change", async () => {
    const concert = await stage.concert();
    const { id } = await stage.hold(concert);
    await as("shop", confirmHold, { id });
    const same = `SELECT a.xmin = b.xmin AS "sameTransaction", occurred_at = updated_at AS "sameInstant"
      FROM audit_entries a JOIN bookings b ON b.id = booking_id WHERE b.id = $1`;
    expect(await service.database.query(same, [id])).toEqual([{ sameTransaction: true, sameInstant: true }]);
  });
});

describe("there is no entry of", () => {
  test("what owners do to their own holds", async () => {
    const concert = await stage.concert();
    const order = { concertId: concert.id, ticketCount: 2 };
    const { id } = await as("nora", holdTickets, order);
    await as("nora", extendHold, { id, ttl: { seconds: 1_200n } });
    await as("nora", confirmHold, { id });
    await as("nora", cancelBooking, { id });
    const { id: other } = await as("nora", holdTickets, order);
    await as("nora", releaseHold, { id: other });
    expect(await trail(concert)).toEqual([]);
  });

  test("what changes nothing: replays and shorter extensions", async () => {
    const concert = await stage.concert();
    const order = { concertId: concert.id, userId: "nora", ticketCount: 2, requestId: randomUUID() };
    const { id } = await as("admin", holdTickets, order);
    await as("admin", holdTickets, order);
    await as("admin", extendHold, { id, ttl: { seconds: 1n } });
    for (const _ of [1, 2]) await as("shop", confirmHold, { id });
    const { id: other } = await as("admin", holdTickets, { ...order, requestId: randomUUID() });
    for (const _ of [1, 2]) await as("admin", releaseHold, { id: other });
    expect((await trail(concert)).map(inWords)).toEqual([
      "ada booking.hold: nothing, held",
      "shop booking.confirm: held, confirmed",
      "ada booking.hold: nothing, held",
      "ada booking.release: held, released",
    ]);
  });

  test("an expiry, which the next act finds", async () => {
    const concert = await stage.concert();
    const hold = await as("admin", holdTickets, { concertId: concert.id, userId: "nora", ticketCount: 2 });
    await makeDue(service.database, hold);
    await as("admin", releaseHold, { id: hold.id });
    await as("shop", confirmHold, { id: hold.id, acceptLate: true });
    expect((await trail(concert)).map(inWords)).toEqual([
      "ada booking.hold: nothing, held",
      "shop booking.confirm: expired, confirmed",
    ]);
  });
});
