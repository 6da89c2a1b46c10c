/**
 * What this server uses of `@connectrpc/connect` 2.2.0 that the package tags as private. It can change with any version: that
 * is why package.json names this one exactly.
 */
export type {
  Compression,
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
export {
  compressedFlag,
  compressionNegotiate,
  createMethodSerializationLookup,
  envelopeDecompress,
  mergeNonProtocolHeaders,
} from "@connectrpc/connect/protocol";
export {
  codeFromString,
  codeToHttpStatus,
  contentTypeUnaryRegExp,
  endStreamFlag,
  errorToJson,
  parseContentType as parseConnectType,
  parseTimeout as parseConnectTimeout,
} from "@connectrpc/connect/protocol-connect";
export {
  grpcStatusOk,
  parseContentType as parseGrpcType,
  parseTimeout as parseGrpcTimeout,
  setTrailerStatus,
} from "@connectrpc/connect/protocol-grpc";
export {
  parseContentType as parseGrpcWebType,
  trailerFlag,
  trailerParse,
  trailerSerialize,
} from "@connectrpc/connect/protocol-grpc-web";
