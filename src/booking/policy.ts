/** What an operator may set about bookings. */
export interface BookingPolicy {
  /** The most tickets that one booking may have. */
  readonly maxTicketsPerBooking: number;
  /** The most holds that one user may have of a concert at once. */
  readonly maxHoldsPerUser: number;
  /** How long a hold lives whose request does not say. */
  readonly holdTtlMs: number;
  /** The longest time that a request may ask for. */
  readonly holdTtlMaxMs: number;
  /** The longest time from a hold's beginning to its end, however often it is extended. */
  readonly holdLifetimeMs: number;
  /** How long after a hold's end it can be confirmed late. */
  readonly lateConfirmMs: number;
}
