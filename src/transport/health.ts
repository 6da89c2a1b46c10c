/**
 * Health of the process: grpc.health.v1 for gRPC clients and balancers, /health, /livez and /readyz for HTTP. Our own, because
 * connect-es has no health service. Its state is that of readiness.ts.
 */
import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { FastifyInstance } from "fastify";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../../gen/health/v1/health_pb.ts";
import { shortValue } from "../domain/short-text.ts";
import { bindService, type ServiceBinding } from "../rpc/service.ts";
import { createStreamLimits } from "../rpc/streams/stream-limits.ts";
import { untilAborted } from "../rpc/streams/until-aborted.ts";
import type { Readiness } from "./readiness.ts";

const watchLimits = {
  maxStreams: 1_000,
  maxStreamsPerAddress: 100,
  longestMs: 5 * 60_000,
  maxUnsentBytes: 1024 * 1024,
};

/** The health service. The given services, itself and the process, whose name is "", all have the same state. */
export function bindHealth(services: readonly DescService[], readiness: Readiness): ServiceBinding {
  const names = new Set(["", Health.typeName, ...services.map(({ typeName }) => typeName)]);
  const statusOf = (name: string) => {
    if (!names.has(name)) return ServingStatus.SERVICE_UNKNOWN;
    return readiness.state === "ready" ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };

  const { limit, tryAcquire } = createStreamLimits(watchLimits);
  function watch(service: string, signal: AbortSignal) {
    let changed = Promise.withResolvers<void>();
    let forget = () => {};
    async function* statuses() {
      forget = readiness.onChange(() => changed.resolve());
      let sent: ServingStatus | undefined;
      for (;;) {
        // Before the status is read: a change while it is being sent must not be missed.
        changed = Promise.withResolvers();
        const status = statusOf(service);
        if (status !== sent) yield { status };
        sent = status;
        // A watch must not delay the drain. Its client can connect to another instance.
        if (readiness.draining.aborted) return;
        await changed.promise;
      }
    }
    return untilAborted(statuses(), signal, () => forget());
  }

  const implementation: ServiceImpl<typeof Health> = {
    check({ service }) {
      if (!names.has(service)) throw new ConnectError(`there is no service ${shortValue(service)}`, Code.NotFound);
      return { status: statusOf(service) };
    },

    list() {
      return { statuses: Object.fromEntries([...names].map((name) => [name, { status: statusOf(name) }])) };
    },

    watch: ({ service }, context) => limit(context, watch(service, context.signal)),
  };
  return bindService(Health, implementation, tryAcquire);
}

/** Adds the health routes. `/health` and `/livez` say that the process answers, `/readyz` whether to send it work. */
export function registerHealthRoutes(fastify: FastifyInstance, readiness: Readiness): void {
  for (const path of ["/health", "/livez"]) {
    fastify.get(path, (_request, reply) => reply.header("cache-control", "no-store").send({ status: "up" }));
  }
  fastify.get("/readyz", (_request, reply) => {
    const { state, reason } = readiness;
    return reply
      .code(state === "ready" ? 200 : 503)
      .header("cache-control", "no-store")
      .send(reason === undefined ? { status: state } : { status: state, reason });
  });
}
