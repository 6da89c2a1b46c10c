import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { readAccessRules } from "../access.ts";
import { costOf } from "./rate-limit.ts";

const { getConcert, listConcerts, createConcert } = ConcertService.method;
const { getUserBookings, listConcertBookings, bookTickets } = BookingService.method;
const ruleOf = readAccessRules([ConcertService, BookingService]);

function cost<Method extends DescMethodUnary>(
  method: Method,
  request: MessageInitShape<Method["input"]>,
  cacheControl?: string,
): number {
  const header = new Headers(cacheControl === undefined ? {} : { "Cache-Control": cacheControl });
  return costOf(ruleOf(method), { message: create<DescMethodUnary["input"]>(method.input, request), header });
}

describe("a call counts as", () => {
  test("one if it is plain", () => {
    expect(cost(getConcert, { id: 1n })).toBe(1);
    expect(cost(listConcerts, { availableOnly: true, pageSize: 100, pageToken: "x" })).toBe(1);
    expect(cost(getUserBookings, { userId: "nora" })).toBe(1);
    expect(cost(listConcerts, { artist: "", name: "" }, "max-age=0")).toBe(1);
  });

  test("one if its texts are blank", () => {
    expect(cost(listConcerts, { artist: " ", venue: "\u3000\t", name: "\u0085" })).toBe(1);
  });

  test.each(["artist", "venue", "name"])("ten if it searches by %s", (field) => {
    expect(cost(listConcerts, { [field]: "the" })).toBe(10);
  });

  test("ten if it searches by all of them", () => {
    expect(cost(listConcerts, { artist: "the", venue: "oslo", name: "night" })).toBe(10);
  });

  test.each(["no-cache", "No-Store", "max-age=0, no-cache"])("twice as many with Cache-Control: %s", (value) => {
    expect(cost(getConcert, { id: 1n }, value)).toBe(2);
    expect(cost(listConcerts, { name: "night" }, value)).toBe(20);
  });

  test("one if it reads what is never cached", () => {
    expect(cost(getUserBookings, { userId: "nora" }, "no-cache")).toBe(1);
    expect(cost(listConcertBookings, { concertId: 1n }, "no-cache")).toBe(1);
  });

  test("one if it changes something, with any headers", () => {
    expect(cost(bookTickets, { userId: "nora" }, "no-cache")).toBe(1);
    expect(cost(createConcert, { name: "night" }, "no-cache")).toBe(1);
  });
});
