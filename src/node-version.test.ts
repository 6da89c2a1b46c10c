import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Runs the check in a process that takes itself for another version of Node. */
function check(version: string) {
  const versions = JSON.stringify({ node: version });
  const pretend = `data:text/javascript,Object.defineProperty(process,"versions",{value:${versions}})`;
  const flags = ["--import", pretend, "--import", "./src/node-version.js"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, "-p", "'it runs'"], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test.each(["20.20.2", "22.18.0", "24.9.0", "25.1.0"])("Node %s is told which one is needed", (version) => {
  const { status, stdout, stderr } = check(version);
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toBe(
    `frontrow: this needs Node.js 26 or newer, and this is ${version}. ` +
      'Install one, or run "npm ci" without --omit=dev, which brings one for npm\'s commands.\n',
  );
});

test.each(["26.0.0", "26.10.0", "100.0.0"])("Node %s is new enough", (version) => {
  expect(check(version)).toEqual({ status: 0, stdout: "it runs\n", stderr: "" });
});

test("every command for users checks it first", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const name of ["start", "migrate", "dev-token"]) {
    expect(scripts[name]).toContain("--import ./src/node-version.js src/");
  }
});
