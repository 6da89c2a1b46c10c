/** What an operator may set about bookings. */
export interface BookingPolicy {
  /** The most tickets that one booking may hold. */
  readonly maxTicketsPerBooking: number;
}
