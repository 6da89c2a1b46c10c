/**
 * The shape of the files in `test/methods`: everything that the tests know of one method. Expected values are written by
 * hand. This file and the scenario files must not import `test/methods/index.ts`, which waits for them.
 */
import type { DescMethodUnary, JsonValue, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Booking } from "../../../gen/frontrow/v1/booking_pb.ts";
import type { Concert } from "../../../gen/frontrow/v1/concert_pb.ts";
import type { TestDatabase } from "../database/database.ts";
import type { CallOptions, Protocol, Violation } from "../protocols/protocols.ts";
import type { Stage } from "../service/stage.ts";
import type { Caller, Word } from "./permissions.ts";
import type { RuleCase } from "./rules.ts";

/** Undefined leaves a field out. */
export type JsonObject = Record<string, JsonValue | undefined>;

export type Request<Method extends DescMethodUnary> = MessageInitShape<Method["input"]>;
export type Response<Method extends DescMethodUnary> = MessageShape<Method["output"]>;

/** A code, and the HTTP status that REST and Connect answer with it. */
export interface ErrorStatus {
  readonly code: string;
  readonly status: number;
}

export const invalidArgument: ErrorStatus = { code: "INVALID_ARGUMENT", status: 400 };
export const notFound: ErrorStatus = { code: "NOT_FOUND", status: 404 };
export const failedPrecondition: ErrorStatus = { code: "FAILED_PRECONDITION", status: 400 };
export const permissionDenied: ErrorStatus = { code: "PERMISSION_DENIED", status: 403 };
export const aborted: ErrorStatus = { code: "ABORTED", status: 409 };

/** An id that no row has and that a JavaScript number cannot hold. */
export const unusedId = 9_007_199_254_740_993n;

/** What an HTTP client of REST sends for a request in JSON. */
interface RestRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly body?: JsonObject;
}

/** What exists before a request: a concert on sale, and a booking and a hold by `userId`, each maybe of another concert. */
export interface Existing {
  readonly concert: Concert;
  readonly booking: Booking;
  readonly hold: Booking;
}

/** A response in REST's JSON. */
export interface ExpectedResponse {
  readonly body: unknown;
  /** The URL path of what was created. */
  readonly location?: string;
  readonly replayed?: boolean;
}

/** Calls the method, fails unless the response is as expected, and returns its message. */
type SuccessfulCall<Method extends DescMethodUnary> = (
  request: Request<Method>,
  expected: (message: Response<Method>) => Promise<ExpectedResponse> | ExpectedResponse,
  options?: CallOptions,
) => Promise<Response<Method>>;

export interface Scene {
  readonly stage: Stage;
  readonly database: TestDatabase;
  readonly protocol: Protocol;
}

export interface Success<Method extends DescMethodUnary> {
  /** What the method does, to be read after its name. */
  readonly what: string;
  run(call: SuccessfulCall<Method>, scene: Scene): Promise<unknown>;
}

/** A request and how it is refused. */
interface RefusedRequest<Method extends DescMethodUnary> {
  readonly request: Request<Method>;
  readonly message: string | RegExp;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly violations?: readonly Violation[];
}

export interface Refusal<Method extends DescMethodUnary> {
  readonly reason: string;
  readonly answer: ErrorStatus;
  /** To be read after "when". */
  readonly when: string;
  /** Called anew for each protocol. The service allows 4 tickets a booking, and 2 holds a user and concert. */
  arrange(scene: Scene): RefusedRequest<Method> | Promise<RefusedRequest<Method>>;
}

/** What the callers of the permission tests find. */
export interface Found {
  readonly stage: Stage;
  readonly database: TestDatabase;
  /** A concert with many tickets, of which nora and otto have bookings. */
  readonly concert: Concert;
}

/** A request, and what each caller gets for it. */
interface Permission<Method extends DescMethodUnary> {
  /** What is special about the request; empty for the usual one. */
  readonly what: string;
  /** The answer to each caller with a token of the service's issuer, and to a caller without a token. */
  readonly answers: Readonly<Record<Caller, Word>>;
  request(found: Found): Request<Method> | Promise<Request<Method>>;
  /** Checks a response to a caller, given its user. */
  check(message: Response<Method>, user: string, found: Found): void;
}

/** What to change in a right request, and what the service says of it. */
export interface PolicyCase {
  readonly changes: JsonObject;
  readonly violations: readonly Violation[];
}

/** An extreme value that the method takes: what to change in a right request, and what the response then has. */
type AcceptedCase = readonly [what: string, changes: JsonObject, response: object];

/** All that the tests know of a method. */
export interface Scenario<Method extends DescMethodUnary = DescMethodUnary> {
  readonly method: Method;
  rest(request: JsonObject): RestRequest;
  /** A request that succeeds. */
  right(existing: Existing): Request<Method>;
  readonly successes: readonly Success<Method>[];
  readonly refusals: readonly Refusal<Method>[];
  readonly permissions: readonly Permission<Method>[];
  /** Reasons that only `permissions` provoke: without tokens no caller is refused for them. */
  readonly refusedCallers?: readonly string[];
  /** A case for each rule that the schema has for the request. */
  readonly rules: readonly RuleCase[];
  /** Rules for fields that the service has and the schema does not. */
  readonly policies?: readonly PolicyCase[];
  readonly accepts?: readonly AcceptedCase[];
  /** Other right values of fields, from which requests are generated. */
  readonly variations?: Readonly<Record<string, readonly JsonValue[]>>;
}

/** Defines the scenario of a method. */
export function defineScenario<Method extends DescMethodUnary>(
  method: Method,
  parts: Omit<Scenario<NoInfer<Method>>, "method">,
): Scenario {
  // Each scenario's own requests and responses fit its method.
  return { method, ...parts } as unknown as Scenario;
}

/** A refusal of a request that breaks rules, as pairs of a field and a message. An empty field is the whole request. */
export function invalid<Method extends DescMethodUnary>(
  when: string,
  request: Request<Method>,
  pairs: readonly (readonly [field: string, message: string])[],
): Refusal<Method> {
  const message = pairs.map(([field, text]) => (field === "" ? text : `${field}: ${text}`)).join("; ");
  const violations = pairs.map(([field, text]) => ({ field, message: text }));
  const arrange = () => ({ request, message, violations });
  return { reason: "INVALID_REQUEST", answer: invalidArgument, when, arrange };
}

/** The request_id where the protocol carries it: over REST in the header Idempotency-Key. */
export function keyed(protocol: Protocol, requestId: string): [fields: { requestId?: string }, options: CallOptions] {
  return protocol === "REST" ? [{}, { headers: { "Idempotency-Key": requestId } }] : [{ requestId }, {}];
}

/** A URL query of the fields that are given. A list is its items, each with the field's name. */
export function query(fields: JsonObject): string {
  const given = Object.entries(fields).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((item) => item !== undefined)
      .map((item) => [key, String(item)] as [string, string]),
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
