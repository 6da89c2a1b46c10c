/** Which images of compose.yaml are available, and what stands in for those that are not. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { run, say, succeeds } from "./engine.ts";

export const projectRoot = join(import.meta.dirname, "..", "..");
const pullMs = 120_000;

interface ComposeFile {
  readonly services: Readonly<
    Record<string, { readonly image?: string; readonly build?: { readonly context: string } }>
  >;
}

/** What a service of compose.yaml has in place of an image that cannot be pulled. */
interface StandIn {
  readonly image: string;
  readonly entrypoint?: readonly string[];
}

export interface Images {
  /** By service: what is other than in compose.yaml. */
  readonly standIns: Readonly<Record<string, StandIn>>;
  /** Services without image and without stand-in. */
  readonly missing: readonly string[];
}

/** Images that others are built from. Without them nothing can be tried. */
const baseImages = ["node:26-bookworm-slim", "debian:bookworm-slim", "postgres:18"] as const;
/** Services that Debian has a package for, and the program where an image's entry point names it. */
const debianPrograms: Readonly<Record<string, readonly string[] | undefined>> = {
  balancer: undefined,
  "database-ha": undefined,
  redis: undefined,
  etcd: undefined,
  prometheus: ["prometheus"],
};

/** A base image that is neither present nor can be pulled; undefined if all are there. */
export async function missingBaseImage(): Promise<string | undefined> {
  const present = await Promise.all(baseImages.map(isAvailable));
  return baseImages.find((_, index) => !present[index]);
}

/** Looks for the images of the other services. For those that cannot be had it builds `standInTag` from Debian's packages. */
export async function prepareImages(standInTag: string, buildArgs: readonly string[]): Promise<Images> {
  const compose = parse(await readFile(join(projectRoot, "compose.yaml"), "utf8"), { merge: true }) as ComposeFile;
  const pulled = Object.entries(compose.services).flatMap(([service, { image, build }]) =>
    image === undefined || build !== undefined ? [] : [{ service, image }],
  );
  const found = new Map<string, Promise<boolean>>();
  for (const { image } of pulled) found.set(image, found.get(image) ?? isAvailable(image));
  const absent: typeof pulled = [];
  for (const entry of pulled) if (!(await found.get(entry.image))) absent.push(entry);
  const standIns: Record<string, StandIn> = {};
  for (const { service } of absent.filter((entry) => entry.service in debianPrograms)) {
    const entrypoint = debianPrograms[service];
    standIns[service] = { image: standInTag, ...(entrypoint && { entrypoint }) };
  }
  if (Object.keys(standIns).length > 0) {
    say(`STAND-INS from Debian's packages, because the images cannot be pulled: ${Object.keys(standIns).join(", ")}`);
    await run("docker", [
      "build",
      "--quiet",
      ...buildArgs,
      "--tag",
      standInTag,
      join(import.meta.dirname, "stand-ins"),
    ]);
  }
  return { standIns, missing: absent.map(({ service }) => service).filter((service) => !(service in standIns)) };
}

async function isAvailable(image: string): Promise<boolean> {
  return (
    (await succeeds("docker", ["image", "inspect", image])) ||
    (await succeeds("docker", ["pull", "--quiet", image], pullMs))
  );
}
