/** What a run measures. */
import { insertLargeCatalogue, largeSubjects } from "./large.ts";
import type { Protocol } from "./requests.ts";
import {
  bare,
  booking,
  getConcert,
  noop,
  plain,
  rush,
  type Stage,
  type Subject,
  soldOut,
  subject,
} from "./subjects.ts";

/** Subjects that are measured in turns, on a database and servers of their own. */
export interface Scenario {
  readonly name: string;
  /** The name, and what tells it from others of that name. */
  readonly title: string;
  /** What takes long before anything is measured. */
  readonly preparation?: string;
  readonly processes: number;
  /** Whether to count what the bookings of the crowd cost the concert's row. */
  readonly countsRowWrites?: boolean;
  subjects(stage: Stage): Promise<Subject[]>;
}

/** The crowd of most bars. */
export const crowd = 500;
/** The largest one. */
export const hugeCrowd = 5_000;

export const subjectNames = {
  booking: "booking",
  noop: "noop",
  plain: "plain",
  bare: "bare",
  soldOut: "sold out",
  soldOutKeyed: "sold out, with keys",
  cached: "cached concert",
  fresh: "uncached concert",
  oneProcess: "one process",
  twoProcesses: "two processes",
} as const;

export const scenarioNames = {
  hot: "one hot concert",
  unsold: "nothing to book",
  spread: "100 concerts evenly",
  rush: "500 users for 1,000 tickets",
  rate: "2,000 bookings a second",
  processes: "two processes on one concert",
  large: "a million concerts, two million bookings",
} as const;

const protocols: readonly Protocol[] = ["REST", "Connect", "gRPC"];
const http: readonly Protocol[] = ["REST", "Connect"];

/** All of it, or what can be had in two minutes. */
export function scenariosOf(kind: "quick" | "full"): Scenario[] {
  if (kind === "quick")
    return http.flatMap((protocol) => [hot(protocol, [1, crowd], [crowd]), unsold(protocol, false)]);
  return [
    ...protocols.map((protocol) => hot(protocol, [1, 64, crowd, hugeCrowd])),
    ...protocols.map((protocol) => unsold(protocol, protocol !== "gRPC")),
    ...http.map(spread),
    ...http.map(rushed),
    rate(),
    ...http.map(processes),
    large(),
  ];
}

const named = (name: string, more: string) => ({ name, title: `${name}, ${more}` });

function hot(protocol: Protocol, crowds: readonly number[], crowdsOfNoop: readonly number[] = crowds): Scenario {
  return {
    ...named(scenarioNames.hot, protocol),
    processes: 1,
    countsRowWrites: true,
    subjects: async () =>
      crowds.flatMap((users) => [
        subject(subjectNames.booking, protocol, users, booking(protocol, users)),
        ...(crowdsOfNoop.includes(users) ? [noop(protocol, users)] : []),
        // With so many it answers nobody within the time of a measurement.
        ...(users === hugeCrowd ? [] : [plain(protocol, users, (baseline) => booking(protocol, users, { baseline }))]),
        ...(protocol === "REST" && users === crowd ? [bare(users)] : []),
      ]),
  };
}

/** Nothing is booked: the crowd is too late, or only looks. */
function unsold(protocol: Protocol, withFresh: boolean): Scenario {
  const { soldOut: late, soldOutKeyed: lateKeyed, cached, fresh } = subjectNames;
  return {
    ...named(scenarioNames.unsold, protocol),
    processes: 1,
    subjects: async () => [
      subject(late, protocol, crowd, soldOut(protocol, crowd, false)),
      noop(protocol, crowd),
      subject(cached, protocol, crowd, getConcert(protocol, false)),
      subject(lateKeyed, protocol, crowd, soldOut(protocol, crowd, true)),
      ...(withFresh ? [subject(fresh, protocol, crowd, getConcert(protocol, true))] : []),
    ],
  };
}

function spread(protocol: Protocol): Scenario {
  const concerts = 100;
  return {
    ...named(scenarioNames.spread, protocol),
    processes: 1,
    subjects: async () => [
      subject(subjectNames.booking, protocol, crowd, booking(protocol, crowd, { concerts })),
      plain(protocol, crowd, (baseline) => booking(protocol, crowd, { concerts, baseline })),
    ],
  };
}

/** The case that the service was asked for: each of 500 users tries for three of 1,000 tickets. */
function rushed(protocol: Protocol): Scenario {
  const tickets = { users: crowd, tickets: 1_000, requestsPerUser: 3 };
  return {
    ...named(scenarioNames.rush, protocol),
    processes: 1,
    subjects: async () => [
      subject(subjectNames.booking, protocol, crowd, rush(protocol, tickets)),
      plain(protocol, crowd, (baseline) => rush(protocol, tickets, baseline)),
    ],
  };
}

function rate(): Scenario {
  const pace = { ratePerSecond: 2_000 };
  return {
    ...named(scenarioNames.rate, "each protocol"),
    processes: 1,
    subjects: async () =>
      protocols.map((protocol) => subject(subjectNames.booking, protocol, crowd, booking(protocol, crowd, { pace }))),
  };
}

function processes(protocol: Protocol): Scenario {
  const { oneProcess, twoProcesses } = subjectNames;
  return {
    ...named(scenarioNames.processes, protocol),
    processes: 2,
    subjects: async () => [
      subject(twoProcesses, protocol, crowd, booking(protocol, crowd, { processes: 2 })),
      subject(oneProcess, protocol, crowd, booking(protocol, crowd, { processes: 1 })),
    ],
  };
}

function large(): Scenario {
  return {
    ...named(scenarioNames.large, "REST"),
    preparation: "inserting them, and reading all pages as a client does",
    processes: 1,
    subjects: async (stage) => {
      await insertLargeCatalogue(stage.database);
      return await largeSubjects(stage);
    },
  };
}
