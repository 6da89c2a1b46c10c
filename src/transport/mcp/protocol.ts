/**
 * The Model Context Protocol over Streamable HTTP, by its SDK, without sessions: each request has its own server object, so
 * that any process can answer it. Every response is one JSON document.
 */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import {
  type CallToolResult,
  createMcpHandler,
  isLegacyRequest,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type Tool,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import project from "../../../package.json" with { type: "json" };
import { shortValue } from "../../domain/short-text.ts";
import { isJsonObject } from "../json/text.ts";

/** Calls a tool. Undefined if there is none of that name. */
export type CallTool = (name: string, args: JsonObject) => Promise<CallToolResult> | undefined;

/** Answers the message of one HTTP request. */
export type AnswerMessage = (message: JsonValue, headers: Headers, callTool: CallTool) => Promise<Response>;

/** Those before had batches. */
const protocolVersions = ["2026-07-28", "2025-11-25", "2025-06-18"];

const instructions =
  "Frontrow sells concert tickets. Times are RFC 3339 in UTC. Ask the user before you book, confirm or cancel. " +
  "A booking is confirmed at once. A hold takes tickets off sale until it is confirmed, released or expires. " +
  "Make a new UUID as the request_id of each new request, and repeat a request whose result is unknown with the same one. " +
  "A failed call says why in a sentence, and has a reason for programs.";

/** The transport does not look at it. */
const url = "http://localhost/mcp";

/** Creates the function that answers, for these tools. */
export function createProtocol(tools: readonly Tool[]): AnswerMessage {
  const callers = new WeakMap<Request, CallTool>();
  // The revision of 2026 and later, which has no handshake.
  const { fetch: answerModern } = createMcpHandler(({ requestInfo }) => createServer(tools, findCaller(requestInfo)), {
    legacy: "reject",
    // The tools never change, so a stream would stay silent.
    maxSubscriptions: 0,
  });
  function findCaller(request: Request | undefined): CallTool {
    const found = request && callers.get(request);
    if (found === undefined) throw new Error("the SDK has made another request");
    return found;
  }
  return async (message, headers, callTool) => {
    const request = new Request(url, { method: "POST", headers });
    callers.set(request, callTool);
    const isLegacy = await isLegacyRequest(request, message);
    return isLegacy
      ? answerLegacy(request, message, createServer(tools, callTool))
      : answerModern(request, { parsedBody: message });
  };
}

async function answerLegacy(request: Request, message: JsonValue, server: Server): Promise<Response> {
  const transport = new WebStandardStreamableHTTPServerTransport({
    enableJsonResponse: true,
    supportedProtocolVersions: protocolVersions,
  });
  await server.connect(transport);
  try {
    return await transport.handleRequest(request, { parsedBody: message });
  } finally {
    await server.close();
  }
}

function createServer(tools: readonly Tool[], callTool: CallTool): Server {
  const server = new Server(
    { name: "frontrow", title: "Frontrow", version: project.version },
    { capabilities: { tools: {} }, instructions, supportedProtocolVersions: protocolVersions },
  );
  server.setRequestHandler("tools/list", () => ({ tools: [...tools] }));
  server.setRequestHandler("tools/call", ({ params: { name, arguments: args = {} } }) => {
    const result = isJsonObject(args as JsonValue) ? callTool(name, args as JsonObject) : undefined;
    if (result !== undefined) return result;
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `there is no tool ${shortValue(name)}`);
  });
  return server;
}
