/**
 * Limits on the streams of health and reflection. They need no token and last, so each kind has a limit per address and per
 * process, a longest duration, and a limit on the bytes of responses that their clients have not taken.
 */
import { Code, ConnectError, type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { addressGroup } from "../../domain/address.ts";
import { createConcurrencyLimit, type Permit } from "../../limits/concurrency-limit.ts";
import { originOf } from "../call-context.ts";
import { cutEventually, openStream } from "./open-stream.ts";
import { countUnsent } from "./unsent-bytes.ts";

export interface StreamLimits {
  /** Streams that are open at the same time. */
  readonly maxStreams: number;
  /** The same from one address. An IPv6 address counts by its /64. Clients of an untrusted proxy share its address. */
  readonly maxStreamsPerAddress: number;
  /** After this duration the stream ends without an error. Its client may open another one. */
  readonly longestMs: number;
  /** Unsent bytes of messages, of all streams together. */
  readonly maxUnsentBytes: number;
}

/**
 * Yields the messages of one stream within the limits. Raises RESOURCE_EXHAUSTED for a stream or a message over a limit.
 * `sizeOf` returns a message's size in bytes. Without it the messages are too small to count.
 */
type LimitStream = <Message>(
  context: HandlerContext,
  messages: AsyncIterable<Message>,
  sizeOf?: (message: Message) => number,
) => AsyncGenerator<Message>;

/** The limits of one kind of stream. */
export interface LimitedStreams {
  readonly limit: LimitStream;
  /**
   * Takes a permit for a stream from this address before the call begins, since an early rejection is cheap. Undefined if the
   * limit has been reached.
   */
  tryAcquire(address: string): Permit | undefined;
}

/** The message for a stream over the limit. */
export const tooManyStreams = "too many streams are open; close one or repeat later";

const permitKey = createContextKey<Permit | undefined>(undefined, { description: "the stream's permit" });

/** Sets the permit of a call that has one before it begins. */
export function setPermit(values: ContextValues, permit: Permit): void {
  values.set(permitKey, permit);
}

/** Creates the limits of one kind of stream. */
export function createStreamLimits(limits: StreamLimits): LimitedStreams {
  const { maxStreams, maxStreamsPerAddress } = limits;
  const open = createConcurrencyLimit({ process: maxStreams, caller: 0, address: maxStreamsPerAddress });
  const unsent = countUnsent(
    limits.maxUnsentBytes,
    () => new ConnectError("too many responses wait to be read", Code.ResourceExhausted),
  );
  const tryAcquire = (address: string) => {
    const permit = open.tryAcquire([{ kind: "address", key: addressGroup(address) }]);
    return typeof permit === "object" ? permit : undefined;
  };
  const limit: LimitStream = async function* ({ signal, values }, messages, sizeOf = () => 0) {
    const permit = values.get(permitKey) ?? tryAcquire(originOf(values).address);
    try {
      if (!permit) throw new ConnectError(tooManyStreams, Code.ResourceExhausted);
      // A stream that has sent everything makes room at once: some clients make many short calls at the same time.
      const onClosed = (error: unknown) => error === undefined && permit.release();
      const stream = openStream({ signal, values, unsent, reasonOf: connectErrorOf, onClosed });
      stream.onRelease(permit.release);
      stream.endAfter(limits.longestMs);
      yield* stream.forward(messages, sizeOf);
    } finally {
      cutEventually(values);
    }
  };
  return { limit, tryAcquire };
}

/** The client's deadline, a reset, or else the end of the process. */
function connectErrorOf(reason: unknown): ConnectError {
  return reason instanceof ConnectError ? reason : new ConnectError("about to stop", Code.Unavailable);
}
