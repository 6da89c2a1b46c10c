import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { CreateConcertRequestSchema, GetConcertRequestSchema } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { createTimestampCheck } from "./validation.ts";

const check = createTimestampCheck(CreateConcertRequestSchema);
const yearFault = "must be between the years 1 and 9999";
const nanosFault = "must have 0 to 999999999 nanos";

describe("a timestamp", () => {
  test.each<[string, bigint, number, string | undefined]>([
    ["of the year 1", -62_135_596_800n, 0, undefined],
    ["of its last nanosecond before that", -62_135_596_801n, 999_999_999, yearFault],
    ["of the last nanosecond of the year 9999", 253_402_300_799n, 999_999_999, undefined],
    ["of the first after that", 253_402_300_800n, 0, yearFault],
    ["as late as it can be written", 2n ** 63n - 1n, 0, yearFault],
    ["as early as it can be written", -(2n ** 63n), 0, yearFault],
    ["with negative nanos", 0n, -1, nanosFault],
    ["with a second of nanos", 0n, 1_000_000_000, nanosFault],
  ])("%s", (_, seconds, nanos, fault) => {
    const message = create(CreateConcertRequestSchema, { concertDate: { seconds, nanos } });
    expect(check(message)).toEqual(fault === undefined ? [] : [{ field: "concert_date", message: fault }]);
  });
});

test("all invalid timestamps are reported", () => {
  const faulty = { seconds: 2n ** 62n, nanos: 0 };
  const message = create(CreateConcertRequestSchema, {
    concertDate: faulty,
    bookingStartTime: timestampFromMs(0),
    bookingEndTime: faulty,
  });
  expect(check(message).map(({ field }) => field)).toEqual(["concert_date", "booking_end_time"]);
});

test("an unset timestamp is valid, and so is a message without timestamps", () => {
  expect(check(create(CreateConcertRequestSchema))).toEqual([]);
  expect(createTimestampCheck(GetConcertRequestSchema)(create(GetConcertRequestSchema, { id: 1n }))).toEqual([]);
});
