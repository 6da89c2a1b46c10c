/** The bars that the service is held to, all of them ratios within one run. */
import { type Abuse, abuses } from "./abuses.ts";
import type { Protocol } from "./requests.ts";
import { type Measurement, type Results, ratioOf, select } from "./results.ts";
import { crowd, hugeCrowd, impatienceMs, scenarioNames, subjectNames } from "./scenarios.ts";
import { type Figure, figureOf } from "./statistics.ts";

/** What a figure must not fall below, or must not pass. */
export type Limit = { readonly atLeast: number } | { readonly atMost: number };

/** One bar, held against what was measured. */
export interface Check {
  readonly what: string;
  readonly limit: Limit;
  /** In percent rather than as a factor. */
  readonly unit: "x" | "%" | "";
  /** Undefined when it was not measured. */
  readonly figure: Figure | undefined;
}

/** Whether a bar is met; undefined when it was not measured. A figure of several rounds is its median. */
export function isMet({ figure, limit }: Check): boolean | undefined {
  if (!figure) return undefined;
  return "atLeast" in limit ? figure.median >= limit.atLeast : figure.median <= limit.atMost;
}

const { booking, noop, plain, soldOut, soldOutKeyed, cached, oneProcess, twoProcesses } = subjectNames;
const { withTokens, withoutTokens, peak, tripled, impatient } = subjectNames;
const { hot, unsold, spread, filled, processes, large, tokens, overload } = scenarioNames;
const protocols: readonly Protocol[] = ["REST", "Connect", "gRPC"];
const http: readonly Protocol[] = ["REST", "Connect"];

const confirmed = ({ confirmedPerSecond }: Measurement) => confirmedPerSecond;
const answered = ({ answersPerSecond }: Measurement) => answersPerSecond;
const typicalLatency = ({ latency }: Measurement) => latency.p50Ms;

/** Every bar, in the order in which they are documented. */
export function checkBars(results: Results): Check[] {
  return [
    ...throughputOfTheCrowd(results),
    ...hugeCrowds(results),
    ...protocols.map((protocol) => lonelyUser(results, protocol)),
    ...http.map((protocol) => evenlySpread(results, protocol)),
    ontoMany(results),
    ...http.map((protocol) => twoOfThem(results, protocol)),
    ...protocols.flatMap((protocol) => tooLate(results, protocol)),
    ...protocols.flatMap((protocol) => updatesOfTheRow(results, protocol)),
    ...protocols.flatMap((protocol) => cachedReads(results, protocol)),
    lastPage(results),
    ...http.map((protocol) => knownCallers(results, protocol)),
    ...http.flatMap((protocol) => tooMany(results, protocol)),
    ...abuses.map((abuse) => abused(results, abuse)),
    searched(results),
  ];
}

function throughputOfTheCrowd(results: Results): Check[] {
  const against = (protocol: Protocol, other: string, atLeast: number): Check => ({
    what: `hot concert, ${crowd} users, ${protocol}: confirmed bookings/s against ${other}`,
    limit: { atLeast },
    unit: "x",
    figure: ratioOf(
      results,
      { scenario: hot, subject: booking, protocol, users: crowd },
      { scenario: hot, subject: other, protocol, users: crowd },
      confirmed,
    ),
  });
  return [
    against("REST", plain, 12),
    against("Connect", plain, 7),
    against("Connect", noop, 0.85),
    against("gRPC", noop, 0.85),
  ];
}

function hugeCrowds(results: Results): Check[] {
  return protocols.flatMap((protocol): Check[] => {
    const huge = { scenario: hot, subject: booking, protocol, users: hugeCrowd };
    const refusals = select(results, huge).map((one) => one.answersPerSecond - one.confirmedPerSecond);
    return [
      {
        what: `hot concert, ${protocol}: throughput of ${hugeCrowd} users against ${crowd}`,
        limit: { atLeast: 0.9 },
        unit: "x",
        figure: ratioOf(results, huge, { ...huge, users: crowd }, confirmed),
      },
      {
        what: `hot concert, ${protocol}: refusals/s with ${hugeCrowd} users`,
        limit: { atMost: 0 },
        unit: "",
        figure: worst(refusals),
      },
    ];
  });
}

function lonelyUser(results: Results, protocol: Protocol): Check {
  const one = { scenario: hot, subject: booking, protocol, users: 1 };
  return {
    what: `one user at a time, ${protocol}: p50 against plain`,
    limit: { atMost: 1.15 },
    unit: "x",
    figure: ratioOf(results, one, { ...one, subject: plain }, typicalLatency),
  };
}

function evenlySpread(results: Results, protocol: Protocol): Check {
  const one = { scenario: spread, subject: booking, protocol, users: crowd };
  return {
    what: `100 concerts evenly, ${protocol}: throughput against plain`,
    limit: { atLeast: 0.9 },
    unit: "x",
    figure: ratioOf(results, one, { ...one, subject: plain }, confirmed),
  };
}

function ontoMany(results: Results): Check {
  const one = { scenario: filled, subject: subjectNames.filled, protocol: "REST", users: crowd } as const;
  return {
    what: `hot concert, ${crowd} users, REST: throughput onto 100,000 bookings against onto none`,
    limit: { atLeast: 0.95 },
    unit: "x",
    figure: ratioOf(results, one, { ...one, subject: subjectNames.unfilled }, confirmed),
  };
}

function twoOfThem(results: Results, protocol: Protocol): Check {
  const one = { scenario: processes, subject: oneProcess, protocol, users: crowd };
  return {
    what: `one concert, ${protocol}: throughput of two processes against one, nothing lost`,
    limit: { atLeast: 0.9 },
    unit: "x",
    figure: ratioOf(results, { ...one, subject: twoProcesses }, one, confirmed),
  };
}

function tooLate(results: Results, protocol: Protocol): Check[] {
  const keyless = { scenario: unsold, subject: soldOut, protocol, users: crowd };
  const keyed = { ...keyless, subject: soldOutKeyed };
  return [
    {
      what: `sold out, ${protocol}: answers/s against noop`,
      limit: { atLeast: 0.85 },
      unit: "x",
      figure: ratioOf(results, keyless, { ...keyless, subject: noop }, answered),
    },
    {
      what: `sold out, ${protocol}: transactions a second beyond the first look`,
      limit: { atMost: 1 },
      unit: "",
      figure: worst(select(results, keyless).map(({ transactions, seconds }) => (transactions - 1) / seconds)),
    },
    {
      what: `sold out, ${protocol}, with keys: statements an answer`,
      limit: { atMost: 0.1 },
      unit: "",
      figure: worst(select(results, keyed).map(({ statements, answers }) => statements / answers)),
    },
  ];
}

function updatesOfTheRow(results: Results, protocol: Protocol): Check[] {
  const writes = results.rowWrites.filter((one) => one.protocol === protocol && one.users === crowd);
  return [
    {
      what: `hot concert, ${crowd} users, ${protocol}: updates of its row a booking`,
      limit: { atMost: 0.1 },
      unit: "",
      figure: worst(writes.map(({ updates, bookings }) => updates / bookings)),
    },
    {
      what: `hot concert, ${crowd} users, ${protocol}: of these heap-only`,
      limit: { atLeast: 99 },
      unit: "%",
      figure: figureOf(writes.map(({ updates, hotUpdates }) => (hotUpdates / updates) * 100)),
    },
  ];
}

function cachedReads(results: Results, protocol: Protocol): Check[] {
  const one = { scenario: unsold, subject: cached, protocol, users: crowd };
  return [
    {
      what: `cached GetConcert, ${protocol}: answers/s against noop`,
      limit: { atLeast: 0.85 },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: noop }, answered),
    },
    {
      what: `cached GetConcert, ${protocol}: database reads a second beyond the first`,
      limit: { atMost: 1 },
      unit: "",
      figure: worst(select(results, one).map(({ reads, seconds }) => (reads - 1) / seconds)),
    },
  ];
}

function lastPage(results: Results): Check {
  const first = { scenario: large, subject: "page 1", protocol: "REST", users: 1 } as const;
  return {
    what: "list of a million concerts: time of page 10,000 against page 1",
    limit: { atMost: 1.2 },
    unit: "x",
    figure: ratioOf(results, { ...first, subject: "page 10,000" }, first, typicalLatency),
  };
}

function knownCallers(results: Results, protocol: Protocol): Check {
  const one = { scenario: tokens, subject: withTokens, protocol, users: crowd };
  return {
    what: `hot concert, ${crowd} users, ${protocol}: throughput with tokens against without`,
    limit: { atLeast: 0.9 },
    unit: "x",
    figure: ratioOf(results, one, { ...one, subject: withoutTokens }, confirmed),
  };
}

function tooMany(results: Results, protocol: Protocol): Check[] {
  const all = { scenario: overload, subject: peak, protocol, users: crowd };
  return [tripled, impatient].flatMap((subject): Check[] => {
    const one = { ...all, subject, users: hugeCrowd };
    const deadlineMs = subject === impatient ? impatienceMs : defaultDeadlineMs;
    return [
      {
        what: `${subject}, ${protocol}: confirmed bookings/s against the peak`,
        limit: { atLeast: 0.9 },
        unit: "x",
        figure: ratioOf(results, one, all, confirmed),
      },
      {
        what: `${subject}, ${protocol}: the slowest confirmed booking against its deadline`,
        limit: { atMost: 1 },
        unit: "x",
        figure: worst(select(results, one).map(({ slowestConfirmedMs }) => slowestConfirmedMs / deadlineMs)),
      },
    ];
  });
}

function abused(results: Results, abuse: Abuse): Check {
  const calm = { scenario: scenarioNames.abuse, subject: subjectNames.calm, protocol: "REST", users: 50 } as const;
  return {
    what: `a client beside ${abuse}: p99 against ${subjectNames.calm}`,
    limit: { atMost: 2 },
    unit: "x",
    figure: ratioOf(results, { ...calm, subject: abuse }, calm, ({ latency }) => latency.p99Ms),
  };
}

/** Uncached reads, since it is the reads' connections that searches take. */
function searched(results: Results): Check {
  const { calmReaders, searchedReaders } = subjectNames;
  const calm = { scenario: scenarioNames.abuse, subject: calmReaders, protocol: "REST", users: 50 } as const;
  return {
    what: `a reader beside costly searches: p99 against ${calmReaders}`,
    limit: { atMost: 2 },
    unit: "x",
    figure: ratioOf(results, { ...calm, subject: searchedReaders }, calm, ({ latency }) => latency.p99Ms),
  };
}

/** Of a call whose client sets none. */
const defaultDeadlineMs = 10_000;

/** What no round may pass counts with its highest round, not with its median. */
function worst(values: readonly number[]): Figure | undefined {
  const figure = figureOf(values);
  return figure && { ...figure, median: figure.highest };
}
