/** Converts request messages to domain values, once, and domain values to response messages. The schema's rules hold already. */
import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import { type BookingSchema, BookingStatus } from "../../gen/frontrow/v1/booking_pb.ts";
import type { ConcertSchema } from "../../gen/frontrow/v1/concert_pb.ts";
import type {
  CreateConcertRequest,
  ListConcertsRequest,
  UpdateConcertRequest,
} from "../../gen/frontrow/v1/concert_service_pb.ts";
import * as domain from "../domain/booking.ts";
import type { Replayable } from "../domain/change.ts";
import type { Concert, ConcertDescription, ConcertFilter, DescriptionUpdate } from "../domain/concert.ts";
import { DomainError } from "../domain/failure.ts";
import { decimalsOf } from "../domain/money.ts";

const defaultPageSize = 20;
const defaultCurrencyCode = "USD";

function invalid(field: string, message: string): DomainError {
  return new DomainError({ reason: "INVALID_REQUEST", violations: [{ field, message }] });
}

/** The page size, or the default when unset. */
export function pageSizeOf(pageSize: number): number {
  return pageSize === 0 ? defaultPageSize : pageSize;
}

/** The user that a request is for. Raises INVALID_REQUEST if there is none. */
export function requireUserId(userId: string): string {
  if (userId === "") throw invalid("user_id", "is required");
  return userId;
}

/** The client's key in canonical form, or a new one, so that every stored booking has one. */
export function requestIdOf(requestId: string): string {
  return requestId === "" ? randomUUID() : requestId.toLowerCase();
}

/** A timestamp as an instant, truncated to the microseconds that the database stores. */
function instantOf(timestamp: Timestamp): Temporal.Instant {
  const microseconds = BigInt(Math.floor(timestamp.nanos / 1_000));
  return Temporal.Instant.fromEpochNanoseconds(timestamp.seconds * 1_000_000_000n + microseconds * 1_000n);
}

/** A price, which has at most two decimals by the schema, in cents; -0 becomes 0. */
function centsOf(price: number): number {
  return Math.round(price * 100) + 0;
}

/** A duration in whole milliseconds. A part of one is cut off. */
export function millisecondsOf({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1_000 + Math.floor(nanos / 1_000_000);
}

/** The value of a field that must be set. Raises INVALID_REQUEST if it is not. */
export function required<Value>(value: Value | undefined, field: string): Value {
  if (value === undefined) throw invalid(field, "is required");
  return value;
}

/** The description of a concert to create. Raises INVALID_REQUEST for what the schema cannot check. */
export function descriptionOf(request: CreateConcertRequest): ConcertDescription {
  const { maxTicketsPerUser = 0, requiresPayment = false } = request;
  return { ...replacedFieldsOf(request), maxTicketsPerUser: maxTicketsPerUser || undefined, requiresPayment };
}

/** What an update request changes. Raises INVALID_REQUEST for what the schema cannot check. */
export function descriptionUpdateOf(request: UpdateConcertRequest): DescriptionUpdate {
  const { maxTicketsPerUser, requiresPayment } = request;
  return { ...replacedFieldsOf(request), maxTicketsPerUser, requiresPayment };
}

/** The fields that every update replaces. */
type ReplacedFields = Omit<ConcertDescription, "maxTicketsPerUser" | "requiresPayment">;

function replacedFieldsOf(request: CreateConcertRequest | UpdateConcertRequest): ReplacedFields {
  const currencyCode = request.currencyCode === "" ? defaultCurrencyCode : request.currencyCode;
  const decimals = decimalsOf(currencyCode);
  if (decimals === undefined) {
    throw invalid("currency_code", "is not the ISO 4217 code of a currency with at most two decimals");
  }
  const price = required(request.price, "price");
  // By the schema, a price has at most two decimals.
  if (decimals === 0 && !Number.isInteger(price)) {
    throw invalid("price", `must be a whole number in ${currencyCode}, which has no decimals`);
  }
  const bookingStartTime = instantOf(required(request.bookingStartTime, "booking_start_time"));
  const bookingEndTime = instantOf(required(request.bookingEndTime, "booking_end_time"));
  // Instants that are in order may be truncated to the same microsecond.
  if (Temporal.Instant.compare(bookingStartTime, bookingEndTime) >= 0) {
    throw invalid("", "booking_end_time must be at least a microsecond after booking_start_time");
  }
  return {
    name: request.name,
    artist: request.artist,
    venue: request.venue,
    concertDate: instantOf(required(request.concertDate, "concert_date")),
    totalTickets: required(request.totalTickets, "total_tickets"),
    priceCents: centsOf(price),
    currencyCode,
    bookingStartTime,
    bookingEndTime,
  };
}

/** White space at the ends of a text, some of which `trim` keeps. */
const blankEnds = /^\p{White_Space}+|\p{White_Space}+$/gu;

/** A text to search for, without the white space that keyboards add; undefined if nothing is left. */
export function soughtText(text = ""): string | undefined {
  return text === "" ? undefined : text.replaceAll(blankEnds, "") || undefined;
}

/** The filters of a list request; blank ones do not filter. */
export function filterOf(request: ListConcertsRequest): ConcertFilter {
  return {
    artist: soughtText(request.artist),
    venue: soughtText(request.venue),
    name: soughtText(request.name),
    dateFrom: request.dateFrom && instantOf(request.dateFrom),
    dateTo: request.dateTo && instantOf(request.dateTo),
    availableOnly: request.availableOnly,
    bookingOpenOnly: request.bookingOpenOnly,
  };
}

const nanosPerSecond = 1_000_000_000n;

/** The last conversion. All bookings of a batch have the same instant, three times each. */
let newest: { readonly instant: Temporal.Instant; readonly message: Timestamp } | undefined;

/**
 * An instant as a message, which several responses share and none may change. Instants before 1970 have nanos that
 * count forward, by the rule of google.protobuf.Timestamp.
 */
export function timestampMessage(instant: Temporal.Instant): Timestamp {
  if (newest?.instant === instant) return newest.message;
  const total = instant.epochNanoseconds;
  const nanos = ((total % nanosPerSecond) + nanosPerSecond) % nanosPerSecond;
  const message = create(TimestampSchema, { seconds: (total - nanos) / nanosPerSecond, nanos: Number(nanos) });
  newest = { instant, message };
  return message;
}

/** A concert as a message. */
export function concertMessage(concert: Concert): MessageInitShape<typeof ConcertSchema> {
  return {
    id: concert.id,
    name: concert.name,
    artist: concert.artist,
    venue: concert.venue,
    concertDate: timestampMessage(concert.concertDate),
    totalTickets: concert.totalTickets,
    availableTickets: concert.availableTickets,
    heldTickets: concert.heldTickets,
    price: concert.priceCents / 100,
    currencyCode: concert.currencyCode,
    bookingStartTime: timestampMessage(concert.bookingStartTime),
    bookingEndTime: timestampMessage(concert.bookingEndTime),
    version: concert.version,
    createdAt: timestampMessage(concert.createdAt),
    updatedAt: timestampMessage(concert.updatedAt),
    maxTicketsPerUser: concert.maxTicketsPerUser ?? 0,
    requiresPayment: concert.requiresPayment,
  };
}

const statusMessages: Record<domain.BookingStatus, BookingStatus> = {
  held: BookingStatus.HELD,
  confirmed: BookingStatus.CONFIRMED,
  cancelled: BookingStatus.CANCELLED,
  expired: BookingStatus.EXPIRED,
  released: BookingStatus.RELEASED,
};

/** The statuses that a list request asks for, each once, in an order that does not depend on the request's. */
export function statusesOf(statuses: readonly BookingStatus[]): domain.BookingStatus[] {
  return domain.bookingStatuses.filter((status) => statuses.includes(statusMessages[status]));
}

/** A booking as a message. */
export function bookingMessage(booking: domain.Booking): MessageInitShape<typeof BookingSchema> {
  return {
    id: booking.id,
    concertId: booking.concertId,
    userId: booking.userId,
    ticketCount: booking.ticketCount,
    bookingTime: timestampMessage(booking.bookingTime),
    status: statusMessages[booking.status],
    unitPrice: booking.unitPriceCents / 100,
    totalPrice: booking.totalPriceCents / 100,
    currencyCode: booking.currencyCode,
    createdAt: timestampMessage(booking.createdAt),
    updatedAt: timestampMessage(booking.updatedAt),
    holdExpiresTime: booking.holdExpiresTime && timestampMessage(booking.holdExpiresTime),
    paymentReference: booking.paymentReference ?? "",
  };
}

/** The value of a write. A replay is marked by a response header. */
export function markReplay<Value>({ value, replayed }: Replayable<Value>, context: HandlerContext): Value {
  if (replayed) context.responseHeader.set("Idempotency-Replayed", "true");
  return value;
}
