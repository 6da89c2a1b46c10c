/**
 * Calls a unary implementation through its interceptors, as Connect's own protocols do. The interceptors are put together
 * once and not for each call, and the context of a call is our own, since Connect's makes three abort controllers: thousands
 * of calls wait at the same time, and all that they hold is copied by the collector.
 */
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ContextValues,
  createContextKey,
  createServiceImplSpec,
  type HandlerContext,
  type Interceptor,
  type MethodImplSpec,
  type UnaryRequest,
} from "@connectrpc/connect";
import type { FastifyReply } from "fastify";
import type { ServiceBinding } from "../rpc/service.ts";
import type { ShutdownNotices } from "./shutdown-notices.ts";

/** What handlers and interceptors can read of a call. */
export interface CallInit {
  readonly protocolName: string;
  readonly httpMethod: string;
  readonly url: string;
  readonly header: Headers;
  readonly contextValues: ContextValues;
  /** The client's timeout, if it has one. No longer than a timer can wait. */
  readonly timeoutMs?: number | undefined;
  /** Where headers and trailers of the response go, with those that the protocol has set; new ones if not given. */
  readonly responseHeader?: Headers;
  readonly responseTrailer?: Headers;
}

export interface Call {
  /** The headers and trailers that the handler and the interceptors set, also if the call fails. */
  readonly responseHeader: Headers;
  readonly responseTrailer: Headers;
  readonly answer: Promise<MessageShape<DescMessage>>;
  /** Aborts the call's signal: its client has disconnected. */
  cancel(): void;
}

/** Starts a call of one method. */
export type StartCall = (message: MessageShape<DescMessage>, init: CallInit) => Call;

/** Creates a caller of one unary method. `shutdown` aborts the signals of all calls under way. */
export function createCaller(
  { service, implementation }: ServiceBinding,
  localName: string,
  { interceptors, shutdown }: { readonly interceptors: Interceptor[]; readonly shutdown: ShutdownNotices },
): StartCall {
  const spec = createServiceImplSpec(service, implementation).methods[localName];
  if (spec?.kind !== "unary") throw new Error(`${service.typeName} has no unary method ${localName}`);
  const invoke = compose(spec, interceptors);
  return (message, init) => {
    const controller = new AbortController();
    const abort = (reason: unknown) => controller.abort(reason);
    shutdown.add(abort);
    const timer = abortLater(controller, init.timeoutMs);
    const context = createContext(spec, init, controller.signal);
    const answer = invoke(message, context).finally(() => {
      shutdown.remove(abort);
      clearTimeout(timer);
      // The abort also releases what still listens to the signal.
      controller.abort(ended);
    });
    const cancel = () => {
      if (!controller.signal.aborted) controller.abort(new ConnectError("the client has gone away", Code.Canceled));
    };
    const { responseHeader, responseTrailer } = context;
    return { responseHeader, responseTrailer, answer, cancel };
  };
}

/** Aborts the signal of a call when its client's timeout passes. */
function abortLater(controller: AbortController, timeoutMs: number | undefined): NodeJS.Timeout | undefined {
  if (timeoutMs === undefined) return undefined;
  if (timeoutMs > 0) return setTimeout(abortLate, timeoutMs, controller);
  abortLate(controller);
  return undefined;
}

function abortLate(controller: AbortController): void {
  controller.abort(new ConnectError("the operation timed out", Code.DeadlineExceeded));
}

type Invoke = (message: MessageShape<DescMessage>, context: HandlerContext) => Promise<MessageShape<DescMessage>>;
type UnarySpec = Extract<MethodImplSpec, { readonly kind: "unary" }>;

/** Carries the handler's context through the interceptors. */
const contextKey = createContextKey<HandlerContext | undefined>(undefined, { description: "the handler's context" });

/** An implementation behind its interceptors, the first of which is the outermost. */
function compose({ method, impl }: UnarySpec, interceptors: readonly Interceptor[]): Invoke {
  const common = { stream: false, service: method.parent, method } as const;
  const handle: ReturnType<Interceptor> = async (request) => {
    const context = request.contextValues.get(contextKey);
    if (context === undefined || request.stream) throw new Error("an interceptor has passed on something else");
    const message = create(method.output, await impl(request.message, asPassedOn(context, request)));
    return { ...common, message, header: context.responseHeader, trailer: context.responseTrailer };
  };
  const next = interceptors.reduceRight((inner, interceptor) => interceptor(inner), handle);
  return async (message, context) => {
    const { requestMethod, url, signal, requestHeader: header, values: contextValues } = context;
    contextValues.set(contextKey, context);
    const answer = await next({ ...common, message, requestMethod, url, signal, header, contextValues });
    if (answer.stream) throw new Error("an interceptor has answered a unary call with a stream");
    replaceHeaders(context.responseHeader, answer.header);
    replaceHeaders(context.responseTrailer, answer.trailer);
    return answer.message;
  };
}

/** The handler's context with what interceptors have replaced in the request. */
function asPassedOn(context: HandlerContext, { header, signal }: UnaryRequest): HandlerContext {
  if (header === context.requestHeader && signal === context.signal) return context;
  return { ...context, requestHeader: header, signal };
}

/** Makes the headers those that an interceptor has answered with. */
function replaceHeaders(headers: Headers, by: Headers): void {
  if (by === headers) return;
  for (const name of [...headers.keys()]) headers.delete(name);
  for (const [name, value] of by) headers.append(name, value);
}

/** Given as the reason, since an abort without one makes a DOMException with a stack. */
const ended = new ConnectError("the call has ended", Code.Canceled);
const noTimeout = () => undefined;

function countDown(timeoutMs: number | undefined): () => number | undefined {
  if (timeoutMs === undefined) return noTimeout;
  const endsAtMs = Date.now() + timeoutMs;
  return () => endsAtMs - Date.now();
}

function createContext(spec: MethodImplSpec, init: CallInit, signal: AbortSignal): HandlerContext {
  return {
    service: spec.method.parent,
    method: spec.method,
    protocolName: init.protocolName,
    requestMethod: init.httpMethod,
    url: init.url,
    signal,
    timeoutMs: countDown(init.timeoutMs),
    requestHeader: init.header,
    responseHeader: init.responseHeader ?? new Headers(),
    responseTrailer: init.responseTrailer ?? new Headers(),
    values: init.contextValues,
  };
}

/** Sets the headers that handlers and interceptors have set. Those of the body are the encoder's. */
export function setHeaders(reply: FastifyReply, headers: Headers): void {
  headers.forEach((value, name) => {
    if (name !== "content-type" && name !== "content-length") reply.header(name, value);
  });
}
