/** Calls that a test asks of the page, and what the page reports: plain values, so that they can pass between the two. */
import type { JsonValue } from "@bufbuild/protobuf";

export const clientNames = [
  "connect-web: Connect JSON",
  "connect-web: Connect binary",
  "connect-web: gRPC-Web",
  "grpc-web: text",
  "grpc-web: binary",
] as const;
export type ClientName = (typeof clientNames)[number];

export interface PageCall {
  readonly client: ClientName;
  readonly baseUrl: string;
  /** Such as `frontrow.v1.BookingService/BookTickets`. */
  readonly method: string;
  /** The request in ProtoJSON. */
  readonly request: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Whether the browser sends cookies, and whatever else it keeps for the service's origin. */
  readonly withCredentials?: boolean;
}

export interface PageError {
  /** Such as `NOT_FOUND`. */
  readonly code: string;
  readonly message: string;
  /** From google.rpc.ErrorInfo. */
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** The fields that google.rpc.BadRequest names. */
  readonly fields: readonly string[];
}

export interface PageOutcome {
  /** The responses in ProtoJSON: one of a unary call, any number of a stream. */
  readonly messages: readonly JsonValue[];
  /** The response headers that the page can read, their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly error?: PageError;
}

/** What the page offers as `window.calls`. A call is known by a name that the test chooses. */
export interface PageCalls {
  start(name: string, call: PageCall): void;
  cancel(name: string): void;
  /** Resolves once the call has so many messages, or has ended. */
  received(name: string, count: number): Promise<readonly JsonValue[]>;
  ended(name: string): Promise<PageOutcome>;
}
