/** Returns a token (JWT). It is called when there is no token yet, and when the service has refused the one it had. */
export type TokenSource = () => string | Promise<string>;

/** The token of a client. Concurrent calls share one call of the source. */
export class TokenCache {
  readonly #source: TokenSource;
  readonly #isFixed: boolean;
  #current: Promise<string> | undefined;

  constructor(token: string | TokenSource) {
    this.#isFixed = typeof token === "string";
    this.#source = typeof token === "string" ? () => token : token;
  }

  get(): Promise<string> {
    if (this.#current) return this.#current;
    const token = Promise.resolve().then(this.#source).then(checked);
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
}

/** Such a token would fail as a header, with its text in the error. */
function checked(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) throw new TypeError("the token is empty or has characters that no token has");
  return token;
}
