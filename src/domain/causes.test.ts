import { expect, test } from "vitest";
import { describeCauses } from "./causes.ts";

const withCode = (message: string, code: string) => Object.assign(new Error(message), { code });
const fromDatabase = (message: string, code: string) =>
  Object.assign(new Error(message), { code, severity: "ERROR", detail: "Key (user_id)=(nora)", where: "SQL" });

test("an error and its causes are one line, each with its code", () => {
  const lost = new Error("the answer was lost", { cause: withCode("read ECONNRESET", "ECONNRESET") });
  expect(describeCauses(lost)).toBe("the answer was lost <- ECONNRESET: read ECONNRESET");
});

test("a database error has its SQLSTATE, and no field that may contain values", () => {
  const full = fromDatabase("could not extend file:\n  no space left", "53100");
  expect(describeCauses(full)).toBe("SQLSTATE 53100: could not extend file: no space left");
});

test("every address that was tried is listed", () => {
  const errors = ["::1", "127.0.0.1"].map((host) => withCode(`connect ECONNREFUSED ${host}:5432`, "ECONNREFUSED"));
  const error = Object.assign(new AggregateError(errors, ""), { code: "ECONNREFUSED" });
  expect(describeCauses(error)).toBe(
    "ECONNREFUSED <- ECONNREFUSED: connect ECONNREFUSED ::1:5432 <- ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:5432",
  );
});

test("the line is bounded, ends where a chain is circular, and hides passwords in URLs", () => {
  const round = new Error("a");
  round.cause = new Error("b", { cause: round });
  expect(describeCauses(round)).toBe("a <- b");
  let chain = new Error("last");
  for (let depth = 0; depth < 100; depth++) chain = new Error("x".repeat(1_000), { cause: chain });
  expect(describeCauses(chain).length).toBeLessThan(3_000);
  expect(describeCauses(new Error("no redis://me:secret@host"))).toBe("no redis://me:***@host");
});

test("a thrown value that is no error is described too", () => {
  expect(describeCauses("a word")).toBe("a word");
  expect(describeCauses(new TypeError())).toBe("TypeError");
  expect(describeCauses(undefined)).toBe("");
});
