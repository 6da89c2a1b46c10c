import { describe, expect, test } from "vitest";
import { createStage, onSale, settle, verdict } from "../../test/support/booking/engine-stage.ts";
import {
  bookingRequest,
  cancelRequest,
  exampleBooking,
  exampleHold,
  holdRequest,
  releaseRequest,
} from "../../test/support/booking/example-bookings.ts";
import { instantAt, withMoreTickets } from "../../test/support/booking/fake-database.ts";
import { poisonedUser } from "../../test/support/booking/fake-rows.ts";
import { concertIdOf } from "../domain/ids.ts";
import type { BookCommand } from "./commands.ts";

let requests = 0;

/** A request for one ticket of concert 1, with an unused key. It is the caller's own unless `changes` says otherwise. */
function order(changes: Parameters<typeof bookingRequest>[0] = {}): BookCommand {
  return bookingRequest({ concertId: 1n, ticketCount: 1, requestId: `key ${++requests}`, ...changes });
}

describe("a concert in the sold-out cache", () => {
  const stored = { ...exampleBooking, requestId: "stored" };

  async function soldOutStage() {
    const stage = createStage({ concerts: [onSale(1n, 0, [stored])] });
    await verdict(stage.submit(order()));
    stage.opened.length = 0;
    return stage;
  }

  test("refuses requests without a key without a statement", async () => {
    const { opened, found, submit } = await soldOutStage();
    const answers = [order({ hasOwnKey: false }), order({ hasOwnKey: false, ticketCount: 11 })].map((each) =>
      submit(each),
    );
    expect(await Promise.all(answers.map(verdict))).toEqual(["INSUFFICIENT_TICKETS", "TICKET_LIMIT_EXCEEDED"]);
    expect({ opened, found }).toEqual({ opened: [], found: [] });
  });

  test("looks up the keys of a turn with one statement", async () => {
    const { opened, found, submit } = await soldOutStage();
    const answers = [
      order(),
      order({ requestId: "stored", ticketCount: 2 }),
      order({ requestId: "stored", ticketCount: 3 }),
      order({ hasOwnKey: false }),
      order(),
    ].map((each) => submit(each));
    const verdicts = ["INSUFFICIENT_TICKETS", "REPLAYED", "REQUEST_ID_REUSED", "INSUFFICIENT_TICKETS"];
    expect(await Promise.all(answers.map(verdict))).toEqual([...verdicts, "INSUFFICIENT_TICKETS"]);
    // The first request starts a turn, which waits until the requests that arrived with it are read.
    expect(found.map((keys) => keys.length)).toEqual([4]);
    expect(opened).toEqual([]);
  });

  test("accepts cancels, and sells the tickets that they put back", async () => {
    const { opened, submit } = await soldOutStage();
    const answers = [order(), cancelRequest({ concertId: 1n, bookingId: 1n }), order()].map((each) => submit(each));
    expect(await Promise.all(answers.map(verdict))).toEqual(["INSUFFICIENT_TICKETS", "OK", "OK"]);
    expect(opened).toHaveLength(1);
    expect(await verdict(submit(order()))).toBe("OK");
  });

  test("is read again after a second, or after a change by other means", async () => {
    const { engine, clock, opened, submit } = await soldOutStage();
    clock.nowMs += 999;
    await verdict(submit(order()));
    expect(opened).toHaveLength(0);
    clock.nowMs += 1;
    await verdict(submit(order()));
    expect(opened).toHaveLength(1);
    engine.concertChanged(concertIdOf(1n));
    await verdict(submit(order()));
    expect(opened).toHaveLength(2);
  });

  test("is read again when it was changed during its read", async () => {
    const stage = createStage({ concerts: [onSale(1n, 0)] });
    const release = stage.hold("A has ended");
    const first = verdict(stage.submit(order()));
    await settle();
    await stage.database.change(1n, (concert) => withMoreTickets(concert, 1));
    stage.engine.concertChanged(concertIdOf(1n));
    release();
    expect(await first).toBe("INSUFFICIENT_TICKETS");
    expect(await verdict(stage.submit(order()))).toBe("OK");
  });

  test("refuses holds as well, and leaves releases to a transaction", async () => {
    const { opened, submit } = await soldOutStage();
    const first = submit(holdRequest({ concertId: 1n }));
    const second = submit(releaseRequest({ concertId: 1n }));
    expect(await verdict(first)).toBe("INSUFFICIENT_TICKETS");
    expect(await verdict(second)).toBe("ALREADY_CONFIRMED");
    expect(opened).toHaveLength(1);
  });

  test("is read again when the next hold ends", async () => {
    const held = { ...exampleHold, holdExpiresTime: instantAt(1_300) };
    const { clock, opened, submit } = createStage({ concerts: [onSale(1n, 0, [held])] });
    const statuses: string[] = [];
    for (const nowMs of [1_000, 1_299, 1_301]) {
      clock.nowMs = nowMs;
      statuses.push(await verdict(submit(order({ hasOwnKey: false }))));
    }
    expect(statuses).toEqual(["INSUFFICIENT_TICKETS", "INSUFFICIENT_TICKETS", "OK"]);
    expect(opened).toHaveLength(2);
  });

  test("fails only the request with a bad key", async () => {
    const { submit } = await soldOutStage();
    const answers = [order(), order({ userId: poisonedUser }), order({ hasOwnKey: false })].map((each) => submit(each));
    const verdicts = await Promise.all(answers.map(verdict));
    expect(verdicts).toEqual(["INSUFFICIENT_TICKETS", "invalid byte sequence for encoding", "INSUFFICIENT_TICKETS"]);
  });
});
