import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as v1 from "../gen/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { type ServedApp, serveApp } from "./support/service/served-app.ts";

type Ask = v1.ServerReflectionRequest["messageRequest"];
type Asks = { readonly case: Ask["case"]; readonly value: unknown };

let app: ServedApp;

beforeEach(async () => {
  app = await serveApp({ getConcert: ({ id }) => ({ id, name: "reflected" }) });
});
afterEach(() => app.close());

/** Sends all requests in one stream, each after the response to the one before. */
async function ask(service: typeof v1.ServerReflection | typeof v1alpha.ServerReflection, asks: readonly Asks[]) {
  const client = createClient(service as typeof v1.ServerReflection, createGrpcTransport({ baseUrl: app.baseUrl }));
  const answers: v1.ServerReflectionResponse[] = [];
  let answered = Promise.withResolvers<void>();
  async function* requests() {
    for (const messageRequest of asks) {
      answered = Promise.withResolvers();
      yield { host: "here", messageRequest: messageRequest as Ask };
      await answered.promise;
    }
  }
  for await (const answer of client.serverReflectionInfo(requests())) {
    answers.push(answer);
    answered.resolve();
  }
  return answers;
}

const filesOf = ({ messageResponse }: v1.ServerReflectionResponse) =>
  messageResponse.case === "fileDescriptorResponse"
    ? messageResponse.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)
    : messageResponse;

describe.each([
  ["v1", v1.ServerReflection],
  ["v1alpha", v1alpha.ServerReflection],
])("grpc.reflection.%s", (_, service) => {
  test("lists the services, health and reflection included", async () => {
    const [answer] = await ask(service, [{ case: "listServices", value: "" }]);
    expect(answer).toMatchObject({
      validHost: "here",
      originalRequest: { host: "here", messageRequest: { case: "listServices" } },
      messageResponse: {
        value: {
          service: [
            { name: "frontrow.v1.ConcertService" },
            { name: "grpc.health.v1.Health" },
            { name: "grpc.reflection.v1.ServerReflection" },
            { name: "grpc.reflection.v1alpha.ServerReflection" },
          ],
        },
      },
    });
  });

  test("sends a file with all its imports, and each import once in a stream", async () => {
    const answers = await ask(service, [
      { case: "fileContainingSymbol", value: "frontrow.v1.ConcertService.GetConcert" },
      { case: "fileByFilename", value: "frontrow/v1/concert.proto" },
      {
        case: "fileContainingExtension",
        value: { containingType: "google.protobuf.FieldOptions", extensionNumber: 1159 },
      },
    ]);
    const [first, second, third] = answers.map(filesOf);
    expect(first).toEqual(
      expect.arrayContaining([
        ...["frontrow/v1/concert_service.proto", "frontrow/v1/concert.proto", "google/api/http.proto"],
        ...["buf/validate/validate.proto", "google/protobuf/timestamp.proto", "google/protobuf/descriptor.proto"],
      ]),
    );
    expect(second).toEqual(["frontrow/v1/concert.proto"]);
    expect(third).toEqual(["buf/validate/validate.proto"]);
  });

  test.each([
    ["google.rpc.ErrorInfo", "google/rpc/error_details.proto"],
    ["google.rpc.BadRequest.FieldViolation", "google/rpc/error_details.proto"],
    ["google.rpc.RetryInfo", "google/rpc/error_details.proto"],
    ["google.rpc.Status", "google/rpc/status.proto"],
  ])("finds %s, which responses carry in an Any", async (symbol, file) => {
    const [answer] = (await ask(service, [{ case: "fileContainingSymbol", value: symbol }])).map(filesOf);
    expect(answer).toContain(file);
  });

  test("sends the numbers of extensions", async () => {
    const answers = await ask(service, [
      { case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" },
      { case: "allExtensionNumbersOfType", value: "frontrow.v1.Concert" },
    ]);
    expect(answers.map(({ messageResponse }) => messageResponse.value)).toMatchObject([
      { baseTypeName: "google.protobuf.MethodOptions", extensionNumber: expect.arrayContaining([72295728]) },
      { baseTypeName: "frontrow.v1.Concert", extensionNumber: [] },
    ]);
  });

  test("answers an unknown name with an error, and keeps the stream open", async () => {
    const answers = await ask(service, [
      { case: "fileByFilename", value: "nothing.proto" },
      { case: "fileContainingSymbol", value: "frontrow.v1.Nothing" },
      { case: "fileContainingExtension", value: { containingType: "frontrow.v1.Concert", extensionNumber: 1 } },
      { case: "allExtensionNumbersOfType", value: "frontrow.v1.Nothing" },
      { case: undefined, value: undefined },
      { case: "fileByFilename", value: "health/v1/health.proto" },
    ]);
    expect(answers.map(({ messageResponse: { case: kind, value } }) => [kind, value])).toMatchObject([
      ["errorResponse", { errorCode: Code.NotFound, errorMessage: "there is no file nothing.proto" }],
      ["errorResponse", { errorCode: Code.NotFound, errorMessage: "there is no symbol frontrow.v1.Nothing" }],
      ["errorResponse", { errorCode: Code.NotFound, errorMessage: "there is no extension 1 of frontrow.v1.Concert" }],
      ["errorResponse", { errorCode: Code.NotFound, errorMessage: "there is no message frontrow.v1.Nothing" }],
      ["errorResponse", { errorCode: Code.InvalidArgument }],
      ["fileDescriptorResponse", {}],
    ]);
  });

  test("does not delay the drain", async () => {
    const draining = await serveApp({}, { limits: { lingerTimeoutMs: 50 } });
    const transport = createGrpcTransport({ baseUrl: draining.baseUrl });
    const client = createClient(service as typeof v1.ServerReflection, transport);
    const open = Promise.withResolvers<void>();
    async function* requests() {
      yield { messageRequest: { case: "listServices", value: "" } } as const;
      await open.promise;
    }
    const answers = client.serverReflectionInfo(requests())[Symbol.asyncIterator]();
    await answers.next();
    const [end] = await Promise.all([answers.next(), draining.drain()]);
    expect(end).toMatchObject({ done: true });
    open.resolve();
    await draining.close();
  });
});

test("limits the requests of a stream", async () => {
  const client = createClient(v1.ServerReflection, createGrpcTransport({ baseUrl: app.baseUrl }));
  async function* requests() {
    for (;;) yield { messageRequest: { case: "fileByFilename", value: "nothing.proto" } } as const;
  }
  const drain = async () => {
    for await (const _ of client.serverReflectionInfo(requests())) {
      // Only the end matters.
    }
  };
  await expect(drain()).rejects.toMatchObject({ code: Code.ResourceExhausted });
});

test.each(["grpc", "grpcweb", "connect"])("is all that buf curl needs to call over %s", async (protocol) => {
  const buf = join(import.meta.dirname, "..", "node_modules", ".bin", "buf");
  const url = `${app.baseUrl}/frontrow.v1.ConcertService/GetConcert`;
  const flags = ["curl", "--http2-prior-knowledge", "--protocol", protocol];
  const { stdout } = await promisify(execFile)(buf, [...flags, "--data", '{"id":"7"}', url]);
  expect(JSON.parse(stdout)).toMatchObject({ id: "7", name: "reflected" });
});
