/** A REST server of the test-only schema in test/proto, whose methods answer their requests. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createFileRegistry, type DescService, fromBinary, type Message } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import Fastify, { type FastifyInstance } from "fastify";
import { problemFromFastifyError, routeNotFound, sendProblem } from "../../src/server/problem.ts";
import { type RestOptions, registerRestRoutes } from "../../src/server/rest/routes.ts";

const projectRoot = join(import.meta.dirname, "..", "..");

/** Compiles the test schema, as `buf build` does it, and finds its service. */
export async function loadTranscodingService(): Promise<DescService> {
  const modules = [{ path: "test/proto" }, { path: "node_modules/google-proto-files" }];
  const config = JSON.stringify({ version: "v2", modules });
  const buf = join(projectRoot, "node_modules", ".bin", "buf");
  const args = ["build", ".", "--config", config, "--path", "test/proto/frontrow", "-o", "-#format=binpb"];
  const { stdout } = await promisify(execFile)(buf, args, {
    cwd: projectRoot,
    encoding: "buffer",
    maxBuffer: 16 * 1024 * 1024,
  });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout));
  const service = registry.getService("frontrow.test.v1.TranscodingService");
  if (service === undefined) throw new Error("the test schema has lost its service");
  return service;
}

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

export interface RestServer {
  readonly app: FastifyInstance;
  readonly baseUrl: string;
}

/** Starts a Fastify instance with nothing but the REST routes, and those that `mount` adds. The caller closes it. */
export async function startRestServer(
  options: Partial<RestOptions> & Pick<RestOptions, "services">,
  mount?: (app: FastifyInstance) => void,
): Promise<RestServer> {
  const app = Fastify({
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, problemFromFastifyError(error));
    },
  });
  // Fastify asks for the connection to be closed, which HTTP/2 has no header for.
  app.setErrorHandler((error, _request, reply) =>
    sendProblem(reply.removeHeader("connection"), problemFromFastifyError(error)),
  );
  app.setNotFoundHandler(({ url }, reply) => sendProblem(reply, routeNotFound(url)));
  mount?.(app);
  registerRestRoutes(app, { interceptors: [], maxBodyBytes: 64 * 1024, ...options });
  const baseUrl = await app.listen({ port: 0, host: "127.0.0.1" });
  return { app, baseUrl };
}

/** An HTTP request in short: `"PUT /v1/x {body}"`, sent as JSON if it has a body. */
export async function send(baseUrl: string, line: string, headers: Record<string, string> = {}): Promise<Response> {
  const [, method = "", path = "", body] = /^(\S+) (\S+)(?: (.*))?$/s.exec(line) ?? [];
  const contentType = body === undefined ? {} : { "content-type": "application/json" };
  return await fetch(baseUrl + path, { method, headers: { ...contentType, ...headers }, body: body ?? null });
}
