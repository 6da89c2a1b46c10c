/** A client for Frontrow, a concert ticket reservation service. */
export { toJson } from "@bufbuild/protobuf";
export { timestampDate } from "@bufbuild/protobuf/wkt";
export {
  createConnectTransport as connect,
  createGrpcWebTransport as grpcWeb,
} from "@connectrpc/connect-web";
export type * from "./arguments.ts";
export type { CallOptions } from "./call.ts";
export { Client } from "./client.ts";
export {
  type ErrorCode,
  type ErrorDetails,
  FrontrowError,
  TokenSourceFailed,
  Unreachable,
  type Violation,
} from "./error.ts";
export * from "./gen/errors.ts";
export { type Booking, BookingSchema, BookingStatus } from "./gen/frontrow/v1/booking_pb.ts";
export type { GetUserBookingsResponse, ListConcertBookingsResponse } from "./gen/frontrow/v1/booking_service_pb.ts";
export { type Concert, ConcertSchema } from "./gen/frontrow/v1/concert_pb.ts";
export type { ListConcertsResponse } from "./gen/frontrow/v1/concert_service_pb.ts";
export type { Hold } from "./hold.ts";
export type { ClientOptions, TransportOptions } from "./options.ts";
export { newRequestId } from "./requests.ts";
export type { RetryPolicy } from "./retry.ts";
export type { TokenSource } from "./token.ts";
