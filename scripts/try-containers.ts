/**
 * Builds and runs Containerfile and compose.yaml: starts, books, restarts service and database, and removes everything
 * again. Without an engine or an image it prints that it is skipped, and succeeds.
 * BUILD_NETWORK (such as `host`) is the network of the build, for machines whose containers cannot reach a registry.
 */
import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const projectRoot = join(import.meta.dirname, "..");
const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)));
}
const overall = AbortSignal.any([stopping.signal, AbortSignal.timeout(15 * 60_000)]);

/** The running Compose project, with names and ports that no other project uses. */
interface Stack {
  readonly baseUrl: string;
  compose(...args: string[]): Promise<string>;
  /** A field of the service's container. */
  inspect(template: string): Promise<string>;
}

interface Booking {
  readonly id: string;
  readonly ticket_count: number;
  readonly status: string;
}

try {
  const composeCommand = await findCompose();
  const reason = composeCommand === undefined ? "no Compose is installed" : await whyNoImages();
  if (composeCommand === undefined || reason !== undefined) say(`SKIPPED: ${reason}`);
  else await withStack(composeCommand, tryStack);
} catch (error) {
  const cause = overall.aborted ? overall.reason : error;
  say(`FAILED: ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
}

async function tryStack(stack: Stack): Promise<void> {
  say("building the image and starting service and database");
  await stack.compose("up", "--build", "--detach");
  await untilReady(stack);
  expect("the user of the image", await stack.inspect("{{.Config.User}}"), "node");
  await until("the container is healthy", async () => {
    return (await stack.inspect("{{.State.Health.Status}}")) === "healthy";
  });

  const concertId = await createConcert(stack);
  const first = await book(stack, concertId);

  say("stopping and starting the service");
  await stack.compose("stop", "app");
  expect("the exit status after SIGTERM", await stack.inspect("{{.State.ExitCode}}"), "0");
  await stack.compose("start", "app");
  await untilReady(stack);
  expect("the booking after the service's restart", await getBooking(stack, first.id), first);

  say("restarting the database");
  await stack.compose("restart", "db");
  await until("the service reaches the database again", async () => {
    return (await fetch(`${stack.baseUrl}/api/v1/bookings/${first.id}`, { signal: overall })).ok;
  });
  expect("the booking after the database's restart", await getBooking(stack, first.id), first);
  await book(stack, concertId);
  expect("restarts of the service", await stack.inspect("{{.RestartCount}}"), "0");
  const concert = await call<{ available_tickets: number }>(stack, "GET", `concerts/${concertId}`);
  expect("available tickets", concert.available_tickets, 96);
  say("passed");
}

async function untilReady({ baseUrl }: Stack): Promise<void> {
  await until("the service is ready", async () => (await fetch(`${baseUrl}/readyz`, { signal: overall })).ok);
}

async function createConcert(stack: Stack): Promise<string> {
  const inHours = (hours: number) => Temporal.Now.instant().add({ hours }).toString();
  const concert = await call<{ id: string }>(stack, "POST", "concerts", {
    ...{ name: "Container Night", artist: "The Engines", venue: "The Hold" },
    ...{ concert_date: inHours(48), booking_start_time: inHours(-1), booking_end_time: inHours(24) },
    ...{ total_tickets: 100, price: 50 },
  });
  return concert.id;
}

async function book(stack: Stack, concertId: string): Promise<Booking> {
  const wanted = { request_id: randomUUID(), concert_id: concertId, user_id: "stowaway", ticket_count: 2 };
  return await call<Booking>(stack, "POST", "bookings", wanted);
}

async function getBooking(stack: Stack, id: string): Promise<Booking> {
  return await call<Booking>(stack, "GET", `bookings/${id}`);
}

async function call<Answer>({ baseUrl }: Stack, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${baseUrl}/api/v1/${path}`, {
    method,
    signal: overall,
    ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} returned ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Runs `work`, and removes the whole stack whether it succeeds or fails. */
async function withStack(composeCommand: readonly string[], work: (stack: Stack) => Promise<void>): Promise<void> {
  const [program = "", ...firstArgs] = composeCommand;
  const project = `frontrow-try-${randomBytes(4).toString("hex")}`;
  const folder = await mkdtemp(join(tmpdir(), "frontrow-"));
  const override = join(folder, "override.json");
  await writeFile(override, JSON.stringify(overrideFor(project)));
  const [restPort, grpcPort] = await findFreePorts();

  const files = ["-f", join(projectRoot, "compose.yaml"), "-f", override];
  const baseArgs = [...firstArgs, "--project-directory", projectRoot, "-p", project, ...files];
  const env = { ...environmentOfOthers(), APP_REST_PORT: `${restPort}`, APP_GRPC_PORT: `${grpcPort}` };
  const compose = (...args: string[]) => run(program, [...baseArgs, ...args], { env });
  const stack: Stack = {
    baseUrl: `http://127.0.0.1:${restPort}`,
    compose,
    inspect: async (template) => {
      return await run("docker", ["inspect", "--format", template, await compose("ps", "--all", "--quiet", "app")]);
    },
  };
  // A signal must not stop the clean-up, so the clean-up has a separate time limit.
  const atEnd = (...args: string[]) =>
    run(program, [...baseArgs, ...args], { env, signal: AbortSignal.timeout(120_000) });
  try {
    await work(stack);
  } catch (error) {
    say(await atEnd("logs", "--no-color", "--tail", "50").catch(String));
    throw error;
  } finally {
    await atEnd("down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "10");
    await rm(folder, { recursive: true, force: true });
  }
}

/** JSON is YAML. The network has a fixed name, which a running stack may have taken. */
function overrideFor(project: string) {
  const { BUILD_NETWORK } = process.env;
  return {
    networks: { "concert-network": { name: project } },
    ...(BUILD_NETWORK && { services: { app: { build: { network: BUILD_NETWORK } } } }),
  };
}

/** The environment without settings of the service, because the defaults are tested. */
function environmentOfOthers(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("APP_")));
}

async function findFreePorts(): Promise<number[]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, resolve));
      const address = server.address();
      return address !== null && typeof address === "object" ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function findCompose(): Promise<readonly string[] | undefined> {
  for (const command of [["docker", "compose"], ["docker-compose"]]) {
    const [program = "", ...args] = command;
    const found = await run(program, [...args, "version"], { signal: AbortSignal.timeout(20_000) }).then(
      () => true,
      () => false,
    );
    if (found) return command;
  }
  return undefined;
}

/** Why an image of the files is neither present nor can be pulled; undefined if all are available. */
async function whyNoImages(): Promise<string | undefined> {
  try {
    await run("docker", ["version"], { signal: AbortSignal.timeout(20_000) });
  } catch {
    return "no container engine is running";
  }
  const texts = await Promise.all(
    ["Containerfile", "compose.yaml"].map((name) => readFile(join(projectRoot, name), "utf8")),
  );
  const images = texts.flatMap((text) =>
    [...text.matchAll(/^(?:FROM| +image:) (\S+)/gm)].map(([, image = ""]) => image),
  );
  for (const image of new Set(images)) {
    try {
      await run("docker", ["image", "inspect", image]).catch(() => run("docker", ["pull", "--quiet", image]));
    } catch {
      return `the image ${image} is not present and cannot be pulled`;
    }
  }
  return undefined;
}

async function run(
  program: string,
  args: readonly string[],
  { signal = overall, env = process.env }: { signal?: AbortSignal; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { signal, env, maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const givesUpAt = performance.now() + 120_000;
  while (!(await holds().catch(() => false))) {
    overall.throwIfAborted();
    if (performance.now() > givesUpAt) throw new Error(`timed out before ${what}`);
    await delay(250, undefined, { signal: overall });
  }
  say(what);
}

function expect(what: string, actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`${what}: ${found} instead of ${wanted}`);
  say(`${what}: ${found}`);
}

function say(message: string): void {
  process.stdout.write(`containers: ${message}\n`);
}
