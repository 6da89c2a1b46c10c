import { describe, expect, test } from "vitest";
import { parseDatabaseUrl } from "./database-url.ts";

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
    ["postgres://db?sslmode=prefer", { host: "db", sslMode: "prefer" }],
    ["postgres://db?sslmode=verify-ca&sslrootcert=ca.pem", { host: "db", sslMode: "verify-ca", sslCaFile: "ca.pem" }],
    ["postgres://db?sslrootcert=system", { host: "db", sslMode: "verify-full", hasSystemAuthorities: true }],
    ["postgres://db?ssl=true", { host: "db", sslMode: "require" }],
    ["postgres://db?ssl=true&sslmode=verify-full", { host: "db", sslMode: "verify-full" }],
    ["postgres://db/tickets?host=other&port=6432&dbname=n", { host: "other", port: 6432, name: "n" }],
    ["postgres://?user=ann&password=p+w%2B", { username: "ann", password: "p+w+" }],
    [
      "postgresql://ann:pw@ep-1.db.example.org/tickets?sslmode=require&channel_binding=require",
      {
        ...{ username: "ann", password: "pw", host: "ep-1.db.example.org", name: "tickets" },
        ...{ sslMode: "require", channelBinding: "require" },
      },
    ],
    ["postgres://db?options=endpoint%3Dep-1", { host: "db", startOptions: "endpoint=ep-1" }],
    [
      "postgres://db?sslnegotiation=direct&sslmode=require",
      { host: "db", sslMode: "require", sslNegotiation: "direct" },
    ],
    [
      "postgres://db?connect_timeout=3&application_name=a",
      { host: "db", connectTimeoutMs: 3_000, applicationName: "a" },
    ],
    ["postgres://db?application_name=a&fallback_application_name=b", { host: "db", applicationName: "a" }],
    ["postgres://db?target_session_attrs=read-write&client_encoding=UTF8", { host: "db" }],
    ["postgres://db?pgbouncer=true", { host: "db", isPooled: true }],
  ])("%s", (text, parts) => {
    expect(parseDatabaseUrl(text)).toEqual({ value: { warnings: [], ...parts } });
  });
});

describe("a bad database URL is rejected without repeating its password", () => {
  test.each([
    ["mysql://ann:secret@db/tickets", "does not begin with postgres:// or postgresql://"],
    ["ann:secret@db/tickets", "does not begin with postgres:// or postgresql://"],
    ["postgres:tickets", "does not begin with postgres:// or postgresql://"],
    ["postgres://ann:secret@db:70000/tickets", "is not a valid URL"],
    ["postgres://ann:secret@a b/tickets", "is not a valid URL"],
    ["postgres://ann:secret@db:0/tickets", 'has the parameter port: "0" is not a whole number'],
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
    ["postgres://ann:secret@db/tickets?sslcert=me.pem", 'the query parameter "sslcert", which is not supported'],
    ["postgres://ann:secret@db/tickets?schema=tickets", 'the query parameter "schema", which is not supported'],
    ["postgres://ann:secret@db/tickets?ssl=false", 'ssl: "false" is not one of true'],
    ["postgres://ann:secret@db/tickets?sslmode=requir", '"requir" is not one of disable, allow, prefer, require,'],
    ["postgres://ann:secret@db/tickets?gssencmode=require", '"require" is not one of disable, prefer'],
    ["postgres://ann:secret@db/tickets?channel_binding=yes", "not one of disable, prefer, require"],
    ["postgres://ann:secret@db/tickets?target_session_attrs=standby", "not one of any, read-write, primary"],
    ["postgres://ann:secret@db/tickets?client_encoding=LATIN1", "not one of UTF8"],
    ["postgres://ann:secret@db/tickets?sslnegotiation=direct", "needs sslmode=require or stronger"],
    ["postgres://ann:secret@db/tickets?sslmode=require&sslrootcert=system", "needs sslmode=verify-full"],
    ["postgres://ann:secret@db/tickets?port=0", "not a whole number between 1 and 65535"],
    ["postgres://ann:secret@db/tickets?connect_timeout=soon", "not a whole number"],
    [
      "postgres://ann@db/tickets?password=secret%00",
      "has the parameter password: is not text without control characters",
    ],
    ["postgres://ann@db/tickets?password=%secret", "a % that begins no escape"],
    ["postgres://ann:secret%00@db/tickets", "has the parameter password: is not text without control characters"],
    ["postgres://ann:secret%0A@db/tickets", "has the parameter password: is not text without control characters"],
    ["postgres://db%00/tickets", "has the parameter host: is not text without control characters"],
    // WHATWG drops it.
    ["postgres://ann:sec\tret@db/tickets", "has a control character"],
    ["postgres://ann:secret@db/tickets?host=a,b", "names several hosts"],
    ["postgres://ann:secret@db/tickets?sslmode=", 'sslmode: "" is not one of'],
    ["postgres://ann:secret@db/tickets?sslmode=disable&sslmode=require", "sslmode more than once"],
  ])("%s", (text, problem) => {
    const parsed = parseDatabaseUrl(text);
    expect(parsed).toEqual({ problem: expect.stringContaining(problem) });
    expect(JSON.stringify(parsed)).not.toContain("secret");
  });
});

describe("a parameter without effect causes a warning that names it", () => {
  test.each([
    ["keepalives=1", "keepalives is ignored"],
    ["keepalives_idle=30", "keepalives_idle is ignored"],
    ["tcp_user_timeout=1000", "tcp_user_timeout is ignored"],
    ["gssencmode=prefer", "gssencmode is ignored"],
    ["connection_limit=1", "APP_DATABASE_POOL_SIZE"],
    ["connect_timeout=10", "connect_timeout is taken as 5"],
    ["connect_timeout=0", "connect_timeout is taken as 5"],
    ["supa=base-pooler.x", "supa is ignored"],
  ])("%s", (query, warning) => {
    expect(parseDatabaseUrl(`postgres://db?${query}`)).toEqual({
      value: { host: "db", warnings: [expect.stringContaining(warning)] },
    });
  });
});
