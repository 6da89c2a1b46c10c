import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { CallSettings } from "./call.ts";
import { defined } from "./requests.ts";
import { defaultRetry, type RetryPolicy } from "./retry.ts";
import { TokenCache, type TokenSource } from "./token.ts";

/** How a client calls the service. */
export interface ClientOptions {
  /** A token (JWT), or what returns one. Left out for a service without tokens. */
  readonly token?: string | TokenSource | undefined;
  /** How long a call may take with all of its attempts, and the token source with one call. By default 10 s. */
  readonly timeoutMs?: number | undefined;
  /** How long one attempt may take. By default 4 s. */
  readonly attemptTimeoutMs?: number | undefined;
  /** How failed attempts are repeated. */
  readonly retry?: { readonly [Key in keyof RetryPolicy]?: RetryPolicy[Key] | undefined } | undefined;
  /** The protocol: `grpcWeb` of this package, or any transport of Connect. By default Connect. */
  readonly transport?: ((options: TransportOptions) => Transport) | undefined;
}

/** What a transport is made from. */
export interface TransportOptions {
  readonly baseUrl: string;
  readonly useBinaryFormat: true;
}

/** Reads the options of a client. Throws a TypeError for a malformed address or token, and a RangeError for a bad number. */
export function settingsOf(address: string, options: ClientOptions): CallSettings {
  const baseUrl = originOf(address);
  const createTransport = options.transport ?? createConnectTransport;
  const { timeoutMs = 10_000, attemptTimeoutMs = 4_000 } = options;
  const retry: RetryPolicy = { ...defaultRetry, ...defined(options.retry ?? {}) };
  for (const [name, value] of Object.entries({ timeoutMs, attemptTimeoutMs, ...retry })) checkPositive(name, value);
  return {
    address: baseUrl,
    transport: createTransport({ baseUrl, useBinaryFormat: true }),
    token: options.token === undefined ? undefined : new TokenCache(options.token, timeoutMs),
    ...{ timeoutMs, attemptTimeoutMs, retry },
  };
}

/** Programs without types may pass anything. */
export function checkPositive(name: string, value: unknown): void {
  if (typeof value !== "number" || !(value > 0)) {
    throw new RangeError(`${name} must be a positive number: ${String(value)}`);
  }
}

function originOf(address: string): string {
  // The parser takes blanks away.
  const url = !/\s/.test(address) && URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/` || url.port === "0") {
    // Without the address: it may have a password.
    throw new TypeError("the address must be a URL with http or https, without a path, a query or a user");
  }
  return url.origin;
}
