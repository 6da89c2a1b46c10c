/** The lifetime of one stream of responses: how it ends early, and how what it holds is given back once. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import { untilAborted } from "./until-aborted.ts";

export interface OpenStream {
  /** Aborts when the stream ends. A handler that waits for something has to stop then. */
  readonly signal: AbortSignal;
  /**
   * Ends the stream, even while a message is awaited. The reason is the error that the caller gets; one that is no error for
   * callers ends the stream without an error. Only the first end counts.
   */
  end(reason?: unknown): void;
  /** Ends the stream for this reason after a delay. */
  endAfter(delayMs: number, reason?: unknown): void;
  /** Calls the function when the stream has closed, at once if it has. */
  onClose(release: () => void): void;
  /** Gives back what the stream holds. The error, if any, is that with which it has ended. */
  close(error?: unknown): void;
  /** Yields the messages until the stream ends. `sizeOf` returns a message's size in bytes. */
  forward<Message>(messages: AsyncIterable<Message>, sizeOf: (message: Message) => number): AsyncGenerator<Message>;
}

export interface StreamOptions {
  /** The signal of the call: it aborts when the client goes away, at the client's deadline, and at a shutdown. */
  readonly signal: AbortSignal;
  readonly values: ContextValues;
  readonly unsent: UnsentBytes;
  /** Makes a reason for callers of what the call's signal aborted with. */
  readonly reasonOf?: (reason: unknown) => unknown;
  /** Called once, when the stream has closed, with the error with which it has ended. */
  readonly onClosed?: (error: unknown) => void;
}

/** How long a client may take to receive the end of a stream. One that grants no window never receives it. */
const endGraceMs = 5_000;
/** Timers cannot wait for longer. */
const maxDelayMs = 2 ** 31 - 1;

/** The HTTP response that a stream is written to. */
export interface Wire {
  /** Cuts the response unless it closes in time. */
  cutAfter(delayMs: number): void;
  /** The bytes that were written and that the client has not taken. */
  unsentBytes(): number;
}

const wireKey = createContextKey<Wire>(
  { cutAfter: () => {}, unsentBytes: () => 0 },
  { description: "the HTTP response of the call" },
);

/** Notes the HTTP response of a call. */
export function setWire(values: ContextValues, wire: Wire): void {
  values.set(wireKey, wire);
}

/** Cuts the call's HTTP response unless its client receives the end of the stream in time. */
export function cutEventually(values: ContextValues): void {
  values.get(wireKey).cutAfter(endGraceMs);
}

/** The bytes of messages that wait for their clients to take them, of all streams together. */
export interface UnsentBytes {
  /** A stream holds `bytes` in place of the `held` ones of before. Raises an error if that is more than the limit. */
  exchange(held: number, bytes: number): void;
}

/** Counts unsent bytes up to a limit. `tooMany` makes the error that a stream over the limit ends with. */
export function countUnsent(maxBytes: number, tooMany: () => Error): UnsentBytes {
  let total = 0;
  return {
    exchange(held, bytes) {
      const next = total - held + bytes;
      if (bytes > held && next > maxBytes) throw tooMany();
      total = next;
    },
  };
}

/** Opens a stream. The caller either forwards its messages or closes it. */
export function openStream({
  signal,
  values,
  unsent,
  reasonOf = (reason) => reason,
  onClosed,
}: StreamOptions): OpenStream {
  const ending = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  const releases: (() => void)[] = [];
  const wire = values.get(wireKey);
  let heldBytes = 0;
  let isOpen = true;

  const hold = (bytes: number) => {
    if (!isOpen) return;
    unsent.exchange(heldBytes, bytes);
    heldBytes = bytes;
  };
  const schedule = (delayMs: number, action: () => void) => {
    if (isOpen) timers.add(setTimeout(action, Math.min(Math.max(0, delayMs), maxDelayMs)));
  };
  const close = (error?: unknown) => {
    if (!isOpen) return;
    hold(0);
    isOpen = false;
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener("abort", abandon);
    for (const release of releases) release();
    ending.abort(error);
    onClosed?.(error);
  };
  const end = (reason?: unknown) => {
    if (ending.signal.aborted) return;
    ending.abort(reason);
    // For a response that waits unsent: the messages end when the client asks for the next one.
    wire.cutAfter(endGraceMs);
    schedule(endGraceMs, () => close(reason));
  };
  // A write that the client's reset interrupts may never settle, and the messages never end.
  const abandon = () => {
    const reason = ending.signal.aborted ? ending.signal.reason : reasonOf(signal.reason);
    ending.abort(reason);
    close(reason);
  };
  signal.addEventListener("abort", abandon);
  // A signal that has aborted has no such event any more.
  if (signal.aborted) abandon();

  async function* forward<Message>(messages: AsyncIterable<Message>, sizeOf: (message: Message) => number) {
    try {
      for await (const message of untilAborted(messages, ending.signal)) {
        hold(wire.unsentBytes() + sizeOf(message));
        yield message;
        // The next message is asked for when this one has been written.
        hold(wire.unsentBytes());
      }
      close();
    } catch (error) {
      close(error);
      throw error;
    } finally {
      // A consumer that cannot write ends the messages.
      close(reasonOf(signal.reason));
    }
  }
  return {
    signal: ending.signal,
    end,
    endAfter: (delayMs, reason) => schedule(delayMs, () => end(reason)),
    onClose: (release) => void (isOpen ? releases.push(release) : release()),
    close,
    forward,
  };
}
