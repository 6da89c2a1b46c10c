import { describe, expect, test } from "vitest";
import { createStage, onSale, settle, verdict } from "../../test/support/engine-stage.ts";
import { bookingRequest, cancelRequest, exampleBooking } from "../../test/support/example-bookings.ts";
import { poisonedUser } from "../../test/support/fake-database.ts";
import { concertIdOf } from "../domain/ids.ts";
import type { BookCommand } from "./commands.ts";

let requests = 0;

/** A request for one ticket of concert 1, with a key that nobody has used; the caller's own if not said otherwise. */
function order(changes: Parameters<typeof bookingRequest>[0] = {}): BookCommand {
  return bookingRequest({ concertId: 1n, ticketCount: 1, requestId: `key ${++requests}`, ...changes });
}

describe("an engine that knows of a concert that it is sold out", () => {
  const stored = { ...exampleBooking, requestId: "stored" };

  async function soldOutStage() {
    const stage = createStage({ concerts: [onSale(1n, 0, [stored])] });
    await verdict(stage.submit(order()));
    stage.opened.length = 0;
    return stage;
  }

  test("refuses those without a key without a statement", async () => {
    const { opened, found, submit } = await soldOutStage();
    const answers = [order({ hasOwnKey: false }), order({ hasOwnKey: false, ticketCount: 11 })].map((each) =>
      submit(each),
    );
    expect(await Promise.all(answers.map(verdict))).toEqual(["INSUFFICIENT_TICKETS", "TICKET_LIMIT_EXCEEDED"]);
    expect({ opened, found }).toEqual({ opened: [], found: [] });
  });

  test("looks for the keys of a turn with one statement", async () => {
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
    // The first came to an idle queue; it waits until what has come with it is read.
    expect(found.map((keys) => keys.length)).toEqual([4]);
    expect(opened).toEqual([]);
  });

  test("takes cancels, and sells what they bring back", async () => {
    const { opened, submit } = await soldOutStage();
    const answers = [order(), cancelRequest({ concertId: 1n, bookingId: 1n }), order()].map((each) => submit(each));
    expect(await Promise.all(answers.map(verdict))).toEqual(["INSUFFICIENT_TICKETS", "OK", "OK"]);
    expect(opened).toHaveLength(1);
    expect(await verdict(submit(order()))).toBe("OK");
  });

  test("is asked for again after a second, or when somebody has changed it", async () => {
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

  test("is asked for again when it was changed while it was read", async () => {
    const stage = createStage({ concerts: [onSale(1n, 0)] });
    const release = stage.hold("A has ended");
    const first = verdict(stage.submit(order()));
    await settle();
    await stage.database.changeTotal(1n, 1);
    stage.engine.concertChanged(concertIdOf(1n));
    release();
    expect(await first).toBe("INSUFFICIENT_TICKETS");
    expect(await verdict(stage.submit(order()))).toBe("OK");
  });

  test("does not let one bad key fail the others", async () => {
    const { submit } = await soldOutStage();
    const answers = [order(), order({ userId: poisonedUser }), order({ hasOwnKey: false })].map((each) => submit(each));
    const verdicts = await Promise.all(answers.map(verdict));
    expect(verdicts).toEqual(["INSUFFICIENT_TICKETS", "invalid byte sequence for encoding", "INSUFFICIENT_TICKETS"]);
  });
});
