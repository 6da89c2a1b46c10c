/**
 * Limits on streaming calls. They take no token and last, so each kind has a limit per address and in all, a longest
 * duration, and a limit on the bytes of responses that their clients have not taken.
 */
import { Code, ConnectError, type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { addressOf } from "../rpc/caller.ts";
import { createConnectionGate } from "./connection-gate.ts";
import { untilAborted } from "./until-aborted.ts";

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

/** How long a client may take to receive the end of a stream. One that grants no window never receives it. */
const endGraceMs = 5_000;

const cutKey = createContextKey<(delayMs: number) => void>(() => {}, { description: "cuts the call's HTTP stream" });

/** Notes how to cut the HTTP stream of a call if it has not closed after a delay. */
export function setCut(values: ContextValues, cutAfter: (delayMs: number) => void): void {
  values.set(cutKey, cutAfter);
}

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
  const gate = createConnectionGate({
    maxConnections: limits.maxStreams,
    maxConnectionsPerAddress: limits.maxStreamsPerAddress,
    trustedProxies: [],
  });
  let unsentBytes = 0;

  /** Counts a stream. `leave` is idempotent: the end of the messages and the client's reset both call it. */
  function enter({ signal, values }: HandlerContext, onTimeUp: () => void) {
    const leaveGate = values.get(placeKey) ?? gate.enter(addressOf(values));
    if (!leaveGate) throw new ConnectError(tooManyStreams, exhausted);
    let heldBytes = 0;
    let isOpen = true;
    let timer = setTimeout(() => {
      onTimeUp();
      // For a response that waits unsent: the messages end when the client asks for the next one.
      values.get(cutKey)(endGraceMs);
      timer = setTimeout(leave, endGraceMs);
    }, limits.longestMs);
    const hold = (bytes: number) => {
      if (!isOpen) return;
      const total = unsentBytes - heldBytes + bytes;
      if (total > limits.maxUnsentBytes) throw new ConnectError("too many responses wait to be read", exhausted);
      unsentBytes = total;
      heldBytes = bytes;
    };
    const leave = () => {
      hold(0);
      if (isOpen) leaveGate();
      isOpen = false;
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
    };
    // A write that the client's reset interrupts may never settle, and the generator with it.
    signal.addEventListener("abort", leave);
    // A signal that has aborted has no such event any more.
    if (signal.aborted) leave();
    return { hold, leave };
  }

  const limit: LimitStream = async function* (context, messages, sizeOf = () => 0) {
    const timeUp = new AbortController();
    let leave = () => {};
    try {
      const stream = enter(context, () => timeUp.abort());
      leave = stream.leave;
      for await (const message of untilAborted(messages, timeUp.signal)) {
        stream.hold(sizeOf(message));
        yield message;
        // The next message is asked for when this one has left the process.
        stream.hold(0);
      }
    } finally {
      leave();
      context.values.get(cutKey)(endGraceMs);
    }
  };
  const takePlace = (address: string) => {
    let leave = gate.enter(address);
    return (
      leave &&
      (() => {
        leave?.();
        leave = undefined;
      })
    );
  };
  return { limit, takePlace };
}

const exhausted = Code.ResourceExhausted;
