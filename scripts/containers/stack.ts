/** The Compose project that is tried, with names and ports that no other project uses. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@frontrow/embedded-postgres";
import { run, say, succeeds } from "./engine.ts";
import { buildFlags, buildNetwork, type Images, prepareImages, projectRoot } from "./images.ts";

export interface Stack {
  /** The name of the project and of its network, and the label of its other containers. */
  readonly project: string;
  readonly serviceImage: string;
  readonly loadTestImage: string;
  readonly images: Images;
  /** A published port, by the variable of compose.yaml that sets it. */
  port(variable: PortVariable): number;
  /** Runs Compose with all profiles active, unless the environment says otherwise. */
  compose(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** A field of the container of a service. */
  inspect(service: string, template: string): Promise<string>;
}

const portVariables = [
  ...(["APP_REST_PORT", "APP_GRPC_PORT", "BALANCER_REST_PORT", "BALANCER_GRPC_PORT"] as const),
  ...(["BALANCER_STATUS_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT"] as const),
];
type PortVariable = (typeof portVariables)[number];

const allProfiles = "scale,ha,observability";
const [logsMs, cleanUpMs] = [10_000, 45_000];

/** Builds all images, runs `work`, and removes all that was made, whether it succeeds or fails. */
export async function withStack(
  composeCommand: readonly string[],
  work: (stack: Stack) => Promise<void>,
): Promise<void> {
  const project = `frontrow-try-${randomBytes(4).toString("hex")}`;
  const [serviceImage, loadTestImage] = [`${project}-service`, `${project}-loadtest`];
  const folder = await mkdtemp(join(tmpdir(), "frontrow-"));
  const override = join(folder, "override.json");
  const [program = "", ...firstArgs] = composeCommand;
  const files = ["-f", join(projectRoot, "compose.yaml"), "-f", override];
  // In place of a developer's .env, whose settings would be tried instead of the defaults.
  const envFile = join(folder, "empty.env");
  await writeFile(envFile, "");
  const place = ["--project-directory", projectRoot, "--env-file", envFile, "-p", project];
  const baseArgs = [...firstArgs, ...place, ...files];
  const ports = await freePorts();
  const variables = Object.fromEntries([...ports].map(([name, port]) => [name, `${port}`]));
  const ownEnv = { ...environmentOfOthers(), ...variables, APP_IMAGE: serviceImage, COMPOSE_PROFILES: allProfiles };
  const compose: Stack["compose"] = (args, env = {}) =>
    run(program, [...baseArgs, ...args], { env: { ...ownEnv, ...env } });
  try {
    const images = await build({ project, serviceImage, loadTestImage, override, compose });
    await work({
      ...{ project, serviceImage, loadTestImage, images, compose },
      port: (variable) => ports.get(variable) ?? 0,
      inspect: async (service, template) => {
        const [id = ""] = (await compose(["ps", "--all", "--quiet", service])).split("\n");
        return await run("docker", ["inspect", "--format", template, id]);
      },
    });
  } catch (error) {
    // A trial that has taken too long has logs to show as well.
    const logs = { env: ownEnv, signal: AbortSignal.timeout(logsMs) };
    say(await run(program, [...baseArgs, "logs", "--no-color", "--tail", "40"], logs).catch(String));
    throw error;
  } finally {
    // A signal must not stop the clean-up, so the clean-up has a separate time limit.
    const signal = AbortSignal.timeout(cleanUpMs);
    const atEnd = (command: string, args: readonly string[]) =>
      run(command, args, { env: ownEnv, signal }).catch((error: unknown) => say(String(error)));
    // Compose waits for each container that stops. The load tests' containers, which it does not know, keep the network.
    for (const label of [`com.docker.compose.project=${project}`, project]) {
      const ids = (await atEnd("docker", ["ps", "--all", "--quiet", "--filter", `label=${label}`])) ?? "";
      if (ids !== "") await atEnd("docker", ["rm", "--force", "--volumes", ...ids.split("\n")]);
    }
    await atEnd(program, [...baseArgs, "down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "2"]);
    await atEnd("docker", ["image", "rm", "--force", serviceImage, loadTestImage]);
    await rm(folder, { recursive: true, force: true });
  }
}

interface BuildPlan extends Pick<Stack, "project" | "serviceImage" | "loadTestImage" | "compose"> {
  readonly override: string;
}

/** Writes the override file. Builds go on side by side: most of their time they wait for packages. */
async function build(plan: BuildPlan): Promise<Images> {
  const { project, serviceImage, loadTestImage, override, compose } = plan;
  const writeOverride = async (images?: Images) =>
    await writeFile(override, JSON.stringify(overrideFor(project, images, buildNetwork)));
  const image = async (target: string, tag: string) => {
    const args = ["--file", join(projectRoot, "Containerfile"), "--target", target, "--tag", tag, projectRoot];
    await run("docker", ["build", "--quiet", ...buildFlags, ...args]);
  };
  say("building the images");
  await writeOverride();
  const preparing = prepareImages();
  const builds = [
    image("service", serviceImage).then(() => image("loadtest", loadTestImage)),
    compose(["build", "pgbouncer"])
      .then(() => preparing)
      .then(writeOverride)
      .then(() => compose(["build", "patroni1", "patroni2", "patroni3"])),
  ];
  // The clean-up must not begin before each of them has ended.
  await Promise.allSettled([preparing, ...builds]);
  await Promise.all(builds);
  return await preparing;
}

/** JSON is YAML. The network has a fixed name, which a running stack may have taken. */
function overrideFor(project: string, images: Images | undefined, network: string | undefined) {
  const base = images?.patroniBase;
  // Debian 12 has Patroni 3.0.2, which loses bookings with etcd's v3 API: docs/operations.md, Failover. It takes the first
  // store that has settings, in the order of their names.
  const v2 = base && { environment: { PATRONI_ETCD_HOSTS: "'etcd:2379'", PATRONI_ETCD3_HOSTS: "" } };
  const patroni = { build: { ...(network && { network }), ...(base && { args: { BASE_IMAGE: base } }) }, ...v2 };
  return {
    networks: { "concert-network": { name: project } },
    services: {
      ...(network && { app: { build: { network } }, pgbouncer: { build: { network } } }),
      ...{ patroni1: patroni, patroni2: patroni, patroni3: patroni },
      ...images?.standIns,
      ...(base && { etcd: { ...images?.standIns.etcd, environment: { ETCD_ENABLE_V2: "true" } } }),
    },
  };
}

/** The environment without settings of the service, because the defaults are tested. */
function environmentOfOthers(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(APP|COMPOSE|OTEL|GRAFANA)_/.test(name)));
}

async function freePorts(): Promise<ReadonlyMap<PortVariable, number>> {
  const ports = new Map<PortVariable, number>();
  for (const name of portVariables) {
    let port = await freePort();
    while ([...ports.values()].includes(port)) port = await freePort();
    ports.set(name, port);
  }
  return ports;
}

/** Whether a container engine is running. */
export async function hasEngine(): Promise<boolean> {
  return await succeeds("docker", ["version"]);
}
