/** The stage that FRONTROW_STAGE names: sdk/README.md lists its requests. */

export interface Addresses {
  readonly plain: string;
  readonly tokens: string;
  readonly strict: string;
  readonly closed: string;
  readonly silent: string;
  readonly foreign: string;
}

/** The numbers and names of a scenario. Reading one that it does not have fails. */
export interface Figures {
  number(name: string): number;
  text(name: string): string;
  metadata(): Readonly<Record<string, unknown>>;
}

export interface Scenario {
  readonly name: string;
  readonly figures: Figures;
}

interface ConcertsBody {
  readonly count?: number;
  readonly total_tickets?: number;
  readonly window?: "open" | "closed";
  readonly max_tickets_per_user?: number;
}

/** The requests to a stage's control server. */
export class Stage {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  addresses(): Promise<Addresses> {
    return this.#send("GET", "/");
  }

  async scenarios(): Promise<Scenario[]> {
    type Listed = { name: string; figures: Record<string, unknown> };
    const { scenarios } = await this.#send<{ scenarios: Listed[] }>("GET", "/scenarios");
    return scenarios.map(({ name, figures }) => ({ name, figures: readFigures(figures) }));
  }

  /** Creates concerts, and returns their ids and their artist. */
  async concerts(body: ConcertsBody): Promise<{ readonly ids: bigint[]; readonly artist: string }> {
    const { ids, artist } = await this.#send<{ ids: string[]; artist: string }>("POST", "/concerts", body);
    return { ids: ids.map(BigInt), artist };
  }

  async concert(body: Omit<ConcertsBody, "count"> = {}): Promise<bigint> {
    const { ids } = await this.concerts(body);
    return ids[0] ?? 0n;
  }

  async token(user: string, options: { readonly scope?: string; readonly expires_in_seconds?: number } = {}) {
    return (await this.#send<{ token: string }>("POST", "/tokens", { user, ...options })).token;
  }

  cutNextAnswer(): Promise<void> {
    return this.#send("POST", "/cut");
  }

  async cuts(): Promise<number> {
    return (await this.#send<{ count: number }>("GET", "/cuts")).count;
  }

  /** How many requests the services have got from this player. */
  requests(): Promise<Readonly<Record<"plain" | "tokens" | "strict", number>>> {
    return this.#send("GET", "/requests");
  }

  lock(concertId: bigint): Promise<void> {
    return this.#send("POST", "/lock", { concert_id: String(concertId) });
  }

  /** Resolves when a booking waits for the concert's lock. */
  blocked(concertId: bigint): Promise<void> {
    return this.#send("POST", "/blocked", { concert_id: String(concertId) });
  }

  /** Resolves when a request has been cancelled since the concert was locked. */
  cancelled(concertId: bigint): Promise<void> {
    return this.#send("POST", "/cancelled", { concert_id: String(concertId) });
  }

  unlock(concertId: bigint): Promise<void> {
    return this.#send("POST", "/unlock", { concert_id: String(concertId) });
  }

  async startService(): Promise<string> {
    return (await this.#send<{ address: string }>("POST", "/service")).address;
  }

  restartService(): Promise<void> {
    return this.#send("POST", "/restart");
  }

  async #send<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.#address}${path}`, {
      method,
      ...(method === "POST" && { body: JSON.stringify(body ?? {}) }),
      signal: AbortSignal.timeout(60_000),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`the stage answered ${path} with ${response.status}: ${JSON.stringify(answer)}`);
    return answer as Answer;
  }
}

function readFigures(figures: Readonly<Record<string, unknown>>): Figures {
  return {
    number(name) {
      const value = figures[name];
      if (typeof value !== "number") throw new Error(`the scenario has no number "${name}"`);
      return value;
    },
    text(name) {
      const value = figures[name];
      if (typeof value !== "string") throw new Error(`the scenario has no text "${name}"`);
      return value;
    },
    metadata() {
      const value = figures.metadata;
      if (typeof value !== "object" || value === null) throw new Error("the scenario has no metadata");
      return value as Readonly<Record<string, unknown>>;
    },
  };
}
