/** The keys that tokens are verified with. */
import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  importSPKI,
  type JWTHeaderParameters,
  type JWTVerifyGetKey,
} from "jose";
import { LRUCache } from "lru-cache";
import { addressGroup } from "../domain/address.ts";
import { retryDelayMs } from "../domain/failure.ts";
import { OperatorError } from "../domain/operator-error.ts";

/** Finds the key of a token from its header. The address is the caller's: it limits the looks for unknown keys. */
export type KeyFor = (
  header: JWTHeaderParameters,
  token: FlattenedJWSInput,
  address: string,
) => ReturnType<JWTVerifyGetKey>;

/** The key of a token cannot be had at the moment: there is no key set, or the set may have got the key since. */
export class KeysUnavailableError extends Error {
  override readonly name = "KeysUnavailableError";
  /** When to repeat. */
  readonly retryDelayMs: number;
  /** Whether there is a set, which does not have the key. */
  readonly isKeyUnknown: boolean;

  constructor(problem: string, { delayMs = retryDelayMs, isKeyUnknown = false } = {}) {
    super(problem);
    this.retryDelayMs = delayMs;
    this.isKeyUnknown = isKeyUnknown;
  }
}

/** The key that was configured cannot be used: a sentence for a person, who can set another. */
export class TokenKeyError extends OperatorError {
  override readonly name = "TokenKeyError";
}

/** A key from its PEM text (SubjectPublicKeyInfo). Throws a TokenKeyError if it fits none of the algorithms. */
export async function keyFromPem(pem: string, algorithms: readonly string[]): Promise<JWTVerifyGetKey> {
  const keys = new Map<string, CryptoKey>();
  for (const algorithm of algorithms) {
    // Each algorithm takes one kind of key, so most do not take this one.
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

/** What jose says of a key only when it verifies a token with it. */
function isTooShort({ algorithm }: CryptoKey): boolean {
  return "modulusLength" in algorithm && Number(algorithm.modulusLength) < 2_048;
}

/** How a key set is fetched. */
export interface KeyFetching {
  readonly timeoutMs: number;
  /** The pause after a look that failed, and between looks that tokens with unknown keys cause from one address. */
  readonly lookAgainMs: number;
  /** The pause between any two looks. It bounds how often the issuer is asked, whatever callers send. */
  readonly leastPauseMs: number;
}

const usualFetching: KeyFetching = { timeoutMs: 3_000, lookAgainMs: 10_000, leastPauseMs: 1_000 };
/** From this age of our copy of the set we look for another, while it goes on to count. */
const renewMs = 30_000;
/** So long a withdrawn key stays in our copy. */
const maxAgeMs = 60_000;
/** And so long if whoever has it keeps us from fetching another. */
const maxStandInMs = 60 * 60_000;
/** Of a key set; ones of a dozen keys with certificates have some 30 KiB. */
const maxBytes = 256 * 1024;
/** Addresses whose last look is remembered. One that is forgotten may cause a look again, after the least pause. */
const maxAddresses = 1_000;

/** A copy of the key set. */
interface HeldKeys {
  readonly keyFor: JWTVerifyGetKey;
  readonly ids: ReadonlySet<unknown>;
  /** When the issuer was asked for it. Keys that were added later are not in it. */
  readonly askedAtMs: number;
}

/**
 * The keys of a JSON Web Key Set that its issuer may change at any time. While the set cannot be fetched the keys of the
 * last one count, for an hour, and nobody waits for another but those who need a key that it does not have; before there
 * is one, and after that hour, a KeysUnavailableError.
 *
 * A token with an unknown key is refused only by a set that the issuer was asked for after the token arrived. If the
 * issuer may not be asked yet, the token gets a KeysUnavailableError with the time to wait. Each address has its own
 * pause, so that one address cannot use up the looks of others. A look that one address causes serves all of them.
 */
export function keysFromUrl(
  url: URL,
  report: (error: unknown) => void,
  { timeoutMs, lookAgainMs, leastPauseMs }: KeyFetching = usualFetching,
): KeyFor {
  let held: HeldKeys | undefined;
  let lookAgainAtMs = 0;
  let hasFailed = false;
  let looking: Promise<void> | undefined;
  const addressLooksAtMs = new LRUCache<string, number>({ max: maxAddresses });

  const look = async () => {
    const askedAtMs = performance.now();
    try {
      held = { ...(await fetchKeySet(url, AbortSignal.timeout(timeoutMs))), askedAtMs };
      hasFailed = false;
    } catch (error) {
      hasFailed = true;
      report(error);
    }
    lookAgainAtMs = performance.now() + (hasFailed ? lookAgainMs : leastPauseMs);
    looking = undefined;
  };
  /** Resolves once there has been a look, or at once if the last one was too short ago; whether it failed is reported. */
  const renew = async () => {
    if (!looking && performance.now() >= lookAgainAtMs) looking = look();
    await looking;
  };
  /** For how long an address may cause no look. */
  const pauseOf = (group: string) =>
    Math.max(0, Math.max(lookAgainAtMs, addressLooksAtMs.get(group) ?? 0) - performance.now());
  /** The same as `renew`, for the sake of a token with an unknown key. */
  const renewFor = async (group: string) => {
    if (looking) return await looking;
    if (pauseOf(group) > 0) return;
    addressLooksAtMs.set(group, performance.now() + lookAgainMs);
    await renew();
  };
  const ageMs = () => (held ? performance.now() - held.askedAtMs : Number.POSITIVE_INFINITY);

  return async (header, token, address) => {
    const arrivedAtMs = performance.now();
    if (ageMs() >= renewMs) {
      const renewed = renew();
      // Who may have withdrawn a key is asked, unless the last look has shown that there is no answer to wait for.
      if (ageMs() >= (hasFailed ? maxStandInMs : maxAgeMs)) await renewed;
    }
    if (!held || ageMs() >= maxStandInMs) throw new KeysUnavailableError("the key set cannot be fetched");
    const isSettledBy = ({ ids, askedAtMs }: HeldKeys) => askedAtMs >= arrivedAtMs || !mayBeAdded(header, ids);
    try {
      return await held.keyFor(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || isSettledBy(held)) throw error;
    }
    const group = addressGroup(address);
    await renewFor(group);
    try {
      return await held.keyFor(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || isSettledBy(held)) throw error;
      const problem = "the key is not in the set, which may not be fetched again yet";
      throw new KeysUnavailableError(problem, { delayMs: pauseOf(group), isKeyUnknown: true });
    }
  };
}

/** Whether the issuer may yet add the key that the token names. A key that is there does not change. */
function mayBeAdded({ kid }: JWTHeaderParameters, ids: ReadonlySet<unknown>): boolean {
  return kid === undefined || (typeof kid === "string" && !ids.has(kid));
}

/** The keys of the set at a URL, which is not followed elsewhere. Rejects if there is none. */
async function fetchKeySet(url: URL, signal: AbortSignal): Promise<Pick<HeldKeys, "keyFor" | "ids">> {
  const accept = "application/json, application/jwk-set+json";
  const response = await fetch(url, { signal, redirect: "manual", headers: { accept } });
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
  const keyFor = createLocalJWKSet(JSON.parse(Buffer.concat(chunks).toString()));
  return { keyFor, ids: new Set(keyFor.jwks().keys.map(({ kid }) => kid)) };
}
