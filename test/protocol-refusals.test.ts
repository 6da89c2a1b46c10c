import { randomUUID } from "node:crypto";
import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { codeName, codesOf, describeReason, ErrorOrigin, RetryDelay, reasonsFrom } from "../src/rpc/reasons.ts";
import { httpStatusesOf } from "../src/transport/http-errors.ts";
import { callOnce } from "./support/exchange.ts";
import {
  callerReasons,
  expectedAnswers,
  outcomeUnknownWithoutKey,
  streamReasons,
  troubles,
} from "./support/expected-answers.ts";
import { createMatrix, declaredReasons, methods } from "./support/matrix.ts";
import { describeRefusals, type RefusalCase, refusal } from "./support/refusals.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { createStage, moonlight, type Stage, timestamp, userId } from "./support/stage.ts";

const maxTicketsPerBooking = 4;
/** An id that a JavaScript number cannot hold. */
const nowhere = 9_007_199_254_740_993n;

const matrix = createMatrix();
let service: TestService;
let stage: Stage;

beforeAll(async () => {
  service = await startTestService({ APP_MAX_TICKETS_PER_BOOKING: String(maxTicketsPerBooking) });
  stage = createStage(service.baseUrl);
});
afterAll(() => service.close());

const { getConcert, listConcerts, createConcert, updateConcert } = ConcertService.method;
const { getBooking, getUserBookings, bookTickets, cancelBooking } = BookingService.method;

const badToken = "page_token is not one that this list with these filters has given; start again without it";
const reusedKey = "this request_id was used before with other content; use a new one for a new request";
const cases: readonly RefusalCase[] = [
  refusal(getConcert, "CONCERT_NOT_FOUND", "there is none", () => ({
    request: { id: nowhere },
    message: `there is no concert ${nowhere}`,
  })),
  refusal(listConcerts, "INVALID_PAGE_TOKEN", "the token is made up", () => ({
    request: { pageToken: "made-up" },
    message: badToken,
  })),
  refusal(listConcerts, "INVALID_PAGE_TOKEN", "the token is of another list", async () => {
    const venue = `The ${randomUUID()}`;
    for (const _ of [1, 2]) await stage.concert({ venue });
    const pageToken = await tokenOf(listConcerts, { venue, pageSize: 1 });
    return { request: { venue, pageToken, availableOnly: true }, message: badToken };
  }),
  refusal(createConcert, "REQUEST_ID_REUSED", "another concert has the key", async () => {
    const requestId = randomUUID();
    await stage.concert({ requestId });
    return { request: { ...moonlight, requestId, price: 50 }, message: reusedKey };
  }),
  refusal(updateConcert, "CONCERT_NOT_FOUND", "there is none", () => ({
    request: { ...moonlight, id: nowhere, version: 1 },
    message: `there is no concert ${nowhere}`,
  })),
  refusal(updateConcert, "VERSION_MISMATCH", "it is based on an older version", async () => {
    const { id } = await stage.concert();
    await callOnce("Connect JSON", service.baseUrl, updateConcert, { ...moonlight, id, version: 1 });
    return {
      request: { ...moonlight, id, version: 1 },
      message: "the concert has been updated since: its version is 2; read it again and repeat",
      metadata: { current_version: "2" },
    };
  }),
  refusal(updateConcert, "TOTAL_BELOW_SOLD", "more are sold than the new total", async () => {
    const concert = await stage.concert();
    await stage.booking(concert);
    return {
      request: { ...moonlight, totalTickets: 1, id: concert.id, version: 1 },
      message: "total_tickets cannot fall below the 2 tickets sold",
      metadata: { sold: "2" },
    };
  }),
  refusal(getBooking, "BOOKING_NOT_FOUND", "there is none", () => ({
    request: { id: nowhere },
    message: `there is no booking ${nowhere}`,
  })),
  refusal(getUserBookings, "INVALID_PAGE_TOKEN", "the token is made up", () => ({
    request: { userId, pageToken: "made-up" },
    message: badToken,
  })),
  refusal(getUserBookings, "INVALID_PAGE_TOKEN", "the token is another user's", async () => {
    const concert = await stage.concert();
    for (const _ of [1, 2]) await stage.booking(concert);
    const pageToken = await tokenOf(getUserBookings, { userId, pageSize: 1 });
    return { request: { userId: "a stranger", pageToken }, message: badToken };
  }),
  refusal(bookTickets, "CONCERT_NOT_FOUND", "there is none", () => ({
    request: { concertId: nowhere, userId, ticketCount: 1 },
    message: `there is no concert ${nowhere}`,
  })),
  refusal(bookTickets, "BOOKING_NOT_OPEN", "booking has not begun", () =>
    closedWindow("2098-05-01T10:00:00Z", "2098-05-01T10:20:00.000001Z"),
  ),
  refusal(bookTickets, "BOOKING_NOT_OPEN", "booking is over", () =>
    closedWindow("2020-05-01T10:00:00.5Z", "2020-05-01T10:20:00Z"),
  ),
  refusal(bookTickets, "TICKET_LIMIT_EXCEEDED", "it is more than one booking may hold", async () => {
    const { id: concertId } = await stage.concert({ totalTickets: 1 });
    return {
      request: { concertId, userId, ticketCount: maxTicketsPerBooking + 1 },
      message: "one booking can hold at most 4 tickets",
      metadata: { limit: "4" },
    };
  }),
  refusal(bookTickets, "INSUFFICIENT_TICKETS", "it is more than are left", async () => {
    const concert = await stage.concert({ totalTickets: 4 });
    await stage.booking(concert);
    return {
      request: { concertId: concert.id, userId, ticketCount: 3 },
      message: "only 2 tickets are left",
      metadata: { available: "2" },
    };
  }),
  refusal(bookTickets, "INSUFFICIENT_TICKETS", "the concert is sold out", async () => {
    const concert = await stage.concert({ totalTickets: 2 });
    await stage.booking(concert);
    return {
      request: { concertId: concert.id, userId, ticketCount: 1 },
      message: "the concert is sold out",
      metadata: { available: "0" },
    };
  }),
  refusal(bookTickets, "REQUEST_ID_REUSED", "the key has booked another number", async () => {
    const requestId = randomUUID();
    const concert = await stage.concert();
    await stage.booking(concert, { requestId, ticketCount: 1 });
    return { request: { concertId: concert.id, userId, ticketCount: 2, requestId }, message: reusedKey };
  }),
  refusal(cancelBooking, "BOOKING_NOT_FOUND", "there is none", () => ({
    request: { id: nowhere, userId },
    message: `there is no booking ${nowhere}`,
  })),
  refusal(cancelBooking, "NOT_BOOKING_OWNER", "it is another user's", async () => {
    const { id } = await stage.booking(await stage.concert());
    return { request: { id, userId: "a stranger" }, message: `booking ${id} belongs to another user` };
  }),
  ...[undefined, randomUUID()].map((requestId) =>
    refusal(cancelBooking, "ALREADY_CANCELLED", requestId ? "the key is another one" : "it has no key", async () => {
      const { id } = await stage.cancel(await stage.booking(await stage.concert()), randomUUID());
      return { request: { id, userId, requestId: requestId ?? "" }, message: `booking ${id} is already cancelled` };
    }),
  ),
];

/** The token of the page after the first. */
async function tokenOf<Method extends typeof listConcerts | typeof getUserBookings>(
  method: Method,
  request: MessageInitShape<Method["input"]>,
): Promise<string> {
  const { outcome } = await callOnce("Connect JSON", service.baseUrl, method, request);
  if (!outcome.ok || outcome.message.nextPageToken === "") throw new Error("there is no second page");
  return outcome.message.nextPageToken;
}

async function closedWindow(opensAt: string, closesAt: string) {
  const window = { bookingStartTime: timestamp(opensAt), bookingEndTime: timestamp(closesAt) };
  const { id: concertId } = await stage.concert(window);
  const now = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z";
  return {
    request: { concertId, userId, ticketCount: 1 },
    message: new RegExp(`^booking is open from ${opensAt} until before ${closesAt}; it is ${now}$`),
    metadata: { opens_at: opensAt, closes_at: closesAt, now: expect.stringMatching(new RegExp(`^${now}$`)) },
  };
}

describeRefusals(cases, () => service.baseUrl, matrix);

const elsewhere: readonly string[] = ["INVALID_REQUEST", ...troubles, ...callerReasons];

it("has seen every refusal that the schema declares, by every protocol", () => {
  // Who may read a booking is asked only where callers are known: the test of permissions sees it refused.
  const isElsewhere = (method: DescMethodUnary, reason: string) =>
    elsewhere.includes(reason) || (method === getBooking && reason === "NOT_BOOKING_OWNER");
  matrix.expectComplete((method) => declaredReasons(method).filter((reason) => !isElsewhere(method, reason)));
});

it("leaves to other tests what any method may answer, and what may have been stored", () => {
  expect([...elsewhere].sort()).toEqual([...reasonsFrom(ErrorOrigin.ANY_METHOD), "OUTCOME_UNKNOWN"].sort());
  expect(streamReasons).toEqual(reasonsFrom(ErrorOrigin.STREAM));
});

const declared = [...new Set(methods.flatMap(declaredReasons)), ...streamReasons];

it("finds every reason that is expected in the schema, and no other", () => {
  expect([...declared].sort()).toEqual(Object.keys(expectedAnswers).sort());
});

it.each(declared)("finds %s in the schema with the codes, HTTP statuses and delay that are expected", (reason) => {
  const expected = expectedAnswers[reason as keyof typeof expectedAnswers];
  const unsafe = reason === "OUTCOME_UNKNOWN" ? [outcomeUnknownWithoutKey] : [];
  expect(codesOf(reason).map(codeName)).toEqual([expected, ...unsafe].map(({ code }) => code));
  const preconditionFailed = reason === "VERSION_MISMATCH" ? [412] : [];
  expect(httpStatusesOf(reason)).toEqual([...[expected, ...unsafe].map(({ status }) => status), ...preconditionFailed]);
  // How long depends on the caller's budget.
  const hasDelay = expected.retryDelayMs !== undefined || reason === "RATE_LIMITED";
  expect(describeReason(reason).retryDelay !== RetryDelay.UNSPECIFIED).toBe(hasDelay);
});

it("keeps what every commit must keep", () => service.database.checkInvariants());
