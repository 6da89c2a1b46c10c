/**
 * What this server uses of `@connectrpc/connect` 2.2.0 that the package tags as private. It can change with any version: that
 * is why package.json names this one exactly.
 */
export type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
export { compressedFlag, encodeEnvelope } from "@connectrpc/connect/protocol";
export {
  codeFromString,
  contentTypeUnaryRegExp,
  endStreamFlag,
  parseContentType as parseConnectType,
} from "@connectrpc/connect/protocol-connect";
export { parseContentType as parseGrpcType, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
export {
  parseContentType as parseGrpcWebType,
  trailerFlag,
  trailerParse,
  trailerSerialize,
} from "@connectrpc/connect/protocol-grpc-web";
