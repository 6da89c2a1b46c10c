import { describe, expect, test } from "vitest";
import { createStage, onSale, settle, verdict, watch } from "../../test/support/booking/engine-stage.ts";
import { bookingRequest, cancelRequest, confirmRequest } from "../../test/support/booking/example-bookings.ts";
import { poisonedUser } from "../../test/support/booking/fake-rows.ts";
import { openDeadline } from "../../test/support/database/store.ts";
import type { Concert } from "../domain/concert.ts";
import type { BookCommand } from "./commands.ts";

let requests = 0;

/** A request for one ticket of concert 1, with an unused key. It is the caller's own unless `changes` says otherwise. */
function order(changes: Parameters<typeof bookingRequest>[0] = {}): BookCommand {
  return bookingRequest({ concertId: 1n, ticketCount: 1, requestId: `key ${++requests}`, ...changes });
}

const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

const sizes = (opened: readonly { readonly keys: readonly unknown[] }[]) => opened.map(({ keys }) => keys.length);

describe("batches", () => {
  test("of a lone request starts at once", () => {
    const { opened, submit } = createStage();
    void submit(order());
    expect(opened).toHaveLength(1);
  });

  test("take half of the outstanding requests, and answer none before COMMIT", async () => {
    const { opened, submit, hold } = createStage();
    const release = hold("A commits");
    const answers = times(601, () => watch(submit(order())));
    await settle();
    expect(sizes(opened)).toEqual([1]);
    expect(new Set(answers.map((answer) => answer.verdict))).toEqual(new Set(["waiting"]));
    release();
    await settle();
    expect(sizes(opened)).toEqual([1, 301, 299]);
    expect(new Set(answers.map((answer) => answer.verdict))).toEqual(new Set(["OK"]));
  });

  test("of few take all queued requests", async () => {
    const { opened, submit } = createStage();
    await Promise.all(times(65, () => submit(order())));
    expect(sizes(opened)).toEqual([1, 64]);
  });

  test("of different concerts run at once, up to the limit", async () => {
    const { opened, submit, hold } = createStage({
      concerts: times(6, (index) => onSale(BigInt(index + 1), 10)),
      maxConcurrentBatches: 4,
    });
    const release = hold("A commits");
    const answers = times(6, (index) => submit(order({ concertId: BigInt(index + 1) })));
    await settle();
    expect(opened.map(({ concertId }) => concertId)).toEqual([1n, 2n, 3n, 4n]);
    release();
    await Promise.all(answers);
    expect(opened.map(({ concertId }) => concertId)).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
  });

  test("of a concert with many requests take turns with those of other concerts", async () => {
    const concerts = [onSale(1n, 2_000), onSale(2n, 10), onSale(3n, 10)];
    const { opened, submit } = createStage({ concerts, maxConcurrentBatches: 1 });
    const crowd = times(1_100, () => submit(order()));
    await Promise.all([...crowd, submit(order({ concertId: 2n })), submit(order({ concertId: 3n }))]);
    expect(opened.map(({ concertId }) => concertId)).toEqual([1n, 2n, 3n, 1n, 1n, 1n]);
    expect(sizes(opened)).toEqual([1, 1, 1, 512, 512, 75]);
  });

  test("look up the keys of callers, but not those that the service made", async () => {
    const { opened, submit } = createStage();
    await Promise.all([submit(order({ hasOwnKey: false })), submit(order({ hasOwnKey: false })), submit(order())]);
    expect(sizes(opened)).toEqual([0, 1]);
  });

  test("of a concert that does not exist refuse each request", async () => {
    const { submit } = createStage();
    const [book, cancel] = [submit(order({ concertId: 9n })), submit(cancelRequest({ concertId: 9n }))];
    await expect(book).rejects.toMatchObject({ failure: { reason: "CONCERT_NOT_FOUND", concertId: 9n } });
    await expect(cancel).rejects.toMatchObject({ failure: { reason: "BOOKING_NOT_FOUND", bookingId: 1n } });
  });

  test("report the concert as they left it before they answer", async () => {
    const heard: (Concert | undefined)[] = [];
    const { submit } = createStage({ concertChanged: (_, concert) => heard.push(concert) });
    await submit(order({ ticketCount: 3 })).then(() => heard.push(undefined));
    expect(heard).toMatchObject([{ id: 1n, availableTickets: 997 }, undefined]);
  });
});

describe("a queue", () => {
  test("that is full refuses at once, and accepts requests again after a turn", async () => {
    const { submit, hold } = createStage({ maxQueuedRequests: 3 });
    const release = hold("A commits");
    const underWay = watch(submit(order()));
    const queued = times(3, () => watch(submit(order())));
    const refused = submit(order({ concertId: 2n }));
    await expect(refused).rejects.toMatchObject({ failure: { reason: "OVERLOADED", retryDelayMs: 1_000 } });
    expect([underWay, ...queued].map((answer) => answer.verdict)).toEqual(times(4, () => "waiting"));
    release();
    await settle();
    expect(await verdict(submit(order()))).toBe("OK");
    expect(queued.map((answer) => answer.verdict)).toEqual(times(3, () => "OK"));
  });

  test("that is full accepts as many settlements of holds again", async () => {
    const { submit, hold } = createStage({ maxQueuedRequests: 2 });
    const release = hold("A commits");
    const orders = times(4, () => watch(submit(order())));
    const settlements = times(3, () => watch(submit(confirmRequest({ concertId: 1n }))));
    await settle();
    expect(orders.map((answer) => answer.verdict)).toEqual(["waiting", "waiting", "waiting", "OVERLOADED"]);
    expect(settlements.map((answer) => answer.verdict)).toEqual(["waiting", "waiting", "OVERLOADED"]);
    release();
  });

  test("refuses at once a request whose deadline would pass before its turn, by how long the last turns took", async () => {
    const { clock, submit, hold } = createStage({ concerts: [onSale(1n, 12)] });
    clock.nowMs = 5_000_000;
    const takeTurn = async () => {
      const release = hold("A commits");
      const answer = submit(order());
      await settle();
      clock.nowMs += 100;
      return { release, answer };
    };
    for (let turn = 0; turn < 8; turn++) {
      const { release, answer } = await takeTurn();
      release();
      await answer;
    }
    const { release } = await takeTurn();
    const within = (timeoutMs: number) => ({ ...openDeadline(), expiresAtMs: clock.nowMs + timeoutMs });
    const tooLate = watch(submit(order(), within(99)));
    const inTime = watch(submit(order(), within(101)));
    await settle();
    expect([tooLate.verdict, inTime.verdict]).toEqual(["OVERLOADED", "waiting"]);
    release();
    await settle();
    expect(inTime.verdict).toBe("OK");

    // A sold-out concert's turns take no time.
    await submit(order({ ticketCount: 2 }));
    expect([await verdict(submit(order(), within(1)))]).toEqual(["INSUFFICIENT_TICKETS"]);
  });

  test("drops a request whose caller gave up before its turn, and stores nothing of it", async () => {
    const { database, opened, submit, hold } = createStage();
    const release = hold("A commits");
    const [deadline, begun] = [openDeadline(), openDeadline()];
    const first = submit(order(), begun);
    const dropped = submit(order(), deadline);
    const kept = submit(order());
    deadline.pass();
    begun.pass();
    release();
    await expect(dropped).rejects.toMatchObject({ failure: { reason: "DEADLINE_EXCEEDED", begun: false } });
    expect(await Promise.all([first, kept].map(verdict))).toEqual(["OK", "OK"]);
    expect(sizes(opened)).toEqual([1, 1]);
    expect(database.now(1n).bookings).toHaveLength(2);
  });

  test("of ten thousand concerts whose callers have all given up is cleared", async () => {
    const { submit, hold, engine } = createStage({ maxConcurrentBatches: 1 });
    const release = hold("A commits");
    const first = submit(order());
    const deadline = openDeadline();
    const answers = times(10_000, (index) => verdict(submit(order({ concertId: BigInt(index + 2) }), deadline)));
    deadline.pass();
    release();
    expect(await verdict(first)).toBe("OK");
    expect(new Set(await Promise.all(answers))).toEqual(new Set(["DEADLINE_EXCEEDED"]));
    await engine.idle();
  });

  test("is idle when nothing is queued, under way or unsettled", async () => {
    const backOff = Promise.withResolvers<void>();
    const { engine, submit } = createStage({
      faults: { settle: ["broken"], commit: ["lost, committed"] },
      wait: () => backOff.promise,
    });
    await engine.idle();
    const answer = watch(submit(order()));
    let isIdle = false;
    const idle = engine.idle().then(() => {
      isIdle = true;
    });
    await settle();
    expect({ isIdle, answer: answer.verdict }).toEqual({ isIdle: false, answer: "waiting" });
    backOff.resolve();
    await idle;
    expect(answer.verdict).toBe("OK");
  });
});

describe("transient failures", () => {
  test("are retried a limited number of times, each after a longer wait", async () => {
    const waits: number[] = [];
    const { opened, submit } = createStage({
      faults: { open: times(9, () => "broken" as const) },
      maxRetries: 3,
      wait: async (delayMs) => void waits.push(delayMs),
    });
    const answers = times(2, () => submit(order()));
    const failure = { reason: "DATABASE_UNAVAILABLE", retryDelayMs: 1_000 };
    for (const answer of answers) await expect(answer).rejects.toMatchObject({ failure });
    expect(opened).toHaveLength(8);
    expect(waits.map((delayMs, index) => delayMs >= 0 && delayMs < 20 * 2 ** (index % 3))).toEqual(
      times(6, () => true),
    );
  });

  test.each(["no connection", "no lock", "broken"] as const)("once are not visible: %s", async (fault) => {
    const { submit } = createStage({ faults: { open: [fault], commit: ["serialization"] } });
    expect(await verdict(submit(order()))).toBe("OK");
  });

  test("of the lock are OVERLOADED", async () => {
    const { submit } = createStage({ faults: { open: ["no lock"] }, maxRetries: 0 });
    expect(await verdict(submit(order()))).toBe("OVERLOADED");
  });

  test("store nothing if the caller gives up before the retry", async () => {
    const backOff = Promise.withResolvers<void>();
    const { database, submit } = createStage({ faults: { open: ["broken"] }, wait: () => backOff.promise });
    const deadline = openDeadline();
    const answer = submit(order(), deadline);
    expect(deadline.progress).toBe("begun");
    await settle();
    expect(deadline.progress).toBe("waiting");
    deadline.pass();
    backOff.resolve();
    await expect(answer).rejects.toMatchObject({ failure: { reason: "DEADLINE_EXCEEDED", begun: false } });
    expect(database.now(1n).bookings).toEqual([]);
  });
});

describe("a request that PostgreSQL refuses", () => {
  test.each([{ hasOwnKey: true }, { hasOwnKey: false }])("fails alone (own key: $hasOwnKey)", async ({ hasOwnKey }) => {
    const { opened, submit, hold } = createStage();
    const release = hold("A commits");
    const first = submit(order());
    const answers = times(64, (index) => submit(order(index === 40 ? { userId: poisonedUser, hasOwnKey } : {})));
    release();
    expect(await verdict(first)).toBe("OK");
    const verdicts = await Promise.all(answers.map(verdict));
    expect(verdicts).toEqual(times(64, (index) => (index === 40 ? "invalid byte sequence for encoding" : "OK")));
    // The first batch, the second, and then two for each halving.
    expect(opened).toHaveLength(1 + 1 + 2 * Math.log2(64));
  });
});
