/** The keys that tokens are verified with. */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  importSPKI,
  type JWTVerifyGetKey,
  type RemoteJWKSet,
} from "jose";

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
/** So long a withdrawn key stays in our copy of the set. */
const maxAgeMs = 60_000;
/** And so long if whoever has it keeps us from fetching another. */
const maxStandInMs = 60 * 60_000;
/** Of a key set; ones of a dozen keys with certificates have some 30 KiB. */
const maxBytes = 256 * 1024;

/**
 * The keys of a JSON Web Key Set that its issuer may change at any time. While the set cannot be fetched the keys of the
 * last one count, for an hour; before there is one, and after that, a KeysUnavailableError.
 */
export function keysFromUrl(
  url: URL,
  report: (error: unknown) => void,
  { timeoutMs, lookAgainMs }: KeyFetching = usualFetching,
): JWTVerifyGetKey {
  let lookAgainAtMs = 0;
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  const keys: RemoteJWKSet = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cooldownDuration: lookAgainMs,
    cacheMaxAge: maxAgeMs,
    async [customFetch](address, init) {
      if (performance.now() < lookAgainAtMs) throw new KeysUnavailableError("the last look was too short ago");
      try {
        const response = await fetchKeySet(address, init);
        fetchedAtMs = performance.now();
        return response;
      } catch (error) {
        lookAgainAtMs = performance.now() + lookAgainMs;
        report(error);
        throw new KeysUnavailableError("the key set cannot be fetched", { cause: error });
      }
    },
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (isAboutToken(error)) throw error;
      const last = performance.now() - fetchedAtMs < maxStandInMs ? keys.jwks() : undefined;
      if (!last)
        throw error instanceof KeysUnavailableError ? error : new KeysUnavailableError("no keys", { cause: error });
      return await createLocalJWKSet(last)(header, token);
    }
  };
}

/** A response that is known to be a key set. Jose would read one of any length, and a broken one would not count as failed. */
async function fetchKeySet(address: string, init: RequestInit): Promise<Response> {
  const response = await fetch(address, init);
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
  const text = Buffer.concat(chunks).toString();
  createLocalJWKSet(JSON.parse(text));
  return new Response(text);
}

/** Whether a key set was there and had no key for the token. */
function isAboutToken(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}
