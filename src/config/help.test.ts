import { describe, expect, test } from "vitest";
import { load } from "../../test/support/unit/config-sources.ts";
import { exampleFile, helpText } from "./help.ts";
import { settingList } from "./schema.ts";

test("the help has every flag, variable, default and description", () => {
  const help = helpText();
  for (const { flag, environmentName, defaultText, description } of settingList) {
    const row = new RegExp(`^  ${flag} VALUE +${environmentName} +(.*)\\n +${RegExp.escape(description)}`, "m");
    expect(row.exec(help)?.[1]).toBe(defaultText || "(none)");
  }
  for (const flag of ["--migrate", "--wait-for-db", "--config", "--version", "--help"]) expect(help).toContain(flag);
  expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
});

describe("the example file", () => {
  const example = exampleFile();
  const switchedOn = example.replace(/^( *)#(?=\w)/gm, "$1");

  test("changes nothing as it is", () => {
    expect(load({ yaml: example })).toEqual(load({}));
  });

  test("has every setting with its default, below its description", () => {
    const shown = [...switchedOn.matchAll(/# (.*)\n(?:\w+:\n)? *(\w+): "?(.*?)"?$/gm)];
    expect(shown.map(([, , name]) => name)).toEqual(settingList.map(({ path }) => path.split(".").at(-1)));
    for (const [index, { description, defaultText }] of settingList.entries()) {
      expect(shown[index]?.[1]).toContain(description);
      if (defaultText) expect(shown[index]?.[3]).toBe(defaultText);
    }
  });

  test("is valid without its comment marks, and still has the defaults", () => {
    const { config, warnings } = load({ yaml: switchedOn });
    const shownByExample = { redisUrl: undefined, metricsPort: undefined, metricsHost: undefined };
    const apart = { database: undefined, host: undefined, whyLoopback: undefined, ...shownByExample };
    expect({ ...config, ...apart }).toEqual({ ...load({}).config, ...apart });
    expect(config.host, "the mode is set").toBe("0.0.0.0");
    expect(config.database).toEqual({
      kind: "external",
      host: "localhost",
      port: 5432,
      username: "postgres",
      password: "postgres",
      name: "concert_tickets",
      sslMode: "disable",
      sslCaFile: "/srv/frontrow/config/ca.pem",
    });
    expect(warnings).toEqual([
      expect.stringContaining("database.url is used; ignored: config/config.yaml: database.host"),
      expect.stringContaining("database.ssl_ca_file is ignored"),
      ...["issuer", "audience", "jwks_url", "public_key"].map((name) =>
        expect.stringContaining(`auth.${name} is ignored: it applies with APP_AUTH_MODE=jwt only`),
      ),
    ]);
  });
});
