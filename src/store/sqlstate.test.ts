import pg from "pg";
import { describe, expect, test } from "vitest";
import { DomainError } from "../domain/failure.ts";
import { asFailure, ConnectFailure, isDefiniteRollback, isTransient } from "./sqlstate.ts";

/** An error as `pg` creates it from PostgreSQL's message. */
function databaseError(code: string, severity = "ERROR"): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError("message", 0, "error"), { code, severity });
}

function socketError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe("whether PostgreSQL reported that COMMIT failed", () => {
  test.each([
    ["a constraint checked at COMMIT", databaseError("23503"), true],
    ["a serialization failure", databaseError("40001"), true],
    ["a server that goes down", databaseError("57P01", "FATAL"), false],
    ["a pooler that lost the server", databaseError("08006"), false],
    ["an unknown completion", databaseError("40003"), false],
    ["a lost connection", new Error("Connection terminated unexpectedly"), false],
    ["a reset connection", socketError("ECONNRESET"), false],
  ])("%s", (_name, error, expected) => expect(isDefiniteRollback(error)).toBe(expected));
});

describe("transient errors", () => {
  test.each([
    ["a deadlock", databaseError("40P01"), true],
    ["a connection exception", databaseError("08006", "FATAL"), true],
    ["a refused connection", socketError("ECONNREFUSED"), true],
    ["a host of which no address answers", new AggregateError([socketError("ECONNREFUSED")]), true],
    ["a connection that took too long", new Error("Connection terminated due to connection timeout"), true],
    ["a prepared statement that a pooler lost", databaseError("26000"), true],
    ["a prepared statement that is there already", databaseError("42P05"), true],
    ["a connection that the network kept from being made", new ConnectFailure(socketError("ECONNREFUSED")), true],
    ["a connection while the server starts", new ConnectFailure(databaseError("57P03", "FATAL")), true],
    ["a connection that was not allowed", new ConnectFailure(databaseError("28000", "FATAL")), false],
    ["a broken constraint", databaseError("23505"), false],
    ["a statement that took too long", databaseError("57014"), false],
    ["a bug", new TypeError("x is not a function"), false],
    ["no error at all", "no error", false],
  ])("%s", (_name, error, expected) => expect(isTransient(error)).toBe(expected));
});

describe("the failure for a database error", () => {
  test.each([
    ["a lock that was not to be had", databaseError("55P03"), "OVERLOADED"],
    ["a deadlock", databaseError("40P01"), "DATABASE_UNAVAILABLE"],
    ["a statement that took too long", databaseError("57014"), "DATABASE_UNAVAILABLE"],
    ["a full disk", databaseError("53100"), "DATABASE_UNAVAILABLE"],
    ["too many connections", databaseError("53300", "FATAL"), "DATABASE_UNAVAILABLE"],
    ["a lost connection", new Error("Connection terminated"), "DATABASE_UNAVAILABLE"],
    ["a role that was barred", new ConnectFailure(databaseError("28000", "FATAL")), "DATABASE_UNAVAILABLE"],
    ["a database that is gone", new ConnectFailure(databaseError("3D000", "FATAL")), "DATABASE_UNAVAILABLE"],
  ])("of %s", (_name, error, reason) => expect(asFailure(error)).toMatchObject({ failure: { reason }, cause: error }));

  test.each([
    ["a refusal", new DomainError({ reason: "INVALID_PAGE_TOKEN" })],
    ["a bug", new TypeError("x is not a function")],
    ["an error of PostgreSQL that tells of a bug", databaseError("42703")],
  ])("%s stays what it is", (_name, error) => expect(asFailure(error)).toBe(error));
});
