/** What the OpenAPI document does not say: in which order its operations succeed, and which values one leaves for the next. */

/** A request of the collection. */
export interface Step {
  readonly operationId: string;
  /** The request's name where the operation has several. */
  readonly name?: string;
  /** The value of the path's `id`. */
  readonly id?: string;
  /** Scripts by the variables that they set from the response. */
  readonly sets?: Readonly<Record<string, string>>;
}

const field = (name: string) => `pm.response.json().${name}`;
const concert = { concert_id: field("id"), version: field("version"), etag: 'pm.response.headers.get("ETag")' };

/** All requests, in the order in which they succeed. Those of a tag are one folder. */
export const steps: readonly Step[] = [
  { operationId: "ListConcerts" },
  { operationId: "CreateConcert", sets: concert },
  { operationId: "GetConcert", id: "{{concert_id}}" },
  { operationId: "UpdateConcert", id: "{{concert_id}}", sets: concert },
  { operationId: "BookTickets", sets: { booking_id: field("id") } },
  { operationId: "GetBooking", id: "{{booking_id}}" },
  { operationId: "GetUserBookings" },
  { operationId: "ListConcertBookings" },
  { operationId: "CancelBooking", id: "{{booking_id}}" },
  { operationId: "HoldTickets", sets: { hold_id: field("id") } },
  { operationId: "ExtendHold", id: "{{hold_id}}" },
  { operationId: "ReleaseHold", id: "{{hold_id}}" },
  { operationId: "HoldTickets", name: "HoldTickets to confirm", sets: { hold_id: field("id") } },
  { operationId: "ConfirmHold", id: "{{hold_id}}" },
];

/** What parameters and fields have in place of their examples. */
export const values: Readonly<Record<string, string>> = {
  concert_id: "{{concert_id}}",
  user_id: "{{user_id}}",
  version: "{{version}}",
  // The example is later: its concert cannot be booked yet.
  booking_start_time: "2026-01-01T00:00:00Z",
  "Idempotency-Key": "{{$guid}}",
  "If-Match": "{{etag}}",
};

/** The variables at the start. Requests set them and the others. */
export const variables: Readonly<Record<string, string>> = {
  base_url: "http://localhost:8080",
  token: "",
  user_id: "alice",
  concert_id: "1",
};
