import { openGrpc } from "./grpc.ts";
import { openHttp1 } from "./http1.ts";
import { createPacer } from "./pacer.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { createRequestDealer } from "./requests.ts";
import type { Listener, LoadResult, LoadSpec, Transport } from "./spec.ts";
import { createWarmUp, elapsedMs, isTimed, isWithin, type Window, windowOf } from "./window.ts";

/** How long a run waits for the users' first and last answers, in addition to its measured time. */
const patienceMs = 40_000;

/** Runs a load against running servers. Rejects if an answer is lost, or the last ones do not arrive in time. */
export async function generateLoad(spec: LoadSpec): Promise<LoadResult> {
  const recorder = createRecorder();
  const lost = Promise.withResolvers<never>();
  const listener: Listener = { onAnswer: () => {}, onLoss: lost.reject };
  const open = spec.transport === "grpc" ? openGrpc : openHttp1;
  const transport = await Promise.race([open(spec, createRequestDealer(spec), listener), lost.promise]);
  try {
    const window = windowOf(spec.pace);
    const cpuBefore = process.cpuUsage();
    const startedAtMs = performance.now();
    const finishedAtMs = await Promise.race([pump(spec, transport, window, listener, recorder), lost.promise]);
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      elapsedMs: elapsedMs(window, finishedAtMs),
      runMs: finishedAtMs - startedAtMs,
      measured: recorder.measured,
      latency: recorder.latency(),
      slowestConfirmedMs: recorder.slowestConfirmedMs(),
      all: recorder.all,
      bookingIds: recorder.bookingIds(),
      coresUsed: (user + system) / 1_000 / (finishedAtMs - startedAtMs),
    };
  } finally {
    transport.close();
  }
}

/** Sends requests until the run is over, waits for the last answer, and returns when that arrived. */
function pump(
  spec: LoadSpec,
  transport: Transport,
  window: Window,
  listener: Listener,
  recorder: Recorder,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { pace, users } = spec;
    /** Since when each user waits. */
    const sinceMs = new Float64Array(users);
    let underWay = 0;
    const pacer = createPacer(spec, window, (user, dueAtMs) => {
      sinceMs[user] = dueAtMs;
      underWay++;
      transport.send(user);
    });
    const warmUp = createWarmUp(spec, window);
    const limitMs = patienceMs + (pace.kind === "count" ? 0 : pace.warmUpMs + pace.measureMs);
    const giveUp = setTimeout(() => {
      reject(
        new Error(`${underWay} of ${users} users have no answer; so far there were ${JSON.stringify(recorder.all)}`),
      );
    }, limitMs);

    listener.onAnswer = (user, answer) => {
      const nowMs = performance.now();
      underWay--;
      const dueAtMs = sinceMs[user] ?? 0;
      const latencyMs = isTimed(window, pace, dueAtMs, nowMs) ? nowMs - dueAtMs : undefined;
      recorder.record(answer, isWithin(window, nowMs), latencyMs);
      warmUp(user, nowMs);
      pacer.isIdle(user, nowMs);
      finishIfOver(nowMs);
    };
    function finishIfOver(nowMs: number): void {
      if (underWay > 0 || !pacer.isOver(nowMs)) return;
      clearTimeout(giveUp);
      pacer.stop();
      resolve(nowMs);
    }
    pacer.start(finishIfOver);
  });
}
