import { describe, expect, test } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { ErrorReasonSchema } from "../../gen/frontrow/v1/error_reason_pb.ts";
import { codeName, codeOf, describeReason, ErrorOrigin, reasonNames, reasonsFrom, reasonsOf } from "./reasons.ts";

const methods = [ConcertService, BookingService].flatMap((service) => service.methods);

test.each(reasonNames)("%s has a code and an origin", (reason) => {
  expect(codeName(codeOf(reason))).not.toBe("OK");
  expect(describeReason(reason).origin).not.toBe(ErrorOrigin.UNSPECIFIED);
});

test("the value 0 and deprecated values are not reasons", () => {
  const values = ErrorReasonSchema.values.filter(({ number, deprecated }) => number !== 0 && !deprecated);
  expect(reasonNames).toEqual(values.map(({ localName }) => localName));
});

describe("methods", () => {
  test.each(methods)("$name lists each reason once", (method) => {
    const reasons = reasonsOf(method);
    expect(reasons).toEqual([...new Set(reasons)]);
    expect(reasonsFrom(ErrorOrigin.METHOD)).toEqual(expect.arrayContaining([...reasons]));
  });

  test("every reason of a method is one of some method", () => {
    expect(new Set(methods.flatMap(reasonsOf))).toEqual(new Set(reasonsFrom(ErrorOrigin.METHOD)));
  });
});
