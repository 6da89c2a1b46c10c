/** The subjects of a load: how each is prepared, what is sent to it, and how its outcome is verified. */
import { join } from "node:path";
import type { Abuse, AbuseSpec } from "./abuses.ts";
import { noopMethod, rowLockMethod, rowLockPoolSizes } from "./baseline-service.ts";
import { insertConcerts } from "./concerts.ts";
import type { Issuer } from "./issuer.ts";
import type { LoadResult, LoadSpec } from "./load/spec.ts";
import type { Timing } from "./measure.ts";
import type { BenchDatabase } from "./postgres.ts";
import { startChild } from "./questions.ts";
import { bareRequests, bookingRequests, getConcertRequests, type Order, type Protocol, userNames } from "./requests.ts";
import { startScraper } from "./scraper.ts";
import { verifyBookings, verifyOutcomes, WrongOutcomeError } from "./verify.ts";
import type { ServerKind } from "./workloads.ts";

/** A fixed rate. A request that finds no idle user waits for one, or is dropped. */
export interface OpenPace {
  readonly ratePerSecond: number;
  readonly whenBusy?: "wait" | "leave";
}

/** Where a load runs. */
export interface Stage {
  readonly database: BenchDatabase;
  readonly ports: readonly number[];
  /** How each of these ports authenticates its callers. */
  readonly kinds: readonly ServerKind[];
  readonly issuer: Issuer;
  /** The port of /metrics, if one of the servers has it. */
  readonly metricsPort?: number | undefined;
}

/** A load that is ready to run, once. */
export interface Prepared extends Omit<LoadSpec, "ports" | "users" | "pace"> {
  /** In place of all servers and the usual pace. */
  readonly ports?: readonly number[];
  readonly pace?: OpenPace | { readonly requestsPerUser: number };
  /** Starts what runs beside the load; returns what ends it. */
  readonly beside?: (timing: Timing) => Promise<() => Promise<void>>;
  /** Rejects if the outcome is wrong. */
  verify(result: LoadResult): Promise<void> | void;
}

export interface Variant {
  readonly name: string;
  prepare(stage: Stage): Promise<Prepared>;
}

/** One of the things that a workload compares. */
export interface Subject {
  readonly name: string;
  readonly protocol: Protocol;
  readonly users: number;
  /** The best of these is measured. */
  readonly variants: readonly Variant[];
}

export type Prepare = Variant["prepare"];

/** A subject of one variant. */
export function subject(name: string, protocol: Protocol, users: number, prepare: Prepare): Subject {
  return { name, protocol, users, variants: [{ name: "", prepare }] };
}

export interface BookingOptions {
  /** The number of concerts, among which the users are divided evenly. */
  readonly concerts?: number;
  /** The baseline that books instead of the service. */
  readonly baseline?: string;
  /** What users do instead of booking. */
  readonly order?: Order;
  /** Whether each request is of a new user. */
  readonly newUsers?: boolean;
  /** The concert's limit. */
  readonly maxTicketsPerUser?: number;
  /** How many of the servers are used. */
  readonly processes?: number;
  readonly pace?: () => Prepared["pace"];
  /** The users' own deadline. */
  readonly timeoutMs?: number | undefined;
  /** Whether calls may be refused as too many or too late. */
  readonly mayFail?: boolean;
  readonly onResult?: (result: LoadResult) => void;
  /** What another client does to the server meanwhile. */
  readonly abuse?: Abuse;
}

async function startAbuse(spec: AbuseSpec): Promise<() => Promise<void>> {
  const abuser = await startChild<AbuseSpec | "stop", unknown>(join(import.meta.dirname, "abuse.ts"));
  await abuser.ask(spec);
  return () => abuser.stop();
}

const withPace = (pace: Prepared["pace"]) => (pace === undefined ? {} : { pace });

/** The reasons with which an overloaded service rejects. */
const refusalsUnderLoad = ["OVERLOADED", "DEADLINE_EXCEEDED"];

/** Users who book tickets that do not run out. Each has a token if the server wants one; metrics are scraped once a second. */
export function booking(protocol: Protocol, users: number, options: BookingOptions = {}): Prepare {
  return async ({ database, ports, kinds, issuer, metricsPort }) => {
    const { order, newUsers, maxTicketsPerUser: max_tickets_per_user } = options;
    const columns = max_tickets_per_user === undefined ? {} : { max_tickets_per_user };
    const concertIds = await insertConcerts(database, options.concerts ?? 1, plenty, columns);
    const concertOf = (user: number) => concertIds[user % concertIds.length] as bigint;
    const { baseline, pace, timeoutMs, mayFail = false, onResult, abuse } = options;
    const tokens = kinds.includes("jwt") ? await issuer.tokensFor(userNames(users)) : undefined;
    return {
      ...bookingRequests({ protocol, users, concertOf, order, newUsers, baseline, tokens, timeoutMs }),
      ports: ports.slice(0, options.processes),
      ...withPace(pace?.()),
      ...(abuse ? { beside: () => startAbuse({ abuse, port: ports[0] ?? 0 }) } : {}),
      ...(metricsPort === undefined ? {} : { beside: async () => startScraper(metricsPort) }),
      verify: async (result) => {
        verifyOutcomes(result, mayFail ? ["OK", ...refusalsUnderLoad] : ["OK"]);
        await verifyBookings(database, concertIds, result, order === "hold" ? "held" : "confirmed");
        onResult?.(result);
      },
    };
  };
}

/** Users who book with keys, when so many bookings of the concert are stored already. */
export function bookingOnto(protocol: Protocol, users: number, earlier: number): Prepare {
  return async ({ database }) => {
    const concertIds = await insertConcerts(database, 1, plenty);
    const stored = await database.query<{ id: string }>(
      `insert into bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
       select id, 'earlier-' || number % 5000, 1, price, price, currency_code, now(), gen_random_uuid()
       from concerts, generate_series(1, $2::int) as number where id = any($1)
       returning id`,
      [concertIds.map(String), earlier],
    );
    await database.query("update concerts set available_tickets = available_tickets - $2 where id = any($1)", [
      concertIds.map(String),
      earlier,
    ]);
    return {
      ...bookingRequests({ protocol, users, concertOf: () => concertIds[0] as bigint, keyed: true }),
      verify: (result) => {
        verifyOutcomes(result, ["OK"]);
        const { all, bookingIds } = result;
        return verifyBookings(database, concertIds, {
          all: { ...all, OK: (all.OK ?? 0) + stored.length },
          bookingIds: Float64Array.from([...bookingIds, ...stored.map(({ id }) => Number(id))]),
        });
      },
    };
  };
}

/** The baseline of one interactive transaction a booking, with a variant for each number of connections. */
export function rowLock(protocol: Protocol, users: number, prepareFor: (baseline: string) => Prepare): Subject {
  // One user never needs more than one connection.
  const sizes = users === 1 ? rowLockPoolSizes.slice(0, 1) : rowLockPoolSizes;
  const variants = sizes.map((poolSize) => ({
    name: `${poolSize} connections`,
    prepare: prepareFor(rowLockMethod(poolSize)),
  }));
  return { name: "baseline-row-lock", protocol, users, variants };
}

/** The baseline that does nothing, through the same layers. */
export function noop(protocol: Protocol, users: number): Subject {
  return subject("noop", protocol, users, async () => ({
    ...bookingRequests({ protocol, users, concertOf: () => 1n, baseline: noopMethod }),
    collectIds: false,
    verify: allAnswered,
  }));
}

/** The baseline of Fastify alone. */
export function bare(users: number): Subject {
  return subject("bare", "REST", users, async () => ({ ...bareRequests(users), verify: allAnswered }));
}

/** Users who book a sold-out concert, with a new key each time or without keys. */
export function soldOut(protocol: Protocol, users: number, keyed: boolean): Prepare {
  return async ({ database }) => {
    const concertIds = await insertConcerts(database, 1, 1);
    await database.query(
      `insert into bookings (concert_id, user_id, ticket_count, unit_price, total_price, currency_code, booking_time, request_id)
       select id, 'the last', 1, price, price, currency_code, now(), gen_random_uuid() from concerts where id = any($1)`,
      [concertIds.map(String)],
    );
    await database.query("update concerts set available_tickets = 0 where id = any($1)", [concertIds.map(String)]);
    const stored = await database.query<{ id: string }>("select id from bookings where concert_id = any($1)", [
      concertIds.map(String),
    ]);
    return {
      ...bookingRequests({ protocol, users, concertOf: () => concertIds[0] as bigint, keyed }),
      verify: (result) => {
        verifyOutcomes(result, ["INSUFFICIENT_TICKETS"]);
        const before = { all: { OK: stored.length }, bookingIds: Float64Array.from(stored, ({ id }) => Number(id)) };
        return verifyBookings(database, concertIds, before);
      },
    };
  };
}

/** More requests than tickets at once: all tickets are sold, and no more. */
export interface Rush {
  readonly users: number;
  readonly tickets: number;
  readonly requestsPerUser: number;
}

/** A rush of users, until each has sent all of its requests. */
export function rush(protocol: Protocol, { users, tickets, requestsPerUser }: Rush, baseline?: string): Prepare {
  return async ({ database }) => {
    const concertIds = await insertConcerts(database, 1, tickets);
    const concertOf = () => concertIds[0] as bigint;
    return {
      ...bookingRequests({ protocol, users, concertOf, baseline }),
      pace: { requestsPerUser },
      verify: async (result) => {
        await verifyBookings(database, concertIds, result);
        const { OK: sold, INSUFFICIENT_TICKETS: refused } = result.all;
        if (sold === tickets && refused === users * requestsPerUser - tickets) return;
        throw new WrongOutcomeError(`of ${tickets} tickets: ${JSON.stringify(result.all)}`);
      },
    };
  };
}

/** Readers of one concert; with `fresh` each read goes to the database. */
export function getConcert(
  protocol: Protocol,
  fresh: boolean,
  { pace, abuse }: Pick<BookingOptions, "pace" | "abuse"> = {},
): Prepare {
  return async ({ database, ports }) => {
    const [concertId = 0n] = await insertConcerts(database, 1, plenty);
    return {
      ...getConcertRequests(protocol, concertId, fresh),
      ...withPace(pace?.()),
      ...(abuse ? { beside: () => startAbuse({ abuse, port: ports[0] ?? 0 }) } : {}),
      verify: allAnswered,
    };
  };
}

/** For loads that are never refused. */
export const allAnswered = (result: LoadResult) => verifyOutcomes(result, ["OK"]);

/** More tickets than any run books. */
export const plenty = 10_000_000;
