/** A REST server of the test-only schema in test/proto, whose methods answer their requests. */
import type { DescService, Message } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import Fastify, { type FastifyInstance } from "fastify";
import { ignoreEvents } from "../../../src/domain/publish.ts";
import { routeNotFound } from "../../../src/transport/http-errors.ts";
import { type RestOptions, registerRestRoutes } from "../../../src/transport/rest/routes.ts";
import { createSendError } from "../../../src/transport/send-error.ts";
import { loadTestService } from "./test-schema.ts";

/** The service with a method for each feature of google/api/http.proto. */
export const loadTranscodingService = () => loadTestService("frontrow.test.v1.TranscodingService");

type Handler = (request: Message & Record<string, unknown>, context: HandlerContext) => unknown;

/** Every method answers its request, but for those that answer a shelf. */
export function echoImplementation(service: DescService, replacements: Record<string, Handler> = {}) {
  const echo: Handler = (request) => request;
  const handlers: Record<string, Handler> = {
    ...Object.fromEntries(service.methods.map(({ localName }) => [localName, echo])),
    createShelf: ({ shelf }) => shelf ?? {},
    getRoomShelf: ({ name }) => ({ name }),
    deleteShelf: () => ({}),
    ...replacements,
  };
  return handlers as RestOptions["services"][number]["implementation"];
}

interface RestServer {
  readonly app: FastifyInstance;
  readonly baseUrl: string;
}

/** Starts a Fastify instance with the REST routes and those that `mount` adds. The caller closes it. */
export async function startRestServer(
  options: Partial<Omit<RestOptions, "sendError">> & Pick<RestOptions, "services">,
  mount?: (app: FastifyInstance) => void,
): Promise<RestServer> {
  const sendError = createSendError(ignoreEvents);
  const app = Fastify({ frameworkErrors: sendError });
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) => sendError(routeNotFound(request.url), request, reply));
  mount?.(app);
  registerRestRoutes(app, { interceptors: [], maxBodyBytes: 64 * 1024, ...options, sendError });
  const baseUrl = await app.listen({ port: 0, host: "127.0.0.1" });
  return { app, baseUrl };
}

/** An HTTP request in short: `"PUT /v1/x {body}"`, sent as JSON if it has a body. */
export async function send(baseUrl: string, line: string, headers: Record<string, string> = {}): Promise<Response> {
  const [, method = "", path = "", body] = /^(\S+) (\S+)(?: (.*))?$/s.exec(line) ?? [];
  const contentType = body === undefined ? {} : { "content-type": "application/json" };
  return await fetch(baseUrl + path, { method, headers: { ...contentType, ...headers }, body: body ?? null });
}
