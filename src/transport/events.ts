/** What the listeners and the HTTP application publish. */
export interface TransportEvents {
  /** Connections were closed at once since the start or since this was last published: there are too many. */
  readonly "transport.connections_refused": { readonly count: number };
  /** A connection could not be accepted, as when file descriptors run out. */
  readonly "transport.accept_failed": { readonly error: Error };
  /** The service became ready, or stopped being ready for this reason. */
  readonly "transport.readiness_changed": { readonly isReady: boolean; readonly reason: string | undefined };
}
