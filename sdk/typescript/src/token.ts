import { within } from "./wait.ts";

/**
 * Returns a token (JWT). It is called when there is no token yet, and when the service has refused the one it had. The signal is
 * aborted when the client's `timeoutMs` has passed: the next call then calls the source again.
 */
export type TokenSource = (signal: AbortSignal) => string | Promise<string>;

/** The token of a client. Concurrent calls share one call of the source. */
export class TokenCache {
  readonly #source: TokenSource;
  readonly #isFixed: boolean;
  readonly #timeoutMs: number;
  #current: Promise<string> | undefined;

  constructor(token: string | TokenSource, timeoutMs: number) {
    this.#isFixed = typeof token !== "function";
    this.#source = typeof token === "function" ? token : () => token;
    this.#timeoutMs = timeoutMs;
    if (typeof token !== "function") checked(token);
  }

  get(): Promise<string> {
    if (this.#current) return this.#current;
    const token = this.#fetch();
    this.#current = token;
    // A source that failed is called again by the next call.
    token.catch(() => this.refuse(token));
    return token;
  }

  /** Forgets a token, unless another call has replaced it already. Returns whether the next one may be another one. */
  refuse(token: Promise<string>): boolean {
    if (this.#current === token) this.#current = undefined;
    return !this.#isFixed;
  }

  /** A source that never ends must not stop all later calls, which would wait for it. */
  async #fetch(): Promise<string> {
    const end = new AbortController();
    try {
      const token = Promise.resolve(end.signal).then(this.#source);
      return checked(await within(this.#timeoutMs, token, undefined, "the token source"));
    } catch (error) {
      end.abort(error);
      throw error;
    }
  }
}

/** Such a token would fail as a header, with its text in the error. */
function checked(token: unknown): string {
  if (typeof token !== "string") throw new TypeError(`the token is not a string but of the type ${typeof token}`);
  if (!/^[\x21-\x7e]+$/.test(token)) {
    const fault = "is empty, or has a space, a line break or another character that no token has";
    throw new TypeError(`the token ${fault}: give it without "Bearer"`);
  }
  return token;
}
