import { create } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import { millisecondsOf, statusesOf } from "./convert.ts";

test.each([
  [1n, 0, 1_000],
  [0n, 1_999_999, 1],
  [86_400n, 0, 86_400_000],
])("a duration of %d seconds and %d nanos is %d whole milliseconds", (seconds, nanos, milliseconds) => {
  expect(millisecondsOf(create(DurationSchema, { seconds, nanos }))).toBe(milliseconds);
});

test("the statuses of a list are each once, in one order", () => {
  const { HELD, CONFIRMED, EXPIRED } = BookingStatus;
  expect(statusesOf([])).toEqual([]);
  expect(statusesOf([HELD, CONFIRMED])).toEqual(["held", "confirmed"]);
  expect(statusesOf([EXPIRED, CONFIRMED, HELD, CONFIRMED])).toEqual(statusesOf([HELD, EXPIRED, CONFIRMED]));
});
