/**
 * All that the fast path takes from Connect's own protocols. `@connectrpc/connect` tags these functions `@private`: any release
 * may change them. Hence package.json pins 2.2.0, for which they were read, and no other file here imports them.
 */
export type { Compression } from "@connectrpc/connect/protocol";
export {
  compressedFlag,
  compressionNegotiate,
  createMethodSerializationLookup,
  envelopeDecompress,
  mergeNonProtocolHeaders,
} from "@connectrpc/connect/protocol";
export {
  codeToHttpStatus,
  errorToJson,
  parseTimeout as parseConnectTimeout,
} from "@connectrpc/connect/protocol-connect";
export { grpcStatusOk, parseTimeout as parseGrpcTimeout, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
export { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
