import { expect, test } from "vitest";
import { createLife, type Life } from "./life.ts";

const check = (life: Life, checks: number) => Array.from({ length: checks }, () => life.check());

test("a worker that serves is silent from the second check without a sign of life on, and killed at the tenth", () => {
  const life = createLife();
  life.serves();
  expect(check(life, 1)).toEqual([undefined]);
  expect(life.isSilent()).toBe(false);
  expect(check(life, 1)).toEqual([undefined]);
  expect(life.isSilent()).toBe(true);
  expect(check(life, 8)).toEqual([...Array(7).fill(undefined), "silent"]);
  // A process that waits for a device ends later.
  expect(check(life, 20)).toEqual(Array(20).fill(undefined));
});

test("each sign of life begins the count anew", () => {
  const life = createLife();
  life.serves();
  for (let round = 0; round < 5; round++) {
    expect(check(life, 9)).toEqual(Array(9).fill(undefined));
    life.seen();
    expect(life.isSilent()).toBe(false);
  }
});

test("a worker that does not serve is killed at the sixtieth check, whether it gives signs of life or not", () => {
  const life = createLife();
  expect(check(life, 30)).toEqual(Array(30).fill(undefined));
  expect(life.isSilent()).toBe(false);
  life.seen();
  expect(check(life, 30)).toEqual([...Array(29).fill(undefined), "starting"]);
});

test("the time of the start does not count as silence", () => {
  const life = createLife();
  check(life, 59);
  life.serves();
  expect(check(life, 9)).toEqual(Array(9).fill(undefined));
  expect(check(life, 1)).toEqual(["silent"]);
});
