/** A receiver of OTLP over HTTP, as a collector is one: it keeps the spans that arrive as JSON. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  /** The caller's header tracestate. */
  readonly traceState?: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2 is an error; 0 if it was not set. */
  readonly status: { readonly code?: number; readonly message?: string };
  /** The attributes of the service that sent it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  /** Also those that it has not taken. */
  readonly spans: ReceivedSpan[];
  /** The headers of each export. */
  readonly requests: readonly IncomingHttpHeaders[];
  /** Resolves with the spans once there are some that satisfy the condition. */
  until(isEnough: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]>;
}

/** Starts a receiver. `respond` answers in place of an empty success, unless it returns false. */
export async function startOtlpReceiver(
  respond: (response: ServerResponse) => unknown = () => false,
): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: IncomingHttpHeaders[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    requests.push(request.headers);
    if (request.url === "/v1/traces") spans.push(...spansOf(JSON.parse(Buffer.concat(pieces).toString())));
    if (respond(response) !== false) return;
    response.setHeader("content-type", "application/json").end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    requests,
    async until(isEnough) {
      while (!isEnough(spans)) await delay(5);
      return spans;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface JsonSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: ReceivedSpan["status"];
}

interface JsonExport {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly JsonSpan[] }[];
  }[];
}

function spansOf({ resourceSpans }: JsonExport): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ startTimeUnixNano, endTimeUnixNano, attributes, links = [], parentSpanId = "", ...span }) => ({
        ...{ ...span, parentSpanId, attributes: valuesOf(attributes), resource: valuesOf(resource.attributes) },
        ...{ fromNs: BigInt(startTimeUnixNano), toNs: BigInt(endTimeUnixNano) },
        links: links.map(({ traceId, spanId }) => ({ traceId, spanId })),
      })),
    ),
  );
}

/** A value such as `{ intValue: 3 }` has one field. */
function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
