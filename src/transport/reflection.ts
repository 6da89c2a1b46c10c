/**
 * gRPC server reflection, v1 and v1alpha: sends clients the schema, so that they can call without having it. Our own, because
 * connect-es has none.
 */
import type { DescFile, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";
import { file_google_rpc_status } from "../../gen/google/rpc/status_pb.ts";
import * as v1 from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import * as v1alpha from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { bindService, type ServiceBinding } from "../rpc/service.ts";
import { createStreamLimits } from "../rpc/streams/stream-limits.ts";
import { untilAborted } from "../rpc/streams/until-aborted.ts";
import { createDescriptors, type Descriptors, fileBytes } from "./descriptors.ts";

/** The versions differ in the names of their messages only. */
type Request = v1.ServerReflectionRequest | v1alpha.ServerReflectionRequest;

/** No client needs more. A client that continues may open another stream. */
const maxRequestsPerStream = 10_000;

/** Longer than any name in a schema. A response repeats the names of its request. */
const maxNameLength = 1_000;

/** A response with all files has 73 kB. A client that reads is done within milliseconds. */
const streamLimits = {
  maxStreams: 500,
  maxStreamsPerAddress: 50,
  longestMs: 60_000,
  maxUnsentBytes: 8 * 1024 * 1024,
};

/** Errors carry these messages as an Any. No service's file imports them, and a generic client cannot show them without. */
const errorFiles = [file_google_rpc_status, file_google_rpc_error_details];

/** The reflection services, which list themselves besides the given services. */
export function bindReflection(services: readonly DescService[], draining: AbortSignal): ServiceBinding[] {
  const listed = [...services, v1.ServerReflection, v1alpha.ServerReflection];
  const names = listed.map(({ typeName }) => typeName).sort();
  const descriptors = createDescriptors([...listed.map(({ file }) => file), ...errorFiles]);
  const { limit, tryAcquire } = createStreamLimits(streamLimits);

  async function* answerAll<R extends Request>(requests: AsyncIterable<R>) {
    const sent = new Set<DescFile>();
    let count = 0;
    for await (const request of untilAborted(requests, draining)) {
      count += 1;
      if (count > maxRequestsPerStream) {
        throw new ConnectError(`a stream takes at most ${maxRequestsPerStream} requests`, Code.ResourceExhausted);
      }
      checkNames(request);
      const messageResponse = answer(request.messageRequest, descriptors, names, sent);
      yield { validHost: request.host, originalRequest: request, messageResponse };
    }
  }

  const reflect = <R extends Request>(requests: AsyncIterable<R>, context: HandlerContext) =>
    limit(context, answerAll(requests), ({ messageResponse }) => sizeOf(messageResponse));
  return [
    bindService(v1.ServerReflection, { serverReflectionInfo: reflect<v1.ServerReflectionRequest> }, tryAcquire),
    bindService(
      v1alpha.ServerReflection,
      { serverReflectionInfo: reflect<v1alpha.ServerReflectionRequest> },
      tryAcquire,
    ),
  ];
}

/** What a response holds besides files: names of bounded length. */
const smallBytes = 4 * maxNameLength;

function sizeOf({ case: kind, value }: ReturnType<typeof answer>): number {
  const files = kind === "fileDescriptorResponse" ? value.fileDescriptorProto : [];
  return files.reduce((sum, { length }) => sum + length, smallBytes);
}

function checkNames({ host, messageRequest: { value } }: Request): void {
  const name = typeof value === "object" ? value.containingType : value;
  if (host.length <= maxNameLength && (name === undefined || name.length <= maxNameLength)) return;
  throw new ConnectError(`a name has at most ${maxNameLength} characters`, Code.InvalidArgument);
}

function answer(
  request: Request["messageRequest"],
  descriptors: Descriptors,
  serviceNames: readonly string[],
  sent: Set<DescFile>,
) {
  switch (request.case) {
    case "listServices": {
      const service = serviceNames.map((name) => ({ name }));
      return { case: "listServicesResponse", value: { service } } as const;
    }
    case "fileByFilename":
      return fileAnswer(descriptors.fileByName(request.value), `file ${request.value}`, sent);
    case "fileContainingSymbol":
      return fileAnswer(descriptors.fileBySymbol(request.value), `symbol ${request.value}`, sent);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = request.value;
      const file = descriptors.fileByExtension(containingType, extensionNumber);
      return fileAnswer(file, `extension ${extensionNumber} of ${containingType}`, sent);
    }
    case "allExtensionNumbersOfType": {
      const extensionNumber = descriptors.extensionNumbers(request.value);
      if (extensionNumber === undefined) return refusal(Code.NotFound, `there is no message ${request.value}`);
      const value = { baseTypeName: request.value, extensionNumber: [...extensionNumber] };
      return { case: "allExtensionNumbersResponse", value } as const;
    }
    default:
      return refusal(Code.InvalidArgument, "the request asks for nothing that this server has");
  }
}

/** Answers with a file and all that it imports, as clients cannot use it without; what the stream has had is left out. */
function fileAnswer(file: DescFile | undefined, wanted: string, sent: Set<DescFile>) {
  if (file === undefined) return refusal(Code.NotFound, `there is no ${wanted}`);
  // The requested file itself is sent again: a response must contain at least one file.
  const files = new Set([file]);
  for (const one of files) {
    for (const imported of one.dependencies) if (!sent.has(imported)) files.add(imported);
  }
  for (const one of files) sent.add(one);
  const fileDescriptorProto = Array.from(files, fileBytes);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } } as const;
}

function refusal(code: Code, errorMessage: string) {
  return { case: "errorResponse", value: { errorCode: code, errorMessage } } as const;
}
