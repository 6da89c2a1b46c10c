import { ConnectError, createContextValues } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ignoreEvents } from "../../domain/publish.ts";
import { createUnaryCallInterceptor } from "./unary-calls.ts";

test("a call that is aborted before it begins causes no unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const failure = new ConnectError("at once");
  const call = createUnaryCallInterceptor(
    ignoreEvents,
    1_000,
  )(() => {
    throw failure;
  });
  const request = {
    stream: false,
    service: BookingService,
    method: BookingService.method.getBooking,
    signal: AbortSignal.abort(),
    header: new Headers(),
    contextValues: createContextValues(),
  };
  await expect(call(request as unknown as Parameters<typeof call>[0])).rejects.toBe(failure);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
