/** The thresholds that the service must meet, all of them ratios within one run. */
import { type Abuse, abuses } from "./abuses.ts";
import { type Check, worst } from "./checks.ts";
import { expiringHolds, heldTickets } from "./hold-checks.ts";
import { metricsOn } from "./metrics-checks.ts";
import { impatienceMs, manyUsers, mostUsers, subjectNames, workloadNames } from "./names.ts";
import type { Protocol } from "./requests.ts";
import { type Measurement, type Results, ratioOf, select } from "./results.ts";
import { figureOf } from "./statistics.ts";
import { tracedCalls } from "./trace-checks.ts";
import { twoWorkers } from "./worker-checks.ts";

const { booking, noop, rowLock, soldOut, soldOutKeyed, cached, oneProcess, twoProcesses } = subjectNames;
const { withTokens, withoutTokens, peak, tripled, impatient } = subjectNames;
const { hot, unsold, spread, filled, processes, large, tokens, overload } = workloadNames;
const protocols: readonly Protocol[] = ["REST", "Connect", "gRPC"];
const http: readonly Protocol[] = ["REST", "Connect"];

const confirmed = ({ confirmedPerSecond }: Measurement) => confirmedPerSecond;
const answered = ({ answersPerSecond }: Measurement) => answersPerSecond;
const typicalLatency = ({ latency }: Measurement) => latency.p50Ms;

/** Every threshold, in the order in which they are documented. */
export function checkThresholds(results: Results): Check[] {
  const each = (of: readonly Protocol[], check: (results: Results, protocol: Protocol) => Check[]) =>
    of.flatMap((protocol) => check(results, protocol));
  return [
    ...throughputOfManyUsers(results),
    ...each(protocols, throughputOfMostUsers),
    ...each(protocols, singleUser),
    ...each(http, evenlySpread),
    ...filledConcert(results),
    ...each(http, twoProcessesTogether),
    ...each(http, twoWorkers),
    ...each(protocols, soldOutCalls),
    ...each(protocols, updatesOfTheRow),
    ...each(protocols, cachedReads),
    ...lastPage(results),
    ...each(http, callersWithTokens),
    ...each(http, metricsOn),
    ...each(http, tracedCalls),
    ...each(protocols, heldTickets),
    ...expiringHolds(results),
    ...each(http, overloaded),
    ...abuses.flatMap((abuse) => abused(results, abuse)),
    ...searched(results),
  ];
}

function throughputOfManyUsers(results: Results): Check[] {
  const against = (protocol: Protocol, other: string, atLeast: number): Check => {
    const one = { workload: hot, subject: booking, protocol, users: manyUsers };
    return {
      what: `hot concert, ${manyUsers} users: confirmed bookings/s against ${other}`,
      protocol,
      limit: { atLeast },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: other }, confirmed),
    };
  };
  return [
    against("REST", rowLock, 12),
    against("Connect", rowLock, 7),
    against("Connect", noop, 0.85),
    against("gRPC", noop, 0.85),
  ];
}

function throughputOfMostUsers(results: Results, protocol: Protocol): Check[] {
  const most = { workload: hot, subject: booking, protocol, users: mostUsers };
  const refusals = select(results, most).map((one) => one.answersPerSecond - one.confirmedPerSecond);
  return [
    {
      what: `hot concert: throughput of ${mostUsers} users against ${manyUsers}`,
      protocol,
      limit: { atLeast: 0.9 },
      unit: "x",
      figure: ratioOf(results, most, { ...most, users: manyUsers }, confirmed),
    },
    {
      what: `hot concert, ${mostUsers} users: refusals/s`,
      protocol,
      limit: { atMost: 0 },
      unit: "",
      figure: worst(refusals),
    },
  ];
}

function singleUser(results: Results, protocol: Protocol): Check[] {
  const one = { workload: hot, subject: booking, protocol, users: 1 };
  return [
    {
      what: `one user at a time: p50 against ${rowLock}`,
      protocol,
      limit: { atMost: 1.15 },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: rowLock }, typicalLatency),
    },
  ];
}

function evenlySpread(results: Results, protocol: Protocol): Check[] {
  const one = { workload: spread, subject: booking, protocol, users: manyUsers };
  return [
    {
      what: `100 concerts evenly: throughput against ${rowLock}`,
      protocol,
      limit: { atLeast: 0.9 },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: rowLock }, confirmed),
    },
  ];
}

function filledConcert(results: Results): Check[] {
  const one = { workload: filled, subject: subjectNames.filled, protocol: "REST", users: manyUsers } as const;
  return [
    {
      what: `hot concert, ${manyUsers} users: throughput onto 100,000 bookings against onto none`,
      protocol: one.protocol,
      limit: { atLeast: 0.95 },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: subjectNames.unfilled }, confirmed),
    },
  ];
}

function twoProcessesTogether(results: Results, protocol: Protocol): Check[] {
  const one = { workload: processes, subject: oneProcess, protocol, users: manyUsers };
  return [
    {
      what: "one concert: throughput of two processes against one, nothing lost",
      protocol,
      limit: { atLeast: 0.9 },
      unit: "x",
      figure: ratioOf(results, { ...one, subject: twoProcesses }, one, confirmed),
    },
  ];
}

function soldOutCalls(results: Results, protocol: Protocol): Check[] {
  const keyless = { workload: unsold, subject: soldOut, protocol, users: manyUsers };
  const keyed = { ...keyless, subject: soldOutKeyed };
  return [
    {
      what: "sold out: answers/s against noop",
      protocol,
      limit: { atLeast: 0.85 },
      unit: "x",
      figure: ratioOf(results, keyless, { ...keyless, subject: noop }, answered),
    },
    {
      what: "sold out: transactions a second beyond the first look",
      protocol,
      limit: { atMost: 1 },
      unit: "",
      figure: worst(select(results, keyless).map(({ transactions, seconds }) => (transactions - 1) / seconds)),
    },
    {
      what: "sold out, with keys: statements an answer",
      protocol,
      limit: { atMost: 0.1 },
      unit: "",
      figure: worst(select(results, keyed).map(({ statements, answers }) => statements / answers)),
    },
  ];
}

function updatesOfTheRow(results: Results, protocol: Protocol): Check[] {
  const writes = results.rowWrites.filter((one) => one.protocol === protocol && one.users === manyUsers);
  return [
    {
      what: `hot concert, ${manyUsers} users: updates of its row a booking`,
      protocol,
      limit: { atMost: 0.1 },
      unit: "",
      figure: worst(writes.map(({ updates, bookings }) => updates / bookings)),
    },
    {
      what: `hot concert, ${manyUsers} users: of these heap-only`,
      protocol,
      limit: { atLeast: 99 },
      unit: "%",
      figure: figureOf(writes.map(({ updates, hotUpdates }) => (hotUpdates / updates) * 100)),
    },
  ];
}

function cachedReads(results: Results, protocol: Protocol): Check[] {
  const one = { workload: unsold, subject: cached, protocol, users: manyUsers };
  return [
    {
      what: "cached GetConcert: answers/s against noop",
      protocol,
      limit: { atLeast: 0.85 },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: noop }, answered),
    },
    {
      what: "cached GetConcert: database reads a second beyond the first",
      protocol,
      limit: { atMost: 1 },
      unit: "",
      figure: worst(select(results, one).map(({ reads, seconds }) => (reads - 1) / seconds)),
    },
  ];
}

function lastPage(results: Results): Check[] {
  const first = { workload: large, subject: "page 1", protocol: "REST", users: 1 } as const;
  return [
    {
      what: "list of a million concerts: time of page 10,000 against page 1",
      protocol: first.protocol,
      limit: { atMost: 1.2 },
      unit: "x",
      figure: ratioOf(results, { ...first, subject: "page 10,000" }, first, typicalLatency),
    },
  ];
}

function callersWithTokens(results: Results, protocol: Protocol): Check[] {
  const one = { workload: tokens, subject: withTokens, protocol, users: manyUsers };
  return [
    {
      what: `hot concert, ${manyUsers} users: throughput with tokens against without`,
      protocol,
      limit: { atLeast: 0.9 },
      unit: "x",
      figure: ratioOf(results, one, { ...one, subject: withoutTokens }, confirmed),
    },
  ];
}

function overloaded(results: Results, protocol: Protocol): Check[] {
  const all = { workload: overload, subject: peak, protocol, users: manyUsers };
  return [tripled, impatient].flatMap((subject): Check[] => {
    const one = { ...all, subject, users: mostUsers };
    const deadlineMs = subject === impatient ? impatienceMs : defaultDeadlineMs;
    return [
      {
        what: `${subject}: confirmed bookings/s against the peak`,
        protocol,
        limit: { atLeast: 0.9 },
        unit: "x",
        figure: ratioOf(results, one, all, confirmed),
      },
      {
        what: `${subject}: the slowest confirmed booking against its deadline`,
        protocol,
        limit: { atMost: 1 },
        unit: "x",
        figure: worst(select(results, one).map(({ slowestConfirmedMs }) => slowestConfirmedMs / deadlineMs)),
      },
    ];
  });
}

function abused(results: Results, abuse: Abuse): Check[] {
  const calm = { workload: workloadNames.abuse, subject: subjectNames.calm, protocol: "REST", users: 50 } as const;
  return [
    {
      what: `a client beside ${abuse}: p99 against ${subjectNames.calm}`,
      protocol: calm.protocol,
      limit: { atMost: 2 },
      unit: "x",
      figure: ratioOf(results, { ...calm, subject: abuse }, calm, ({ latency }) => latency.p99Ms),
    },
  ];
}

/** Uncached reads, because searches share connections with them. */
function searched(results: Results): Check[] {
  const { calmReaders, searchedReaders } = subjectNames;
  const calm = { workload: workloadNames.abuse, subject: calmReaders, protocol: "REST", users: 50 } as const;
  return [
    {
      what: `a reader beside costly searches: p99 against ${calmReaders}`,
      protocol: calm.protocol,
      limit: { atMost: 2 },
      unit: "x",
      figure: ratioOf(results, { ...calm, subject: searchedReaders }, calm, ({ latency }) => latency.p99Ms),
    },
  ];
}

/** The deadline of a call whose client sets none. */
const defaultDeadlineMs = 10_000;
