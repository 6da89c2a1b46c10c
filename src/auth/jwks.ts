/** The keys that tokens are verified with: one from a PEM text, or those of a JSON Web Key Set at a URL. */
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type FlattenedJWSInput,
  importSPKI,
  type JWTHeaderParameters,
  type JWTVerifyGetKey,
  type RemoteJWKSet,
} from "jose";
import { LRUCache } from "lru-cache";
import { addressGroup } from "../domain/address.ts";
import { DomainError, retryDelayMs } from "../domain/failure.ts";
import { OperatorError } from "../domain/operator-error.ts";
import type { Publish } from "../domain/publish.ts";
import type { AuthEvents } from "./events.ts";

/** Finds the key of a token by its header. The client's address limits the fetches that unknown keys cause. */
export type KeyFor = (
  header: JWTHeaderParameters,
  token: FlattenedJWSInput,
  address: string,
) => ReturnType<JWTVerifyGetKey>;

/** The configured key cannot be used. The message says which setting to change. */
export class TokenKeyError extends OperatorError {
  override readonly name = "TokenKeyError";
}

/** Imports a key from its PEM text (SubjectPublicKeyInfo). Throws a TokenKeyError if it fits none of the algorithms. */
export async function keyFromPem(pem: string, algorithms: readonly string[]): Promise<JWTVerifyGetKey> {
  const keys = new Map<string, CryptoKey>();
  for (const algorithm of algorithms) {
    // An algorithm accepts one kind of key, so most imports fail.
    const key = await importSPKI(pem, algorithm).catch(() => undefined);
    if (key && !isTooShort(key)) keys.set(algorithm, key);
  }
  if (keys.size === 0) {
    throw new TokenKeyError("APP_AUTH_PUBLIC_KEY is not a public key (PEM) for any of APP_AUTH_ALGORITHMS");
  }
  return ({ alg }) => {
    const key = keys.get(alg);
    if (!key) throw new errors.JOSEAlgNotAllowed("the key is for another algorithm");
    return key;
  };
}

/** jose rejects such a key only when it verifies a token, which is too late. */
function isTooShort({ algorithm }: CryptoKey): boolean {
  return "modulusLength" in algorithm && Number(algorithm.modulusLength) < 2_048;
}

/** How a key set is fetched. */
export interface KeyFetching {
  readonly timeoutMs: number;
  /** The pause after a failed fetch, and between fetches that unknown keys cause from one address. */
  readonly pauseMs: number;
  /** The pause between any two fetches. It bounds the load on the identity provider, whatever clients send. */
  readonly minPauseMs: number;
}

const usualFetching: KeyFetching = { timeoutMs: 3_000, pauseMs: 10_000, minPauseMs: 1_000 };
/** At this age the set is fetched again in the background. */
const renewMs = 30_000;
/** At this age a call waits for the fetch. It bounds how long a withdrawn key stays in the set. */
const maxAgeMs = 60_000;
/** The same bound while fetches fail: an attacker who blocks them must not keep a withdrawn key valid for ever. */
const maxStaleMs = 60 * 60_000;
/** A set of a dozen keys with certificates has about 30 KiB. */
const maxBytes = 256 * 1024;
/** An address that is evicted may cause a fetch again, after the minimal pause. */
const maxAddresses = 1_000;

/**
 * The keys of a set that the identity provider may change at any time. While fetches fail, the last set stays in use for
 * an hour, and only calls with keys outside of it wait. Without a set in use, raises KEYS_UNAVAILABLE.
 *
 * A token with an unknown key is rejected only by a set that was requested after the token arrived. If no fetch is allowed
 * yet, raises KEYS_UNAVAILABLE with the time to wait. Each address has its own pause, so that one address cannot delay the
 * new keys of others. A fetch that one address causes serves all of them.
 */
export function keysFromUrl(url: URL, publish: Publish<AuthEvents>, fetching: KeyFetching = usualFetching): KeyFor {
  const keySet = createRemoteJWKSet(url, {
    timeoutDuration: fetching.timeoutMs,
    // The schedule decides when to fetch.
    cooldownDuration: Number.POSITIVE_INFINITY,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    [customFetch]: fetchBounded,
  });
  const schedule = scheduleFetches(keySet, publish, fetching);

  return async (header, token, address) => {
    const arrivedAtMs = performance.now();
    if (schedule.ageMs() >= renewMs) {
      const renewed = schedule.fetch();
      // After a failed fetch the next one may hang, and the calls must not wait for it.
      if (schedule.ageMs() >= (schedule.hasFailed() ? maxStaleMs : maxAgeMs)) await renewed;
    }
    if (schedule.ageMs() >= maxStaleMs) throw keysUnavailable("the key set cannot be fetched", retryDelayMs);

    /** Finds the key. Undefined if the provider may have added it after the set was requested. */
    const find = () =>
      keySet(header, token).catch((error: unknown) => {
        const isUnknown = error instanceof errors.JWKSNoMatchingKey;
        if (!isUnknown || schedule.requestedAtMs() >= arrivedAtMs || !mayBeAdded(header, keySet)) throw error;
      });
    const key = await find();
    if (key) return key;
    const group = addressGroup(address);
    await schedule.fetchFor(group);
    const newKey = await find();
    if (newKey) return newKey;
    throw keysUnavailable("the key is not in the set, which may not be fetched yet", schedule.pauseFor(group), true);
  };
}

/** Decides when the set may be fetched, for the sake of one address or of all. Failed fetches are published. */
function scheduleFetches(keySet: RemoteJWKSet, publish: Publish<AuthEvents>, { pauseMs, minPauseMs }: KeyFetching) {
  let requestedAtMs = Number.NEGATIVE_INFINITY;
  let hasFailed = false;
  let nextAtMs = 0;
  let pending: Promise<void> | undefined;
  const nextOfAddress = new LRUCache<string, number>({ max: maxAddresses });

  async function reload() {
    const startedAtMs = performance.now();
    try {
      await keySet.reload();
      requestedAtMs = startedAtMs;
      hasFailed = false;
    } catch (error) {
      hasFailed = true;
      publish("auth.keys_unreachable", { error });
    }
    nextAtMs = performance.now() + (hasFailed ? pauseMs : minPauseMs);
    pending = undefined;
  }
  /** Resolves when the fetch has ended, well or not, or at once if none is allowed yet. */
  const fetch = async () => {
    if (!pending && performance.now() >= nextAtMs) pending = reload();
    await pending;
  };
  const pauseFor = (group: string) => Math.max(nextAtMs, nextOfAddress.get(group) ?? 0) - performance.now();
  return {
    fetch,
    pauseFor,
    async fetchFor(group: string) {
      if (!pending && pauseFor(group) > 0) return;
      if (!pending) nextOfAddress.set(group, performance.now() + pauseMs);
      await fetch();
    },
    hasFailed: () => hasFailed,
    /** When the set in use was requested. Keys that were added later are not in it. */
    requestedAtMs: () => requestedAtMs,
    ageMs: () => performance.now() - requestedAtMs,
  };
}

/** Whether the provider may yet add the key that the token names. A key in the set does not change. */
function mayBeAdded({ kid }: JWTHeaderParameters, keySet: RemoteJWKSet): boolean {
  if (kid === undefined) return true;
  return typeof kid === "string" && !keySet.jwks()?.keys.some((key) => key.kid === kid);
}

function keysUnavailable(problem: string, delayMs: number, isKeyUnknown = false): DomainError {
  const failure = {
    reason: "KEYS_UNAVAILABLE",
    retryDelayMs: Math.max(1, Math.ceil(delayMs)),
    isKeyUnknown,
  } as const;
  return new DomainError(failure, { cause: new Error(problem) });
}

/** Reads at most `maxBytes` of the response. */
const fetchBounded: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the key set was answered with ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the rest.
    if (length > maxBytes) throw new Error(`the key set is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks));
};
