/** Which requests the fast path answers, and how they are written: what their headers and URLs say. */
import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { FastifyRequest } from "fastify";
import { createConnect } from "./connect.ts";
import { createGrpc } from "./grpc.ts";
import { createGrpcWeb } from "./grpc-web.ts";
import type { Form, ProtocolOptions } from "./protocol.ts";

/** The form of a unary method's request; undefined for one that is the mount's to answer or to refuse. */
export type FormOf = (method: DescMethod, request: FastifyRequest) => Form | undefined;

/** Prepares the forms of all protocols. */
export function createForms(options: ProtocolOptions): FormOf {
  const connect = createConnect(options);
  const forms = new Map<string, Form>([...connect.post, ...createGrpc(options), ...createGrpcWeb(options)]);
  const postOf = (type: string) => forms.get(type) ?? forms.get(canonical(type));
  return (method, request) => {
    const { "content-type": type = "" } = request.headers;
    if (request.method === "POST") return postOf(type);
    const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    // A GET needs no content type, but cannot have another protocol's.
    const isConnect = type === "" || postOf(type)?.protocol.name === "connect";
    return request.method === "GET" && isRead && isConnect ? connect.get(request) : undefined;
  };
}

/** A content type without the charset that JSON may name: there is no other than UTF-8. */
function canonical(contentType: string): string {
  return contentType.toLowerCase().replace(/(?<=json); ?charset=utf-?8$/, "");
}
