import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createContextValues, type UnaryRequest } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BookingStatus } from "../../../gen/frontrow/v1/booking_pb.ts";
import {
  BookingService,
  HoldTicketsRequestSchema,
  ListConcertBookingsRequestSchema,
} from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { CreateConcertRequestSchema, GetConcertRequestSchema } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { createTimeCheck, createValidationInterceptor } from "./validation.ts";

const check = createTimeCheck(CreateConcertRequestSchema);
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

describe("a duration", () => {
  const checkDuration = createTimeCheck(HoldTicketsRequestSchema);
  const lengthFault = "must be within 10,000 years";
  const nanosFault = "must have less than a second of nanos";
  const signFault = "must have nanos of the same sign as its seconds";

  test.each<[string, bigint, number, string | undefined]>([
    ["of a second and a half", 1n, 500_000_000, undefined],
    ["of less than a second", 0n, 999_999_999, undefined],
    ["below zero", -1n, -500_000_000, undefined],
    ["just below zero", 0n, -1, undefined],
    ["of 10,000 years", 315_576_000_000n, 0, undefined],
    ["of more than 10,000 years", 315_576_000_001n, 0, lengthFault],
    ["as far below zero as it can be written", -(2n ** 63n), 0, lengthFault],
    ["with a second of nanos", 1n, 1_000_000_000, nanosFault],
    ["with a negative second of nanos", -1n, -1_000_000_000, nanosFault],
    ["with negative nanos", 1n, -1, signFault],
    ["with negative seconds", -1n, 1, signFault],
  ])("%s", (_, seconds, nanos, fault) => {
    const message = create(HoldTicketsRequestSchema, { ttl: { seconds, nanos } });
    expect(checkDuration(message)).toEqual(fault === undefined ? [] : [{ field: "ttl", message: fault }]);
  });
});

test("an enum's violation names the values that it may have", async () => {
  const intercept = createValidationInterceptor([BookingService]);
  const message = create(ListConcertBookingsRequestSchema, {
    concertId: 1n,
    statuses: [BookingStatus.HELD, 0, 6 as BookingStatus],
  });
  const method = BookingService.method.listConcertBookings;
  const request = { stream: false, method, message, contextValues: createContextValues() } as unknown as UnaryRequest;
  const names = ["CONFIRMED", "CANCELLED", "HELD", "EXPIRED", "RELEASED"].map((name) => `BOOKING_STATUS_${name}`);
  const fault = `must be one of ${names.join(", ")}`;
  await expect(intercept(() => expect.unreachable())(request)).rejects.toMatchObject({
    failure: {
      violations: [
        { field: "statuses[1]", message: fault },
        { field: "statuses[2]", message: fault },
      ],
    },
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
  expect(createTimeCheck(GetConcertRequestSchema)(create(GetConcertRequestSchema, { id: 1n }))).toEqual([]);
});
