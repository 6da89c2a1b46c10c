/** Handlers for requests that are sent to two applications: each request names the response it wants. */

import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { ListConcertsRequest } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { DomainError } from "../../../src/domain/failure.ts";
import { concertIdOf } from "../../../src/domain/ids.ts";
import { ignoreEvents } from "../../../src/domain/publish.ts";
import { createUnaryCallInterceptor } from "../../../src/rpc/interceptors/unary-calls.ts";
import { createValidationInterceptor } from "../../../src/rpc/interceptors/validation.ts";
import { type ServedApp, serveApp } from "../service/served-app.ts";

/** An application that records what its handler reads of each call. */
export interface WatchedApp extends ServedApp {
  /** The calls since the last time. */
  takeCalls(): Readonly<Record<string, unknown>>[];
}

type Reply = (context: HandlerContext) => { nextPageToken?: string };

/** Connect compresses what is longer than 1,024 bytes. */
const longText = "curtain ".repeat(1_000);
const page = { nextPageToken: "page" };
const binary = Buffer.from([0, 1, 250, 251, 255]).toString("base64").replaceAll("=", "");

function append(headers: Headers, ...lines: [name: string, value: string][]): void {
  for (const [name, value] of lines) headers.append(name, value);
}

function fail(message: string, code = Code.NotFound, metadata?: HeadersInit): never {
  throw new ConnectError(message, code, metadata);
}

const addHeaders = ({ responseHeader }: HandlerContext) =>
  append(responseHeader, ["x-one", "1"], ["x-two", "2"], ["x-two", "3"], ["x-data-bin", binary]);
const addTrailers = ({ responseTrailer }: HandlerContext) =>
  append(responseTrailer, ["x-last", "1"], ["x-late", "2"], ["x-late", "3"], ["x-late-bin", binary]);
const addCookies = (headers: Headers) => append(headers, ["set-cookie", "a=1; Path=/"], ["set-cookie", "b=2, 3"]);

/** By the name of the response in the request's field `name`. */
export const replies = {
  "a short message": () => page,
  "a long message": () => ({ nextPageToken: longText }),
  "an empty message": () => ({}),
  "text beyond ASCII": () => ({ nextPageToken: "Bühne 🎭 <&>\u2028" }),
  headers: (context) => {
    addHeaders(context);
    return page;
  },
  trailers: (context) => {
    addTrailers(context);
    return page;
  },
  "headers and trailers of a long message": (context) => {
    addHeaders(context);
    addTrailers(context);
    return { nextPageToken: longText };
  },
  "two cookies": ({ responseHeader }) => {
    addCookies(responseHeader);
    return page;
  },
  "two cookies in the trailers": ({ responseTrailer }) => {
    addCookies(responseTrailer);
    return page;
  },
  "trailers with the names of headers of the connection": ({ responseTrailer }) => {
    for (const name of ["connection", "keep-alive", "transfer-encoding", "te", "upgrade"])
      responseTrailer.set(name, "x");
    append(responseTrailer, ["proxy-connection", "x"], ["http2-settings", "x"], ["x-last", "1"]);
    return page;
  },
  "a message of the handler's in the trailers": ({ responseTrailer }) => {
    responseTrailer.set("grpc-message", "100%");
    return page;
  },
  "a content type of the handler": ({ responseHeader }) => {
    responseHeader.set("content-type", "application/x-own");
    return page;
  },
  "headers that hooks set as well": ({ responseHeader }) => {
    append(responseHeader, ["x-content-type-options", "own"], ["cache-control", "private"], ["vary", "x-own"]);
    return page;
  },
  "a message that cannot be serialized": () => ({ nextPageToken: 5 as unknown as string }),
  "an error": () => fail("no such page"),
  "an error with headers and trailers": (context) => {
    addHeaders(context);
    addTrailers(context);
    fail("no such page");
  },
  "an error with metadata": (context) => {
    addTrailers(context);
    const metadata = new Headers();
    append(metadata, ["x-why", "1"], ["x-why", "2"], ["x-why-bin", binary], ["x-late", "4"], ["retry-after", "5"]);
    addCookies(metadata);
    fail("no such page", Code.Unavailable, metadata);
  },
  "an error with a content type": () => fail("no such page", Code.NotFound, { "content-type": "text/plain" }),
  "an error with details": () => {
    const violations = [{ field: "name", description: "is no name – at all" }];
    throw new ConnectError("no such page", Code.InvalidArgument, undefined, [
      { desc: ErrorInfoSchema, value: { domain: "test", reason: "TESTED", metadata: { a: "1" } } },
      { desc: BadRequestSchema, value: { fieldViolations: violations } },
    ]);
  },
  "an error with too long details": () => {
    throw new ConnectError("no such page", Code.InvalidArgument, undefined, [
      { desc: ErrorInfoSchema, value: { domain: "test", reason: longText, metadata: {} } },
    ]);
  },
  "an error with a long message": () => fail(longText),
  "an error without a message": () => fail(""),
  "an error beyond ASCII": () => fail('Bühne 🎭\r\n100 % "full"\t~'),
  "an error of the domain": () => {
    throw new DomainError({ reason: "CONCERT_NOT_FOUND", concertId: concertIdOf(7n) });
  },
  "an exception": () => {
    throw new TypeError("insides");
  },
} satisfies Record<string, Reply> as Readonly<Record<string, Reply>>;

/** The codes of errors, as names of responses: `code 5`. */
export const codes: readonly Code[] = Object.values(Code).filter((code) => typeof code === "number");

function replyTo({ name }: ListConcertsRequest, context: HandlerContext) {
  const code = Number(/^code (\d+)$/.exec(name)?.[1]);
  if (code) fail(`of the code ${code}`, code);
  return (replies[name] ?? (() => page))(context);
}

/** Starts an application that answers with or without the fast path. */
export async function serveWatched({ fastPath }: { readonly fastPath: boolean }): Promise<WatchedApp> {
  let calls: Readonly<Record<string, unknown>>[] = [];
  const answer = (request: ListConcertsRequest, context: HandlerContext) => {
    calls.push({ message: { ...request, $unknown: unknownOf(request) }, ...describe(context) });
    return replyTo(request, context);
  };
  const app = await serveApp(
    { listConcerts: answer },
    {
      fastPath,
      interceptors: [createUnaryCallInterceptor(ignoreEvents, 30_000), createValidationInterceptor([ConcertService])],
    },
  );
  return {
    ...app,
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
  };
}

const unknownOf = ({ $unknown = [] }: ListConcertsRequest) => $unknown.map(({ no, data }) => [no, [...data]]);

/**
 * What a handler can read of its call. Of a timeout whole seconds, since part of the last one is over. Not the length of the
 * body, which is a matter of the connection.
 */
function describe(context: HandlerContext) {
  const { service, method, protocolName, requestMethod, url, requestHeader } = context;
  const timeoutMs = context.timeoutMs();
  return {
    // Only Connect's own context has this function.
    by: "abort" in context ? "Connect" : "the fast path",
    method: `${service.typeName}/${method.name}`,
    protocolName,
    requestMethod,
    url,
    header: [...requestHeader].filter(([name]) => name !== "content-length").sort(([a], [b]) => (a < b ? -1 : 1)),
    timeoutSeconds: timeoutMs === undefined ? undefined : Math.ceil(timeoutMs / 1_000),
  };
}
