import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { endlessDeadline } from "../domain/deadline.ts";
import { DomainError } from "../domain/failure.ts";
import { bookingIdOf, concertIdOf } from "../domain/ids.ts";
import { createPlaceFinder } from "./booking-places.ts";

const ids = [7n, 8n, 9n].map(bookingIdOf);
const places = new Map(ids.map((id) => [id, { concertId: concertIdOf(1n), userId: `owner of ${id}` }]));

/** A finder, and the number of its reads. */
function createFinder(answer: () => unknown = () => places) {
  const reads: unknown[] = [];
  const find = createPlaceFinder(async (_, deadline) => {
    reads.push(deadline);
    return answer() as never;
  });
  return { find, reads };
}

test("lookups of one turn are one read, and each gets its own place", async () => {
  const { find, reads } = createFinder();
  const missing = bookingIdOf(4n);
  const found = await Promise.all([...ids, missing].map((id) => find(id, endlessDeadline())));
  expect(found.map((place) => place?.userId)).toEqual(["owner of 7", "owner of 8", "owner of 9", undefined]);
  expect(reads).toHaveLength(1);
  await find(missing, endlessDeadline());
  expect(reads).toHaveLength(2);
});

test("a lookup alone has its caller's deadline", async () => {
  const { find, reads } = createFinder();
  const deadline = endlessDeadline();
  await find(bookingIdOf(7n), deadline);
  expect(reads).toEqual([deadline]);
});

test("a caller that has gone does not end the lookups of others, and costs no read", async () => {
  const { find, reads } = createFinder();
  const gone = { ...endlessDeadline(), signal: AbortSignal.abort() };
  const lost = expect(find(bookingIdOf(7n), gone)).rejects.toMatchObject({ failure: { reason: "DEADLINE_EXCEEDED" } });
  await expect(find(bookingIdOf(8n), endlessDeadline())).resolves.toMatchObject({ userId: "owner of 8" });
  await lost;
  const alone = expect(find(bookingIdOf(7n), gone)).rejects.toThrow(DomainError);
  await turn();
  await alone;
  expect(reads).toHaveLength(1);
});

test("an error of the read is the error of each lookup", async () => {
  const { find } = createFinder(() => {
    throw new Error("no database");
  });
  const lookups = ids.map((id) => find(id, endlessDeadline()));
  expect((await Promise.allSettled(lookups)).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
});

test("a crowd is divided", async () => {
  const { find, reads } = createFinder();
  await Promise.all(
    Array.from({ length: 2_500 }, (_, index) => find(bookingIdOf(BigInt(index + 1)), endlessDeadline())),
  );
  expect(reads).toHaveLength(3);
});
