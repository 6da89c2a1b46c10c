/** The fast path as it is today behind its new seam, with the ETags of Connect GET. */
import type { DescMethod, JsonReadOptions, JsonWriteOptions } from "@bufbuild/protobuf";
import type { FastifyReply, FastifyRequest } from "fastify";
import { noteVersion, tagged } from "../connect-etag.ts";
import { createDirectCalls, type DirectCallOptions } from "../direct/calls.ts";
import { receiveBody } from "../request-body.ts";
import type { ShutdownNotices } from "../shutdown-notices.ts";
import type { UniversalHandler, UniversalServerRequest } from "./internals.ts";
import { isTextMode } from "./text-mode.ts";
import { failWith, yieldOnce } from "./workarounds.ts";

export interface FastPath {
  /**
   * Answers the call and hijacks its reply; undefined where the request's headers make it the mount's. Settles when the
   * response is on its way.
   */
  answer(method: DescMethod, request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined;
}

interface InterimOptions extends DirectCallOptions {
  readonly jsonOptions: Partial<JsonReadOptions & JsonWriteOptions>;
  readonly shutdown: ShutdownNotices;
}

/** What the protocols may put before a message. */
const envelopeBytes = 5;

/** Creates the fast path. A body that it has read for a call of Connect's is in `received`. */
export function createFastPath(options: InterimOptions) {
  const answerDirectly = createDirectCalls(options);
  const received = new WeakMap<object, AsyncIterable<Uint8Array>>();
  const maxBytes = options.maxMessageBytes + envelopeBytes;

  async function answerWhole(method: DescMethod, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    let body: Uint8Array | undefined;
    try {
      body = await receiveBody(request.raw, maxBytes, options.shutdown);
    } catch (error) {
      return void received.set(request.raw, failWith(error));
    }
    if (body === undefined) return void reply.hijack();
    const answered = answerDirectly(method, request, reply, body);
    if (!answered) return void received.set(request.raw, yieldOnce(body));
    await answered;
  }

  const fastPath: FastPath = {
    answer(method, request, reply) {
      const isTooLong = Number(request.headers["content-length"] ?? 0) > maxBytes;
      if (isTextMode(request.headers["content-type"])) return undefined;
      if (method.methodKind !== "unary" || request.method !== "POST" || isTooLong) return undefined;
      return answerWhole(method, request, reply);
    },
  };
  const withTags = (handler: UniversalHandler): UniversalHandler => {
    const tagging = async (received: UniversalServerRequest) => {
      const outcome = await handler(received);
      if (received.method !== "GET" || outcome.status !== 200) return outcome;
      const conditions = ["if-match", "if-none-match"].map((name) => [name, received.header.get(name) ?? undefined]);
      return tagged(outcome, { headers: Object.fromEntries(conditions) }, received);
    };
    return Object.assign(tagging, handler);
  };
  return { ...fastPath, received, withTags, noteVersion };
}
