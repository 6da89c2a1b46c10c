/** A crowd books by two service processes while the primary of a Patroni cluster fails. Prints how long bookings failed. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { checkAccounts } from "../support/booking/accounts.ts";
import { type Crowd, startCrowd } from "../support/booking/crowd.ts";
import type { TestDatabase } from "../support/database/database.ts";
import { type ServicePair, startServicePair } from "../support/process/service-pair.ts";
import { createConcert } from "../support/service/stage.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { type Patience, startPatience } from "./support/patience.ts";
import type { PatroniNode } from "./support/patroni-node.ts";
import { programs } from "./support/programs.ts";
import { countAnswers, inSeconds, longestSilence, printTable } from "./support/report.ts";

const poolSize = 5;
/** Slow enough that Patroni gets its share of two cores. Requests are repeated for the whole time without a primary. */
const manners = { users: 24, backOffMs: 100, maxAttempts: 1_000, patienceMs: 15_000 };
/** For all waits of a test together. Less than Vitest's limit, so that a wait that fails says what is missing. */
const limitMs = 90_000;
const settings = { APP_REQUEST_TIMEOUT: "5s", APP_MAX_HOLDS_PER_USER: "100" };
const report = [
  ["fault", "new primary after", "first success after", "bookings failed for", "and while it came back for", "answers"],
];

const notReady = "commits do not complete: a synchronous standby may be missing";
const commitsInDoubt = "SELECT FROM pg_stat_activity WHERE application_name = 'frontrow' AND wait_event = 'SyncRep'";

/** A fault and how it ends. Both get the node that is the primary when the fault begins. */
interface Fault {
  readonly name: string;
  readonly begin: (primary: PatroniNode, database: TestDatabase, patience: Patience) => Promise<void> | void;
  readonly end?: (primary: PatroniNode) => Promise<void> | void;
}

const faults: readonly Fault[] = [
  { name: "is switched over", begin: (primary) => primary.switchOver() },
  { name: "is killed, and starts again", begin: (primary) => primary.kill(), end: (primary) => primary.start() },
  { name: "is frozen, and thaws", begin: (primary) => primary.freeze("machine"), end: (primary) => primary.thaw() },
  {
    name: "has a Patroni that hangs, while PostgreSQL runs on",
    begin: (primary) => primary.freeze("Patroni"),
    end: (primary) => primary.thaw(),
  },
  {
    name: "is cut off from its standbys, is killed, and starts again",
    async begin(primary, database, patience) {
      primary.cutOff("nodes");
      // A COMMIT that only this node has. Its callers must not get a success.
      await vi.waitFor(async () => expect(await database.query(commitsInDoubt)).not.toEqual([]), patience());
      await primary.kill();
    },
    end(primary) {
      primary.reconnect();
      primary.start();
    },
  },
  {
    name: "is cut off from the network, and comes back",
    begin: (primary) => primary.cutOff("all"),
    end: (primary) => primary.reconnect(),
  },
];

describe.skipIf(!programs)("a primary that", () => {
  let stack: AsyncDisposableStack;
  let cluster: Cluster;
  let pair: ServicePair;
  let patience: Patience;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    if (!programs) return;
    cluster = await startCluster(programs, stack);
    pair = await startServicePair([cluster.database.url, cluster.database.url], poolSize, settings);
    stack.defer(() => pair.close());
  });
  beforeEach(() => {
    patience = startPatience(limitMs);
  });
  afterAll(async () => {
    if (report.length > 1) printTable(report);
    await stack.disposeAsync();
  });

  /** Every service, not only one of them. */
  async function untilAllGrant(crowd: Crowd, more: number): Promise<void> {
    const before = crowd.grantedAt.map(({ length }) => length);
    await vi.waitFor(() => {
      for (const [service, { length }] of crowd.grantedAt.entries())
        expect(length - (before[service] ?? 0), `successes by service ${service}`).toBeGreaterThanOrEqual(more);
    }, patience());
  }

  async function causeFault({ name, begin, end }: Fault, crowd: Crowd): Promise<void> {
    const primary = await cluster.untilPrimary(patience);
    await untilAllGrant(crowd, 100);
    const started = performance.now();
    await begin(primary, cluster.database, patience);
    await cluster.untilPrimary(patience, primary);
    const elected = performance.now() - started;
    await untilAllGrant(crowd, 100);
    const served = performance.now();
    await end?.(primary);
    await cluster.untilWhole(patience);
    await untilAllGrant(crowd, 100);
    const [during, after] = [longestSilence(crowd, started, served), longestSilence(crowd, served, performance.now())];
    const times = [elected, during.endsAfter, during.length, after.length].map((each) => `${inSeconds(each)} s`);
    report.push([name, ...times, countAnswers(crowd)]);
  }

  async function untilNotReady(baseUrl: string): Promise<void> {
    await vi.waitFor(async () => {
      const response = await fetch(`${baseUrl}/readyz`);
      expect([response.status, await response.json()]).toEqual([503, { status: "unavailable", reason: notReady }]);
    }, patience());
  }

  /** Fails unless all that was acknowledged is stored afterwards, and both processes serve. */
  async function whileCrowdBooks(work: (crowd: Crowd) => Promise<void>): Promise<void> {
    const client = pair.clients[0]?.[0];
    if (!client) throw new Error("there is no service");
    const { id: hotConcert } = await createConcert(client, { totalTickets: 1_000_000 });
    const { id: scarceConcert } = await createConcert(client, { totalTickets: 40 });
    const offers = [
      { concertId: hotConcert, returnsAll: false },
      { concertId: hotConcert, returnsAll: false },
      { concertId: scarceConcert, returnsAll: true },
    ];
    const crowd = startCrowd(pair.clients, offers, manners);
    onTestFinished(() => crowd.goHome());
    await work(crowd);
    await crowd.goHome();
    await checkAccounts(cluster.database, crowd.wishes);
    await cluster.database.checkInvariants();
    expect(pair.services.map((service) => service.isRunning())).toEqual([true, true]);
    await pair.checkWell(cluster.database);
  }

  test.each(faults)("$name", (fault) => whileCrowdBooks((crowd) => causeFault(fault, crowd)));

  test("loses both standbys: acknowledges nothing until one is back", async () => {
    await whileCrowdBooks(async (crowd) => {
      const primary = await cluster.untilPrimary(patience);
      const standbys = cluster.nodes.filter((node) => node !== primary);
      await untilAllGrant(crowd, 100);
      await Promise.all(standbys.map((standby) => standby.kill()));
      const gone = performance.now();
      await crowd.untilRefused("DEADLINE_EXCEEDED", 1);
      await Promise.all(pair.services.map(({ baseUrl }) => untilNotReady(baseUrl)));
      expect(crowd.sentAt.flat().filter((instant) => instant > gone)).toEqual([]);
      standbys[0]?.start();
      await untilAllGrant(crowd, 100);
      standbys[1]?.start();
      await cluster.untilWhole(patience);
      expect(await primary.isPrimary()).toBe(true);
    });
  });
});
