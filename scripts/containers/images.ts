/** Which images of compose.yaml are available, and what stands in for those that are not. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { run, say, succeeds } from "./engine.ts";

export const projectRoot = join(import.meta.dirname, "..", "..");
const pullMs = 120_000;
const standInsFolder = join(import.meta.dirname, "stand-ins");

/** The network of builds, if it is not the engine's. */
export const buildNetwork = process.env.BUILD_NETWORK || undefined;
/** The flags of each build. */
export const buildFlags = buildNetwork === undefined ? [] : ["--network", buildNetwork];

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
  /** What stands in for the base of deploy/patroni; undefined if the usual one has all of PostgreSQL's programs. */
  readonly patroniBase: string | undefined;
  /** By service: what is other than in compose.yaml. */
  readonly standIns: Readonly<Record<string, StandIn>>;
  /** Services without image and without stand-in. */
  readonly missing: readonly string[];
}

/** What the image of the service is built from. */
export const nodeImage = "node:26-bookworm-slim";
/** Images that others are built from. Without them nothing can be tried. */
const baseImages = [nodeImage, "debian:bookworm-slim", "postgres:18"] as const;
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

/**
 * Looks for the images of the other services. For those that cannot be had it builds some from Debian's packages. These are
 * kept for later trials, because a build takes minutes.
 */
export async function prepareImages(): Promise<Images> {
  const absent = await absentServices();
  const containerfile = await readFile(join(standInsFolder, "Containerfile"));
  const version = createHash("sha256").update(containerfile).digest("hex").slice(0, 12);
  const [servers, postgres] = [`frontrow-stand-in-servers:${version}`, `frontrow-stand-in-postgres:${version}`];
  const standIns: Record<string, StandIn> = {};
  for (const service of absent.filter((name) => name in debianPrograms)) {
    const entrypoint = debianPrograms[service];
    standIns[service] = { image: servers, ...(entrypoint && { entrypoint }) };
  }
  const hasAllPrograms = await hasPatronisPrograms();
  const names = [...Object.keys(standIns), ...(hasAllPrograms ? [] : ["the base of deploy/patroni"])];
  if (names.length > 0) say(`STAND-INS from Debian's packages: ${names.join(", ")}`);
  const builds = [
    ...(Object.keys(standIns).length > 0 ? [buildStandIn("servers", servers)] : []),
    ...(hasAllPrograms ? [] : [buildStandIn("postgres", postgres)]),
  ];
  await Promise.all(builds);
  return {
    patroniBase: hasAllPrograms ? undefined : postgres,
    standIns,
    missing: absent.filter((service) => !(service in standIns)),
  };
}

/** Services of compose.yaml whose images are neither present nor can be pulled. */
async function absentServices(): Promise<readonly string[]> {
  const compose = parse(await readFile(join(projectRoot, "compose.yaml"), "utf8"), { merge: true }) as ComposeFile;
  const found = new Map<string, Promise<boolean>>();
  const looked = Object.entries(compose.services).map(async ([service, { image, build }]) => {
    if (image === undefined || build !== undefined) return [];
    const present = found.get(image) ?? isAvailable(image);
    found.set(image, present);
    return (await present) ? [] : [service];
  });
  return (await Promise.all(looked)).flat();
}

/** An image that is made for tests may have the server alone. */
async function hasPatronisPrograms(): Promise<boolean> {
  const script = "command -v pg_controldata && command -v pg_rewind && command -v pg_basebackup";
  return await succeeds("docker", ["run", "--rm", "--entrypoint", "sh", "postgres:18", "-c", script]);
}

async function buildStandIn(target: string, tag: string): Promise<void> {
  if (await succeeds("docker", ["image", "inspect", tag])) return;
  const args = ["--file", join(standInsFolder, "Containerfile"), "--target", target, "--tag", tag, standInsFolder];
  await run("docker", ["build", "--quiet", ...buildFlags, ...args]);
}

async function isAvailable(image: string): Promise<boolean> {
  return (
    (await succeeds("docker", ["image", "inspect", image])) ||
    (await succeeds("docker", ["pull", "--quiet", image], pullMs))
  );
}
