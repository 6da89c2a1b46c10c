import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { serviceFlags } from "./service-flags.ts";

test("what is measured runs like what is shipped", async () => {
  const read = (name: string) => readFile(join(import.meta.dirname, "..", name), "utf8");
  const { scripts } = JSON.parse(await read("package.json"));
  expect(scripts.start).toBe(`exec node ${serviceFlags.join(" ")} --import ./src/node-version.js src/main.ts`);
  expect(await read("Containerfile")).toContain(
    `ENTRYPOINT ${JSON.stringify(["node", ...serviceFlags, "--import", "./src/node-version.js", "src/main.ts"]).replaceAll(",", ", ")}`,
  );
});
