import { expect, test } from "vitest";
import { describeCauses } from "./causes.ts";

const withCode = (message: string, code: string) => Object.assign(new Error(message), { code });
const fromDatabase = (message: string, code: string) =>
  Object.assign(new Error(message), { code, severity: "ERROR", detail: "Key (user_id)=(nora)", where: "SQL" });

test("the causes stand in one line, each with its code", () => {
  const lost = new Error("the answer was lost", { cause: withCode("read ECONNRESET", "ECONNRESET") });
  expect(describeCauses(lost)).toBe("the answer was lost <- ECONNRESET: read ECONNRESET");
});

test("an error of the database has its SQLSTATE, and none of the fields that may hold values", () => {
  const full = fromDatabase("could not extend file:\n  no space left", "53100");
  expect(describeCauses(full)).toBe("SQLSTATE 53100: could not extend file: no space left");
});

test("every address that was tried is there", () => {
  const errors = ["::1", "127.0.0.1"].map((host) => withCode(`connect ECONNREFUSED ${host}:5432`, "ECONNREFUSED"));
  const error = Object.assign(new AggregateError(errors, ""), { code: "ECONNREFUSED" });
  expect(describeCauses(error)).toBe(
    "ECONNREFUSED <- ECONNREFUSED: connect ECONNREFUSED ::1:5432 <- ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:5432",
  );
});

test("it is bounded, ends where a chain leads back to itself, and hides passwords in URLs", () => {
  const round = new Error("a");
  round.cause = new Error("b", { cause: round });
  expect(describeCauses(round)).toBe("a <- b");
  let chain = new Error("last");
  for (let depth = 0; depth < 100; depth++) chain = new Error("x".repeat(1_000), { cause: chain });
  expect(describeCauses(chain).length).toBeLessThan(3_000);
  expect(describeCauses(new Error("no redis://me:secret@host"))).toBe("no redis://me:***@host");
});

test("what is no error is described as well", () => {
  expect(describeCauses("a word")).toBe("a word");
  expect(describeCauses(new TypeError())).toBe("TypeError");
  expect(describeCauses(undefined)).toBe("");
});
