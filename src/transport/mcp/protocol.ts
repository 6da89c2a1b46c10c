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

/** Calls a tool. Undefined if there is none of that name. */
export type CallTool = (name: string, args: JsonObject) => Promise<CallToolResult> | undefined;

/** The response to the message of one HTTP request. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Why the SDK could not answer, for a reason that no code expects. */
  readonly error: unknown;
}

/** Answers the message of one HTTP request. */
export type AnswerMessage = (message: JsonValue, headers: Headers, callTool: CallTool) => Promise<Answer>;

/** Those before had batches. */
const protocolVersions = ["2026-07-28", "2025-11-25", "2025-06-18"];

const instructions =
  "Frontrow sells concert tickets. Times are RFC 3339 in UTC. Ask the user before you book, confirm or cancel. " +
  "A booking is confirmed at once. A hold takes tickets off sale until it is confirmed, released or expires. " +
  "Make a new UUID as the request_id of each new request, and repeat a request whose result is unknown with the same one. " +
  "A failed call says why in a sentence, and has a reason for programs.";
const instructionsWithoutTokens =
  "The service does not know who the user is: give the user's name as user_id to every tool that takes one.";

/** The transport does not look at it. */
const url = "http://localhost/mcp";

/** Creates the function that answers, for these tools. Without tokens, the instructions ask assistants to name the user. */
export function createProtocol(
  tools: readonly Tool[],
  { verifiesTokens }: { readonly verifiesTokens: boolean },
): AnswerMessage {
  const options = {
    capabilities: { tools: {} },
    instructions: verifiesTokens ? instructions : `${instructions} ${instructionsWithoutTokens}`,
    supportedProtocolVersions: protocolVersions,
  };
  return async (message, headers, callTool) => {
    const request = new Request(url, { method: "POST", headers });
    let lastError: unknown;
    const onError = (error: unknown) => {
      lastError = error;
    };
    const server = new Server({ name: "frontrow", title: "Frontrow", version: project.version }, options);
    server.onerror = onError;
    server.setRequestHandler("tools/list", () => ({ tools: [...tools] }));
    server.setRequestHandler("tools/call", ({ params: { name, arguments: args = {} } }) => {
      const result = callTool(name, args as JsonObject);
      if (result === undefined) {
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `there is no tool ${shortValue(name)}`);
      }
      return result.catch((error) => {
        onError(error);
        throw error;
      });
    });
    const isLegacy = await isLegacyRequest(request, message);
    const response = await (isLegacy ? answerLegacy : answerModern)(request, message, server, onError);
    const text = await response.text();
    const hasFailed = response.status >= 500 || (lastError !== undefined && isInternalError(text));
    const error = hasFailed ? (lastError ?? new Error(`the SDK has answered ${response.status}`)) : undefined;
    return { status: response.status, headers: response.headers, text, error };
  };
}

type AnswerBy = (
  request: Request,
  message: JsonValue,
  server: Server,
  onError: (error: unknown) => void,
) => Promise<Response>;

const answerLegacy: AnswerBy = async (request, message, server) => {
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
};

/** The revision of 2026 and later, which has no handshake. */
const answerModern: AnswerBy = async (request, message, server, onError) => {
  const handler = createMcpHandler(() => server, {
    legacy: "reject",
    // The tools never change, so a stream would stay silent.
    maxSubscriptions: 0,
    onerror: onError,
  });
  return await handler.fetch(request, { parsedBody: message });
};

/** Whether a response has the code of a fault of the server, which the refusal of a stream has too. */
function isInternalError(text: string): boolean {
  if (text === "") return false;
  const { error } = JSON.parse(text);
  return error?.code === ProtocolErrorCode.InternalError && error.message !== "Subscription limit reached";
}
