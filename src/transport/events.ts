/** What the listeners and the HTTP application publish. */
export interface TransportEvents {
  /** Connections were closed at once because of a limit. Published at the first one, and then at most once a minute. */
  readonly "transport.connections_refused": RefusedConnections;
  /** A connection was accepted or has closed, or was closed at once because of a limit. Published for each. */
  readonly "transport.connection_changed": { readonly change: "opened" | "closed" | "refused" };
  /** A connection could not be accepted, as when file descriptors run out. */
  readonly "transport.accept_failed": { readonly error: Error };
  /** Readiness has probed the database, once a second: whether it takes writes. */
  readonly "transport.database_probed": { readonly isGood: boolean };
  readonly "transport.readiness_changed": {
    readonly state: ReadinessState;
    /** Why the state is "unavailable". */
    readonly reason: string | undefined;
    /** The error behind the reason, which clients do not see. */
    readonly cause: unknown;
  };
  /** A request failed outside of any call, for a reason that no code expects. */
  readonly "transport.request_failed": {
    readonly requestId: string;
    readonly method: string;
    /** The route that the path was found by, such as `/api/v1/*`: a path may name a user. Empty if there is none. */
    readonly route: string;
    readonly error: unknown;
  };
  /** A request was refused before it was a call, which the interceptors publish: it cannot be decoded, or calls nothing. */
  readonly "transport.request_refused": {
    readonly requestId: string;
    readonly method: string;
    /** As above, or the path of an RPC method. */
    readonly route: string;
    /** Such as `InvalidArgument`. */
    readonly code: string;
  };
  /** A call failed outside of the interceptors, which publish what they see, for a reason that no code expects. */
  readonly "transport.call_failed": { readonly requestId: string; readonly method: string; readonly error: unknown };
  /** A response could not be completed. */
  readonly "transport.response_failed": {
    readonly requestId: string;
    readonly method: string;
    readonly error: unknown;
    /** Whether the client has closed the connection or the stream, which is the usual cause. */
    readonly isClientGone: boolean;
  };
}

export type ReadinessState = "starting" | "ready" | "unavailable" | "draining";

export interface RefusedConnections {
  /** The number since this was last published. */
  readonly count: number;
  /** The limit that the newest one met. */
  readonly limit: "maxConnections" | "maxConnectionsPerAddress";
  /** The newest one's address, as it is counted. */
  readonly address: string;
}
