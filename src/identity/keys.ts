/** The keys that tokens are verified with. */
import { createLocalJWKSet, errors, importSPKI, type JWTVerifyGetKey } from "jose";

/** A key set could not be fetched, and none that was fetched before can stand in for it. */
export class KeysUnavailableError extends Error {
  override readonly name = "KeysUnavailableError";
}

/** The key that was configured cannot be used: a sentence for a person, who can set another. */
export class TokenKeyError extends Error {
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
  /** A token with an unknown key makes us look for new keys at most this often; so do failed looks. */
  readonly lookAgainMs: number;
}

const usualFetching: KeyFetching = { timeoutMs: 3_000, lookAgainMs: 10_000 };
/** From this age of our copy of the set we look for another, while it goes on to count. */
const renewMs = 30_000;
/** So long a withdrawn key stays in our copy. */
const maxAgeMs = 60_000;
/** And so long if whoever has it keeps us from fetching another. */
const maxStandInMs = 60 * 60_000;
/** Of a key set; ones of a dozen keys with certificates have some 30 KiB. */
const maxBytes = 256 * 1024;

/** A copy of the key set. */
interface HeldKeys {
  readonly keyFor: JWTVerifyGetKey;
  readonly fetchedAtMs: number;
}

/**
 * The keys of a JSON Web Key Set that its issuer may change at any time. While the set cannot be fetched the keys of the
 * last one count, for an hour, and nobody waits for another but those who need a key that it does not have; before there
 * is one, and after that hour, a KeysUnavailableError.
 */
export function keysFromUrl(
  url: URL,
  report: (error: unknown) => void,
  { timeoutMs, lookAgainMs }: KeyFetching = usualFetching,
): JWTVerifyGetKey {
  let held: HeldKeys | undefined;
  let lookAgainAtMs = 0;
  let hasFailed = false;
  let looking: Promise<void> | undefined;

  const look = async () => {
    try {
      const keyFor = await fetchKeySet(url, AbortSignal.timeout(timeoutMs));
      held = { keyFor, fetchedAtMs: performance.now() };
      hasFailed = false;
    } catch (error) {
      hasFailed = true;
      report(error);
    }
    lookAgainAtMs = performance.now() + lookAgainMs;
    looking = undefined;
  };
  /** Resolves once there has been a look, or at once if the last one was too short ago; whether it failed is reported. */
  const renew = async () => {
    if (!looking && performance.now() >= lookAgainAtMs) looking = look();
    await looking;
  };
  const ageMs = () => (held ? performance.now() - held.fetchedAtMs : Number.POSITIVE_INFINITY);

  return async (header, token) => {
    if (ageMs() >= renewMs) {
      const renewed = renew();
      // Who may have withdrawn a key is asked, unless the last look has shown that there is no answer to wait for.
      if (ageMs() >= (hasFailed ? maxStandInMs : maxAgeMs)) await renewed;
    }
    if (!held || ageMs() >= maxStandInMs) throw new KeysUnavailableError("the key set cannot be fetched");
    try {
      return await held.keyFor(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await renew();
      return await held.keyFor(header, token);
    }
  };
}

/** The keys of the set at a URL, which is not followed elsewhere. Rejects if there is none. */
async function fetchKeySet(url: URL, signal: AbortSignal): Promise<JWTVerifyGetKey> {
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
  return createLocalJWKSet(JSON.parse(Buffer.concat(chunks).toString()));
}
