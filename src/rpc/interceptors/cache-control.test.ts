import type { DescMethod } from "@bufbuild/protobuf";
import { createContextValues, type UnaryRequest, type UnaryResponse } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { readAccessRules } from "../access.ts";
import { applyResponseHeaders } from "../call-context.ts";
import { createCacheControlInterceptor } from "./cache-control.ts";

const { getBooking, getUserBookings, listConcertBookings } = BookingService.method;

/** The header Cache-Control that a call sets. */
async function cacheControlOf(method: DescMethod, requestMethod: string): Promise<string | null> {
  const contextValues = createContextValues();
  const request = { stream: false, method, requestMethod, contextValues } as unknown as UnaryRequest;
  const intercept = createCacheControlInterceptor(readAccessRules([BookingService, ConcertService]));
  await intercept(async () => ({}) as UnaryResponse)(request);
  const headers = new Headers();
  applyResponseHeaders(contextValues, headers);
  return headers.get("cache-control");
}

test.each([getBooking, getUserBookings, listConcertBookings])("no shared cache stores $name", async (method) => {
  expect(await cacheControlOf(method, "GET")).toBe("private, no-cache");
  expect(await cacheControlOf(method, "POST")).toBeNull();
});

test.each([ConcertService.method.getConcert, ConcertService.method.listConcerts])(
  "a shared cache may store $name",
  async (method) => {
    expect(await cacheControlOf(method, "GET")).toBeNull();
  },
);
