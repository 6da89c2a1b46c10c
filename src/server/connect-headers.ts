/** Two headers of Connect and gRPC that Connect itself reads too lightly. */
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { connectTimeoutMs, grpcTimeoutMs } from "../rpc/timeout.ts";

/** The longest that Node's timers can wait: 24 days. What is longer they take for a millisecond. */
const maxTimerMs = 2 ** 31 - 1;

/** Removes a timeout that would pass at once because it is so long. No call lives that long, so it asks for nothing. */
export function dropEndlessTimeout(header: Headers): void {
  if ((connectTimeoutMs(header) ?? 0) > maxTimerMs) header.delete("connect-timeout-ms");
  if ((grpcTimeoutMs(header) ?? 0) > maxTimerMs) header.delete("grpc-timeout");
}

/** Refuses a version of the Connect protocol that is not the one there is: the answer would be taken for another's. */
export function checkConnectVersion({ protocolName, requestMethod, requestHeader, url }: HandlerContext): void {
  if (protocolName !== "connect") return;
  const [version, expected] =
    requestMethod === "GET"
      ? [new URL(url).searchParams.get("connect"), "v1"]
      : [requestHeader.get("connect-protocol-version"), "1"];
  // Curl's user need not name one.
  if (version === null || version === expected) return;
  throw new ConnectError(`the version of the Connect protocol must be ${expected}`, Code.InvalidArgument);
}
