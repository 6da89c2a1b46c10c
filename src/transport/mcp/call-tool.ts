/** Calls a tool's method for one HTTP request. */
import type { JsonObject, Registry } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { CallToolResult } from "@modelcontextprotocol/server";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Publish } from "../../domain/publish.ts";
import { createCallContext } from "../../rpc/call-context.ts";
import type { TransportEvents } from "../events.ts";
import { arrivalOf, hostOf, readHeaders } from "../request.ts";
import { publishError } from "../send-error.ts";
import { type Call, setHeaders } from "../unary.ts";
import { failureOf, resultOf } from "./results.ts";
import { decodeArguments, type Tool } from "./tools.ts";

/** What the HTTP response needs to know of a call. */
export interface CallState {
  /** Whether it reached the interceptors, which count it and verify its token. */
  hasStarted: boolean;
  /** Why it has failed. */
  failure: unknown;
}

interface CallToolOptions {
  readonly request: FastifyRequest;
  /** Gets the headers of the call, such as those about rate limits. If it closes early, the call is cancelled. */
  readonly reply: FastifyReply;
  readonly registry: Registry | undefined;
  readonly publish: Publish<TransportEvents>;
  readonly state: CallState;
}

/** Calls a tool. It does not reject: an assistant reads errors as results. */
export async function callTool(tool: Tool, args: JsonObject, options: CallToolOptions): Promise<CallToolResult> {
  const { request, reply, registry, publish, state } = options;
  let call: Call | undefined;
  try {
    const message = decodeArguments(tool, args, { registry, hasKey: "idempotency-key" in request.headers });
    call = tool.startCall(message, {
      protocolName: "mcp",
      httpMethod: request.method,
      url: `http://${hostOf(request.raw) ?? ""}${request.url}`,
      header: readHeaders(request.headers),
      contextValues: createCallContext(arrivalOf(request, "mcp")),
    });
    state.hasStarted = true;
    // The response closes when it is complete, and before that only if the client has disconnected.
    reply.raw.once("close", call.cancel);
    const response = await call.answer;
    setHeaders(reply, call.responseHeader);
    const isReplayed = call.responseHeader.has("idempotency-replayed");
    return resultOf(tool.method.output, response, { isReplayed, registry });
  } catch (error) {
    publishError(publish, error, request, reply);
    if (call !== undefined) setHeaders(reply, call.responseHeader);
    if (error instanceof ConnectError) setHeaders(reply, error.metadata);
    state.failure = error;
    return failureOf(error);
  }
}
