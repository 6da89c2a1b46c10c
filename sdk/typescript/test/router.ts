/** Connect's router as the service: it gives answers that the running service gives rarely. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { BookingService } from "../src/gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../src/gen/frontrow/v1/concert_service_pb.ts";
import {
  type ErrorInfoSchema,
  ErrorInfoSchema as infoSchema,
  RetryInfoSchema,
} from "../src/gen/google/rpc/error_details_pb.ts";
import { Client, type ClientOptions } from "../src/index.ts";

type Handlers = Partial<ServiceImpl<typeof BookingService>> & Partial<ServiceImpl<typeof ConcertService>>;

/** A client of these methods. */
export function clientOf(handlers: Handlers, options: ClientOptions = {}): Client {
  const transport = createRouterTransport(({ service }) => {
    service(BookingService, handlers);
    service(ConcertService, handlers);
  });
  return new Client("http://localhost", { retry: { initialBackoffMs: 1 }, ...options, transport: () => transport });
}

export type Info = MessageInitShape<typeof ErrorInfoSchema>;

/** An error as the service sends it. */
export function failure(code: Code, info: Info, retryMs?: number): ConnectError {
  const retry = { desc: RetryInfoSchema, value: { retryDelay: { seconds: 0n, nanos: (retryMs ?? 0) * 1_000_000 } } };
  const details = [{ desc: infoSchema, value: { domain: "frontrow", ...info } }];
  return new ConnectError("refused", code, undefined, retryMs === undefined ? details : [...details, retry]);
}

export const order = { concertId: 1n, userId: "nora", ticketCount: 1 };
export const update = {
  ...{ id: 1n, version: 1, name: "Moonlight", artist: "The Larks", venue: "Old Mill", totalTickets: 1, price: 1 },
  ...{ currencyCode: "EUR", concertDate: new Date(), bookingStartTime: new Date(), bookingEndTime: new Date() },
};
