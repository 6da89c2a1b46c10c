/** Ways to break the service that its tests have to notice, each with the tests that do. */
import { holdMutants } from "./mutants-holds.ts";

/** A test by its file and its full name: those of its `describe`s and its own, with ` > ` between. */
export interface KillingTest {
  readonly file: string;
  readonly name: string;
}

export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Texts that the file has exactly once, and what replaces them. */
  readonly changes: readonly { readonly from: string; readonly to: string }[];
  /** The tests that fail by an assertion, every one of them. */
  readonly tests: readonly KillingTest[];
}

const order = "src/booking/decide-order.ts";
const ledger = "src/booking/ledger.ts";
const batch = "src/booking/batch.ts";
const commit = "src/store/batch/commit.ts";

const inDecide = (name: string): KillingTest => ({
  file: "src/booking/decide.test.ts",
  name: `within a batch > ${name}`,
});
const inEngineCommit = (name: string): KillingTest => ({ file: "test/engine-commit.test.ts", name });
const onBothPaths = (name: string): KillingTest => ({
  file: "test/fast-path-differences.test.ts",
  name: `the fast path and the pipeline answer alike > ${name}`,
});
const inRaces = (name: string): KillingTest => ({ file: "test/races.test.ts", name });

const whyNoTickets =
  "function whyNoTickets(ticketCount: number, { availableTickets: available }: Ledger): Failure | undefined {\n";

const noPrefixSum: readonly KillingTest[] = [
  inDecide("rejects a request for 4 when fewer are left and still books the next request for 1"),
  inRaces("in one process > rejects a request that no longer fits and books a smaller one behind it"),
];

export const mutants: readonly Mutant[] = [
  ...holdMutants,
  {
    name: "no row lock",
    file: "src/store/batch/read.ts",
    changes: [
      {
        from: 'db.selectFrom("concerts").select("id").where("id", "=", slot("concertId")).forUpdate()',
        to: 'db.selectFrom("concerts").select("id").where("id", "=", slot("concertId"))',
      },
    ],
    tests: [
      inRaces("between processes > sells the last ticket to one of many bookings"),
      inRaces("between processes > cancelling > one booking in many calls restores its tickets once"),
      {
        file: "test/load/rush.test.ts",
        name: "on 2 service process(es) > by REST > 40 users at once book 20 tickets",
      },
    ],
  },
  {
    name: "no row lock for updates",
    file: "src/store/concerts.ts",
    changes: [
      {
        from: '.select("id").where("id", "=", id).forUpdate().executeTakeFirst()',
        to: '.select("id").where("id", "=", id).executeTakeFirst()',
      },
    ],
    tests: [
      inRaces(
        "between processes > booking against a change of the total > of two tickets while 3 become 1, book first",
      ),
      inRaces(
        "between processes > accepts one of many updates of the same version, and rejects the others with the current version",
      ),
    ],
  },
  {
    name: "no CHECK",
    file: "db/migrations/0006_holds.sql",
    changes: [
      {
        from: "CHECK (available_tickets >= 0 AND held_tickets >= 0 AND available_tickets + held_tickets <= total_tickets)",
        to: "CHECK (true)",
      },
    ],
    tests: [
      "concerts_available_tickets_check",
      "concerts_available_tickets_check by UPDATE concerts SET available_tickets = -1",
    ].map((name) => ({
      file: "test/constraints.test.ts",
      name: `PostgreSQL rejects a statement that breaks > ${name}`,
    })),
  },
  {
    name: "a prefix-sum decision: refused requests count",
    file: order,
    changes: [
      {
        from: whyNoTickets,
        to: `const asked = new WeakMap<Ledger, number>();

function whyNoTickets(ticketCount: number, ledger: Ledger): Failure | undefined {
  const available = ledger.availableTickets - (asked.get(ledger) ?? 0);
  if (ticketCount > available) asked.set(ledger, (asked.get(ledger) ?? 0) + ticketCount);
`,
      },
    ],
    tests: noPrefixSum,
  },
  {
    name: "a prefix-sum decision: one that does not fit stops those behind it",
    file: order,
    changes: [
      {
        from: whyNoTickets,
        to: `const full = new WeakSet<Ledger>();

function whyNoTickets(ticketCount: number, ledger: Ledger): Failure | undefined {
  const available = full.has(ledger) ? 0 : ledger.availableTickets;
  if (ticketCount > available) full.add(ledger);
`,
      },
    ],
    tests: noPrefixSum,
  },
  {
    name: "the engine answers before COMMIT",
    file: batch,
    changes: [
      {
        from: "const isWriting =",
        to: "answerAll(jobs, plan.answers, context.onUndecided);\n  const isWriting =",
      },
    ],
    tests: [
      {
        file: "src/booking/engine-examples.test.ts",
        name: "batches > take half of the outstanding requests, and answer none before COMMIT",
      },
    ],
  },
  {
    name: "no dispose",
    file: batch,
    changes: [{ from: "await using open = await batches.open(", to: "const open = await batches.open(" }],
    tests: [{ file: "test/engine-connections.test.ts", name: "a policy that throws leaks no connection and no lock" }],
  },
  {
    name: "owner remembered",
    file: "src/booking/queries.ts",
    changes: [
      { from: "/** One booking of", to: "const remembered = new Map<bigint, Booking>();\n\n/** One booking of" },
      {
        from: "return requireOwned(bookingId, await store.read((db) => findBooking(db, bookingId), deadline), owner);",
        to: `const booking = remembered.get(bookingId) ?? (await store.read((db) => findBooking(db, bookingId), deadline));
  if (booking) remembered.set(bookingId, booking);
  return requireOwned(bookingId, booking, owner);`,
      },
    ],
    tests: [
      {
        file: "test/reused-ids.test.ts",
        name: "rejects the old owner of a booking id that was assigned again, and serves the new owner",
      },
    ],
  },
  {
    name: "the store does not wait for COMMIT",
    file: commit,
    changes: [
      {
        from: 'session.connection.query("commit"),',
        to: 'session.connection.query("commit").catch(() => {}) && Promise.resolve({ command: "COMMIT" }),',
      },
    ],
    tests: [
      {
        file: "test/lost-commit.test.ts",
        name: "a cancel whose COMMIT > does not arrive is repeated and stored once",
      },
      inEngineCommit("rejects a booking that breaks a constraint only at COMMIT"),
    ],
  },
  {
    name: "no de-duplication inside a batch",
    file: ledger,
    changes: [
      { from: "id === undefined ? this.#inserts.get(key)?.booking : this.find(id)", to: "id && this.find(id)" },
    ],
    tests: [
      inDecide("makes one booking of a key that is sent twice"),
      {
        file: "test/idempotency.test.ts",
        name: "a booking's key > sent at once from one process makes one booking, which all get (REST)",
      },
    ],
  },
  {
    name: "a double cancel inside a batch",
    file: ledger,
    changes: [{ from: "this.#byId.set(changed.id, changed);", to: "" }],
    tests: [
      inDecide("cancels a booking once"),
      inRaces("in one process > cancelling > several bookings together restores each booking's tickets"),
    ],
  },
  {
    name: "COMMIT's tag ignored",
    file: commit,
    changes: [{ from: 'if (command !== "COMMIT") {', to: "if (false) {" }],
    tests: [inEngineCommit("rejects a cancel that cannot be written, so that PostgreSQL answers COMMIT with ROLLBACK")],
  },
  {
    name: "slot kept: a refused call's stream stays open until its client ends it",
    file: "src/transport/listener/http2.ts",
    changes: [{ from: 'stream.on("wantTrailers", endAfterTrailers);', to: "" }],
    tests: [
      "receives its whole response and is then closed without an error: gRPC",
      "does not count against a client that only waits for the end of the stream",
    ].map((name) => ({
      file: "test/http2-streams.test.ts",
      name: `a stream whose call is rejected before the end of its body > ${name}`,
    })),
  },
  {
    name: "response trailers dropped",
    file: "src/transport/connect/fast-path/respond.ts",
    changes: [{ from: "responseTrailer: exchange.trailer,", to: "responseTrailer: new Headers()," }],
    tests: [
      onBothPaths("Connect over HTTP/1 in JSON: trailers"),
      onBothPaths("gRPC over HTTP/2 in binary: an error with headers and trailers"),
      onBothPaths("gRPC-Web over HTTP/1 in binary: trailers"),
    ],
  },
  {
    name: "ETag of Connect GET dropped",
    file: "src/transport/connect/fast-path/connect.ts",
    changes: [{ from: 'header.set("etag", etag);', to: "" }],
    tests: [
      onBothPaths("Connect GET over HTTP/1 in JSON: a short message"),
      {
        file: "test/preconditions.test.ts",
        name: "a concert's ETag > by Connect GET begins with its version as well (identity)",
      },
    ],
  },
  {
    name: "a call of the fast path left to the mount",
    file: "src/transport/connect/fast-path/fast-path.ts",
    changes: [{ from: 'if (request.method === "POST") return postOf(type);', to: "" }],
    tests: [
      onBothPaths("gRPC over HTTP/2 in binary: a short message"),
      onBothPaths("gRPC-Web over HTTP/1 in binary: a short message"),
      onBothPaths("Connect over HTTP/1 in JSON: a short message"),
    ],
  },
];
