/** The headers of requests and responses. An operation refers to those that it has. */
import type { JsonObject } from "@bufbuild/protobuf";

const uuid = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
const entityTags = { type: "string", examples: ['"1-x"'] };

const deadline =
  "The deadline of the client: so many milliseconds from now. The service's own deadline counts if it is sooner.";

/** A header of a request: its name and its schema. */
interface RequestHeader {
  readonly name: string;
  readonly description: string;
  readonly schema: JsonObject;
}

/** By the name of its component. */
const requestHeaders = {
  RequestId: {
    name: "X-Request-Id",
    description: "An id for the log and the response: 1 to 128 visible ASCII characters, else the service makes one.",
    schema: { type: "string" },
  },
  Traceparent: {
    name: "traceparent",
    description: "The trace that the call is a part of (W3C Trace Context).",
    schema: { type: "string", examples: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"] },
  },
  Tracestate: {
    name: "tracestate",
    description: "What belongs to `traceparent` (W3C Trace Context).",
    schema: { type: "string" },
  },
  TimeoutMs: {
    name: "Connect-Timeout-Ms",
    description: deadline,
    schema: { type: "integer", minimum: 0, maximum: 9_999_999_999, examples: [10_000] },
  },
  RestTimeoutMs: {
    name: "Connect-Timeout-Ms",
    description: `${deadline} A value that is not a number of at most ten digits counts as none.`,
    schema: { type: ["integer", "string"], examples: [10_000] },
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    description: "The `request_id`, bare or in quotes, for a message that has none.",
    schema: {
      type: "string",
      pattern: `^(?:${uuid}|"${uuid}")$`,
      not: { pattern: '^"?(?:[0-]+|[fF-]+)"?$' },
    },
  },
  IfMatch: {
    name: "If-Match",
    description: "Entity tags, one of which must be that of the resource, or `*`.",
    schema: entityTags,
  },
  IfNoneMatch: {
    name: "If-None-Match",
    description: "Entity tags, none of which may be that of the resource, or `*`. A read then returns 304.",
    schema: entityTags,
  },
  CacheControl: {
    name: "Cache-Control",
    description: "With `no-cache` the response is current. Otherwise it may be a second old.",
    schema: { type: "string", examples: ["no-cache"] },
  },
  ConnectProtocolVersion: {
    name: "Connect-Protocol-Version",
    description: "The version of the Connect protocol.",
    schema: { type: "string", enum: ["1"] },
  },
} satisfies Record<string, RequestHeader>;

export type RequestHeaderName = keyof typeof requestHeaders;

/** The headers that every operation of a protocol reads. Connect refuses a malformed deadline, REST ignores it. */
export const commonRequestHeaders = {
  rest: ["RequestId", "Traceparent", "Tracestate", "RestTimeoutMs"],
  connect: ["RequestId", "Traceparent", "Tracestate", "TimeoutMs"],
} as const satisfies Record<string, readonly RequestHeaderName[]>;

/** References to headers of requests. */
export function parameterRefs(names: readonly RequestHeaderName[]): JsonObject[] {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

/** The components of the headers of requests. */
export const parameterComponents: JsonObject = Object.fromEntries(
  Object.entries(requestHeaders).map(([key, header]) => [key, { ...header, in: "header", required: false }]),
);

/** By name, as responses have them. */
const responseHeaders = {
  "X-Request-Id": {
    description: "The id of the request in the log: the request's, or a new one.",
    required: true,
    schema: { type: "string", pattern: "^[!-~]{1,128}$" },
  },
  traceresponse: {
    description: "The id of the call's trace and of its span, if the service records traces.",
    schema: { type: "string", pattern: "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$" },
  },
  "RateLimit-Limit": {
    description: "How many calls of this kind are allowed a minute, where calls are limited.",
    schema: { type: "integer", minimum: 0 },
  },
  "RateLimit-Remaining": { description: "How many of them are left.", schema: { type: "integer", minimum: 0 } },
  "RateLimit-Reset": {
    description: "In how many seconds the limit is whole again.",
    schema: { type: "integer", minimum: 0 },
  },
  ETag: {
    description: 'The entity tag: `"<version>-<hash>"`, or the hash alone for what has no version.',
    required: true,
    schema: { type: "string", pattern: '^"(?:[1-9][0-9]*-)?[\\w-]+"$' },
  },
  Location: {
    description: "The path of what was created.",
    required: true,
    schema: { type: "string", format: "uri-reference" },
  },
  "Idempotency-Replayed": {
    description: "Sent if the call is a repetition: it has changed nothing.",
    schema: { type: "string", const: "true" },
  },
  "Cache-Control": { description: "Who may keep the response.", required: true, schema: { type: "string" } },
  "Retry-After": {
    description: "The seconds after which to repeat the request. Left out if repeating it as it is may not be safe.",
    schema: { type: "integer", minimum: 1 },
  },
  "WWW-Authenticate": {
    description: "What is wrong with the token, or missing (RFC 6750).",
    schema: { type: "string", pattern: "^Bearer" },
  },
  "Accept-Encoding": {
    description: "The encodings of bodies that are accepted, if the body's is not.",
    schema: { type: "string" },
  },
  Allow: { description: "The methods that the path accepts.", schema: { type: "string" } },
} satisfies Record<string, JsonObject>;

export type ResponseHeaderName = keyof typeof responseHeaders;

/** The headers that every response has, or may have. */
export const commonResponseHeaders: readonly ResponseHeaderName[] = [
  "X-Request-Id",
  "traceresponse",
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
];

/** References to headers of a response. */
export function headerRefs(names: readonly ResponseHeaderName[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** What every 401 has, and of the responses with 403 some. */
export const challenge: JsonObject = { "WWW-Authenticate": { $ref: "#/components/headers/Challenge" } };

/** The components of the headers of responses. */
export const headerComponents: JsonObject = {
  ...responseHeaders,
  Challenge: { ...responseHeaders["WWW-Authenticate"], required: true },
};
