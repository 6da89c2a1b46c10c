/** Builds the requests of a load once, so that the generator only sends bytes. */
import { create, toBinary } from "@bufbuild/protobuf";
import { BookTicketsRequestSchema } from "../gen/frontrow/v1/booking_service_pb.ts";
import { GetConcertRequestSchema } from "../gen/frontrow/v1/concert_service_pb.ts";
import { barePath, baselineRestPath, baselineRpcPath } from "./baseline-service.ts";
import type { LoadSpec } from "./load/spec.ts";

export type Protocol = "REST" | "Connect" | "gRPC" | "gRPC-Web";

/** What a load sends, and over which transport. */
export type Requests = Pick<LoadSpec, "transport" | "requests" | "path" | "keyOffsets" | "collectIds" | "followUp">;

const bookTicketsPath = "/frontrow.v1.BookingService/BookTickets";
const holdTicketsPath = "/frontrow.v1.BookingService/HoldTickets";
const confirmHoldPath = "/frontrow.v1.BookingService/ConfirmHold";
const getConcertPath = "/frontrow.v1.ConcertService/GetConcert";
/** Stands where the generator puts a new key each time. */
const keyPlace = "00000000-0000-4000-8000-000000000000";
/** Stands where the generator puts the id of the answer before. */
const idPlace = "1234567890123456";

/** What users do: with `settle` they confirm each hold at once. */
export type Order = "book" | "hold" | "settle";

export interface BookingLoad {
  readonly protocol: Protocol;
  readonly users: number;
  /** Which concert each user books. */
  readonly concertOf: (user: number) => bigint;
  readonly order?: Order | undefined;
  /** Whether each request carries a key. */
  readonly keyed?: boolean;
  /** Whether each request is of a new user, with a key as the name. */
  readonly newUsers?: boolean | undefined;
  /** The baseline to send it to instead of the service. */
  readonly baseline?: string | undefined;
  /** A token for each user. */
  readonly tokens?: readonly string[] | undefined;
  /** The deadline of each request. */
  readonly timeoutMs?: number | undefined;
}

/** One ticket for every user, each with another name. */
export function bookingRequests(load: BookingLoad): Requests {
  const { protocol, users, concertOf, order: kind = "book", keyed = false, newUsers = false, tokens, timeoutMs } = load;
  const { rpcPath, restPath } = pathsOf(load);
  const requests = Array.from({ length: users }, (_, user): Buffer => {
    const concertId = concertOf(user);
    const [userId, requestId] = [newUsers ? keyPlace : userName(user), keyed ? keyPlace : ""];
    const authorization = tokens ? { Authorization: `Bearer ${tokens[user]}` } : {};
    if (protocol === "gRPC" || protocol === "gRPC-Web") {
      // HoldTicketsRequest has the same fields with the same numbers.
      const order = create(BookTicketsRequestSchema, { concertId, userId, ticketCount: 1, requestId });
      const message = grpcMessage(toBinary(BookTicketsRequestSchema, order));
      if (protocol === "gRPC") return message;
      const timeout = timeoutMs === undefined ? {} : { "Grpc-Timeout": `${timeoutMs}m` };
      return postGrpcWeb(rpcPath, message, { ...authorization, ...timeout });
    }
    const key = requestId === "" ? {} : { request_id: requestId };
    const order = { concert_id: String(concertId), user_id: userId, ticket_count: 1, ...key };
    const headers = {
      ...(protocol === "REST" ? {} : connectHeaders),
      ...authorization,
      ...(timeoutMs === undefined ? {} : { "Connect-Timeout-Ms": String(timeoutMs) }),
    };
    return protocol === "REST" ? post(restPath, order, headers) : post(rpcPath, camelCased(order), headers);
  });
  return {
    transport: transportOf(protocol),
    path: rpcPath,
    requests,
    keyOffsets: keyed || newUsers ? requests.map((request) => request.indexOf(keyPlace)) : [],
    collectIds: true,
    followUp: kind === "settle" ? confirmation(protocol) : undefined,
  };
}

function pathsOf({ baseline, order = "book" }: BookingLoad): { rpcPath: string; restPath: string } {
  if (baseline !== undefined) return { rpcPath: baselineRpcPath(baseline), restPath: baselineRestPath(baseline) };
  if (order === "book") return { rpcPath: bookTicketsPath, restPath: "/api/v1/bookings" };
  return { rpcPath: holdTicketsPath, restPath: "/api/v1/holds" };
}

/** The confirmation of a new user's hold. */
function confirmation(protocol: Protocol): LoadSpec["followUp"] {
  if (protocol === "REST") {
    const request = post(`/api/v1/bookings/${idPlace}/confirm`, { user_id: keyPlace, payment_reference: "paid" });
    return { pieces: cut(request.toString(), idPlace), idWidth: 0 };
  }
  if (protocol !== "Connect") throw new Error("the generator sends no second request over gRPC");
  const confirm = { id: idPlace, userId: keyPlace, paymentReference: "paid" };
  const place = JSON.stringify(idPlace);
  return { pieces: cut(post(confirmHoldPath, confirm, connectHeaders).toString(), place), idWidth: place.length };
}

function cut(request: string, place: string): [string, string, string] {
  const [start = "", rest = ""] = request.split(place);
  const [middle = "", end = ""] = rest.split(keyPlace);
  return [start, middle, end];
}

/** Bookings that Fastify alone answers. */
export function bareRequests(users: number): Requests {
  const order = (_: unknown, user: number) => ({ concert_id: "1", user_id: userName(user), ticket_count: 1 });
  return http1(Array.from({ length: users }, order).map((body) => post(barePath, body)));
}

/** One concert, read again and again. */
export function getConcertRequests(protocol: Protocol, concertId: bigint, fresh: boolean): Requests {
  const headers = fresh ? noCache : {};
  if (protocol === "REST") return http1([get(`/api/v1/concerts/${concertId}`, headers)]);
  if (protocol === "Connect") {
    return http1([post(getConcertPath, { id: String(concertId) }, { ...connectHeaders, ...headers })]);
  }
  const message = grpcMessage(toBinary(GetConcertRequestSchema, create(GetConcertRequestSchema, { id: concertId })));
  if (protocol === "gRPC" && fresh) throw new Error("the generator sends no headers over gRPC");
  const request = protocol === "gRPC" ? message : postGrpcWeb(getConcertPath, message, headers);
  const transport = transportOf(protocol);
  return { transport, path: getConcertPath, requests: [request], keyOffsets: [], collectIds: false };
}

/** A page of all concerts, read from the database each time. */
export function listConcertsRequests(pageSize: number, pageToken: string): Requests {
  const query = `page_size=${pageSize}${pageToken === "" ? "" : `&page_token=${encodeURIComponent(pageToken)}`}`;
  return http1([get(`/api/v1/concerts?${query}`, noCache)]);
}

/** The first page of one user's bookings after the other. */
export function userBookingsRequests(userIds: readonly string[]): Requests {
  return http1(userIds.map((userId) => get(`/api/v1/bookings?user_id=${encodeURIComponent(userId)}`, {})));
}

const connectHeaders = { "Connect-Protocol-Version": "1" };
const noCache = { "Cache-Control": "no-cache" };

/** The names of the users. */
export const userNames = (users: number) => Array.from({ length: users }, (_, user) => userName(user));

const userName = (user: number) => `user-${String(user).padStart(5, "0")}`;

function transportOf(protocol: Protocol): LoadSpec["transport"] {
  if (protocol === "gRPC") return "grpc";
  return protocol === "gRPC-Web" ? "grpc-web" : "http1";
}

function http1(requests: readonly Buffer[]): Requests {
  return { transport: "http1", path: "", requests, keyOffsets: [], collectIds: false };
}

function post(path: string, body: object, headers: Record<string, string> = {}): Buffer {
  return postBytes(path, "application/json", Buffer.from(JSON.stringify(body)), headers);
}

function postGrpcWeb(path: string, message: Uint8Array, headers: Record<string, string>): Buffer {
  return postBytes(path, "application/grpc-web+proto", message, { "X-Grpc-Web": "1", ...headers });
}

function postBytes(path: string, type: string, body: Uint8Array, headers: Record<string, string>): Buffer {
  const length = { "Content-Type": type, "Content-Length": String(body.length) };
  return Buffer.concat([Buffer.from(head("POST", path, { ...length, ...headers })), body]);
}

function get(path: string, headers: Record<string, string>): Buffer {
  return Buffer.from(head("GET", path, headers));
}

function head(method: string, path: string, headers: Record<string, string>): string {
  const all = { Host: "127.0.0.1", "User-Agent": "frontrow-bench", Accept: "*/*", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

function camelCased(fields: Record<string, unknown>): Record<string, unknown> {
  const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [camel(name), value]));
}

function grpcMessage(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
