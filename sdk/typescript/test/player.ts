/** Plays the scenarios by one client of this package. */
import { type Booking, Client, type ClientOptions } from "@frontrow/client";
import { describe } from "./expect.ts";
import { type Addresses, type Figures, Stage } from "./stage.ts";

/** What a scenario has. */
export interface Cast {
  readonly stage: Stage;
  readonly addresses: Addresses;
  /** A client of the service without tokens. */
  readonly client: Client;
  /** Makes another client, with the transport under test. */
  connect(address: string, options?: ClientOptions): Client;
  readonly figures: Figures;
}

export type Play = (cast: Cast) => Promise<void>;

/** A line of the results file. */
export interface Result {
  readonly language: string;
  readonly scenario: string;
  readonly outcome: "passed" | "failed";
  readonly seconds: number;
  readonly message: string;
}

/** Plays all scenarios of the stage that have a function. */
export async function playAll(
  language: string,
  transport: ClientOptions["transport"],
  stageAddress: string,
  plays: Readonly<Record<string, Play>>,
  report: (result: Result) => void,
): Promise<void> {
  const stage = new Stage(stageAddress);
  const addresses = await stage.addresses();
  const connect = (address: string, options: ClientOptions = {}) => new Client(address, { transport, ...options });
  for (const { name, figures } of await stage.scenarios()) {
    const play = plays[name];
    if (!play) continue;
    const message = await playOne(play, { stage, addresses, client: connect(addresses.plain), connect, figures });
    report({ language, scenario: name, ...message });
  }
}

async function playOne(play: Play, cast: Cast): Promise<Pick<Result, "outcome" | "seconds" | "message">> {
  const started = performance.now();
  const end = await play(cast).then(
    () => ({ outcome: "passed", message: "" }) as const,
    (error: unknown) => ({ outcome: "failed", message: describe(error) }) as const,
  );
  return { ...end, seconds: (performance.now() - started) / 1_000 };
}

/** A user without bookings. */
export const newUser = () => `user ${crypto.randomUUID()}`;

export const bookingsOf = (client: Client, userId: string): Promise<Booking[]> =>
  Array.fromAsync(client.userBookings({ userId }));
