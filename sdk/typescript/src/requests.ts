/** Arguments as the request messages of the schema. */
import { durationFromMs, type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ConcertFilter, ConcertUpdate, NewConcert } from "./arguments.ts";
import type { BookingStatus } from "./gen/frontrow/v1/booking_pb.ts";

/** A new key for a change: a UUID of version 4. `crypto.randomUUID` is missing in pages without TLS. */
export function newRequestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function filterRequest<Filter extends ConcertFilter>({ dateFrom, dateTo, ...others }: Filter) {
  return {
    ...defined(others),
    ...(dateFrom && { dateFrom: timestampOf("dateFrom", dateFrom) }),
    ...(dateTo && { dateTo: timestampOf("dateTo", dateTo) }),
  };
}

export function bookingsRequest<Filter extends { readonly statuses?: readonly BookingStatus[] | undefined }>({
  statuses,
  ...others
}: Filter) {
  return { ...defined(others), ...(statuses && { statuses: [...statuses] }) };
}

export function concertRequest<Concert extends NewConcert | ConcertUpdate>(concert: Concert) {
  const { concertDate, bookingStartTime, bookingEndTime, ...others } = concert;
  return {
    ...defined(others),
    concertDate: timestampOf("concertDate", concertDate),
    bookingStartTime: timestampOf("bookingStartTime", bookingStartTime),
    bookingEndTime: timestampOf("bookingEndTime", bookingEndTime),
  };
}

function timestampOf(name: string, date: Date): Timestamp {
  // Programs without types may pass anything.
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) throw new TypeError(`${name} is not a valid date`);
  return timestampFromDate(date);
}

export function ttlRequest<Order extends { readonly ttlSeconds?: number | undefined }>({
  ttlSeconds,
  ...others
}: Order) {
  return { ...defined(others), ...(ttlSeconds !== undefined && { ttl: durationFromMs(ttlSeconds * 1_000) }) };
}

/** What is set. Messages take no field that is undefined. */
export function defined<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]: Exclude<Fields[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Fields]: Exclude<Fields[Key], undefined> };
}
