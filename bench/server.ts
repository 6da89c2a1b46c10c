/** A process that serves what is measured: the real service, and on the same listener the baselines. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import Fastify, { type FastifyInstance } from "fastify";
import type { BookTicketsRequest } from "../gen/frontrow/v1/booking_service_pb.ts";
import { startInventoryCheck } from "../src/booking/inventory.ts";
import { startSweeper } from "../src/booking/sweeper.ts";
import { type Config, loadConfig } from "../src/config/load.ts";
import { openDatabase } from "../src/database.ts";
import type { Booking } from "../src/domain/booking.ts";
import { bookingIdOf, concertIdOf } from "../src/domain/ids.ts";
import { createHost } from "../src/host.ts";
import { openMetrics } from "../src/open-metrics.ts";
import { bookingMessage } from "../src/rpc/convert.ts";
import { openGuards } from "../src/rpc/guards.ts";
import { bindService, type ServiceBinding } from "../src/rpc/service.ts";
import { createServices } from "../src/service.ts";
import { createLogger } from "../src/telemetry/log.ts";
import { openTracing } from "../src/telemetry/tracing/index.ts";
import { createHttpApp } from "../src/transport/http.ts";
import { createConnectionLimit } from "../src/transport/listener/connection-limit.ts";
import { listen } from "../src/transport/listener/listen.ts";
import { createReadiness } from "../src/transport/readiness.ts";
import { openRowLockBookings, type RowLockBookings } from "./baseline-row-lock.ts";
import { barePath, describeBaselines, noopMethod, rowLockMethod, rowLockPoolSizes } from "./baseline-service.ts";
import { serveQuestions } from "./questions.ts";
import { serverSettings } from "./server-settings.ts";
import { countStatements, type StatementCounts } from "./statements.ts";

/** What the bench asks the server: its ports, or what it has used so far. */
export type ServerQuestion = "port" | "metrics port" | "usage";

export interface ServerUsage extends StatementCounts {
  /** The processor time of the process so far. */
  readonly cpuMs: number;
}

const projectRoot = join(import.meta.dirname, "..");
const [databaseUrl = "", settings = "{}"] = process.argv.slice(2);

interface Served {
  readonly port: number;
  readonly metricsPort: number | undefined;
  readonly close: () => Promise<void>;
}

async function serve(config: Config): Promise<Served> {
  // The bench reads its standard output.
  const logger = createLogger({ level: config.logLevel, destination: process.stderr });
  const stack = new AsyncDisposableStack();
  const host = createHost(config, logger, new AbortController().signal, stack);
  const { publish } = host;
  const metrics = await openMetrics(config, host);
  const beginTrace = await openTracing(config.tracing, host, stack);
  const { store } = await openDatabase(config, host);
  const openRowLock = (poolSize: number) =>
    stack.adopt(openRowLockBookings(databaseUrl, poolSize), ({ close }) => close());
  const rowLock = new Map(rowLockPoolSizes.map((poolSize) => [poolSize, openRowLock(poolSize)]));
  const { services: realServices, engine } = createServices(config, store, publish);
  stack.use(startSweeper(store, engine, publish));
  if (metrics) stack.use(startInventoryCheck(store, publish));
  const services = [...realServices, bindBaselines(rowLock)];
  const descriptions = services.map(({ service }) => service);
  const readiness = createReadiness({ probe: () => store.probe(), publish });
  stack.defer(() => readiness.close());
  const { draining } = readiness;
  const guardOptions = { services: descriptions, publish, draining, beginTrace, stack };
  const { interceptors, ...load } = await openGuards(config, guardOptions);
  metrics?.addServices(descriptions);
  metrics?.read({ ...load, queuedRequests: () => engine.queuedRequests() });
  const http = await createHttpApp({
    services,
    interceptors,
    readiness,
    corsOrigins: config.corsOrigins,
    maxBodyBytes: config.maxBodyBytes,
    trustedProxies: config.trustedProxies,
    publish,
    logger,
    shutdownSignal: new AbortController().signal,
  });
  const bare = await createBareApp();
  stack.defer(async () => void (await Promise.all([http.close(), bare.close()])));
  const listener = await listen({
    host: config.host,
    port: 0,
    handler: (request, response) => (request.url === barePath ? bare : http).routing(request, response),
    limits: config,
    connectionLimit: createConnectionLimit({ ...config, publish }),
    publish,
  });
  stack.defer(() => listener.destroy());
  await readiness.started();
  return { port: listener.port, metricsPort: metrics?.port, close: () => stack.disposeAsync() };
}

/** `noop` returns a booking at once; each row-lock baseline books with its pool size. */
function bindBaselines(rowLock: ReadonlyMap<number, RowLockBookings>): ServiceBinding {
  const handlers: Record<string, (request: BookTicketsRequest) => unknown> = {
    [localName(noopMethod)]: (request) => bookingMessage(asBooking(request, noBooking)),
  };
  for (const [poolSize, { book }] of rowLock) {
    handlers[localName(rowLockMethod(poolSize))] = async (request) => {
      const { id, unitPrice, now, currencyCode } = await book(request);
      return bookingMessage(
        asBooking(request, { id: bookingIdOf(id), unitPriceCents: unitPrice * 100, now, currencyCode }),
      );
    };
  }
  const methods = [noopMethod, ...rowLockPoolSizes.map(rowLockMethod)];
  return bindService(describeBaselines(methods), handlers as ServiceBinding["implementation"]);
}

const localName = (method: string) => method.charAt(0).toLowerCase() + method.slice(1);

type Stored = Pick<Booking, "id" | "unitPriceCents" | "currencyCode"> & { readonly now: Temporal.Instant };

const noBooking: Stored = {
  id: bookingIdOf(1n),
  unitPriceCents: 5_000,
  currencyCode: "USD",
  now: Temporal.Now.instant(),
};

function asBooking({ concertId, userId, ticketCount }: BookTicketsRequest, { now, ...stored }: Stored): Booking {
  return {
    ...stored,
    concertId: concertIdOf(concertId),
    userId,
    ticketCount,
    requestedCount: ticketCount,
    totalPriceCents: stored.unitPriceCents * ticketCount,
    status: "confirmed",
    bookingTime: now,
    createdAt: now,
    updatedAt: now,
    holdExpiresTime: undefined,
    paymentReference: undefined,
    requestId: "",
    cancelRequestId: undefined,
  };
}

/** Fastify alone, with the same request and a similar answer. */
async function createBareApp(): Promise<FastifyInstance> {
  const bare = Fastify();
  bare.post(barePath, (request, reply) => {
    reply.code(201);
    return { id: "1", ...(request.body as object), status: "BOOKING_STATUS_CONFIRMED", request_id: randomUUID() };
  });
  await bare.ready();
  return bare;
}

const countedStatements = countStatements();
const { config } = loadConfig({
  argv: [],
  env: {
    APP_DATABASE_URL: databaseUrl,
    ...serverSettings,
    ...JSON.parse(settings),
  },
  readFile: () => undefined,
  projectRoot,
});
const served = await serve(config);
function usage(): ServerUsage {
  const { user, system } = process.cpuUsage();
  return { ...countedStatements(), cpuMs: (user + system) / 1_000 };
}

const answers = { port: () => served.port, "metrics port": () => served.metricsPort, usage };
serveQuestions<ServerQuestion>((question) => answers[question](), served.close);
