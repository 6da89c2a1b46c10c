/** Google's `grpc-web`, by XMLHttpRequest. */
import { fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { type ClientReadableStream, GrpcWebClientBase, type RpcError } from "grpc-web";
import { descriptorOf } from "../../../examples/browser/api.ts";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import type { PageError } from "./calls.ts";
import { type CallContext, type Client, codeName, type FindDetail, type Message, pageError } from "./client.ts";

export const grpcWeb: Client = (method, request, context) =>
  new Promise((resolve) => {
    const { call, signal, onHeaders, onMessage } = context;
    const client = new GrpcWebClientBase({
      format: call.client === "grpc-web: text" ? "text" : "binary",
      withCredentials: call.withCredentials ?? false,
    });
    const descriptor = descriptorOf(method);
    const url = call.baseUrl + descriptor.getName();
    const fail = (error: RpcError) => resolve(errorOf(error));
    let stream: ClientReadableStream<Message>;
    if (method.methodKind === "unary") {
      stream = client.rpcCall(url, request, metadataOf(context), descriptor, (error, response) => {
        if (error) return fail(error);
        onMessage(response);
        resolve(undefined);
      });
    } else {
      stream = client.serverStreaming(url, request, metadataOf(context), descriptor);
      stream.on("data", onMessage);
      stream.on("error", fail);
      stream.on("end", () => resolve(undefined));
    }
    stream.on("metadata", onHeaders);
    signal.addEventListener("abort", () => {
      stream.cancel();
      // The library reports a call that the page has cancelled no more.
      resolve(pageError("CANCELED", "cancelled by the page", () => undefined));
    });
  });

function metadataOf({ call: { headers, timeoutMs } }: CallContext): Record<string, string> {
  return { ...headers, ...(timeoutMs !== undefined && { deadline: String(Date.now() + timeoutMs) }) };
}

function errorOf({ code, message, metadata = {} }: RpcError): PageError {
  const details = metadata["grpc-status-details-bin"];
  const status = details === undefined ? undefined : fromBinary(StatusSchema, base64Decode(details));
  const find: FindDetail = (schema) => {
    for (const any of status?.details ?? []) {
      const detail = anyUnpack(any, schema);
      if (detail) return detail;
    }
    return undefined;
  };
  return pageError(codeName(Code[code as number]), message, find);
}
