/** Request fields to domain values: parsed here once, trusted further in. The schema's rules have already held. */
import { randomUUID } from "node:crypto";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import type {
  CreateConcertRequest,
  ListConcertsRequest,
  UpdateConcertRequest,
} from "../../gen/frontrow/v1/concert_service_pb.ts";
import type { Replayable } from "../domain/change.ts";
import type { ConcertDescription, ConcertFilter } from "../domain/concert.ts";
import { DomainError } from "../domain/failure.ts";
import { decimalsOf } from "../domain/money.ts";

const defaultPageSize = 20;
const defaultCurrencyCode = "USD";

function invalid(field: string, message: string): DomainError {
  return new DomainError({ reason: "INVALID_REQUEST", violations: [{ field, message }] });
}

/** The page size asked for, or the default when unset. */
export function pageSizeOf(pageSize: number): number {
  return pageSize === 0 ? defaultPageSize : pageSize;
}

/** Who the request is for; raises INVALID_REQUEST when it says nobody. */
export function requireUserId(userId: string): string {
  if (userId === "") throw invalid("user_id", "is required");
  return userId;
}

/** The caller's key in canonical form, or one of our own, so that everything stored has one. */
export function requestIdOf(requestId: string): string {
  return requestId === "" ? randomUUID() : requestId.toLowerCase();
}

/** A timestamp as an instant, cut to the microseconds that the database keeps. */
function instantOf(timestamp: Timestamp): Temporal.Instant {
  const microseconds = BigInt(Math.floor(timestamp.nanos / 1_000));
  return Temporal.Instant.fromEpochNanoseconds(timestamp.seconds * 1_000_000_000n + microseconds * 1_000n);
}

/** A price, which the schema holds to two decimals, in cents; -0 becomes 0. */
function centsOf(price: number): number {
  return Math.round(price * 100) + 0;
}

function required<Value>(value: Value | undefined, field: string): Value {
  if (value === undefined) throw invalid(field, "is required");
  return value;
}

/** The description that a create or update request carries. Raises INVALID_REQUEST for what the schema cannot tell. */
export function descriptionOf(request: CreateConcertRequest | UpdateConcertRequest): ConcertDescription {
  const currencyCode = request.currencyCode === "" ? defaultCurrencyCode : request.currencyCode;
  const decimals = decimalsOf(currencyCode);
  if (decimals === undefined) {
    throw invalid("currency_code", "is not the ISO 4217 code of a currency with at most two decimals");
  }
  const price = required(request.price, "price");
  // The schema holds every price to two decimals.
  if (decimals === 0 && !Number.isInteger(price)) {
    throw invalid("price", `must be a whole number in ${currencyCode}, which has no decimals`);
  }
  const bookingStartTime = instantOf(required(request.bookingStartTime, "booking_start_time"));
  const bookingEndTime = instantOf(required(request.bookingEndTime, "booking_end_time"));
  // Instants that are in order may be cut to the same microsecond.
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

/** White space at the ends of a text: more than `trim` removes. */
const blankEnds = /^\p{White_Space}+|\p{White_Space}+$/gu;

/** A text to search for, without the white space that keyboards add; undefined if there is nothing else. */
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

/** The value of a write's answer; a replay is marked by a response header. */
export function markReplay<Value>({ value, replayed }: Replayable<Value>, context: HandlerContext): Value {
  if (replayed) context.responseHeader.set("Idempotency-Replayed", "true");
  return value;
}
