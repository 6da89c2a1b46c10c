/**
 * One call by one protocol, with its HTTP exchange where the protocol's client uses `fetch`. An error that the OpenAPI
 * document does not describe fails the test, whatever the test is about.
 */
import type { DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { readDocument } from "../openapi/document.ts";
import { type Exchange, faultsOfAnswer } from "../openapi/exchange.ts";
import { type CallOptions, createProtocolClient, type Outcome, type Protocol } from "./protocols.ts";

/** The exchange of a call. Its body is read as Latin-1, since gRPC-Web answers in binary. */
export interface CallExchange extends Exchange {
  readonly requestType: string | null;
}

export interface Answer<Message> {
  readonly outcome: Outcome<Message>;
  /** Undefined for gRPC and Connect binary. */
  readonly exchange: CallExchange | undefined;
}

/** The protocols that the document describes. */
const described: ReadonlySet<Protocol> = new Set(["REST", "Connect JSON", "Connect GET"]);

/** Fails unless the document describes the answer, if it describes the protocol. */
export function expectDescribed(protocol: Protocol, exchange: CallExchange): void {
  if (!described.has(protocol)) return;
  const body = Buffer.from(exchange.body, "latin1").toString();
  const faults = faultsOfAnswer(readDocument(), { ...exchange, body });
  if (faults.length > 0) throw new Error(`gen/openapi/openapi.json: ${faults.join("\n")}`);
}

/** Calls a method by a client that lives as long as the call. */
export async function callOnce<Method extends DescMethodUnary>(
  protocol: Protocol,
  baseUrl: string,
  method: Method,
  request: MessageInitShape<Method["input"]>,
  options: CallOptions = {},
): Promise<Answer<MessageShape<Method["output"]>>> {
  let exchange: CallExchange | undefined;
  const client = createProtocolClient(protocol, baseUrl, async (input, init) => {
    const sent = new Request(input, init);
    const response = await fetch(sent);
    const bytes = Buffer.from(await response.clone().arrayBuffer());
    const { status, headers } = response;
    const requestType = sent.headers.get("content-type");
    const { pathname, search } = new URL(sent.url);
    const target = pathname + search;
    exchange = { method: sent.method, target, requestType, status, headers, body: bytes.toString("latin1") };
    return response;
  });
  try {
    const outcome = await client.call(method, request, options);
    // Handlers that a test writes answer with less than a whole resource.
    if (exchange && !outcome.ok) expectDescribed(protocol, exchange);
    return { outcome, exchange };
  } finally {
    client.close();
  }
}
