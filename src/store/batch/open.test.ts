import type pg from "pg";
import { describe, expect, test } from "vitest";
import {
  bookingRequest,
  duringSale,
  exampleBooking,
  exampleConcert,
} from "../../../test/support/booking/example-bookings.ts";
import { bookingIdOf } from "../../domain/ids.ts";
import type { Connection } from "../pool/connection.ts";
import type { BatchEffects } from "./effects.ts";
import { type BatchQuery, createBatches, openBatch } from "./open.ts";

const timeouts = { lockTimeoutMs: 1_000, statementTimeoutMs: 1_000 };
const query: BatchQuery = {
  ...{ concertId: exampleConcert.id, keys: [bookingRequest()], bookingIds: [exampleBooking.id], userIds: ["ann"] },
  ...{ countsHolds: true, newIds: 1, maxDue: 500 },
};
/** A booking for another user, so that every statement there is gets sent. */
const actor = { subject: "admin", address: undefined };
const booking = { ...exampleBooking, id: bookingIdOf(2n), requestId: "new" };
const effects: BatchEffects = {
  ...{ availableTickets: 20, heldTickets: 0, inserts: [{ booking, actor }] },
  updates: [{ ...exampleBooking, status: "cancelled", cancelRequestId: "cancel key", cancelledBy: "ann" }],
  entries: [{ action: "booking.create", actor, before: undefined, after: booking }],
};

const concertRow = {
  ...{ id: exampleConcert.id, name: "", artist: "", venue: "", concert_date: duringSale, total_tickets: 100 },
  ...{ available_tickets: 22, held_tickets: 0, max_tickets_per_user: null, requires_payment: false, new_ids: ["2"] },
  ...{ price: "50.25", currency_code: "USD", booking_start_time: duringSale, version: 1 },
  ...{ booking_end_time: duringSale, created_at: duringSale, updated_at: duringSale, now: duringSale },
};
const rows: Readonly<Record<string, readonly object[]>> = {
  frontrow_read_concert: [concertRow],
};

/** A connection whose statement of that number fails, what was sent over it, and how it was given back. */
function createConnection(failing: number, release: (destroy?: boolean) => void = () => {}) {
  const sent: string[] = [];
  const released: (boolean | undefined)[] = [];
  const connection: Connection = {
    async query<Row extends object>(statement: string | pg.QueryConfig) {
      const { name = "", text } = typeof statement === "string" ? { text: statement } : statement;
      const label = name || (text.split(" ")[0] ?? "");
      sent.push(label);
      if (sent.length === failing + 1) throw new Error(`${label} failed`);
      return { command: label.toUpperCase(), rows: rows[label] ?? [] } as unknown as pg.QueryResult<Row>;
    },
    release(destroy) {
      released.push(destroy);
      release(destroy);
    },
  };
  return { connection, sent, released };
}

async function runBatch(connection: Connection, work: () => void = () => {}): Promise<void> {
  await using open = await openBatch(
    { connect: async () => connection },
    query,
    timeouts,
    new Set([exampleConcert.id]),
  );
  work();
  await open.commit(effects);
}

const none = Number.POSITIVE_INFINITY;
const reading = ["read_concert", "find_bookings_by_keys", "find_bookings_by_ids", "read_holds", "read_user_tickets"];
const opening = ["begin", "lock_concert", ...reading];
const changing = ["set_ticket_counters", "insert_bookings", "update_bookings", "insert_booking_audit_entries"];
const statements = [...opening, ...changing, "insert_batch"].map((name) =>
  name === "begin" ? name : `frontrow_${name}`,
);

describe("a batch gives its connection back once", () => {
  test("when all goes well, without a rollback", async () => {
    const { connection, sent, released } = createConnection(none);
    await runBatch(connection);
    expect({ sent, released }).toEqual({ sent: [...statements, "commit"], released: [undefined] });
  });

  test.each([...statements, "commit"].map((name, index) => ({ name, index })))(
    "when $name fails, after a rollback",
    async ({ index }) => {
      const { connection, sent, released } = createConnection(index);
      // A fake COMMIT succeeds although a write has failed: then there is nothing left to roll back.
      const isOver = index >= opening.length && index < statements.length;
      if (isOver) await runBatch(connection).catch(() => {});
      else await expect(runBatch(connection)).rejects.toThrow();
      expect(released).toEqual([undefined]);
      expect(sent.at(-1)).toBe(isOver ? "commit" : "rollback");
    },
  );

  test("when the work between fails, after a rollback", async () => {
    const { connection, sent, released } = createConnection(none);
    const work = () => {
      throw new Error("no decision");
    };
    await expect(runBatch(connection, work)).rejects.toThrow("no decision");
    expect(sent.slice(opening.length)).toEqual(["rollback"]);
    expect(released).toEqual([undefined]);
  });

  test("when its rollback fails: the connection is closed", async () => {
    const { connection, released } = createConnection(opening.length);
    const work = () => {
      throw new Error("no decision");
    };
    await expect(runBatch(connection, work)).rejects.toThrow("no decision");
    expect(released).toEqual([true]);
  });

  test("when the release fails: the connection is closed", async () => {
    const { connection, released } = createConnection(none, (destroy) => {
      if (!destroy) throw new Error("no release");
    });
    await runBatch(connection);
    expect(released).toEqual([undefined, true]);
  });
});

describe("the search for a batch's evidence gives its connection back once", () => {
  const searching = ["begin", "frontrow_lock_concert", "frontrow_find_batch"];
  const search = async (connection: Connection) => {
    const access = { connect: async () => connection };
    return await createBatches({ ...access, reads: access }, timeouts).isCommitted(exampleConcert.id, "batch");
  };

  test("after a rollback, when all goes well", async () => {
    const { connection, sent, released } = createConnection(none);
    expect(await search(connection)).toBe(false);
    expect({ sent, released }).toEqual({ sent: [...searching, "rollback"], released: [undefined] });
  });

  test.each(searching.map((name, index) => ({ name, index })))("when $name fails", async ({ index }) => {
    const { connection, sent, released } = createConnection(index);
    await expect(search(connection)).rejects.toThrow();
    expect({ last: sent.at(-1), released }).toEqual({ last: "rollback", released: [undefined] });
  });
});

test("a batch without a connection rejects with the pool's error", async () => {
  const connect = () => Promise.reject(new Error("no connection"));
  await expect(openBatch({ connect }, query, timeouts, new Set([exampleConcert.id]))).rejects.toThrow("no connection");
});
