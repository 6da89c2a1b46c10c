/**
 * Limits on the streams of health and reflection. They take no token and last, so each kind has a limit per address and in
 * all, a longest duration, and a limit on the bytes of responses that their clients have not taken.
 */
import { Code, ConnectError, type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { addressGroup } from "../../domain/address.ts";
import { createPlaces } from "../../limits/concurrency-limit.ts";
import { addressOf } from "../caller.ts";
import { cutEventually, openStream } from "./open-stream.ts";
import { countUnsent } from "./unsent-bytes.ts";

export interface StreamLimits {
  /** Streams at once. */
  readonly maxStreams: number;
  /** Streams at once from one address; one of IPv6 stands for its /64. Clients of an untrusted proxy share its address. */
  readonly maxStreamsPerAddress: number;
  /** After this duration the stream ends without an error. Its client may open another one. */
  readonly longestMs: number;
  /** Bytes of messages, of all streams together, that wait for their clients to take them. */
  readonly maxUnsentBytes: number;
}

/**
 * Yields the messages of one stream within the limits. Raises RESOURCE_EXHAUSTED for a stream or a message over a limit.
 * `sizeOf` returns a message's size in bytes; without it the messages are too small to be counted.
 */
export type LimitStream = <Message>(
  context: HandlerContext,
  messages: AsyncIterable<Message>,
  sizeOf?: (message: Message) => number,
) => AsyncGenerator<Message>;

/** The limits of one kind of stream. */
export interface LimitedStreams {
  readonly limit: LimitStream;
  /**
   * Takes a place for a stream from this address before anything is done for it, since a refusal is cheaper the earlier it
   * comes. Returns what gives the place back, once however often it is called; undefined if there is none.
   */
  takePlace(address: string): (() => void) | undefined;
}

/** What a client gets whose stream is one too many. */
export const tooManyStreams = "too many streams are open; close one or repeat later";

const placeKey = createContextKey<(() => void) | undefined>(undefined, {
  description: "gives the stream's place back",
});

/** Notes that a call has a place already. */
export function setPlace(values: ContextValues, leave: () => void): void {
  values.set(placeKey, leave);
}

/** Creates the limits of one kind of stream. */
export function createStreamLimits(limits: StreamLimits): LimitedStreams {
  const places = createPlaces({ inAll: limits.maxStreams, caller: 0, address: limits.maxStreamsPerAddress });
  const unsent = countUnsent(
    limits.maxUnsentBytes,
    () => new ConnectError("too many responses wait to be read", Code.ResourceExhausted),
  );
  const takePlace = (address: string) => {
    const place = places.take([{ kind: "address", key: addressGroup(address) }]);
    return typeof place === "object" ? place.leave : undefined;
  };
  const limit: LimitStream = async function* ({ signal, values }, messages, sizeOf = () => 0) {
    const leave = values.get(placeKey) ?? takePlace(addressOf(values));
    try {
      if (!leave) throw new ConnectError(tooManyStreams, Code.ResourceExhausted);
      // A stream that has sent everything makes room at once: some clients make many short calls at the same time.
      const onClosed = (error: unknown) => error === undefined && leave();
      const stream = openStream({ signal, values, unsent, reasonOf: connectErrorOf, onClosed });
      stream.onRelease(leave);
      stream.endAfter(limits.longestMs);
      yield* stream.forward(messages, sizeOf);
    } finally {
      cutEventually(values);
    }
  };
  return { limit, takePlace };
}

/** The client's own deadline, a reset, or else the end of the process. */
function connectErrorOf(reason: unknown): ConnectError {
  return reason instanceof ConnectError ? reason : new ConnectError("about to stop", Code.Unavailable);
}
