/**
 * The trailer grpc-message, as gRPC asks for it: Connect percent-encodes more, and gRPC's client for Node leaves some of
 * that encoded.
 */
export function plainGrpcMessage(encoded: string): string {
  return encodeURI(decodeURIComponent(encoded));
}
