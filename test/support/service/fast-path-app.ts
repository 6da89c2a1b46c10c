/** The fast path alone on a socket, with nothing behind it: a request that it does not answer is answered with 599. */
import type { ServiceImpl } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import Fastify from "fastify";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { ignoreEvents } from "../../../src/domain/publish.ts";
import { createFastPath, type FastPathOptions } from "../../../src/transport/connect/fast-path/fast-path.ts";
import { listen } from "../../../src/transport/listener/listen.ts";
import { createShutdownNotices } from "../../../src/transport/shutdown-notices.ts";
import { type ConcertHandlers, listenOptions } from "./served-app.ts";

export interface FastPathApp {
  readonly port: number;
  /** Aborts the calls under way. */
  readonly shutdown: AbortController;
  close(): Promise<void>;
}

export const notOwned = 599;

export async function serveFastPath(
  handlers: ConcertHandlers,
  options: Partial<Pick<FastPathOptions, "interceptors" | "maxMessageBytes">> = {},
): Promise<FastPathApp> {
  const shutdown = new AbortController();
  const fastPath = createFastPath({
    services: [{ service: ConcertService, implementation: handlers as ServiceImpl<typeof ConcertService> }],
    interceptors: options.interceptors ?? [],
    maxMessageBytes: options.maxMessageBytes ?? 64 * 1024,
    jsonOptions: { alwaysEmitImplicit: true },
    compression: compressionGzip,
    shutdown: createShutdownNotices(shutdown.signal),
    publish: ignoreEvents,
  });
  const fastify = Fastify();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser("*", (_request, _payload, done) => done(null));
  for (const method of ConcertService.methods) {
    fastify.all(`/${ConcertService.typeName}/${method.name}`, (request, reply) => {
      return fastPath.answer(method, request, reply) ?? reply.code(notOwned).send();
    });
  }
  await fastify.ready();
  const listener = await listen({ ...listenOptions(), handler: fastify.routing });
  return {
    port: listener.port,
    shutdown,
    async close() {
      listener.destroy();
      await listener.close();
      await fastify.close();
    },
  };
}
