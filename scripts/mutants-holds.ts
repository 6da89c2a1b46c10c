/** Ways to break holds and limits per user. */
import type { KillingTest, Mutant } from "./mutants.ts";

const ledger = "src/booking/ledger.ts";
const cache = "src/booking/sold-out-cache.ts";

const inUnit =
  (file: string) =>
  (name: string): KillingTest => ({ file: `src/booking/${file}.test.ts`, name });
const [inHold, inLedger] = [inUnit("decide-hold"), inUnit("ledger")];
const inEngine = (name: string): KillingTest => ({ file: "test/engine-holds.test.ts", name });

export const holdMutants: readonly Mutant[] = [
  {
    name: "expiry by the process's clock",
    file: ledger,
    changes: [
      {
        from: "!isBefore(this.now, holdExpiresTime)",
        to: "!isBefore(Temporal.Now.instant(), holdExpiresTime)",
      },
    ],
    tests: [
      inLedger("a batch begins by expiring the holds that are due > that end at the batch's instant"),
      ...["ahead", "behind"].map((side) => ({
        file: "test/booking-window.test.ts",
        name: `a process whose own clock is two days ${side} > checks the window, dates bookings, lists open concerts and expires holds by the database's clock`,
      })),
    ],
  },
  {
    name: "a hold is released twice",
    file: ledger,
    changes: [
      {
        from: "this.#byId.set(changed.id, changed);",
        to: 'if (changed.status !== "released") this.#byId.set(changed.id, changed);',
      },
    ],
    tests: [
      inHold("a hold that is released twice puts its tickets back once"),
      inEngine("a hold that is released twice in one batch puts its tickets back once"),
    ],
  },
  {
    name: "a hold that is due is confirmed",
    file: "src/booking/decide-hold.ts",
    changes: [
      {
        from: "if (isLate && !isInTime(command, booking, ledger, policy)) return refused(holdExpired(booking, ledger));",
        to: "",
      },
    ],
    tests: [
      inHold("the state by the command > confirm of a booking that is due"),
      inEngine("confirm, due: HOLD_EXPIRED"),
    ],
  },
  {
    name: "the sold-out cache ignores the end of holds",
    file: cache,
    changes: [{ from: "...(nextExpiry ? [nextExpiry] : []),", to: "" }],
    tests: [
      { file: "src/booking/sold-out-cache.test.ts", name: "the next hold's end > ends the cache" },
      {
        file: "src/booking/engine-sold-out.test.ts",
        name: "a concert in the sold-out cache > is read again when the next hold ends",
      },
    ],
  },
  {
    name: "a partial confirmation loses the rest",
    file: ledger,
    changes: [
      {
        from: "this.#availableTickets += liveTickets(before) - liveTickets(changed);",
        to: 'if (action !== "booking.confirm") this.#availableTickets += liveTickets(before) - liveTickets(changed);',
      },
    ],
    tests: [
      inHold("confirming > a part puts the rest back on sale in the same batch"),
      inEngine("confirm one of two, held: OK"),
    ],
  },
  {
    name: "the user's sum is not updated within a batch",
    file: ledger,
    changes: [{ from: 'if (status === "confirmed" && tally) tally.booked += sign * ticketCount;', to: "" }],
    tests: [
      inLedger("the limit of a user > counts what the batch has booked before"),
      inEngine("one user > books 4 of 100 tickets at once in two processes under a limit of 4"),
    ],
  },
  {
    name: "holds and limits that another process made are not read",
    file: "src/store/batch/open.ts",
    changes: [
      {
        from: "const rules = isRuled && !readsRules ? sendRules(connection, query) : flight;",
        to: "const rules = flight;",
      },
    ],
    tests: [
      inEngine("one user > is refused more by a process that has seen the concert only before it had a limit"),
      {
        file: "test/engine-due-holds.test.ts",
        name: "tickets of holds that are due > are found with their concerts, and put back without another call",
      },
    ],
  },
  {
    name: "the evidence of a batch is ignored",
    file: "src/booking/commit-recovery.ts",
    changes: [
      {
        from: "if (await findEvidence(batch, context)) {",
        to: "if ((await findEvidence(batch, context)) && false) {",
      },
    ],
    tests: [
      "is settled by one search for its evidence, also for keys that the service made",
      "that expired a hold, and committed, is not decided again for the tickets",
      "to a release is stored once, and is no replay: lost, committed",
    ].map((name) => ({
      file: "src/booking/commit-recovery.test.ts",
      name: `a COMMIT without a response > ${name}`,
    })),
  },
];
