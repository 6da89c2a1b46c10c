/** The operations of Connect with JSON: POST for every unary method, and GET for those that read. */
import type { DescMethod, DescService, JsonObject } from "@bufbuild/protobuf";
import type { SchemaWriter } from "../json-schema.ts";
import { connectError } from "./connect-errors.ts";
import { connectErrors, type ErrorCase, isCached, isRead, takes } from "./errors.ts";
import { jsonContent } from "./example.ts";
import { parameterRefs, type RequestHeaderName } from "./headers.ts";
import { describeOperation, type Operation } from "./operation.ts";
import { type Content, errorResponses, problemContent, successResponses } from "./responses.ts";

interface Writers {
  readonly input: SchemaWriter;
  readonly output: SchemaWriter;
}

/** The tag of a service's operations. */
export const connectTag = (service: DescService) => `${service.name} (Connect)`;

/** The operations of a service. */
export function connectOperations(service: DescService, writers: Writers): Operation[] {
  return service.methods.flatMap((method) => {
    if (method.methodKind !== "unary") throw new Error(`${method.name}: streams have no operation yet`);
    const path = `/${service.typeName}/${method.name}`;
    const post = { path, httpMethod: "post", operation: postOperation(method, writers) };
    return isRead(method) ? [{ path, httpMethod: "get", operation: getOperation(method, writers) }, post] : [post];
  });
}

function postOperation(method: DescMethod, writers: Writers): JsonObject {
  const headers: RequestHeaderName[] = [
    "ConnectProtocolVersion",
    ...(takes(method, "request_id") ? (["IdempotencyKey"] as const) : []),
    ...(takes(method, "version") ? (["IfMatch", "IfNoneMatch"] as const) : []),
    ...(isCached(method) ? (["CacheControl"] as const) : []),
  ];
  return {
    ...describeOperation(method, connectTag(method.parent), `${method.name}Connect`),
    parameters: parameterRefs(headers),
    requestBody: { required: true, content: { "application/json": messageContent(method, writers.input) } },
    responses: responsesOf(method, false, writers.output),
  };
}

function getOperation(method: DescMethod, writers: Writers): JsonObject {
  return {
    ...describeOperation(method, connectTag(method.parent), `${method.name}ConnectGet`),
    parameters: [
      {
        name: "encoding",
        in: "query",
        description: "How the message is encoded.",
        required: true,
        schema: { type: "string", enum: ["json"] },
      },
      {
        name: "message",
        in: "query",
        description: "The request.",
        required: true,
        content: { "application/json": messageContent(method, writers.input) },
      },
      {
        name: "connect",
        in: "query",
        description: "The version of the Connect protocol.",
        required: false,
        schema: { type: "string", enum: ["v1"] },
      },
      ...parameterRefs(["IfMatch", "IfNoneMatch", ...(isCached(method) ? (["CacheControl"] as const) : [])]),
    ],
    responses: responsesOf(method, true, writers.output),
  };
}

function messageContent({ input }: DescMethod, writer: SchemaWriter): JsonObject {
  return jsonContent(writer.ref(input), writer.definitions());
}

function responsesOf(method: DescMethod, isGet: boolean, output: SchemaWriter): JsonObject {
  const json = jsonContent(output.ref(method.output), output.definitions());
  const success = { status: 200, headers: [], content: { "application/json": json } };
  const ofCall = connectErrors(method, isGet);
  const ofServer = isGet ? refusals : [...refusals, ...refusalsOfBodies];
  const contentOf = (cases: readonly ErrorCase[]): Content => {
    const refused = cases.filter((each) => ofServer.includes(each));
    const failed = cases.filter((each) => !refused.includes(each));
    const codes = refused.some(({ status }) => status === 501) ? ["unimplemented"] : [];
    return {
      ...(failed.length + codes.length > 0 && { "application/json": { schema: connectError(failed, codes) } }),
      ...(refused.length > 0 && problemContent(refused.map(({ reason }) => reason))),
    };
  };
  return {
    ...successResponses(method, isGet ? "GET" : "POST", success),
    ...errorResponses([...ofCall, ...ofServer], contentOf),
  };
}

/** What HTTP refuses before the call, and answers as in REST. */
const refusals: readonly ErrorCase[] = [
  { reason: "INVALID_REQUEST", code: "INVALID_ARGUMENT", status: 400 },
  { reason: "HOST_NOT_ALLOWED", code: "PERMISSION_DENIED", status: 403 },
  { reason: "ORIGIN_NOT_ALLOWED", code: "PERMISSION_DENIED", status: 403 },
];

/** Connect answers an encoding of the body that it does not know with this status, too. */
const refusalsOfBodies: readonly ErrorCase[] = [
  { reason: "TRANSFER_ENCODING_NOT_SUPPORTED", code: "UNIMPLEMENTED", status: 501 },
];
