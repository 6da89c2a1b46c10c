/** Permissions of holds where a call could bypass its rule: replays, page tokens, and limits that an administrator exceeds. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../gen/frontrow/v1/concert_pb.ts";
import { createTokenIssuer, trusting } from "./support/auth/tokens.ts";
import { protocols } from "./support/protocols/protocols.ts";
import { type CallAs, createCallAs } from "./support/scenario/call-as.ts";
import { protocolsOf } from "./support/scenario/matrix.ts";
import { callerHeaders } from "./support/scenario/permissions.ts";
import { startTestService, type TestService } from "./support/service/service.ts";
import { createStage, type Stage } from "./support/service/stage.ts";

const { getUserBookings, listConcertBookings, bookTickets } = BookingService.method;
const { holdTickets, confirmHold, releaseHold } = BookingService.method;

let service: TestService;
let open: TestService;
let stage: Stage;
let concert: Concert;
let allowed: CallAs["allowed"];
let refused: CallAs["refused"];

beforeAll(async () => {
  const issuer = await createTokenIssuer();
  service = await startTestService(trusting(issuer));
  ({ allowed, refused } = createCallAs(service.baseUrl, await callerHeaders(issuer)));
  open = await startTestService({ APP_AUTH_MODE: "none" }, service.database);
  stage = createStage(open.baseUrl);
  concert = await stage.concert({ totalTickets: 10_000 });
});
afterAll(async () => {
  await service.database.checkInvariants();
  await open.close();
  await service.close();
});

describe.each(protocols.filter((protocol) => protocol !== "Connect GET"))("a repeated call by %s", (protocol) => {
  it("does not return the hold of another user's request_id", async () => {
    const { id: concertId } = await stage.concert();
    const request = { concertId, ticketCount: 1, requestId: randomUUID() };
    const { message: first } = await allowed("nora", protocol, holdTickets, request);

    await refused("anonymous", protocol, holdTickets, { ...request, userId: "nora" }, "token");
    await refused("otto", protocol, holdTickets, { ...request, userId: "nora" }, "admin");
    await refused("reader", protocol, holdTickets, request, "write");
    await refused("shop", protocol, holdTickets, { ...request, userId: "nora" }, "write");
    const ottos = await allowed("otto", protocol, holdTickets, request);
    expect(ottos).toMatchObject({ replayed: undefined, message: { userId: "otto" } });
    const again = await allowed("admin", protocol, holdTickets, { ...request, userId: "nora" });
    expect(again).toMatchObject({ replayed: "true", message: { id: first.id, userId: "nora" } });
  });

  it("does not return another user's settled hold", async () => {
    const { id } = await stage.hold(await stage.concert());
    const request = { id, paymentReference: "pi_1" };
    await allowed("shop", protocol, confirmHold, request);

    await refused("anonymous", protocol, confirmHold, { ...request, userId: "nora" }, "token");
    await refused("otto", protocol, confirmHold, request, "owner");
    await refused("otto", protocol, confirmHold, { ...request, userId: "nora" }, "confirm");
    await refused("admin", protocol, confirmHold, request, "write");
    await refused("otto", protocol, releaseHold, { id }, "owner");
    for (const [caller, userId] of [
      ["nora", ""],
      ["shop", ""],
      ["shop", "nora"],
    ] as const) {
      const again = await allowed(caller, protocol, confirmHold, { ...request, userId });
      expect(again).toMatchObject({ replayed: "true", message: { id, userId: "nora" } });
    }
  });
});

describe("a user's limits", () => {
  const exceeded = (booked: number, held: number) => ({
    reason: "USER_LIMIT_EXCEEDED",
    message: `one user can have at most 3 tickets of the concert; this one has booked ${booked} and holds ${held}`,
    metadata: { limit: "3", booked: String(booked), held: String(held) },
  });

  it("do not apply to an administrator who acts for the user, whose tickets count", async () => {
    const { id: concertId } = await stage.concert({ maxTicketsPerUser: 3 });
    const order = { concertId, userId: "nora", ticketCount: 2 };
    await allowed("nora", "REST", holdTickets, order);
    const oneHold = {
      reason: "HOLD_LIMIT_EXCEEDED",
      message: "one user can have at most 1 hold of the concert; confirm or release one first",
      metadata: { limit: "1" },
    };
    await refused("nora", "REST", holdTickets, { ...order, ticketCount: 1 }, oneHold);
    await refused("nora", "REST", bookTickets, order, exceeded(0, 2));
    await allowed("admin", "REST", bookTickets, order);
    await allowed("admin", "REST", holdTickets, order);
    await refused("nora", "REST", bookTickets, { ...order, ticketCount: 1 }, exceeded(2, 4));
  });

  it("apply to an administrator who acts for itself", async () => {
    const { id: concertId } = await stage.concert({ maxTicketsPerUser: 3 });
    const order = { concertId, ticketCount: 2 };
    for (const userId of ["", "ada"]) await allowed("admin", "REST", bookTickets, { ...order, userId, ticketCount: 1 });
    await refused("admin", "REST", bookTickets, order, exceeded(2, 0));
  });
});

it.each(protocolsOf(listConcertBookings))(
  "does not continue another caller's list of a concert by %s",
  async (protocol) => {
    for (const _ of [1, 2]) await stage.booking(concert, { userId: "nora" });
    const request = { concertId: concert.id, pageSize: 1 };
    const { nextPageToken: pageToken } = (await allowed("admin", protocol, listConcertBookings, request)).message;
    await refused("nora", protocol, listConcertBookings, { ...request, pageToken }, "adminOnly");
    const message = "page_token is not one that this list with these filters has given; start again without it";
    await refused("nora", protocol, getUserBookings, { pageToken }, { reason: "INVALID_PAGE_TOKEN", message });
  },
);
