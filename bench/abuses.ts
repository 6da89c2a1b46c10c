/** What an abuser can do to a server beside the bench's own load. */
export const abuses = [
  "slow headers",
  "slow bodies",
  "a thousand idle connections",
  "half requests",
  "rapid resets",
  "compressed bombs",
  "oversized bodies",
  "oversized headers",
  "costly searches",
  "reflection streams",
] as const;
export type Abuse = (typeof abuses)[number];

export interface AbuseSpec {
  readonly abuse: Abuse;
  readonly port: number;
}
