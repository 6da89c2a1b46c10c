/** Finds in a refusal why it was refused. */
import { fromBinary } from "@bufbuild/protobuf";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

const errorInfoType = "google.rpc.ErrorInfo";
const maxRemembered = 1_000;

/** The reason in the JSON of a REST or Connect refusal; its status if there is none. */
export function reasonInJson(status: number, body: string): string {
  try {
    const { reason, details } = JSON.parse(body);
    if (typeof reason === "string") return reason;
    const info = details.find(({ type }: { type: string }) => type === errorInfoType);
    return fromBinary(ErrorInfoSchema, Buffer.from(info.value, "base64")).reason;
  } catch {
    return `HTTP_${status}`;
  }
}

/** The reason in the trailers of a gRPC refusal; its status if there is none. */
export function reasonInTrailers(status: string, statusDetails: string): string {
  try {
    const { details } = fromBinary(StatusSchema, Buffer.from(statusDetails, "base64"));
    const info = details.find(({ typeUrl }) => typeUrl.endsWith(errorInfoType));
    if (info) return fromBinary(ErrorInfoSchema, info.value).reason;
  } catch {
    // The status is returned below.
  }
  return `GRPC_${status}`;
}

/** Caches the results of a function, because most refusals of a run are equal. */
export function remembering<Status>(
  read: (status: Status, text: string) => string,
): (status: Status, text: string) => string {
  const remembered = new Map<string, string>();
  return (status, text) => {
    const key = `${status} ${text}`;
    let reason = remembered.get(key);
    if (reason === undefined) {
      reason = read(status, text);
      if (remembered.size < maxRemembered) remembered.set(key, reason);
    }
    return reason;
  };
}
