import { MessageChannel } from "node:worker_threads";

/** How long what comes by a socket waits at present before the event loop looks at it. */
export interface LagMeter {
  /** In milliseconds; 0 when there is nothing to speak of. */
  lagMs(): number;
  close(): void;
}

const pauseMs = 20;
/** On a good day it is this long too. */
const noiseMs = 10;

/**
 * Measures with messages to itself, which wait in line with the sockets. A late timer would tell of something else: while
 * many sockets are ready, the loop serves them for seconds on end before it comes to its timers. `close` ends it.
 */
export function createLagMeter(clockMs: () => number = () => performance.now()): LagMeter {
  const { port1, port2 } = new MessageChannel();
  let lastLagMs = 0;
  let sentAtMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const send = () => {
    sentAtMs = clockMs();
    port1.postMessage(undefined);
  };
  port2.on("message", () => {
    lastLagMs = clockMs() - (sentAtMs ?? 0);
    sentAtMs = undefined;
    // In a rush no timer may come for long; and the messages are few, since each waits.
    if (lastLagMs > noiseMs) return send();
    timer = setTimeout(send, pauseMs);
    timer.unref();
  });
  // It must not keep the process alive.
  port1.unref();
  port2.unref();
  send();
  return {
    lagMs() {
      const lagMs = Math.max(lastLagMs, sentAtMs === undefined ? 0 : clockMs() - sentAtMs);
      return lagMs > noiseMs ? lagMs : 0;
    },
    close() {
      clearTimeout(timer);
      port2.close();
    },
  };
}
