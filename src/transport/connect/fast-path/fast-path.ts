/**
 * Answers unary calls without Connect's pipeline, which is made for streams: two to three times as fast, and a call that waits
 * holds a fraction of the memory. The headers and the URL alone decide whether a call is answered here. If it is, then all of
 * it, errors included, as Connect's own handlers answer it.
 */
import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { ServiceBinding } from "../../../rpc/service.ts";
import type { RefusedBodies } from "../../listener/lingering-close.ts";
import type { ShutdownNotices } from "../../shutdown-notices.ts";
import { createCallers, type StartCall } from "../../unary.ts";
import type { Compression } from "../internals.ts";
import { createCodec, type JsonOptions } from "./codec.ts";
import { createForms } from "./forms.ts";
import { respond } from "./respond.ts";

export interface FastPathOptions {
  readonly services: readonly ServiceBinding[];
  readonly interceptors: Interceptor[];
  /** The largest message, before and after decompression. */
  readonly maxMessageBytes: number;
  readonly jsonOptions: JsonOptions;
  /** What requests and responses may be compressed with. */
  readonly compression: Compression;
  readonly refusedBodies: RefusedBodies;
  /** Aborts the signals of all calls under way. */
  readonly shutdown: ShutdownNotices;
  readonly logger: Logger;
}

export interface FastPath {
  /**
   * Answers the call and hijacks its reply; undefined where the request's headers make it the mount's. Settles when the
   * response is on its way.
   */
  answer(method: DescMethod, request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined;
}

/** Prepares all unary methods of the services. */
export function createFastPath(options: FastPathOptions): FastPath {
  const startCallOf = createCallers(options);
  const calls = new Map<DescMethod, StartCall>();
  for (const binding of options.services) {
    for (const method of binding.service.methods) {
      if (method.methodKind === "unary") calls.set(method, startCallOf(binding, method.localName));
    }
  }
  const codec = createCodec([...calls.keys()], options);
  const formOf = createForms({ ...options, codec });
  const context = { ...options, codec };
  return {
    answer(method, request, reply) {
      const startCall = calls.get(method);
      const form = startCall && formOf(method, request);
      if (!form) return undefined;
      reply.hijack();
      return respond({ method, form, startCall, request, reply }, context);
    },
  };
}
