/** The calls of the page, by two libraries. */
import {
  create,
  type DescMethod,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, MethodType } from "grpc-web";
import type { Booking } from "../../gen/frontrow/v1/booking_pb.ts";
import {
  BookingService,
  type BookTicketsRequest,
  BookTicketsRequestSchema,
  type ConfirmHoldRequest,
  ConfirmHoldRequestSchema,
  HoldTicketsRequestSchema,
  ReleaseHoldRequestSchema,
} from "../../gen/frontrow/v1/booking_service_pb.ts";
import type { Concert } from "../../gen/frontrow/v1/concert_pb.ts";
import { ConcertService, ListConcertsRequestSchema } from "../../gen/frontrow/v1/concert_service_pb.ts";

export interface Service {
  readonly baseUrl: string;
  /** Empty if the service takes no tokens. */
  readonly token: string;
}

export type Order = Pick<BookTicketsRequest, "concertId" | "ticketCount" | "userId" | "requestId">;

export type HoldRef = Pick<ConfirmHoldRequest, "id" | "userId">;

export interface Api {
  search(artist: string): Promise<readonly Concert[]>;
  book(order: Order): Promise<Booking>;
  hold(order: Order): Promise<Booking>;
  confirm(hold: HoldRef): Promise<Booking>;
  release(hold: HoldRef): Promise<Booking>;
}

const authorization = (token: string): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {});

/** Connect, with reads by GET, which the browser can cache. */
export function createConnectApi({ baseUrl, token }: Service): Api {
  const transport = createConnectTransport({ baseUrl, useHttpGet: true });
  const concerts = createClient(ConcertService, transport);
  const bookings = createClient(BookingService, transport);
  const options = { headers: authorization(token) };
  return {
    search: async (artist) => (await concerts.listConcerts({ artist }, options)).concerts,
    book: (order) => bookings.bookTickets(order, options),
    hold: (order) => bookings.holdTickets(order, options),
    confirm: (hold) => bookings.confirmHold(hold, options),
    release: (hold) => bookings.releaseHold(hold, options),
  };
}

/** gRPC-Web in the text mode, which is this library's default. */
export function createGrpcWebApi({ baseUrl, token }: Service): Api {
  const client = new GrpcWebClientBase();
  const call = <Method extends DescMethodUnary>(method: Method, request: MessageShape<Method["input"]>) => {
    const descriptor = descriptorOf(method);
    return client.unaryCall(baseUrl + descriptor.getName(), request, authorization(token), descriptor);
  };
  return {
    search: async (artist) =>
      (await call(ConcertService.method.listConcerts, create(ListConcertsRequestSchema, { artist }))).concerts,
    book: (order) => call(BookingService.method.bookTickets, create(BookTicketsRequestSchema, order)),
    hold: (order) => call(BookingService.method.holdTickets, create(HoldTicketsRequestSchema, order)),
    confirm: (hold) => call(BookingService.method.confirmHold, create(ConfirmHoldRequestSchema, hold)),
    release: (hold) => call(BookingService.method.releaseHold, create(ReleaseHoldRequestSchema, hold)),
  };
}

/** What `protoc-gen-grpc-web` generates for a method. */
export function descriptorOf<Method extends DescMethod>({ parent, name, methodKind, input, output }: Method) {
  type Request = MessageShape<Method["input"]>;
  type Response = MessageShape<Method["output"]>;
  return new MethodDescriptor<Request, Response>(
    `/${parent.typeName}/${name}`,
    methodKind === "unary" ? MethodType.UNARY : MethodType.SERVER_STREAMING,
    // The library does not use the classes of the messages.
    Object as unknown as new () => Request,
    Object as unknown as new () => Response,
    (request: Request) => toBinary(input, request),
    (bytes: Uint8Array) => fromBinary(output, bytes),
  );
}
