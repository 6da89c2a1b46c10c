/** The problems of wrong settings. */
import { describe, expect, test } from "vitest";
import { load, problemsOf, type Sources } from "../../test/support/unit/config-sources.ts";

describe("a bad value names the setting as its source spells it", () => {
  test.each<[string, Sources]>([
    ['APP_REST_PORT: "80a" is not a whole number between 0 and 65535', { env: { APP_REST_PORT: "80a" } }],
    ['--rest-port: "65536" is not a whole number between 0 and 65535', { argv: ["--rest-port", "65536"] }],
    ['--rest-port: "-1" is not a whole number between 0 and 65535', { argv: ["--rest-port", "-1"] }],
    ['--rest-port: " 80" is not a whole number between 0 and 65535', { argv: ["--rest-port= 80"] }],
    ['config/config.yaml: rest_port: "0x50" is not a whole number between 0 and 65535', { yaml: "rest_port: 0x50" }],
    ['config/config.yaml: rest_port: "8.5" is not a whole number between 0 and 65535', { yaml: "rest_port: 8.5" }],
    ['APP_DATABASE_PORT: "0" is not a whole number between 1 and 65535', { env: { APP_DATABASE_PORT: "0" } }],
    ['APP_DATABASE_POOL_SIZE: "0" is not a whole number between 1 and 200', { env: { APP_DATABASE_POOL_SIZE: "0" } }],
    [
      'config/config.yaml: database.sslmode: "requir" is not one of disable, allow, prefer, require, verify-ca, verify-full',
      { yaml: "database: {sslmode: requir}" },
    ],
    [
      'APP_LOG_LEVEL: "INFO" is not one of trace, debug, info, warn, error, fatal, silent',
      { env: { APP_LOG_LEVEL: "INFO" } },
    ],
    ['APP_DEMO_DATA: "yes" is not true or false', { env: { APP_DEMO_DATA: "yes" } }],
    ...["10", "1.5s", "0s", "-1s", "11m", "1h", "10 s", "9999999999ms"].map((text): [string, Sources] => [
      `APP_REQUEST_TIMEOUT: "${text}" is not a duration from 1ms to 10m, such as 250ms, 10s or 1m`,
      { env: { APP_REQUEST_TIMEOUT: text } },
    ]),
    ...["0s", "999ms", "25h", "1d", "1H"].map((text): [string, Sources] => [
      `APP_HOLD_TTL: "${text}" is not a duration from 1s to 24h, such as 90s, 10m or 1h`,
      { env: { APP_HOLD_TTL: text } },
    ]),
    [
      'APP_HOLD_RETENTION: "59m" is not a duration from 1h to 87600h, such as 24h or 720h',
      { env: { APP_HOLD_RETENTION: "59m" } },
    ],
    ['APP_MAX_HOLDS_PER_USER: "0" is not a whole number between 1 and 100', { env: { APP_MAX_HOLDS_PER_USER: "0" } }],
    ['APP_HOST: "a b" is not a host name or an IP address', { env: { APP_HOST: "a b" } }],
    ['APP_DATA_DIR: "a\\nb" is not a path without control characters', { env: { APP_DATA_DIR: "a\nb" } }],
    ["config/config.yaml: rest_port is a list, but one value is needed", { yaml: "rest_port: [1]" }],
    ["config/config.yaml: rest_port is a section, but one value is needed", { yaml: "rest_port: {a: 1}" }],
    ["config/config.yaml: database.host is empty", { yaml: "database:\n  host: ''" }],
    ["config/config.yaml: database is not a section with settings", { yaml: "database: db" }],
    ["config/config.yaml: database is not a section with settings", { yaml: "database: [db]" }],
  ])("%s", (problem, sources) => {
    expect(problemsOf(sources)).toEqual([problem]);
  });
});

describe("an unknown name is rejected", () => {
  test.each<[string, Sources]>([
    ["config/config.yaml: database.prot is unknown; did you mean database.port?", { yaml: "database:\n  prot: 5432" }],
    ["config/config.yaml: restport is unknown; did you mean rest_port?", { yaml: "restport: 1" }],
    ["config/config.yaml: server is unknown", { yaml: "server:\n  port: 1" }],
    ["config/config.yaml: database.pool is unknown; did you mean database.pool_size?", { yaml: "database: {pool: }" }],
    ["config/config.yaml: __proto__ is unknown", { yaml: "__proto__: {host: a}" }],
    ["config/config.yaml: toString is unknown", { yaml: "toString: a" }],
    ["--rest-prot is unknown; did you mean --rest-port?", { argv: ["--rest-prot", "1"] }],
    ["--nonsense is unknown", { argv: ["--nonsense=1"] }],
    ["-x is unknown", { argv: ["-x", "--rest-port", "1"] }],
    ["-- is unknown", { argv: ["--", "--rest-port", "a", "now"] }],
    ["argument 2 is not a flag; flags begin with --", { argv: ["--migrate", "now"] }],
    ["--rest-port needs a value", { argv: ["--rest-port"] }],
    ["--rest-port needs a value", { argv: ["--rest-port", "--migrate"] }],
    ["--rest-port needs a value", { argv: ["--rest-port", "--grpc-port=1"] }],
    ["--rest-port needs a value", { argv: ["--rest-port="] }],
    ["--migrate takes no value", { argv: ["--migrate=yes"] }],
  ])("%s", (problem, sources) => {
    expect(problemsOf(sources)).toEqual([problem]);
  });
});

test("reports all problems of all sources at once", () => {
  const sources = {
    yaml: "rest_port: a\nbogus: 1\ndatabase: {port: b}",
    env: { APP_REST_PORT: "c", APP_GRPC_PORT: "d" },
    argv: ["--bogus", "--rest-port", "1", "--wait-for-db=e"],
  };
  expect(problemsOf(sources).map((problem) => problem.split(/ is | is$/)[0])).toEqual([
    "config/config.yaml: bogus",
    "--bogus",
    '--wait-for-db: "e"',
    'config/config.yaml: rest_port: "a"',
    'config/config.yaml: database.port: "b"',
    'APP_REST_PORT: "c"',
    'APP_GRPC_PORT: "d"',
  ]);
  expect(() => load(sources)).toThrow(problemsOf(sources).join("\n"));
});
