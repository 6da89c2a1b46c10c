/** The load test's container against services of the stack. */
import { expect, run, say } from "./engine.ts";
import type { Stack } from "./stack.ts";

/** A load test that is under way. */
export interface Load {
  /** Fails if it has ended, since what was meant to happen under load then did not. */
  assertRunning(): Promise<void>;
  /** Lets the users finish, prints the table, and fails unless every request was answered as it should be. */
  finish(): Promise<void>;
}

/** Starts the load test's container in the network of the stack. */
export async function startLoad(stack: Stack, url: string, ...args: string[]): Promise<Load> {
  const id = await run("docker", ["run", "--detach", ...flagsFor(stack, url), ...args]);
  return {
    async assertRunning() {
      const state = await run("docker", ["inspect", "--format", "{{.State.Running}}", id]);
      if (state !== "true") throw new Error(`the load test has ended: ${await run("docker", ["logs", id])}`);
    },
    async finish() {
      await run("docker", ["kill", "--signal", "SIGTERM", id]).catch(() => {});
      await report(id);
    },
  };
}

/** Runs the load test's container to its end. */
export async function runLoad(stack: Stack, url: string, ...args: string[]): Promise<void> {
  showTable(await run("docker", ["run", ...flagsFor(stack, url), ...args]));
}

/** The label is that by which the stack removes the container. */
function flagsFor({ project, loadTestImage }: Stack, url: string): string[] {
  const hardened = ["--read-only", "--cap-drop", "ALL"];
  return ["--network", project, "--label", project, ...hardened, "--env", `LOADTEST_URL=${url}`, loadTestImage];
}

async function report(id: string): Promise<void> {
  const status = await run("docker", ["wait", id]);
  const output = await run("docker", ["logs", id]);
  if (status !== "0") throw new Error(`the load test ended with status ${status}:\n${output}`);
  showTable(output);
}

/** Prints the table, and fails unless users booked, and were refused nothing but tickets that are sold out. */
function showTable(output: string): void {
  const rows = new Map(output.split("\n").map((line) => line.split(/ {2,}/) as [string, string]));
  if (rows.get("oversold") !== "0") throw new Error(`the load test has no table:\n${output}`);
  say("the load test's table:");
  process.stdout.write(`${output.replaceAll(/^/gm, "    ")}\n`);
  const unexpected = [...rows.keys()].filter(
    (name) => (name.startsWith("refused: ") && name !== "refused: INSUFFICIENT_TICKETS") || name.endsWith(": INTERNAL"),
  );
  expect("refusals and repeats that should not occur", unexpected, []);
  if (rows.get("confirmed") === "0") throw new Error("the load test has no confirmed booking");
}
