/** `@connectrpc/connect-web`, by `fetch`. */
import type { DescMethod, DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { PageCall } from "./calls.ts";
import { type Client, codeName, pageError } from "./client.ts";

export const connectWeb: Client = async (method, request, { call, signal, onHeaders, onMessage }) => {
  const transport = createTransport(call);
  try {
    if (isUnary(method)) {
      const answer = await transport.unary(method, signal, call.timeoutMs, call.headers, request);
      onHeaders(Object.fromEntries(answer.header));
      onMessage(answer.message);
    } else if (isStream(method)) {
      const requests = (async function* () {
        yield request;
      })();
      const answer = await transport.stream(method, signal, call.timeoutMs, call.headers, requests);
      onHeaders(Object.fromEntries(answer.header));
      for await (const message of answer.message) onMessage(message);
    }
    return undefined;
  } catch (reason) {
    const error = ConnectError.from(reason);
    onHeaders(Object.fromEntries(error.metadata));
    return pageError(codeName(Code[error.code]), error.rawMessage, (schema) => error.findDetails(schema)[0]);
  }
};

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === "unary";
}

function isStream(method: DescMethod): method is DescMethodStreaming {
  return method.methodKind !== "unary";
}

function createTransport({ client, baseUrl, withCredentials }: PageCall): Transport {
  const credentials = withCredentials ? "include" : "same-origin";
  const options = {
    baseUrl,
    fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, { ...init, credentials }),
  };
  if (client === "connect-web: gRPC-Web") return createGrpcWebTransport(options);
  const useBinaryFormat = client === "connect-web: Connect binary";
  return createConnectTransport({ ...options, useBinaryFormat, useHttpGet: true });
}
