import { MessageChannel } from "node:worker_threads";

/** How long an event of a socket waits at present before the event loop handles it. */
export interface EventLoopDelay extends Disposable {
  /** In milliseconds; 0 for a delay that an idle process has too. */
  currentMs(): number;
}

const pauseMs = 20;
/** An idle process has delays up to this. */
const noiseMs = 10;

/**
 * Measures the delay of messages that the process sends to itself, which wait in the same queue as the sockets. A late
 * timer would measure something else: while many sockets are ready, the loop serves them for seconds before its timers.
 */
export function measureEventLoopDelay(clockMs: () => number = () => performance.now()): EventLoopDelay {
  const { port1, port2 } = new MessageChannel();
  let lastDelayMs = 0;
  let sentAtMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const send = () => {
    sentAtMs = clockMs();
    port1.postMessage(undefined);
  };
  port2.on("message", () => {
    lastDelayMs = clockMs() - (sentAtMs ?? 0);
    sentAtMs = undefined;
    // Under load a timer may fire late. Messages without a pause are few, since each of them waits.
    if (lastDelayMs > noiseMs) return send();
    timer = setTimeout(send, pauseMs);
    timer.unref();
  });
  // The meter must not keep the process alive.
  port1.unref();
  port2.unref();
  send();
  return {
    currentMs() {
      const delayMs = Math.max(lastDelayMs, sentAtMs === undefined ? 0 : clockMs() - sentAtMs);
      return delayMs > noiseMs ? delayMs : 0;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      port2.close();
    },
  };
}
