/** The lifetime of one stream of responses: how it ends early, and when it releases what it holds. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import { maxTimerMs } from "../request-headers.ts";
import type { UnsentBytes } from "./unsent-bytes.ts";
import { untilAborted } from "./until-aborted.ts";

export interface OpenStream {
  /** Aborts when the stream ends. A handler that waits must stop then. */
  readonly signal: AbortSignal;
  /**
   * Ends the stream, even while a message is awaited. The reason is the error that the client gets. A reason that is not an
   * error for clients ends the stream without one. Only the first end counts.
   */
  end(reason?: unknown): void;
  /** Ends the stream for this reason after a delay. */
  endAfter(delayMs: number, reason?: unknown): void;
  /** Calls the function when nothing of the response is held any more, at once if that is so already. */
  onRelease(release: () => void): void;
  /** Closes the stream, with the error with which it has ended, if any. */
  close(error?: unknown): void;
  /** Yields the messages until the stream ends. `sizeOf` returns a message's size in bytes. */
  forward<Message>(messages: AsyncIterable<Message>, sizeOf: (message: Message) => number): AsyncGenerator<Message>;
}

interface StreamOptions {
  /** The signal of the call: it aborts when the client disconnects, at the client's deadline, and at a shutdown. */
  readonly signal: AbortSignal;
  readonly values: ContextValues;
  readonly unsent: UnsentBytes;
  /** Converts the reason of the call's signal to one for clients. */
  readonly reasonOf: (reason: unknown) => unknown;
  /** Called once, when the stream has closed, with its error, if any, and the number of its messages. */
  readonly onClosed: (error: unknown, messages: number) => void;
}

/** How long a client may take to receive the end of a stream. A client that grants no window never receives it. */
const endGraceMs = 5_000;

/** The HTTP response that a stream is written to. */
export interface Wire {
  /** Cuts the response unless it closes in time. */
  cutAfter(delayMs: number): void;
  /** The bytes that were written and not yet sent. */
  unsentBytes(): number;
  /** Calls the function when the response has closed, at once if it has. */
  onClose(release: () => void): void;
}

const wireKey = createContextKey<Wire>(
  { cutAfter: () => {}, unsentBytes: () => 0, onClose: (release) => release() },
  { description: "the HTTP response of the call" },
);

/** Sets the HTTP response of a call. */
export function setWire(values: ContextValues, wire: Wire): void {
  values.set(wireKey, wire);
}

/** Cuts the call's HTTP response unless its client receives the end of the stream in time. */
export function cutEventually(values: ContextValues): void {
  values.get(wireKey).cutAfter(endGraceMs);
}

/** Opens a stream. The caller of this function either forwards its messages or closes it. */
export function openStream({ signal, values, unsent, reasonOf, onClosed }: StreamOptions): OpenStream {
  const ending = new AbortController();
  const timers = createTimers();
  const wire = values.get(wireKey);
  const held = holdUntilSent(wire, unsent, (error) => {
    close(error);
    wire.cutAfter(0);
  });
  let isOpen = true;
  let messageCount = 0;

  const close = (error?: unknown) => {
    if (!isOpen) return;
    isOpen = false;
    timers.close();
    signal.removeEventListener("abort", abandon);
    ending.abort(error);
    if (error !== undefined) wire.cutAfter(endGraceMs);
    held.close();
    onClosed(error, messageCount);
  };
  const end = (reason?: unknown) => {
    if (ending.signal.aborted) return;
    ending.abort(reason);
    // For a response that waits unsent: the messages end when the client asks for the next one.
    wire.cutAfter(endGraceMs);
    timers.start(endGraceMs, () => close(reason));
  };
  // A write that the client's reset interrupts may never settle, so the messages may never end.
  const abandon = () => close(ending.signal.aborted ? ending.signal.reason : reasonOf(signal.reason));
  signal.addEventListener("abort", abandon);
  // An aborted signal has no further event. Later, because the caller of this function does not have the stream yet.
  if (signal.aborted) queueMicrotask(abandon);

  async function* forward<Message>(messages: AsyncIterable<Message>, sizeOf: (message: Message) => number) {
    try {
      for await (const message of untilAborted(messages, ending.signal)) {
        held.beforeWrite(sizeOf(message));
        messageCount++;
        yield message;
        // The next message is requested when this one has been written.
        held.afterWrite();
      }
      close();
    } catch (error) {
      close(error);
      throw error;
    } finally {
      // A consumer that cannot write ends the messages.
      close(reasonOf(signal.reason));
      held.endWriting();
    }
  }
  return {
    signal: ending.signal,
    end,
    endAfter: (delayMs, reason) => timers.start(delayMs, () => end(reason)),
    onRelease: held.onRelease,
    close,
    forward,
  };
}

/** Timers that end together. */
function createTimers() {
  const timers = new Set<NodeJS.Timeout>();
  let isClosed = false;
  return {
    start(delayMs: number, action: () => void) {
      if (!isClosed) timers.add(setTimeout(action, Math.min(Math.max(0, delayMs), maxTimerMs)));
    },
    close() {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/**
 * Counts the unsent bytes of a stream's response. After the stream has closed they count until the response is sent or has
 * closed. Then what else the stream holds is released. `cut` closes the stream at once.
 */
function holdUntilSent(wire: Wire, unsent: UnsentBytes, cut: (error: Error) => void) {
  const holder = { cut };
  const releases: (() => void)[] = [];
  let isWriting = false;
  let isReleased = false;

  const hold = (bytes: number) => {
    if (!isReleased) unsent.hold(holder, bytes);
  };
  const release = () => {
    hold(0);
    isReleased = true;
    for (const each of releases.splice(0)) each();
  };
  const close = () => {
    if (!isWriting && wire.unsentBytes() === 0) release();
    else wire.onClose(release);
  };
  return {
    /** Counts a message before it is written. Raises an error if the limit is reached. */
    beforeWrite(bytes: number) {
      hold(wire.unsentBytes() + bytes);
      isWriting = true;
    },
    afterWrite() {
      isWriting = false;
      hold(wire.unsentBytes());
    },
    /** No message follows. */
    endWriting() {
      isWriting = false;
      close();
    },
    close,
    onRelease: (each: () => void) => void (isReleased ? each() : releases.push(each)),
  };
}
