/** Calls by the Model Context Protocol, through the client of its SDK. */
import { randomUUID } from "node:crypto";
import {
  create,
  type DescMethodUnary,
  fromJson,
  getOption,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import {
  type CallToolResult,
  Client,
  type PriorDiscovery,
  StreamableHTTPClientTransport,
  type Tool,
} from "@modelcontextprotocol/client";
import { tool } from "../../../gen/frontrow/v1/tool_pb.ts";
import generated from "../../../gen/mcp/tools.json" with { type: "json" };
import type { CallOptions, Outcome, Refusal } from "./protocols.ts";

/** The revisions of the protocol that the service speaks: the last with a handshake, and the first without. */
export const revisions = ["2025-11-25", "2026-07-28"] as const;
export type Revision = (typeof revisions)[number];

interface McpOptions {
  readonly revision?: Revision;
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetch?: typeof globalThis.fetch;
  /** What the client knows of the service from before, so that connecting sends no request. */
  readonly prior?: PriorDiscovery;
}

/** What `server/discover` answers, as far as a call needs it. */
const prior: PriorDiscovery = {
  kind: "modern",
  discover: {
    resultType: "complete",
    supportedVersions: ["2026-07-28"],
    capabilities: { tools: {} },
    ttlMs: 0,
    cacheScope: "private",
  },
};

const descriptions: ReadonlyMap<string, Tool> = new Map(
  (generated.tools as readonly unknown[] as readonly Tool[]).map((each) => [each.name, each]),
);

export interface McpClient extends AsyncDisposable {
  readonly client: Client;
  /** Calls a tool. Rejects for a result that does not fit the tool's schema. */
  call(name: string, args?: object, options?: { readonly signal?: AbortSignal }): Promise<CallToolResult>;
}

/** Connects a client to the service at a URL. */
export async function connectMcp(
  baseUrl: string,
  { revision = "2026-07-28", headers = {}, fetch = globalThis.fetch, prior }: McpOptions = {},
): Promise<McpClient> {
  const mode = revision === "2025-11-25" ? "legacy" : { pin: revision };
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  const url = new URL("/mcp", baseUrl);
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers }, fetch });
  await client.connect(transport, prior && { prior });
  return {
    client,
    call(name, args = {}, options = {}) {
      const toolDefinition = descriptions.get(name);
      return client.callTool(
        { name, arguments: { ...args } },
        { ...options, ...(toolDefinition && { toolDefinition }) },
      );
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** The error in a tool's result. */
export function errorIn({ content }: CallToolResult): Refusal {
  const [message = "", details = ""] = content.map((each) => (each.type === "text" ? each.text : ""));
  const { code, reason, metadata, violations = [], retry_after_seconds } = JSON.parse(details);
  const retryDelayMs = retry_after_seconds === undefined ? undefined : retry_after_seconds * 1_000;
  return { ok: false, code, reason, message, metadata, violations, retryDelayMs };
}

/** Calls a method by its tool, with a new client. A request without a `request_id` gets one, because tools require it. */
export async function callTool<Method extends DescMethodUnary>(
  baseUrl: string,
  method: Method,
  request: MessageInitShape<Method["input"]>,
  { headers = {}, fetch = globalThis.fetch, timeoutMs }: CallOptions & Pick<McpOptions, "fetch">,
): Promise<Outcome<MessageShape<Method["output"]>>> {
  const hasKey = "requestId" in method.input.field && !("idempotency-key" in headers);
  const json = toJson(method.input, create(method.input, request), { useProtoFieldName: true });
  const args = { ...(hasKey && { request_id: randomUUID() }), ...(json as Record<string, JsonValue>) };
  const timeout = timeoutMs === undefined ? {} : { "connect-timeout-ms": String(timeoutMs) };
  const result = await resultOf(getOption(method, tool).name, args, baseUrl, {
    headers: { ...timeout, ...headers },
    fetch,
  });
  if (result.isError) return errorIn(result);
  const message = fromJson(method.output, result.structuredContent as JsonValue) as MessageShape<Method["output"]>;
  return { ok: true, message, replayed: result.content.length > 1 ? "true" : undefined };
}

/** A tool's result. The client throws for a challenge, whose body is a result as well. */
async function resultOf(
  name: string,
  args: object,
  baseUrl: string,
  options: Required<Pick<McpOptions, "headers" | "fetch">>,
) {
  let challenge: Response | undefined;
  const observe: typeof fetch = async (input, init) => {
    const response = await options.fetch(input, init);
    if (response.status === 401 || response.status === 403) challenge = response.clone();
    return response;
  };
  await using mcp = await connectMcp(baseUrl, { headers: options.headers, fetch: observe, prior });
  try {
    return await mcp.call(name, args);
  } catch (error) {
    if (challenge === undefined) throw error;
    const { result } = (await challenge.json()) as { result: CallToolResult };
    return result;
  }
}

/** What a test changes of a request. */
export interface McpRequest {
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts a message as it is: a text or bytes, or a value as JSON. */
export async function postMcp(baseUrl: string, message: unknown, { headers = {} }: McpRequest = {}) {
  const isRaw = typeof message === "string" || message instanceof Uint8Array;
  const response = await fetch(`${baseUrl}/mcp`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
    body: isRaw ? (message as BodyInit) : JSON.stringify(message),
  });
  const text = await response.text();
  const body = text.startsWith("{") ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, body };
}

/** A request of the revisions that have no handshake, with the headers that repeat its body. */
export function modernRequest(revision: string, method: string, params: object = {}) {
  const about = {
    "io.modelcontextprotocol/protocolVersion": revision,
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return {
    body: { jsonrpc: "2.0", id: 7, method, params: { ...params, _meta: about } },
    headers: { "mcp-protocol-version": revision, "mcp-method": method },
  };
}
