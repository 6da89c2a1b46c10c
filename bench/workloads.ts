/** What a run measures. */
import { abuses } from "./abuses.ts";
import { bookingBesideExpiry } from "./holds.ts";
import { insertLargeCatalogue, insertSearchedCatalogue, largeSubjects } from "./large.ts";
import { impatienceMs, manyUsers, mostUsers, subjectNames, workloadNames } from "./names.ts";
import type { Protocol } from "./requests.ts";
import {
  type BookingOptions,
  bare,
  booking,
  bookingOnto,
  getConcert,
  noop,
  type Prepare,
  rowLock,
  rush,
  type Stage,
  type Subject,
  soldOut,
  subject,
} from "./subjects.ts";

/**
 * `jwt` accepts the tokens of the bench's issuer, `metrics` serves metrics, and `traced` exports the traces of one call in a
 * hundred. Workers are processes behind one port.
 */
export type ServerKind = "none" | "jwt" | "metrics" | "traced" | "one worker" | "two workers";

interface Named {
  readonly name: string;
  /** The name, with what distinguishes it from others of that name. */
  readonly title: string;
}

export type Workload = SharedWorkload | ComparedWorkload;

/**
 * Subjects of different servers. Each has its server to itself, and a new one for each round: a process keeps what it has
 * compiled, so its rounds would not be independent.
 */
export interface ComparedWorkload extends Named {
  readonly compared: readonly { readonly server: ServerKind; readonly subject: Subject }[];
}

/** Subjects that are measured in turns, on one new database and its servers. */
export interface SharedWorkload extends Named {
  /** A long step before the first measurement, for the progress report. */
  readonly preparation?: string;
  /** The server processes, each by how it authenticates its callers. */
  readonly servers: readonly ServerKind[];
  /** Whether to count the updates of the concert's row. */
  readonly countsRowWrites?: boolean;
  subjects(stage: Stage): Promise<Subject[]>;
}

const protocols: readonly Protocol[] = ["REST", "Connect", "gRPC"];
const http: readonly Protocol[] = ["REST", "Connect"];

/** All workloads, or those that fit into two minutes. */
export function workloadsOf(kind: "quick" | "full"): Workload[] {
  const { withTokens, withoutTokens, withMetrics, withoutMetrics, traced, untraced } = subjectNames;
  if (kind === "quick")
    return http.flatMap((protocol) => [hot(protocol, [1, manyUsers], [manyUsers]), unsold(protocol, false)]);
  return [
    ...protocols.map((protocol) => hot(protocol, [1, 64, manyUsers, mostUsers], [manyUsers])),
    ...protocols.map((protocol) => unsold(protocol, protocol !== "gRPC")),
    ...http.map(processes),
    ...http.flatMap(workers),
    ...http.map(costOf("jwt", workloadNames.tokens, [withTokens, withoutTokens])),
    ...http.map(costOf("metrics", workloadNames.metrics, [withMetrics, withoutMetrics])),
    ...http.map(costOf("traced", workloadNames.traces, [traced, untraced])),
    ...protocols.map(holds),
    expiry(),
    ...http.map(overload),
    abused(),
    ...http.map(spread),
    filled(),
    large(),
    ...http.map(rushed),
    rate(),
  ];
}

const named = (name: string, more: string) => ({ name, title: `${name}, ${more}` });

function hot(protocol: Protocol, userCounts: readonly number[], usersOfNoop: readonly number[] = userCounts): Workload {
  return {
    ...named(workloadNames.hot, protocol),
    servers: ["none"],
    countsRowWrites: true,
    subjects: async () =>
      userCounts.flatMap((users) => [
        subject(subjectNames.booking, protocol, users, booking(protocol, users, { mayFail: users === mostUsers })),
        ...(usersOfNoop.includes(users) ? [noop(protocol, users)] : []),
        // With so many users it sends no answer within the time of a measurement.
        ...(users === mostUsers
          ? []
          : [rowLock(protocol, users, (baseline) => booking(protocol, users, { baseline }))]),
        ...(protocol === "REST" && users === manyUsers ? [bare(users)] : []),
      ]),
  };
}

/** Nothing is booked: the concert is sold out, or it is only read. */
function unsold(protocol: Protocol, withFresh: boolean): Workload {
  const { soldOut: late, soldOutKeyed: lateKeyed, cached, fresh } = subjectNames;
  return {
    ...named(workloadNames.unsold, protocol),
    servers: ["none"],
    subjects: async () => [
      subject(late, protocol, manyUsers, soldOut(protocol, manyUsers, false)),
      noop(protocol, manyUsers),
      subject(cached, protocol, manyUsers, getConcert(protocol, false)),
      subject(lateKeyed, protocol, manyUsers, soldOut(protocol, manyUsers, true)),
      ...(withFresh ? [subject(fresh, protocol, manyUsers, getConcert(protocol, true))] : []),
    ],
  };
}

function spread(protocol: Protocol): Workload {
  const concerts = 100;
  return {
    ...named(workloadNames.spread, protocol),
    servers: ["none"],
    subjects: async () => [
      subject(subjectNames.booking, protocol, manyUsers, booking(protocol, manyUsers, { concerts })),
      rowLock(protocol, manyUsers, (baseline) => booking(protocol, manyUsers, { concerts, baseline })),
    ],
  };
}

/** Bookings that are stored must not make the next one slower. */
function filled(): Workload {
  return {
    ...named(workloadNames.filled, "REST"),
    servers: ["none"],
    subjects: async () => [
      subject(subjectNames.unfilled, "REST", manyUsers, bookingOnto("REST", manyUsers, 0)),
      subject(subjectNames.filled, "REST", manyUsers, bookingOnto("REST", manyUsers, 100_000)),
    ],
  };
}

/** Each of 500 users tries to book three of 1,000 tickets. */
function rushed(protocol: Protocol): Workload {
  const tickets = { users: manyUsers, tickets: 1_000, requestsPerUser: 3 };
  return {
    ...named(workloadNames.rush, protocol),
    servers: ["none"],
    subjects: async () => [
      subject(subjectNames.booking, protocol, manyUsers, rush(protocol, tickets)),
      rowLock(protocol, manyUsers, (baseline) => rush(protocol, tickets, baseline)),
    ],
  };
}

function rate(): Workload {
  const pace = () => ({ ratePerSecond: 2_000 });
  return {
    ...named(workloadNames.rate, "each protocol"),
    servers: ["none"],
    subjects: async () =>
      protocols.map((protocol) =>
        subject(subjectNames.booking, protocol, manyUsers, booking(protocol, manyUsers, { pace })),
      ),
  };
}

function processes(protocol: Protocol): Workload {
  const { oneProcess, twoProcesses } = subjectNames;
  return {
    ...named(workloadNames.processes, protocol),
    servers: ["none", "none"],
    subjects: async () => [
      subject(twoProcesses, protocol, manyUsers, booking(protocol, manyUsers, { processes: 2 })),
      subject(oneProcess, protocol, manyUsers, booking(protocol, manyUsers, { processes: 1 })),
    ],
  };
}

/** The service as it is shipped, as one process and with two workers. */
function workers(protocol: Protocol): Workload[] {
  const { oneWorker, twoWorkers } = subjectNames;
  const { workersHot, workersSpread, workersReads } = workloadNames;
  const compare = (name: string, prepare: Prepare): Workload => ({
    ...named(name, protocol),
    compared: [twoWorkers, oneWorker].map((server) => ({
      server,
      subject: subject(server, protocol, manyUsers, prepare),
    })),
  });
  return [
    compare(workersReads, getConcert(protocol, false)),
    compare(workersSpread, booking(protocol, manyUsers, { concerts: 100 })),
    compare(workersHot, booking(protocol, manyUsers)),
  ];
}

/** A hot concert with something that costs time, against one without it. */
function costOf(kind: "jwt" | "metrics" | "traced", workload: string, names: readonly [string, string]) {
  const [withIt, withoutIt] = names;
  return (protocol: Protocol): Workload => ({
    ...named(workload, protocol),
    compared: [
      { server: kind, subject: subject(withIt, protocol, manyUsers, booking(protocol, manyUsers)) },
      { server: "none", subject: subject(withoutIt, protocol, manyUsers, booking(protocol, manyUsers)) },
    ],
  });
}

/** Holds against bookings. Each request is of a new user: a user has at most one hold of a concert. */
function holds(protocol: Protocol): Workload {
  const { booking: booked, holding, settling, limited } = subjectNames;
  const by = (name: string, options: BookingOptions = {}) =>
    subject(name, protocol, manyUsers, booking(protocol, manyUsers, { ...options, newUsers: true }));
  return {
    ...named(workloadNames.holds, protocol),
    servers: ["none"],
    subjects: async () => [
      by(booked),
      by(holding, { order: "hold" }),
      by(limited, { maxTicketsPerUser: 4 }),
      // The generator sends no second request over gRPC.
      ...(protocol === "gRPC" ? [] : [by(settling, { order: "settle" })]),
    ],
  };
}

/** Ten thousand holds that are due at once must not stop the bookings of their concert. */
function expiry(): Workload {
  const { alone, expiring } = subjectNames;
  return {
    ...named(workloadNames.expiry, "REST"),
    servers: ["none"],
    subjects: async () => [
      subject(alone, "REST", manyUsers, booking("REST", manyUsers)),
      subject(expiring, "REST", manyUsers, bookingBesideExpiry("REST", manyUsers, 10_000)),
    ],
  };
}

/** More calls than can be answered, whether or not there are answers. */
function overload(protocol: Protocol): Workload {
  let peakPerSecond = 0;
  const pace = () => ({ ratePerSecond: 3 * peakPerSecond, whenBusy: "leave" as const });
  const many = (timeoutMs?: number) => booking(protocol, mostUsers, { pace, timeoutMs, mayFail: true });
  return {
    ...named(workloadNames.overload, protocol),
    servers: ["none"],
    subjects: async () => [
      subject(
        subjectNames.peak,
        protocol,
        manyUsers,
        booking(protocol, manyUsers, {
          onResult: ({ measured: { OK = 0 }, elapsedMs }) => {
            peakPerSecond = (OK / elapsedMs) * 1_000;
          },
        }),
      ),
      subject(subjectNames.tripled, protocol, mostUsers, many()),
      subject(subjectNames.impatient, protocol, mostUsers, many(impatienceMs)),
    ],
  };
}

/** Some users at a modest rate, while another client abuses the server. */
function abused(): Workload {
  const users = 50;
  const pace = () => ({ ratePerSecond: 200 });
  return {
    ...named(workloadNames.abuse, "REST"),
    servers: ["none"],
    preparation: "inserting 150,000 concerts",
    subjects: async ({ database }) => {
      await insertSearchedCatalogue(database);
      const searched = { pace, abuse: "costly searches" } as const;
      return [
        subject(subjectNames.calm, "REST", users, booking("REST", users, { pace })),
        ...abuses.map((abuse) => subject(abuse, "REST", users, booking("REST", users, { pace, abuse }))),
        subject(subjectNames.calmReaders, "REST", users, getConcert("REST", true, { pace })),
        subject(subjectNames.searchedReaders, "REST", users, getConcert("REST", true, searched)),
      ];
    },
  };
}

function large(): Workload {
  return {
    ...named(workloadNames.large, "REST"),
    preparation: "inserting them, and reading all pages as a client does",
    servers: ["none"],
    subjects: async (stage) => {
      await insertLargeCatalogue(stage.database);
      return await largeSubjects(stage);
    },
  };
}
