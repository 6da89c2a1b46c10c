import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Runs the check in a process that reports another version of Node. */
function check(version: string) {
  const versions = JSON.stringify({ node: version });
  const pretend = `data:text/javascript,Object.defineProperty(process,"versions",{value:${versions}})`;
  const flags = ["--import", pretend, "--import", "./src/node-version.js"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, "-p", "'it runs'"], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test.each(["20.20.2", "22.18.0", "24.9.0", "25.1.0"])("Node %s ends with the version that is required", (version) => {
  const { status, stdout, stderr } = check(version);
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toBe(
    `frontrow: Node.js 26 or newer is required, and this is ${version}. ` +
      'Install it, or run "npm ci" without --omit=dev and --ignore-scripts, which installs it for npm\'s commands.\n',
  );
});

test.each(["26.0.0", "26.10.0", "100.0.0"])("Node %s is new enough", (version) => {
  expect(check(version)).toEqual({ status: 0, stdout: "it runs\n", stderr: "" });
});

test("every npm script that starts a TypeScript file with Node checks the version first", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  // The later commands of a chain run only if the first one did.
  const first = Object.values(scripts).filter((script) => /^(exec )?node /.test(script));
  expect(first.length).toBeGreaterThan(8);
  expect(first.filter((script) => !script.includes(" --import ./src/node-version.js "))).toEqual([]);
});

test("package.json, the check and the image agree on the version", () => {
  const { engines } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(engines.node).toBe(">=26");
  const images = readFileSync("Containerfile", "utf8").match(/^FROM \S+/gm);
  expect([...new Set(images)]).toEqual(["FROM node:26-bookworm-slim"]);
});
