import { setTimeout as delay } from "node:timers/promises";
import { type LiveStage, measure, type Timing } from "./measure.ts";
import type { RowWrites } from "./results.ts";
import { booking, type Subject } from "./subjects.ts";

/** PostgreSQL's sessions report their counts at most once a second, and at the latest after ten seconds. */
const reportAfterMs = 1_100;
const maxPolls = 11;
const reportedShare = 0.99;

interface Counts {
  readonly inserted: number;
  readonly stored: number;
  readonly updates: number;
  readonly hot_updates: number;
}

const counts = `
  select b.n_tup_ins::int as inserted, (select count(*)::int from bookings) as stored,
    c.n_tup_upd::int as updates, c.n_tup_hot_upd::int as hot_updates
  from pg_stat_user_tables b, pg_stat_user_tables c where b.relname = 'bookings' and c.relname = 'concerts'`;

/** Books on a database in which nothing has been booked before, and counts the updates of the concert's row. */
export async function countRowWrites(
  stage: LiveStage,
  subject: Subject,
  timing: Timing,
): Promise<Omit<RowWrites, "workload">> {
  const { protocol, users, variants } = subject;
  for (const variant of variants) await measure(stage, subject, variant, timing);
  for (let poll = 0; poll < maxPolls; poll++) {
    await delay(reportAfterMs);
    await nudge(stage, subject);
    const [row] = await stage.database.query<Counts>(counts);
    // A session reports all of a transaction at once: the few that are missing leave the ratio as it is.
    if (!row || row.inserted < row.stored * reportedShare) continue;
    return { protocol, users, bookings: row.inserted, updates: row.updates, hotUpdates: row.hot_updates };
  }
  throw new Error("PostgreSQL does not report what its sessions have done");
}

/** A single booking: a session reports when it has something to do and its last report is a second old. */
async function nudge(stage: LiveStage, { protocol }: Subject): Promise<void> {
  const prepare = booking(protocol, 1, { pace: () => ({ requestsPerUser: 1 }) });
  const variant = { name: "", prepare };
  await measure(stage, { name: "nudge", protocol, users: 1, variants: [variant] }, variant, {
    warmUpMs: 0,
    measureMs: 1,
  });
}
