import { describe, expect, test } from "vitest";
import { createStage, onSale, settle, verdict, watch } from "../../test/support/booking/engine-stage.ts";
import {
  bookingRequest,
  cancelRequest,
  confirmRequest,
  exampleBooking,
  exampleHold,
  examplePolicy,
  extendRequest,
  releaseRequest,
} from "../../test/support/booking/example-bookings.ts";
import { type FakeDatabase, instantAt } from "../../test/support/booking/fake-database.ts";
import { openDeadline } from "../../test/support/database/store.ts";
import type { Concert } from "../domain/concert.ts";
import type { BookCommand } from "./commands.ts";
import { createBookingEngine } from "./engine.ts";

let requests = 0;

/** A request for one ticket of concert 1, with an unused key. It is the caller's own unless `changes` says otherwise. */
function order(changes: Parameters<typeof bookingRequest>[0] = {}): BookCommand {
  return bookingRequest({ concertId: 1n, ticketCount: 1, requestId: `key ${++requests}`, ...changes });
}

const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Another process books one ticket of concert 1. */
async function storeElsewhere(database: FakeDatabase, request: BookCommand): Promise<void> {
  const engine = createBookingEngine(database.batches("B"), {
    ...{ policy: examplePolicy, maxQueuedRequests: 10, maxConcurrentBatches: 1, maxRetries: 0 },
    concertChanged: () => {},
  });
  await engine.submit(request, openDeadline());
}

describe("a COMMIT without a response", () => {
  test("does not keep the next batch waiting", async () => {
    const backOff = Promise.withResolvers<void>();
    const { submit } = createStage({
      faults: { settle: ["broken"], commit: ["lost, committed"] },
      wait: () => backOff.promise,
    });
    const answers = [submit(order()), submit(order())].map(watch);
    await settle();
    // One of them waits for its retry, whichever got the lock first.
    expect(answers.map((answer) => answer.verdict).sort()).toEqual(["OK", "waiting"]);
    backOff.resolve();
    await settle();
    expect(answers.map((answer) => answer.verdict)).toEqual(["OK", "OK"]);
  });

  test("is reported to the concert cache before its callers are answered", async () => {
    const heard: string[] = [];
    const concertChanged = (_: bigint, concert: Concert | undefined) => heard.push(concert ? "as it is" : "unknown");
    const { submit } = createStage({ faults: { commit: ["lost, committed"] }, concertChanged });
    await submit(order()).then(() => heard.push("answer"));
    expect(heard).toEqual(["unknown", "answer"]);
  });

  test("that succeeded answers with what it stored, also if the first reads fail", async () => {
    const faults = { settle: ["broken", "no lock", "no connection"], commit: ["lost, committed"] } as const;
    const { submit, database } = createStage({ faults });
    expect(await verdict(submit(order()))).toBe("OK");
    expect(database.now(1n).bookings).toHaveLength(1);
  });

  test("is settled by one search for its evidence, also for keys that the service made", async () => {
    const { submit, opened, settled } = createStage({ faults: { commit: ["lost, committed"] } });
    expect(await verdict(submit(order({ hasOwnKey: false })))).toBe("OK");
    expect([opened.length, settled.length]).toEqual([1, 1]);
  });

  test("that expired a hold, and committed, is not decided again for the tickets", async () => {
    const held = { ...exampleHold, holdExpiresTime: instantAt(500) };
    const { submit, opened, database } = createStage({
      concerts: [onSale(1n, 0, [held])],
      faults: { commit: ["lost, committed"] },
    });
    expect(await verdict(submit(order({ ticketCount: 3 })))).toBe("INSUFFICIENT_TICKETS");
    expect(opened).toHaveLength(1);
    expect(database.now(1n)).toMatchObject({ concert: { availableTickets: 2, heldTickets: 0 } });
  });

  test("is no success if only another process has stored the key since", async () => {
    const { submit, database, hold } = createStage({ faults: { commit: ["lost, aborted"] } });
    const release = hold("A loses its connection");
    const request = order();
    const answer = submit(request);
    await settle();
    await storeElsewhere(database, request);
    release();
    expect(await verdict(answer)).toBe("REPLAYED");
    expect(database.now(1n).bookings).toHaveLength(1);
  });

  const held = { ...exampleHold, holdExpiresTime: instantAt(60_000) };
  const changes = [
    { what: "a cancel", stored: exampleBooking, command: cancelRequest({ concertId: 1n }), available: 3, held: 0 },
    { what: "a confirmation", stored: held, command: confirmRequest({ concertId: 1n }), available: 1, held: 0 },
    { what: "a release", stored: held, command: releaseRequest({ concertId: 1n }), available: 3, held: 0 },
    { what: "an extension", stored: held, command: extendRequest({ concertId: 1n }), available: 1, held: 2 },
  ];
  const fates = ["lost, committed", "lost, aborted"] as const;

  test.each(changes.flatMap((change) => fates.map((fate) => ({ ...change, fate }))))(
    "to $what is stored once, and is no replay: $fate",
    async ({ fate, stored, command, available, held: heldTickets }) => {
      const { submit, database, opened } = createStage({
        concerts: [onSale(1n, 1, [stored])],
        faults: { commit: [fate] },
      });
      expect(await verdict(submit(command))).toBe("OK");
      expect(opened).toHaveLength(fate === "lost, committed" ? 1 : 2);
      expect(database.now(1n)).toMatchObject({ concert: { availableTickets: available, heldTickets } });
    },
  );

  test("that failed is retried a limited number of times", async () => {
    const aborted = { commit: times(9, () => "lost, aborted" as const) };
    const { database, opened, settled, submit } = createStage({ faults: aborted });
    const deadline = openDeadline();
    expect(await verdict(submit(order(), deadline))).toBe("DATABASE_UNAVAILABLE");
    // Each attempt, and the search that settles it.
    expect([opened.length, settled.length]).toEqual([4, 4]);
    expect(deadline.progress).toBe("waiting");
    expect(database.now(1n).bookings).toEqual([]);
  });

  test("that stays in doubt is OUTCOME_UNKNOWN for the requests that may have been stored, and for no others", async () => {
    const settle = times(20, () => "no connection" as const);
    const { submit, hold, clock } = createStage({
      concerts: [onSale(1n, 1)],
      faults: { settle, commit: ["lost, committed"] },
      wait: async () => {
        clock.nowMs += 500;
      },
    });
    const release = hold("A connects");
    const refused = { ticketCount: 11 };
    // The first waits alone; those after it are one batch.
    const first = submit(order(refused));
    const answers = [order(), order(refused)].map((each) => submit(each));
    release();
    expect(await verdict(first)).toBe("TICKET_LIMIT_EXCEEDED");
    expect(await Promise.all(answers.map(verdict))).toEqual(["OUTCOME_UNKNOWN", "DATABASE_UNAVAILABLE"]);
  });
});
