import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { helpText, loadConfig, settingList } from "./load.ts";

function load(yaml: string | undefined) {
  return loadConfig({ argv: [], env: {}, readFile: () => yaml, projectRoot: "/srv/frontrow" });
}

test("the help names every flag, variable, default and purpose", () => {
  const help = helpText();
  for (const { flag, environmentName, defaultText, description } of settingList) {
    const row = new RegExp(`^  ${flag} VALUE +${environmentName} +(.*)\\n +${RegExp.escape(description)}`, "m");
    expect(row.exec(help)?.[1]).toBe(defaultText ?? "(none)");
  }
  for (const flag of ["--migrate", "--wait-for-db", "--config", "--version", "--help"]) expect(help).toContain(flag);
  expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
});

describe("config/config.example.yaml", () => {
  const example = readFileSync(new URL("../../config/config.example.yaml", import.meta.url), "utf8");
  const switchedOn = example.replace(/^( *)#(?=\w)/gm, "$1");

  test("changes nothing as it is", () => {
    expect(load(example)).toEqual(load(undefined));
  });

  test("holds every setting in the table's order, with its default and its description above it", () => {
    const shown = [...switchedOn.matchAll(/# (.*)\n *(\w+): "?(.*?)"?$/gm)];
    expect(shown.map(([, , name]) => name)).toEqual(settingList.map(({ path }) => path.split(".").at(-1)));
    for (const [index, { description, defaultText }] of settingList.entries()) {
      expect(shown[index]?.[1]).toContain(description);
      if (defaultText !== undefined) expect(shown[index]?.[3]).toBe(defaultText);
    }
  });

  test("is valid with everything switched on, and still holds the defaults", () => {
    const { config, warnings } = load(switchedOn);
    const apart = { database: undefined, host: undefined, whyLoopback: undefined, redisUrl: undefined };
    expect({ ...config, ...apart }).toEqual({ ...load(undefined).config, ...apart });
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
        expect.stringContaining(`auth.${name} is ignored: it counts with APP_AUTH_MODE=jwt only`),
      ),
    ]);
  });
});

test("docs/configuration.md names every variable with its default and description, in the table's order", () => {
  const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(APP_\w+)` \| (.*?) \| (.*) \|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(
    settingList.map(({ environmentName, defaultText, description }) => [
      environmentName,
      defaultText === undefined ? "" : `\`${defaultText}\``,
      description,
    ]),
  );
});
