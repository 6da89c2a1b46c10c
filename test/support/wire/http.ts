/** Single requests over HTTP/1.1 and gRPC, whose bytes the test writes. */
import type { IncomingHttpHeaders } from "node:http";
import { type RawResponse, sendRaw, type WireRequest } from "./send.ts";

export type HttpRequest = Omit<WireRequest, "httpVersion">;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends one request over HTTP/1.1 on a new connection. */
export async function sendHttp(baseUrl: string, request: HttpRequest): Promise<HttpAnswer> {
  return answerOf(await sendRaw(Number(new URL(baseUrl).port), request));
}

const answerOf = ({ status, headers, trailers, body }: RawResponse): HttpAnswer => ({
  status,
  headers: { ...headers, ...trailers },
  text: body.toString(),
});

export const jsonType = { "content-type": "application/json" };

/** The URL path of a method, such as `ConcertService.GetConcert`, for the RPC protocols. */
export const rpcPath = (method: string) => `/frontrow.v1.${method.replace(".", "/")}`;

/** Sends bytes as the body of a gRPC call, with further headers. The answer has the trailers among its headers. */
export async function sendGrpc(
  baseUrl: string,
  path: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  const fixed = { "content-type": "application/grpc", te: "trailers" };
  const request = { httpVersion: 2, path, headers: { ...fixed, ...headers }, body } as const;
  return answerOf(await sendRaw(Number(new URL(baseUrl).port), request));
}
