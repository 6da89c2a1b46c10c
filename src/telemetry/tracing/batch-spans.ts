/**
 * The spans of a booking's way through the engine: how long it waited in its queue, and the batch that decided it. A batch is
 * one span for all its calls. It is a child of the first traced call, and has links to the others, each of which has a link to
 * it. All are made of instants when the work is over, so that the engine keeps no spans.
 */
import type { Tracer } from "@opentelemetry/api";
import type { BatchTrace } from "../../booking/events.ts";
import type { ConcertId } from "../../domain/ids.ts";
import type { AppEvents, EventHub } from "../events.ts";
import { spanOf } from "./call-spans.ts";
import { addSpan, inDatabase } from "./past-span.ts";

/** A batch has up to 512 calls. */
const maxLinks = 64;

/** What a batch was about, and how it ended. */
interface EndedBatch {
  readonly concertId: ConcertId;
  readonly requests: number;
  readonly error?: unknown;
}

/** Makes the spans of batches until the stack is disposed of. */
export function traceBatches(tracer: Tracer, hub: EventHub<AppEvents>, stack: AsyncDisposableStack): void {
  const on: EventHub<AppEvents>["subscribe"] = (name, listener) => stack.use(hub.subscribe(name, listener));
  on("booking.turn_started", ({ traced = [] }) => {
    const takenAtMs = performance.now();
    for (const request of traced) {
      const parent = spanOf(request.trace);
      if (parent) addSpan(tracer, "queue wait", parent, { fromMs: request.queuedAtMs, toMs: takenAtMs });
    }
  });
  const names = [
    "batch_decided",
    "concert_not_found",
    "batch_retried",
    "batch_halved",
    "batch_failed",
    "commit_in_doubt",
  ] as const;
  for (const name of names) {
    on(`booking.${name}`, ({ batchTrace, ...batch }: EndedBatch & { readonly batchTrace: BatchTrace | undefined }) => {
      if (batchTrace) addBatch(tracer, batch, batchTrace);
    });
  }
}

function addBatch(tracer: Tracer, { concertId, requests, error }: EndedBatch, batchTrace: BatchTrace): void {
  const callers = batchTrace.traces.flatMap((each) => spanOf(each) ?? []);
  const [first, ...others] = callers;
  if (first === undefined) return;
  const { endedAtMs = performance.now() } = batchTrace;
  const batch = addSpan(tracer, "booking batch", first, {
    ...{ fromMs: batchTrace.askedAtMs, toMs: endedAtMs, error },
    links: others.slice(0, maxLinks).map((span) => ({ context: span.spanContext() })),
    attributes: {
      "frontrow.concert_id": String(concertId),
      "frontrow.batch.requests": requests,
      "frontrow.batch.traced": callers.length,
    },
    addChildren(span) {
      const { askedAtMs, lockedAtMs, sentAtMs, committedAtMs } = batchTrace;
      const addFlight = (name: string, fromMs: number, toMs: number) =>
        addSpan(tracer, name, span, { ...inDatabase, fromMs, toMs });
      if (lockedAtMs !== undefined) addFlight("lock and read", askedAtMs, lockedAtMs);
      if (sentAtMs !== undefined) addFlight("write and commit", sentAtMs, committedAtMs ?? endedAtMs);
    },
  });
  const link = { context: batch.spanContext() };
  for (const caller of others) if (caller.isRecording()) caller.addLink(link);
}
