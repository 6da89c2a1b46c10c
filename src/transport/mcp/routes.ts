/**
 * Tools for assistants: the Model Context Protocol at /mcp. The schema says which methods are tools (tools.ts), the SDK
 * speaks the protocol (protocol.ts), and the call itself is that of the other protocols (../unary.ts).
 */
import type { IncomingMessage } from "node:http";
import type { JsonValue, Registry } from "@bufbuild/protobuf";
import { Code, type Interceptor } from "@connectrpc/connect";
import { ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Publish } from "../../domain/publish.ts";
import { readAccessRules } from "../../rpc/access.ts";
import type { Admit } from "../../rpc/admission.ts";
import type { ServiceBinding } from "../../rpc/service.ts";
import { admitRequest } from "../admit-request.ts";
import { refuseUncompared } from "../conditional-requests.ts";
import type { TransportEvents } from "../events.ts";
import { httpError, statusOfError } from "../http-errors.ts";
import { invalidRequest } from "../json/fault.ts";
import { isJsonObject, NotJsonError, parseJson } from "../json/text.ts";
import { readHeaders } from "../request.ts";
import { receiveAll, requireJson } from "../request-body.ts";
import { publishError } from "../send-error.ts";
import { createShutdownNotices } from "../shutdown-notices.ts";
import { type CallState, callTool } from "./call-tool.ts";
import { refuseOrigin } from "./origin.ts";
import { type ProtectedResource, type ResourceAuth, registerProtectedResource } from "./protected-resource.ts";
import { type Answer, type AnswerMessage, createProtocol } from "./protocol.ts";
import { readTools, type Tool } from "./tools.ts";

const path = "/mcp";

interface McpOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  readonly auth: ResourceAuth;
  /** Counts requests that start no call; they are not counted if it is not given. */
  readonly admit?: Admit;
  /** The origins whose pages may call. */
  readonly corsOrigins: "*" | readonly string[];
  readonly maxBodyBytes: number;
  /** The messages that google.protobuf.Any may carry; none if it is not given. */
  readonly registry?: Registry | undefined;
  readonly shutdownSignal: AbortSignal;
  readonly publish: Publish<TransportEvents>;
}

/** What answers the requests. */
interface Endpoint {
  readonly tools: ReadonlyMap<string, Tool>;
  readonly answerMessage: AnswerMessage;
  /** Undefined if no tokens are verified. */
  readonly resource: ProtectedResource | undefined;
  readonly options: McpOptions;
}

/** Mounts the tools of the services, if they have some. */
export function registerMcp(fastify: FastifyInstance, options: McpOptions): void {
  const { services, auth, corsOrigins, maxBodyBytes } = options;
  const shutdown = createShutdownNotices(options.shutdownSignal);
  const interceptors = [...options.interceptors, refuseUncompared];
  const tools = readTools({ services, interceptors, shutdown });
  if (tools.size === 0) return;
  const all = [...tools.values()];
  const ruleOf = readAccessRules(services.map(({ service }) => service));
  const scopes = new Set(all.map(({ method }) => ruleOf(method).scope).filter((scope) => scope !== ""));
  const resource = registerProtectedResource(fastify, auth, { path, scopes: [...scopes] });
  const verifiesTokens = resource !== undefined;
  const descriptions = all.map(({ description }) => description);
  const answerMessage = createProtocol(descriptions, { verifiesTokens });
  fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (request: FastifyRequest, payload: IncomingMessage) =>
      receiveAll(request, payload, maxBodyBytes, shutdown),
    );
    scope.addHook("onRequest", (request, _reply, done) => {
      done(refuseOrigin(request, { corsOrigins, verifiesTokens }));
    });
    scope.post(path, { bodyLimit: maxBodyBytes }, (request, reply) => {
      return answer(request, reply, { tools, answerMessage, resource, options });
    });
    scope.route({
      // Without sessions there is no stream to open (GET), and no session to end (DELETE).
      method: scope.supportedMethods.filter((method) => method !== "POST" && method !== "OPTIONS"),
      url: path,
      handler: ({ method }) => {
        throw httpError(405, `${path} takes POST, not ${method}`, { allow: "POST" });
      },
    });
  });
}

async function answer(request: FastifyRequest, reply: FastifyReply, endpoint: Endpoint): Promise<FastifyReply> {
  const { tools, answerMessage, resource, options } = endpoint;
  const { registry, publish } = options;
  requireJson(request.headers);
  reply.header("cache-control", "no-store");
  let message: JsonValue;
  try {
    message = readMessage(request.body);
  } catch (error) {
    publishError(publish, error, request, reply);
    const code = error instanceof NotJsonError ? ProtocolErrorCode.ParseError : ProtocolErrorCode.InvalidRequest;
    const refusal = { code, message: statusOfError(error).message };
    return reply.code(400).send({ jsonrpc: "2.0", id: null, error: refusal });
  }
  const header = readHeaders(request.headers);
  const isCall = callsTool(message, tools);
  if (!isCall) await count(request, reply, endpoint);
  const state: CallState = { hasStarted: false, failure: undefined };
  const response = await answerMessage(message, header, (name, args) => {
    const tool = tools.get(name);
    return tool && callTool(tool, args, { request, reply, registry, publish, state });
  });
  // The SDK has refused the call, or it could not be decoded, so that no interceptor has seen it.
  if (isCall && !state.hasStarted) await count(request, reply, endpoint);
  publishEnd(response, request, publish);
  const challenge = state.failure === undefined ? undefined : resource?.challengeOf(request, state.failure);
  reply.removeHeader("www-authenticate");
  if (challenge) reply.header("www-authenticate", challenge.header);
  response.headers.forEach((value, name) => {
    if (name !== "content-length") reply.header(name, value);
  });
  return reply.code(challenge?.status ?? response.status).send(response.text);
}

/** Counts a request that starts no call. Throws an HttpError for one that is refused. */
async function count(request: FastifyRequest, reply: FastifyReply, { resource, options }: Endpoint): Promise<void> {
  const { admit } = options;
  if (admit === undefined) return;
  const challengeOf = (error: unknown) => resource?.challengeOf(request, error)?.header;
  await admitRequest(request, reply, { admit, protocol: "mcp", challengeOf });
}

/** Whether the request is to call a tool, so that the interceptors count it if the call starts. */
function callsTool(message: JsonValue, tools: Endpoint["tools"]): boolean {
  if (!isJsonObject(message) || message.method !== "tools/call" || !isJsonObject(message.params)) return false;
  if (message.jsonrpc !== "2.0" || !/^(?:string|number)$/.test(typeof message.id)) return false;
  const { name } = message.params;
  return typeof name === "string" && tools.has(name);
}

/** The JSON of a body. Throws INVALID_REQUEST for a batch too, which the protocol does not have. */
function readMessage(body: unknown): JsonValue {
  const message = parseJson(body instanceof Uint8Array ? body : new Uint8Array());
  if (Array.isArray(message)) throw invalidRequest("", "the body must be one message, not a batch");
  return message;
}

/** Publishes the errors of the protocol itself, such as for an unknown version, and of the SDK. */
function publishEnd(
  { status, error }: Answer,
  { id: requestId, method }: FastifyRequest,
  publish: McpOptions["publish"],
): void {
  const about = { requestId, method, route: path };
  if (error !== undefined) publish("transport.request_failed", { ...about, error });
  else if (status >= 400) publish("transport.request_refused", { ...about, code: Code[Code.InvalidArgument] });
}
