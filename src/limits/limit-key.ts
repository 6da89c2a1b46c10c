/** The kinds of calls. Each has its own limit. */
export type Lane = (typeof lanes)[number];
export const lanes = ["reads", "bookings", "settlements", "admin"] as const;

/** What a call counts against: one caller, or all clients at one address, which can be a household or a campus. */
export interface LimitKey {
  readonly kind: "caller" | "address";
  readonly key: string;
}
