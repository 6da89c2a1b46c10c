import { serviceItself } from "../domain/change.ts";
import type { ConcertDescription } from "../domain/concert.ts";
import { endlessDeadline } from "../domain/deadline.ts";
import { freeOrphanedRequests, hasConcerts, noConcertYet } from "../store/concerts.ts";
import type { Store } from "../store/store.ts";
import { createConcert } from "./create.ts";

/** The rules of some demo concerts. */
type Rules = Partial<Pick<ConcertDescription, "maxTicketsPerUser" | "requiresPayment">>;

/** A demo concert: `[name, artist, venue, days from now, tickets, price in cents, currency, rules]`. */
type Demo = readonly [string, string, string, number, number, number, string, Rules?];

/** Their places are part of their keys. */
const demos: readonly Demo[] = [
  ["Midnight Tour", "The Velvet Owls", "Harbour Hall", 14, 1_000, 5_000, "USD"],
  ["Strings at Dawn", "Aurora Quartet", "Old Observatory", 21, 120, 3_850, "EUR"],
  ["Homecoming", "Lúcia Björk", "Riverside Arena", 30, 18_000, 8_999, "USD"],
  ["One Night Only", "Copper & Salt", "The Cellar", 45, 20, 2_500, "GBP"],
  ["Open Air", "Northern Lights Orchestra", "Meadow Stage", 60, 5_000, 0, "EUR"],
  ["Farewell Gala", "Ida Solberg", "Grand Opera", 75, 900, 12_000, "EUR", { requiresPayment: true }],
  ["Secret Show", "Paper Lanterns", "The Boiler Room", 90, 300, 3_500, "GBP", { maxTicketsPerUser: 4 }],
];

/** Creates a few concerts on sale in a database that has none. Returns how many it created. */
export async function createDemoConcerts(store: Store, now: Temporal.Instant): Promise<number> {
  const deadline = endlessDeadline();
  if (await store.read(hasConcerts, deadline)) return 0;
  await store.transact(noConcertYet, freeOrphanedRequests, deadline);
  for (const [index, demo] of demos.entries()) {
    const requestId = `de300000-0000-4000-8000-${String(index + 1).padStart(12, "0")}`;
    await createConcert(store, describe(demo, now), requestId, serviceItself, deadline);
  }
  return demos.length;
}

function describe(demo: Demo, now: Temporal.Instant): ConcertDescription {
  const [name, artist, venue, days, totalTickets, priceCents, currencyCode, rules] = demo;
  const concertDate = now.round({ smallestUnit: "hour" }).add({ hours: days * 24 });
  return {
    name,
    artist,
    venue,
    concertDate,
    totalTickets,
    priceCents,
    currencyCode,
    bookingStartTime: now.round({ smallestUnit: "hour", roundingMode: "floor" }).subtract({ hours: 1 }),
    bookingEndTime: concertDate.subtract({ hours: 1 }),
    maxTicketsPerUser: rules?.maxTicketsPerUser,
    requiresPayment: rules?.requiresPayment ?? false,
  };
}
