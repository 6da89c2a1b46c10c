import { expect, test } from "vitest";
import { createPlaces, type Place } from "./concurrency-limit.ts";
import type { Counted } from "./rate-limit.ts";

const caller = (key: string): Counted => ({ kind: "caller", key });
const address = (key: string): Counted => ({ kind: "address", key });
const isPlace = (taken: Place | string): taken is Place => typeof taken === "object";
const placeOf = (taken: Place | string) => (isPlace(taken) ? taken : expect.unreachable());

test("the limit that is reached is returned, and takes no place of the others", () => {
  const places = createPlaces({ inAll: 4, caller: 1, address: 2 });
  placeOf(places.take([address("a"), caller("nora")]));
  expect(places.take([address("a"), caller("nora")])).toBe("caller");
  placeOf(places.take([address("a"), caller("otto")]));
  expect(places.take([address("a"), caller("zoe")])).toBe("address");
  placeOf(places.take([caller("zoe")]));
  placeOf(places.take([]));
  expect(places.take([])).toBe("inAll");
});

test("a place is given back once, however often it is left", () => {
  const places = createPlaces({ inAll: 2, caller: 1, address: 1 });
  const first = placeOf(places.take([caller("nora")]));
  placeOf(places.take([caller("otto")]));
  first.leave();
  first.leave();
  placeOf(places.take([caller("nora")]));
  expect(places.take([caller("zoe")])).toBe("inAll");
});
