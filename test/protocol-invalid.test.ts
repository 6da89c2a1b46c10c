import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, it } from "vitest";
import { BookingService } from "../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../gen/frontrow/v1/concert_service_pb.ts";
import { createMatrix } from "./support/matrix.ts";
import { describeRefusals, type RefusalCase, refusal } from "./support/refusals.ts";
import { startTestService, type TestService } from "./support/service.ts";
import { moonlight, userId } from "./support/stage.ts";

const matrix = createMatrix();
let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

/** A request that breaks rules: its violations are fields, each with a message; an empty field is the whole request. */
function invalid<Method extends DescMethodUnary>(
  method: Method,
  when: string,
  request: MessageInitShape<Method["input"]>,
  pairs: readonly (readonly [field: string, message: string])[],
): RefusalCase {
  const message = pairs.map(([field, text]) => (field === "" ? text : `${field}: ${text}`)).join("; ");
  const violations = pairs.map(([field, text]) => ({ field, message: text }));
  return refusal(method, "INVALID_REQUEST", when, () => ({ request, message, violations }));
}

const { getConcert, listConcerts, createConcert, updateConcert } = ConcertService.method;
const { getBooking, getUserBookings, bookTickets, cancelBooking } = BookingService.method;

const notPositive = "must be greater than 0";
const missing = "value is required";
const blank = "must not be empty or only spaces";
const notUuid = "must be a valid UUID";
const badPageSize = "must be greater than or equal to 0 and less than or equal to 100";

const brokenDescription = { ...moonlight, name: " ", totalTickets: 0, price: 0.125, currencyCode: "usd" };
const whatIsBroken = [
  ["name", blank],
  ["total_tickets", "must be greater than or equal to 1 and less than or equal to 10000000"],
  ["price", "must have at most two decimals"],
  ["currency_code", "does not match regex pattern `^[A-Z]{3}$`"],
] as const;

const emptyWindow = { ...moonlight, bookingEndTime: moonlight.bookingStartTime };
const windowRule = [["", "booking_end_time must be at least a microsecond after booking_start_time"]] as const;
const withoutCents = { ...moonlight, currencyCode: "JPY" };
const centsRule = [["price", "must be a whole number in JPY, which has no decimals"]] as const;
const withMills = { ...moonlight, currencyCode: "KWD" };
const currencyRule = [["currency_code", "is not the ISO 4217 code of a currency with at most two decimals"]] as const;
const userRule = [["user_id", "is required"]] as const;

const cases: readonly RefusalCase[] = [
  invalid(getConcert, "the id is negative", { id: -1n }, [["id", notPositive]]),
  invalid(
    listConcerts,
    "every filter is wrong",
    { pageSize: 101, artist: "a".repeat(101), dateFrom: moonlight.concertDate, dateTo: moonlight.concertDate },
    [
      ["page_size", badPageSize],
      ["artist", "must be at most 100 characters"],
      ["", "date_to must be after date_from"],
    ],
  ),
  invalid(createConcert, "nothing is given", {}, [
    ...["name", "artist", "venue"].map((field) => [field, blank] as const),
    ...["concert_date", "total_tickets", "price", "booking_start_time", "booking_end_time"].map(
      (field) => [field, missing] as const,
    ),
  ]),
  invalid(createConcert, "the description is broken", { ...brokenDescription, requestId: "42" }, [
    ["request_id", notUuid],
    ...whatIsBroken,
  ]),
  invalid(createConcert, "booking ends as it starts", emptyWindow, windowRule),
  invalid(createConcert, "the currency has no cents", withoutCents, centsRule),
  invalid(createConcert, "the currency has more than cents", withMills, currencyRule),
  invalid(updateConcert, "the description is broken", { ...brokenDescription, id: -1n, version: 0 }, [
    ["id", notPositive],
    ["version", "must be greater than or equal to 1"],
    ...whatIsBroken,
  ]),
  invalid(updateConcert, "the version is missing", { ...moonlight, id: 1n }, [["version", missing]]),
  invalid(updateConcert, "booking ends as it starts", { ...emptyWindow, id: 1n, version: 1 }, windowRule),
  invalid(updateConcert, "the currency has no cents", { ...withoutCents, id: 1n, version: 1 }, centsRule),
  invalid(updateConcert, "the currency has more than cents", { ...withMills, id: 1n, version: 1 }, currencyRule),
  invalid(getBooking, "the id is negative", { id: -1n }, [["id", notPositive]]),
  invalid(getUserBookings, "the user is missing", {}, userRule),
  invalid(getUserBookings, "the page is too large", { userId, pageSize: 101 }, [["page_size", badPageSize]]),
  invalid(
    bookTickets,
    "everything is wrong",
    { requestId: "42", concertId: -1n, userId: "u".repeat(256), ticketCount: 101 },
    [
      ["request_id", notUuid],
      ["concert_id", notPositive],
      ["user_id", "must be at most 255 characters"],
      ["ticket_count", "must be greater than or equal to 1 and less than or equal to 100"],
    ],
  ),
  invalid(bookTickets, "the user is missing", { concertId: 1n, ticketCount: 1 }, userRule),
  invalid(cancelBooking, "the key and the id are wrong", { requestId: "42", id: -1n, userId }, [
    ["request_id", notUuid],
    ["id", notPositive],
  ]),
  invalid(cancelBooking, "the user is missing", { id: 1n }, userRule),
];

describeRefusals(cases, () => service.baseUrl, matrix);

it("has seen every method refuse what breaks its rules, by every protocol", () => {
  matrix.expectComplete(() => ["INVALID_REQUEST"]);
});
