import { type Link, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import { ATTR_DB_SYSTEM_NAME } from "@opentelemetry/semantic-conventions";
import { describeCauses } from "../../domain/causes.ts";
import { shortMessage } from "../../domain/short-text.ts";
import { epochMs } from "./epoch.ts";

/** A span that is over, by instants of the monotonic clock. */
export interface PastSpan {
  readonly fromMs: number;
  readonly toMs: number;
  /** INTERNAL if it is not given. */
  readonly kind?: SpanKind;
  readonly links?: Link[];
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** Undefined if it succeeded. */
  readonly error?: unknown;
  readonly addChildren?: (span: Span) => void;
}

/** What the spans of work in the database have in common. */
export const inDatabase = { kind: SpanKind.CLIENT, attributes: { [ATTR_DB_SYSTEM_NAME]: "postgresql" } } as const;

/** Adds a span that is over below another one. */
export function addSpan(tracer: Tracer, name: string, parent: Span, past: PastSpan): Span {
  const { fromMs, toMs, kind = SpanKind.INTERNAL, links = [], attributes = {}, error, addChildren } = past;
  const options = { kind, links, attributes: { ...attributes }, startTime: epochMs(fromMs) };
  const span = tracer.startSpan(name, options, trace.setSpan(ROOT_CONTEXT, parent));
  if (error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: shortMessage(describeCauses(error)) });
  }
  addChildren?.(span);
  span.end(epochMs(toMs));
  return span;
}
