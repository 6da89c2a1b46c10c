/** A change of a concert whose COMMIT lost its response, and what others do to the concert or its key before it is settled. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createConcert } from "../src/concerts/create.ts";
import { updateConcert } from "../src/concerts/update.ts";
import type { Concert } from "../src/domain/concert.ts";
import type { Publish } from "../src/domain/publish.ts";
import type { StoreEvents } from "../src/store/events.ts";
import type { Store } from "../src/store/store.ts";
import { exampleConcert } from "./support/booking/example-bookings.ts";
import { admin, otherAdmin } from "./support/database/audit.ts";
import { createTestDatabase, type TestDatabase } from "./support/database/database.ts";
import { holdLock } from "./support/database/locks.ts";
import { type PostgresProxy, startPostgresProxy } from "./support/database/postgres-proxy.ts";
import { openDeadline, openStore } from "./support/database/store.ts";

let database: TestDatabase;
let proxy: PostgresProxy;
/** Loses the responses to its COMMITs. */
let unlucky: Store;
let other: Store;
const events: unknown[] = [];
const publish: Publish<StoreEvents> = (name, event) => {
  if (name === "store.commit_in_doubt" || name === "store.retried") events.push(name);
  if (name === "store.commit_settled") events.push(`${name} ${Object.values(event)}`);
};
const committed = ["store.commit_in_doubt", "store.commit_settled committed"];
const abortedAndRetried = ["store.commit_in_doubt", "store.commit_settled aborted", "store.retried"];

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startPostgresProxy(database.url);
  unlucky = openStore(proxy.url(database.url), { publish });
  other = openStore(database.url);
});
beforeEach(() => void events.splice(0));
afterEach(() => database.checkInvariants());
afterAll(async () => {
  await Promise.all([unlucky?.close(), other?.close()]);
  await proxy?.close();
  await database?.drop();
});

const create = (on: Store, requestId: string = randomUUID(), name = "Winter Journey") =>
  createConcert(on, { ...exampleConcert, name }, requestId, admin, openDeadline());
const rename = (on: Store, concert: Concert, name: string) =>
  updateConcert(on, concert.id, concert, { ...concert, name }, otherAdmin, openDeadline());

const failsWith = (reason: string) => expect.objectContaining({ failure: expect.objectContaining({ reason }) });

/** Runs `meanwhile` after the next COMMIT of `work` has met its fault and before anything can be settled. */
async function interrupt<Result>(
  fault: "undelivered" | "answer lost",
  work: () => Promise<Result>,
  meanwhile: () => Promise<unknown>,
): Promise<Result> {
  const lost = proxy.failNextCommit(fault, () => proxy.refuse());
  const result = work();
  // Awaited below.
  result.catch(() => {});
  await lost;
  await meanwhile();
  proxy.accept();
  return await result;
}

const concertsOf = (requestId: string) =>
  database.query<{ name: string }>(
    "SELECT name FROM concerts JOIN concert_requests ON concert_id = id WHERE request_id = $1",
    [requestId],
  );

describe("a creation", () => {
  test("that is stored and repeated by another process meanwhile is no replay", async () => {
    const requestId = randomUUID();
    const repeat = async () => expect(await create(other, requestId)).toMatchObject({ replayed: true });
    const created = await interrupt("answer lost", () => create(unlucky, requestId), repeat);
    expect(created).toMatchObject({ replayed: false, value: { name: "Winter Journey", version: 1 } });
    expect(await concertsOf(requestId)).toHaveLength(1);
    expect(events).toEqual(committed);
  });

  test("that is not stored, and that another process makes with the same key meanwhile, is a replay", async () => {
    const requestId = randomUUID();
    let madeByOther: unknown;
    const make = async () => {
      const { value, replayed } = await create(other, requestId);
      expect(replayed).toBe(false);
      madeByOther = value;
    };
    const created = await interrupt("undelivered", () => create(unlucky, requestId), make);
    expect(created).toEqual({ replayed: true, value: madeByOther });
    expect(await concertsOf(requestId)).toHaveLength(1);
    expect(events).toEqual(abortedAndRetried);
  });

  test("that is not stored, and whose key another content takes meanwhile, is rejected", async () => {
    const requestId = randomUUID();
    const creation = interrupt(
      "undelivered",
      () => create(unlucky, requestId),
      () => create(other, requestId, "Spring"),
    );
    await expect(creation).rejects.toEqual(failsWith("REQUEST_ID_REUSED"));
    expect(await concertsOf(requestId)).toEqual([{ name: "Spring" }]);
  });

  test("that is a replay is one again", async () => {
    const requestId = randomUUID();
    const { value } = await create(other, requestId);
    const repeated = await interrupt(
      "answer lost",
      () => create(unlucky, requestId),
      async () => {},
    );
    expect(repeated).toEqual({ replayed: true, value });
  });
});

describe("an update", () => {
  test("that is stored succeeds, although another update has followed", async () => {
    const { value: concert } = await create(other);
    const follow = () => rename(other, { ...concert, version: 2 }, "Third");
    const updated = await interrupt("answer lost", () => rename(unlucky, concert, "Second"), follow);
    expect(updated).toMatchObject({ name: "Second", version: 2 });
    expect(await database.query("SELECT name, version FROM concerts WHERE id = $1", [concert.id])).toEqual([
      { name: "Third", version: 3 },
    ]);
    expect(events).toEqual(committed);
  });

  test("that is not stored is rejected if another process has made the same update meanwhile", async () => {
    const { value: concert } = await create(other);
    const update = interrupt(
      "undelivered",
      () => rename(unlucky, concert, "Second"),
      () => rename(other, concert, "Second"),
    );
    await expect(update).rejects.toEqual(failsWith("VERSION_MISMATCH"));
    expect(events).toEqual(abortedAndRetried);
  });
});

describe("an update whose COMMIT still runs in PostgreSQL when its connection is lost", () => {
  const gateKey = 4711;

  beforeAll(() =>
    database.query(`
      CREATE FUNCTION pass_gate() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared(${gateKey}); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER gate AFTER UPDATE ON concerts DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION pass_gate()`),
  );

  async function renameAtGate(name: string) {
    const { value: concert } = await create(other);
    const gate = await holdLock(database, "SELECT pg_advisory_xact_lock($1)", [gateKey]);
    const cut = proxy.failNextCommit("client cut");
    const updated = rename(unlucky, concert, name);
    updated.catch(() => {});
    await cut;
    // The COMMIT at the gate, and the settlement behind its mark.
    await gate.untilWaiting(2);
    return { updated, gate };
  }

  test("succeeds when it has committed", async () => {
    const { updated, gate } = await renameAtGate("Second");
    await gate.release();
    expect(await updated).toMatchObject({ name: "Second", version: 2 });
    expect(events).toEqual(committed);
  });

  test("has an unknown outcome when it does not end in time", async () => {
    const { updated, gate } = await renameAtGate("Second");
    await expect(updated).rejects.toEqual(failsWith("OUTCOME_UNKNOWN"));
    expect(events).toEqual(["store.commit_in_doubt", "store.commit_settled unknown"]);
    await gate.release();
  });
});
