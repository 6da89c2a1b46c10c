/** Who makes a change, for the record. */
export interface Actor {
  /** The token's subject, or where there is none the user whom a booking names; undefined for nobody in particular. */
  readonly subject: string | undefined;
  /** Where the call came from; undefined for the service itself. */
  readonly address: string | undefined;
}

/** The service of its own accord. */
export const serviceItself: Actor = { subject: undefined, address: undefined };
