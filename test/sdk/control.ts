/** The control server of one player: JSON over HTTP on loopback. sdk/README.md lists its requests. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { parse } from "yaml";
import { z } from "zod";
import { type HeldLock, holdConcert } from "../support/database/locks.ts";
import type { OpenProgram } from "../support/process/program.ts";
import { projectRoot } from "../support/project-root.ts";
import { createStage, timestamp } from "../support/service/stage.ts";
import { type CuttingProxy, startCuttingProxy } from "./cutting-proxy.ts";
import type { Stage } from "./stage.ts";

export interface Control extends AsyncDisposable {
  /** Its URL, for FRONTROW_STAGE. */
  readonly address: string;
}

/** Answers with an object, or with an empty one. */
type Handler = (body: unknown) => Promise<object | undefined> | object | undefined;

const concertsBody = z.strictObject({
  count: z.int().min(1).max(1_000).default(1),
  total_tickets: z.int().default(100),
  window: z.enum(["open", "closed"]).default("open"),
  max_tickets_per_user: z.int().optional(),
  requires_payment: z.boolean().optional(),
});
const tokensBody = z.strictObject({
  user: z.string(),
  scope: z.string().default("bookings:read bookings:write"),
  /** Below zero for a token that has expired already. */
  expires_in_seconds: z.int().default(3_600),
});
const concurrentCreations = 25;
/** Less than the time of an attempt, whose end cancels its request, too. */
const cancelledWithinMs = 3_000;
const concertBody = z.strictObject({ concert_id: z.coerce.bigint() });

/** Starts a control server, and the proxies of its player. */
export async function startControl(stage: Stage): Promise<Control> {
  const stack = new AsyncDisposableStack();
  try {
    const handlers = await openHandlers(stage, stack);
    const server = createServer(async (request, response) => {
      const { status, answer } = await handle(handlers, request);
      response.writeHead(status, { "content-type": "application/json", "access-control-allow-origin": "*" });
      response.end(JSON.stringify(answer));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    stack.defer(() => closeServer(server));
    return { address: urlOf(server), [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function openHandlers(stage: Stage, stack: AsyncDisposableStack): Promise<Record<string, Handler>> {
  const openProxy = async ({ baseUrl }: Pick<OpenProgram, "baseUrl">) =>
    stack.adopt(await startCuttingProxy(baseUrl), (proxy) => proxy.close());
  const proxies = {
    plain: await openProxy(stage.plain),
    tokens: await openProxy(stage.tokens),
    strict: await openProxy(stage.strict),
  };
  const wrong = await openWrongAddresses(stack);
  const addresses = Object.fromEntries(Object.entries(proxies).map(([name, { address }]) => [name, address]));
  return {
    "GET /": () => ({ ...addresses, ...wrong }),
    "GET /scenarios": readScenarios,
    "GET /cuts": () => ({ count: proxies.plain.cuts() }),
    "GET /requests": () => Object.fromEntries(Object.entries(proxies).map(([name, proxy]) => [name, proxy.requests()])),
    "POST /cut": () => void proxies.plain.cutNextAnswer(),
    "POST /concerts": (body) => createConcerts(stage, concertsBody.parse(body)),
    "POST /tokens": (body) => createToken(stage, tokensBody.parse(body)),
    ...lockHandlers(stage, stack, proxies.plain),
    ...serviceHandlers(stage, stack, openProxy),
  };
}

async function handle(handlers: Readonly<Record<string, Handler>>, request: IncomingMessage) {
  try {
    const handler = handlers[`${request.method} ${request.url}`];
    if (!handler) return { status: 404, answer: { error: `there is no ${request.method} ${request.url}` } };
    const body = request.method === "POST" ? await json(request) : {};
    return { status: 200, answer: (await handler(body)) ?? {} };
  } catch (error) {
    return { status: 400, answer: { error: error instanceof Error ? error.message : String(error) } };
  }
}

/** Addresses at which no Frontrow is: none listens at one, one never answers, one is another web server. */
async function openWrongAddresses(stack: AsyncDisposableStack) {
  const sockets = new Set<{ destroy(): void }>();
  const silent = createTcpServer((socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  const foreign = createServer((_request, response) => {
    response.writeHead(404, { "content-type": "text/html" }).end("<h1>Not Found</h1>");
  });
  for (const server of [silent, foreign]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  // The port of this end of a connection: connections to it are refused, and no other process can listen there.
  const bound = connect((silent.address() as AddressInfo).port, "127.0.0.1");
  sockets.add(bound.on("error", () => {}));
  await once(bound, "connect");
  stack.defer(() => {
    closeServer(foreign);
    silent.close();
    for (const socket of sockets) socket.destroy();
  });
  return { closed: `http://127.0.0.1:${bound.localPort}`, silent: urlOf(silent), foreign: urlOf(foreign) };
}

function closeServer(server: Server): void {
  server.close();
  server.closeAllConnections();
}

function urlOf(server: TcpServer): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readScenarios(): Promise<object> {
  return parse(await readFile(`${projectRoot}/sdk/scenarios.yaml`, "utf8"));
}

async function createConcerts({ plain }: Stage, body: z.infer<typeof concertsBody>): Promise<object> {
  // A filter by this artist finds these concerts only.
  const artist = `Artist ${crypto.randomUUID()}`;
  const { concert } = createStage(plain.baseUrl);
  const changes = {
    artist,
    totalTickets: body.total_tickets,
    ...(body.window === "closed" && { bookingEndTime: timestamp("2021-01-01T00:00:00Z") }),
    ...(body.max_tickets_per_user !== undefined && { maxTicketsPerUser: body.max_tickets_per_user }),
    ...(body.requires_payment !== undefined && { requiresPayment: body.requires_payment }),
  };
  const ids: bigint[] = [];
  while (ids.length < body.count) {
    const some = Math.min(concurrentCreations, body.count - ids.length);
    const made = await Promise.all(Array.from({ length: some }, () => concert(changes)));
    ids.push(...made.map(({ id }) => id));
  }
  // As lists of concerts have them, whose dates are equal.
  return { artist, ids: ids.sort((one, other) => Number(one - other)).map(String) };
}

async function createToken({ issuer }: Stage, body: z.infer<typeof tokensBody>): Promise<object> {
  const { user, scope, expires_in_seconds } = body;
  const exp = Math.floor(Date.now() / 1_000) + expires_in_seconds;
  return { token: await issuer.sign({ sub: user, scope, exp }) };
}

/** Locks of concerts' rows, behind which bookings wait. */
function lockHandlers({ database }: Stage, stack: AsyncDisposableStack, plain: CuttingProxy): Record<string, Handler> {
  const locks = new Map<bigint, HeldLock & { readonly cancellations: number }>();
  const lockOf = (body: unknown) => {
    const { concert_id } = concertBody.parse(body);
    const lock = locks.get(concert_id);
    if (!lock) throw new Error(`concert ${concert_id} is not locked`);
    return lock;
  };
  return {
    "POST /lock": async (body) => {
      const { concert_id } = concertBody.parse(body);
      const lock = stack.use(await holdConcert(database, concert_id));
      locks.set(concert_id, { ...lock, cancellations: plain.cancellations() });
      return undefined;
    },
    "POST /blocked": async (body) => void (await lockOf(body).untilInTheWay()),
    "POST /cancelled": async (body) => {
      const { cancellations } = lockOf(body);
      const end = performance.now() + cancelledWithinMs;
      while (plain.cancellations() === cancellations) {
        if (performance.now() > end) throw new Error(`no request was cancelled within ${cancelledWithinMs} ms`);
        await delay(5);
      }
      return undefined;
    },
    "POST /unlock": async (body) => void (await lockOf(body).release()),
  };
}

/** A service that the player alone uses, and may restart. */
function serviceHandlers(
  { startService }: Stage,
  stack: AsyncDisposableStack,
  openProxy: (service: OpenProgram) => Promise<CuttingProxy>,
): Record<string, Handler> {
  let own: { readonly proxy: CuttingProxy; service: Promise<OpenProgram> } | undefined;
  return {
    "POST /service": async () => {
      const service = await startService();
      const started = { proxy: await openProxy(service), service: Promise.resolve(service) };
      stack.defer(async () => void (await (await started.service).stop("SIGKILL")));
      own = started;
      return { address: started.proxy.address };
    },
    // Answers at once, so that the player's calls meet a service that is down.
    "POST /restart": async () => {
      if (!own) throw new Error("POST /service comes first");
      const { proxy, service } = own;
      proxy.goDown();
      await (await service).stop("SIGKILL");
      own.service = startService();
      own.service.then(({ baseUrl }) => proxy.moveTo(baseUrl)).catch(() => proxy.goDown());
      return undefined;
    },
  };
}
