import { expect, it } from "vitest";
import { concertIdOf } from "../domain/ids.ts";
import { type AppEvents, createEventHub } from "./events.ts";
import { createLogger } from "./log.ts";
import { logEvents } from "./log-events.ts";
import { createRepeats } from "./repeats.ts";

function createLog() {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level: "info", destination: { write: (line) => lines.push(JSON.parse(line)) } });
  const hub = createEventHub<AppEvents>((error) => expect.unreachable(String(error)));
  let nowMs = 0;
  const subscription = logEvents(
    hub,
    logger,
    createRepeats(1_000, () => nowMs),
  );
  return { hub, lines, subscription, pass: (durationMs: number) => (nowMs += durationMs) };
}

it("warns of a commit in doubt, and says what became of it", () => {
  const { hub, lines } = createLog();
  const concertId = concertIdOf(7n);
  hub.publish("booking.commit_in_doubt", { concertId, requests: 3, error: new Error("reset") });
  hub.publish("booking.commit_settled", { concertId, outcome: "committed" });
  hub.publish("booking.commit_settled", { concertId, outcome: "unknown" });
  expect(lines).toMatchObject([
    { level: "warn", concertId: 7, requests: 3, msg: expect.stringContaining("COMMIT was lost") },
    { level: "info", concertId: 7, outcome: "committed" },
    { level: "warn", concertId: 7, outcome: "unknown", msg: expect.stringContaining("may be stored") },
  ]);
});

it("logs one broken connection a second, and how many lines were dropped", () => {
  const { hub, lines, pass } = createLog();
  for (let count = 0; count < 10; count++) hub.publish("store.connection_lost", { error: new Error("ECONNRESET") });
  pass(1_000);
  hub.publish("store.connection_lost", { error: new Error("ECONNRESET") });
  expect(lines.map(({ level, dropped, msg }) => ({ level, dropped, msg }))).toEqual([
    { level: "warn", dropped: undefined, msg: "an idle database connection broke" },
    { level: "warn", dropped: 9, msg: "an idle database connection broke" },
  ]);
});

it("says which setting ends the use of prepared statements", () => {
  const { hub, lines } = createLog();
  hub.publish("store.prepared_statement_lost", { error: new Error("it does not exist") });
  expect(lines).toMatchObject([
    { level: "warn", msg: expect.stringContaining("APP_DATABASE_PREPARED_STATEMENTS=false") },
  ]);
});

it("logs nothing after it is disposed of", () => {
  const { hub, lines, subscription } = createLog();
  subscription[Symbol.dispose]();
  hub.publish("store.connection_lost", { error: new Error("late") });
  expect(lines).toEqual([]);
});
