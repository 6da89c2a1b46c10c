/** What the load generator does, and what it reports. */

export interface LoadSpec {
  /**
   * REST, Connect or gRPC-Web over HTTP/1.1 with one connection a user, or gRPC over a few HTTP/2 connections with one stream
   * a user at a time.
   */
  readonly transport: "http1" | "grpc-web" | "grpc";
  /** The servers' ports on the loopback address; users are dealt to them evenly. */
  readonly ports: readonly number[];
  readonly users: number;
  /**
   * Whole requests (HTTP/1.1) or messages with their prefix (gRPC). A user sends one after the other: the one of its
   * number, and from there on every `users`-th.
   */
  readonly requests: readonly Uint8Array[];
  /** The method's path, for gRPC. */
  readonly path: string;
  /** Where each request has a key of 36 characters that is to be a new one each time; empty for none. */
  readonly keyOffsets: readonly number[];
  /** Whether answers begin with the id of a booking that is to be collected. */
  readonly collectIds: boolean;
  /** What a user sends after each answer that is no refusal, over HTTP/1.1. The two calls count as one answer. */
  readonly followUp?: FollowUp | undefined;
  readonly pace: Pace;
}

/** A request with the id of the answer before, and the key of the request before, between these pieces. */
export interface FollowUp {
  readonly pieces: readonly [string, string, string];
  /** How many characters the id takes at least. It is padded with spaces, so that the length of the body is known. */
  readonly idWidth: number;
}

/** When users send. */
export type Pace =
  /** As soon as they have their answer. */
  | { readonly kind: "closed"; readonly warmUpMs: number; readonly measureMs: number }
  /**
   * At a fixed rate, whether or not there are answers. Latency counts from when a request was due, so that a slow server
   * cannot hide its delays by keeping the generator from sending. A request that finds no idle user waits for one, or it is
   * dropped, as when all users still wait for their answers.
   */
  | {
      readonly kind: "open";
      readonly warmUpMs: number;
      readonly measureMs: number;
      readonly ratePerSecond: number;
      readonly whenBusy?: "wait" | "leave";
    }
  /** As soon as they have their answer, a fixed number of requests each. All of them are measured. */
  | { readonly kind: "count"; readonly requestsPerUser: number };

/** How long answers took. */
export interface Latency {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Numbers of answers: under `OK` or the reason of a refusal. */
export type Tally = Record<string, number>;

export interface LoadResult {
  /** How long the measured part took. */
  readonly elapsedMs: number;
  /** How long it all took, warm-up and last answers included. */
  readonly runMs: number;
  /** The answers that came within the measured part. */
  readonly measured: Tally;
  readonly latency: Latency;
  /** How long the slowest of the timed answers took that were no refusals. */
  readonly slowestConfirmedMs: number;
  /** All answers, warm-up and last ones included. */
  readonly all: Tally;
  /** The bookings that were answered with, if they were to be collected. */
  readonly bookingIds: Float64Array;
  /** The processor time of the generator, in cores used on average. */
  readonly coresUsed: number;
}

/** One answer, as a transport understands it. */
export interface Answer {
  /** `OK`, or the reason of a refusal. */
  readonly outcome: string;
  /** The id with which the answer's message begins; NaN if it was not looked for. */
  readonly id: number;
}

/** Connections that carry one request of each user at a time. */
export interface Transport {
  /** Sends a user's next request; its answer goes to the callback that the transport was opened with. */
  send(user: number): void;
  close(): void;
}

/** Receives the answers. */
export interface Listener {
  onAnswer(user: number, answer: Answer): void;
  /** An answer will never come: the run has failed. */
  onLoss(error: Error): void;
}
