import { type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import type { Violation } from "../../domain/failure.ts";
import {
  type AnyRequest,
  isTextField,
  type Message,
  messageOf,
  textOf,
  withMessage,
  withText,
} from "../request-message.ts";

const faultKey = createContextKey<Violation | undefined>(undefined, {
  description: "what is wrong with the header Idempotency-Key",
});

/** What is wrong with a call's header Idempotency-Key; undefined if nothing is. Validation reports it. */
export function keyFaultOf(values: ContextValues): Violation | undefined {
  return values.get(faultKey);
}

/**
 * Fills an empty `request_id` from the header Idempotency-Key, for every protocol. A unary call whose message has no
 * `request_id` ignores the header, and a stream is rejected.
 */
export const fillRequestId: Interceptor = (next) => (request) => {
  const takesKey = request.stream || "requestId" in request.message;
  const header = takesKey ? request.header.get("idempotency-key") : null;
  // Not async: most calls have no key, and each promise around a call costs.
  return next(header === null ? request : withKey(request, header));
};

function withKey(request: AnyRequest, header: string): AnyRequest {
  const { contextValues: values, method } = request;
  const field = method.input.fields.find(({ name }) => name === "request_id");
  if (!isTextField(field)) {
    if (request.stream) values.set(faultKey, { field: "", message: notReplayed });
    return request;
  }
  const message = messageOf(request);
  const requestId = textOf(message, field);
  const key = unquoted(header);
  const fault = faultOf(key, requestId);
  if (fault !== undefined) values.set(faultKey, { field: "request_id", message: fault });
  return fault !== undefined || requestId !== "" ? request : withMessage(request, withText(message, field, key));
}

/** A client that sends a key expects a replay, but a stream would send other messages than before. */
const notReplayed = "the header Idempotency-Key is not for this stream, whose messages are not replayed";

/** What is wrong with a `request_id` that identifies nothing, although it is a UUID. */
export const nilOrMax = "must not be the nil or the max UUID: they identify nothing";

/** Whether a message has such a `request_id`. As a rule of the schema it would be interpreted for each booking. */
export function isNilOrMax(message: Message): boolean {
  if (!("requestId" in message) || typeof message.requestId !== "string") return false;
  const key = message.requestId.toLowerCase();
  return key === "00000000-0000-0000-0000-000000000000" || key === "ffffffff-ffff-ffff-ffff-ffffffffffff";
}

/** The IETF draft writes the key as a quoted string; most clients do not. */
function unquoted(header: string): string {
  return header.length >= 2 && header.startsWith('"') && header.endsWith('"') ? header.slice(1, -1) : header;
}

/** The schema's rule rejects a key that is not a UUID. */
function faultOf(key: string, requestId: string): string | undefined {
  if (key === "") return "the header Idempotency-Key is empty";
  // The same UUID may be written in capitals.
  const isOther = requestId !== "" && requestId.toLowerCase() !== key.toLowerCase();
  return isOther ? "differs from the one in the header Idempotency-Key" : undefined;
}
