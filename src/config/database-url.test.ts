import { describe, expect, test } from "vitest";
import { parseDatabaseUrl } from "./database-url.ts";

const nothing = {
  host: undefined,
  port: undefined,
  username: undefined,
  password: undefined,
  name: undefined,
  sslMode: undefined,
};

describe("a database URL is read into its parts", () => {
  test.each([
    ["postgres://", {}],
    ["postgres://db", { host: "db" }],
    ["postgres:///tickets", { name: "tickets" }],
    ["postgresql://db.example.org:6432/tickets", { host: "db.example.org", port: 6432, name: "tickets" }],
    ["POSTGRES://db/tickets", { host: "db", name: "tickets" }],
    ["postgres://ann@db/", { username: "ann", host: "db" }],
    ["postgres://ann:pw@db/tickets", { username: "ann", password: "pw", host: "db", name: "tickets" }],
    ["postgres://ann:p@w@db", { username: "ann", password: "p@w", host: "db" }],
    ["postgres://a%40b:p%2Fw%3F%25%23@db/n%2Fm", { username: "a@b", password: "p/w?%#", host: "db", name: "n/m" }],
    ["postgres://[::1]:5433/tickets", { host: "::1", port: 5433, name: "tickets" }],
    ["postgres://db?sslmode=verify-full", { host: "db", sslMode: "verify-full" }],
    ["postgres://db/tickets?sslmode=require", { host: "db", name: "tickets", sslMode: "require" }],
    ["postgres:///tickets?host=/run/postgresql", { host: "/run/postgresql", name: "tickets" }],
    ["postgres://ann:pw@/tickets?host=/run", { username: "ann", password: "pw", host: "/run", name: "tickets" }],
    ["postgres://ann:@:x@:5433?host=/run", { username: "ann", password: "@:x", host: "/run", port: 5433 }],
    ["postgres://ann@localhost/tickets?host=/run", { username: "ann", host: "/run", name: "tickets" }],
    ["postgres://%2Frun%2Fpostgresql/tickets", { host: "/run/postgresql", name: "tickets" }],
  ])("%s", (text, parts) => {
    expect(parseDatabaseUrl(text)).toEqual({ value: { ...nothing, ...parts } });
  });
});

describe("a bad database URL is refused without repeating its password", () => {
  test.each([
    ["mysql://ann:secret@db/tickets", "does not begin with postgres:// or postgresql://"],
    ["ann:secret@db/tickets", "does not begin with postgres:// or postgresql://"],
    ["postgres:tickets", "does not begin with postgres:// or postgresql://"],
    ["postgres://ann:secret@db:70000/tickets", "is not a valid URL"],
    ["postgres://ann:secret@a b/tickets", "is not a valid URL"],
    ["postgres://ann:secret@db:0/tickets", "has port 0"],
    ["postgres://ann:secret@db1,db2/tickets", "names several hosts"],
    ["postgres://ann:secret@db1:5432,db2:5432/tickets", "is not a valid URL"],
    ["postgres://ann:secret@db/tickets/more", "more than a database name"],
    ["postgres://ann:%secret@db/tickets", "a % that begins no escape"],
    // An unescaped password that ends the host too early.
    ["postgres://ann:1/secret@db/tickets", "%2F"],
    ["postgres://ann:1/secret@db", "%2F"],
    ["postgres://ann:1?secret@db/tickets", "%3F"],
    ["postgres://ann:1#secret@db/tickets", "%23"],
    ["postgres://ann:secret/@db/tickets", "%2F"],
    ["postgres://ann:secret@db/tickets?ssl=true", 'the unknown query parameter "ssl"; known are host and sslmode'],
    ["postgres://ann:secret@db/tickets?sslmode=requir", '"requir", which is not one of disable, require, verify-full'],
    ["postgres://ann:secret@db/tickets?sslmode=", '"", which is not one of'],
    ["postgres://ann:secret@db/tickets?sslmode=disable&sslmode=require", "sslmode more than once"],
    ["postgres://ann:secret@db/tickets?host=other", "not the absolute path of a socket folder"],
  ])("%s", (text, problem) => {
    const parsed = parseDatabaseUrl(text);
    expect(parsed).toEqual({ problem: expect.stringContaining(problem) });
    expect(JSON.stringify(parsed)).not.toContain("secret");
  });
});
