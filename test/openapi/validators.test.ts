/** The document in both of its forms, checked by two independent validators. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "../support/project-root.ts";
import { validateBy } from "./support/tools.ts";

const fileOf = (form: string) => join(projectRoot, "gen", "openapi", `openapi.${form}`);

test.each(["json", "yaml"])("Redocly finds nothing wrong with the document in %s", async (form) => {
  const { isValid, output } = await validateBy("redocly", ["lint", "--config", "redocly.yaml", fileOf(form)]);
  expect(output).toMatch(/Your API description is valid/);
  expect(output).not.toMatch(/warning/i);
  expect(isValid).toBe(true);
});

test.each(["json", "yaml"])("Spectral finds nothing wrong with the document in %s", async (form) => {
  const args = ["lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint", fileOf(form)];
  expect(await validateBy("spectral", args)).toEqual({
    isValid: true,
    output: expect.stringContaining("No results with a severity of 'hint' or higher found!"),
  });
});
