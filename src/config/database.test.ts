import { describe, expect, test } from "vitest";
import { load, type Sources } from "../../test/support/unit/config-sources.ts";
import { type Config, ConfigError } from "./load.ts";

const external: Config["database"] = {
  kind: "external",
  host: "localhost",
  port: 5432,
  username: "postgres",
  password: "postgres",
  name: "concert_tickets",
  sslMode: "disable",
};

describe("which database is used", () => {
  test.each<[Sources, "embedded" | "external"]>([
    [{}, "embedded"],
    [{ env: { APP_DATABASE_POOL_SIZE: "5" } }, "embedded"],
    [{ env: { APP_DATABASE_SSL_CA_FILE: "ca.pem" } }, "embedded"],
    [{ env: { APP_DATABASE_HOST: "" } }, "embedded"],
    [{ yaml: "database:\n  pool_size: 5\n  host:" }, "embedded"],
    [{ env: { APP_DATABASE_URL: "postgres://" } }, "external"],
    [{ env: { APP_DATABASE_HOST: "localhost" } }, "external"],
    [{ env: { APP_DATABASE_PORT: "5432" } }, "external"],
    [{ env: { APP_DATABASE_USERNAME: "postgres" } }, "external"],
    [{ env: { APP_DATABASE_PASSWORD: "postgres" } }, "external"],
    [{ env: { APP_DATABASE_NAME: "concert_tickets" } }, "external"],
    [{ env: { APP_DATABASE_SSLMODE: "disable" } }, "external"],
    [{ yaml: "database: {host: localhost}" }, "external"],
    [{ argv: ["--database-name", "concert_tickets"] }, "external"],
  ])("%j: %s", (sources, kind) => {
    const { database } = load(sources).config;
    expect(database).toEqual(kind === "external" ? external : { kind, dataDir: "/srv/frontrow/.data", demoData: true });
  });

  test("merges single settings of several sources", () => {
    const sources = {
      yaml: "database: {host: db, port: 6432, username: ann}",
      env: { APP_DATABASE_PORT: "7432", APP_DATABASE_PASSWORD: "secret" },
      argv: ["--database-port=8432"],
    };
    expect(load(sources)).toMatchObject({
      config: { database: { ...external, host: "db", port: 8432, username: "ann", password: "secret" } },
      warnings: [],
    });
  });
});

describe("a URL is a complete address", () => {
  test("uses defaults for what it leaves out, and warns of single settings", () => {
    const sources = {
      yaml: "database: {port: 6432, name: other}",
      env: { APP_DATABASE_URL: "postgres://db", APP_DATABASE_USERNAME: "ann" },
      argv: ["--database-host=elsewhere"],
    };
    const { config, warnings } = load(sources);
    expect(config.database).toEqual({ ...external, host: "db" });
    expect(warnings).toEqual([
      "APP_DATABASE_URL is used; ignored: config/config.yaml: database.port, config/config.yaml: database.name, " +
        "APP_DATABASE_USERNAME, --database-host",
    ]);
  });

  test("uses the settings of a password and sslmode that it leaves out", () => {
    const apart = { APP_DATABASE_PASSWORD: "secret", APP_DATABASE_SSLMODE: "require" };
    expect(load({ env: { ...apart, APP_DATABASE_URL: "postgres://ann@db" } })).toMatchObject({
      config: { database: { ...external, host: "db", username: "ann", password: "secret", sslMode: "require" } },
      warnings: [],
    });
    expect(load({ env: { ...apart, APP_DATABASE_URL: "postgres://ann:pw@db?sslmode=disable" } })).toMatchObject({
      config: { database: { ...external, host: "db", username: "ann", password: "pw" } },
      warnings: ["APP_DATABASE_URL is used; ignored: APP_DATABASE_PASSWORD, APP_DATABASE_SSLMODE"],
    });
  });
});

describe("a URL's parameters", () => {
  test("cause a warning that names the setting if they have no effect", () => {
    const env = { APP_DATABASE_URL: "postgres://db?keepalives=1" };
    expect(load({ env }).warnings).toEqual([expect.stringMatching(/^APP_DATABASE_URL: keepalives is ignored/)]);
  });

  test.each([
    ["pgbouncer=true", undefined, false],
    ["pgbouncer=true", "true", true],
    ["pgbouncer=false", undefined, true],
    ["pgbouncer=false", "false", false],
  ])("%s with a setting of %s: statements are prepared: %s", (query, setting, prepared) => {
    const given = setting === undefined ? {} : { APP_DATABASE_PREPARED_STATEMENTS: setting };
    const { config } = load({ env: { APP_DATABASE_URL: `postgres://db?${query}`, ...given } });
    expect(config.databasePreparedStatements).toBe(prepared);
  });
});

describe("paths and authorities", () => {
  test.each([
    ["relative to the project", "certs/ca.pem", "/srv/frontrow/certs/ca.pem"],
    ["absolute", "/etc/ca.pem", "/etc/ca.pem"],
  ])("%s", (_, given, path) => {
    const env = { APP_DATABASE_SSLMODE: "verify-full", APP_DATABASE_SSL_CA_FILE: given };
    const database = { ...external, sslMode: "verify-full", sslCaFile: path };
    expect(load({ env })).toMatchObject({ config: { database }, warnings: [] });
    expect(load({ env: { APP_DATA_DIR: given } }).config.database).toMatchObject({ dataDir: path });
  });

  test("warns of a file of authorities that is not used", () => {
    const env = { APP_DATABASE_HOST: "db", APP_DATABASE_SSL_CA_FILE: "ca.pem" };
    expect(load({ env }).warnings).toEqual([
      "APP_DATABASE_SSL_CA_FILE is ignored: certificates are checked with sslmode verify-ca and verify-full only, and it is disable",
    ]);
  });

  test("checks against the authorities that a URL names, as libpq does", () => {
    const env = {
      APP_DATABASE_URL: "postgres://db?sslmode=require&sslrootcert=ca.pem",
      APP_DATABASE_SSL_CA_FILE: "b.pem",
    };
    const database = { ...external, host: "db", sslMode: "verify-ca", sslCaFile: "/srv/frontrow/ca.pem" };
    const warnings = ["APP_DATABASE_URL is used; ignored: APP_DATABASE_SSL_CA_FILE"];
    expect(load({ env })).toMatchObject({ config: { database }, warnings });
  });

  test("ignores the file of authorities for sslrootcert=system in the URL", () => {
    const env = { APP_DATABASE_URL: "postgres://db?sslrootcert=system", APP_DATABASE_SSL_CA_FILE: "/etc/other.pem" };
    const { config, warnings } = load({ env });
    expect(config.database).toMatchObject({ sslMode: "verify-full" });
    expect(config.database).not.toHaveProperty("sslCaFile");
    expect(warnings).toEqual(["APP_DATABASE_URL is used; ignored: APP_DATABASE_SSL_CA_FILE"]);
  });

  test("warns of verify-ca without a file of authorities", () => {
    const env = { APP_DATABASE_HOST: "db", APP_DATABASE_SSLMODE: "verify-ca" };
    expect(load({ env }).warnings).toEqual([expect.stringContaining("APP_DATABASE_SSL_CA_FILE, or use verify-full")]);
  });
});

describe("no problem and no warning repeats a password", () => {
  test.each<[string, Sources]>([
    ["a bad URL", { env: { APP_DATABASE_URL: "postgres://ann:s3cret@db:99999" } }],
    ["a URL with the wrong scheme", { env: { APP_DATABASE_URL: "mysql://ann:s3cret@db" } }],
    ["a URL with an unescaped password", { env: { APP_DATABASE_URL: "postgres://ann:1?s3cret@db" } }],
    ["a URL in place of a host", { env: { APP_DATABASE_HOST: "postgres://ann:s3cret@db/x" } }],
    ["a password with a line break", { env: { APP_DATABASE_PASSWORD: "s3cret\n" } }],
    ["a password in two arguments", { argv: ["--database-password", "my", "s3cret"] }],
    ["a misspelt flag", { argv: ["--databse-password", "s3cret"] }],
    ["a misspelt flag with =", { argv: ["--databse-password=s3cret"] }],
    ["a flag with :", { argv: ["--database-password:s3cret"] }],
    ["a flag before a flag", { argv: ["--database-password", "--migrate", "s3cret"] }],
    ["a YAML alias", { yaml: "database:\n  password: *s3cret" }],
    ["a YAML tag", { yaml: "database:\n  password: !s3cret" }],
    ["a reserved YAML character", { yaml: "database:\n  password: @s3cret" }],
    ["a broken YAML quotation", { yaml: 'database:\n  password: "s3cret\n  port: 1' }],
    ["a YAML colon without a blank", { yaml: "database:\n  password:s3cret" }],
    ["the same in one line", { yaml: "database: {password:s3cret}" }],
    ["a YAML list", { yaml: "database: {password: [s3cret]}" }],
    ["a YAML section", { yaml: "database: {password: {s3cret: s3cret}}" }],
  ])("%s", (_, sources) => {
    const error = (() => {
      try {
        return load(sources);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).not.toContain("s3cret");
  });

  test("a warning of overruled settings", () => {
    const env = { APP_DATABASE_URL: "postgres://ann:s3cret@db", APP_DATABASE_PASSWORD: "s3cret" };
    expect(load({ env }).warnings.join()).not.toContain("s3cret");
  });
});
