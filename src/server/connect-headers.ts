/** Headers that Connect itself reads too lightly. */
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { connectTimeoutMs, grpcTimeoutMs } from "../rpc/timeout.ts";

/** The longest that Node's timers can wait: 24 days. What is longer they take for a millisecond. */
const maxTimerMs = 2 ** 31 - 1;

/** Removes a timeout that would pass at once because it is so long. No call lives that long, so it asks for nothing. */
export function dropEndlessTimeout(header: Headers): void {
  if ((connectTimeoutMs(header.get("connect-timeout-ms") ?? "") ?? 0) > maxTimerMs) header.delete("connect-timeout-ms");
  if ((grpcTimeoutMs(header.get("grpc-timeout") ?? "") ?? 0) > maxTimerMs) header.delete("grpc-timeout");
}

/**
 * Removes an announced length, for which Connect would set aside as many bytes before the first one is there. HTTP itself
 * sees to it that a body has its length; one over the limit is left, for Connect to refuse at once.
 */
export function dropAllowedLength(header: Headers, maxMessageBytes: number): void {
  if (Number(header.get("content-length")) <= maxMessageBytes) header.delete("content-length");
}

/** Refuses a version of the Connect protocol that is not the one there is: the answer would be taken for another's. */
export function checkConnectVersion({
  protocolName,
  requestMethod,
  requestHeader,
  url,
}: Pick<HandlerContext, "protocolName" | "requestMethod" | "requestHeader" | "url">): void {
  if (protocolName !== "connect") return;
  const [version, expected] =
    requestMethod === "GET"
      ? [new URL(url).searchParams.get("connect"), "v1"]
      : [requestHeader.get("connect-protocol-version"), "1"];
  // Curl's user need not name one.
  if (version === null || version === expected) return;
  throw new ConnectError(`the version of the Connect protocol must be ${expected}`, Code.InvalidArgument);
}
