import { describe, expect, test } from "vitest";
import { bindAddress, databaseHost, headerNames, networks, origins, quote, redisUrl } from "./kinds.ts";

describe("origins", () => {
  test.each([
    ["*", "*"],
    ["", []],
    ["https://a.example", ["https://a.example"]],
    ["https://a.example:8443, http://localhost:5173", ["https://a.example:8443", "http://localhost:5173"]],
  ])("%j", (text, value) => {
    expect(origins.parse(text)).toEqual({ value });
  });

  test.each(["a.example", "https://a.example/", "https://a.example:443", "https://A.example", "*,https://a.example"])(
    "rejects %j, which a browser never sends",
    (text) => {
      expect(origins.parse(text)).toEqual({ problem: `${quote(text)} is not ${origins.expects}` });
    },
  );

  test.each(["https://a.example,", "ftp://a.example", "null"])("rejects %j", (text) => {
    expect(origins.parse(text)).toHaveProperty("problem");
  });
});

describe("addresses", () => {
  test.each(["0.0.0.0", "::", "::1", "fe80::1%eth0", "localhost", "db-1.example.org"])("accepts %s", (text) => {
    expect(bindAddress.parse(text)).toEqual({ value: text });
    expect(databaseHost.parse(text)).toEqual({ value: text });
  });

  test.each(["", "a b", "-a", "[::1]", "http://a", "a/b", "a\n"])("rejects %j", (text) => {
    expect(bindAddress.parse(text)).toHaveProperty("problem");
    expect(databaseHost.parse(text)).toHaveProperty("problem");
  });

  test("accepts a socket for a database only", () => {
    expect(databaseHost.parse("/run/postgresql")).toEqual({ value: "/run/postgresql" });
    expect(bindAddress.parse("/run/postgresql")).toHaveProperty("problem");
  });
});

describe("networks", () => {
  test.each([
    ["", []],
    ["192.0.2.7", ["192.0.2.7"]],
    ["10.0.0.0/8, fd00::/8,::1", ["10.0.0.0/8", "fd00::/8", "::1"]],
    ["0.0.0.0/0,::/128", ["0.0.0.0/0", "::/128"]],
  ])("%j", (text, value) => {
    expect(networks.parse(text)).toEqual({ value });
  });

  test.each(["*", "localhost", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1", "10/8", "10.0.0.0/8/8"])(
    "rejects %j",
    (text) => {
      expect(networks.parse(text)).toEqual({ problem: `${quote(text)} is not ${networks.expects}` });
    },
  );

  test.each(["10.0.0.1,", "fe80::1%eth0", "10.0.0.1:80"])("rejects %j, too", (text) => {
    expect(networks.parse(text)).toHaveProperty("problem");
  });
});

test("quotes a text as one short line without credentials", () => {
  expect(quote("a\nb")).toBe('"a\\nb"');
  expect(quote("x".repeat(1000))).toBe(`"${"x".repeat(80)}..."`);
  expect(quote("postgres://ann:s3/cr@et@db/x")).toBe('"postgres://***@db/x"');
  expect(quote("ann:s3/cr@et@db")).toBe('"***@db"');
});

test.each(["redis://a", " rediss://:p w@a:6380/1\n"])("accepts the Redis server %j", (text) => {
  expect(redisUrl.parse(text)).toEqual({ value: text.trim() });
});

test.each(["redis:a", "redis:///1", "http://a", "redis://:p\tw@a", "redis://["])(
  "rejects the Redis server %j",
  (text) => {
    expect(redisUrl.parse(text)).toEqual({ problem: `is not ${redisUrl.expects}` });
  },
);

test("accepts names of headers only", () => {
  expect(headerNames.parse("X-Tenant, x-b3-traceid")).toEqual({ value: ["X-Tenant", "x-b3-traceid"] });
  expect(headerNames.parse("")).toEqual({ value: [] });
  for (const text of ["X Tenant", "X-Tenant:", "*", "a,,b", "é", "x".repeat(101)]) {
    expect(headerNames.parse(text)).toEqual({ problem: `${quote(text)} is not ${headerNames.expects}` });
  }
});
