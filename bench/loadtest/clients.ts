/** Typed clients of the service, enough of them for a crowd. */
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import type { LoadTestOptions } from "./options.ts";

export interface Clients {
  readonly concerts: Client<typeof ConcertService>;
  readonly bookings: Client<typeof BookingService>;
}

/** Streams of one HTTP/2 connection: what the service allows. */
export const usersAConnection = 100;

/** Opens a connection, at the first call, with its clients. A call without an answer fails after the time limit. */
export function createClients({ url, protocol, token }: LoadTestOptions, callTimeoutMs = 30_000): Clients {
  const options = {
    baseUrl: url,
    httpVersion: "2",
    defaultTimeoutMs: callTimeoutMs,
    interceptors: token === undefined ? [] : [authorize(token)],
  } as const;
  const transport = {
    connect: () => createConnectTransport(options),
    grpc: () => createGrpcTransport({ ...options }),
    "grpc-web": () => createGrpcWebTransport(options),
  }[protocol]();
  return { concerts: createClient(ConcertService, transport), bookings: createClient(BookingService, transport) };
}

function authorize(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
