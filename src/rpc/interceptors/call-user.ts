/** The user that a call is logged with. */
import type { DescMethod } from "@bufbuild/protobuf";
import { createContextKey, type Interceptor } from "@connectrpc/connect";
import { subjectOf } from "../call-context.ts";
import { type AnyRequest, messageOf, type TextField, textOf } from "../request-message.ts";

const fieldKey = createContextKey<TextField | undefined>(undefined, { description: "the field that names the user" });

/** The schema's 255 characters, which take up to two units each. Validation rejects a longer name. */
export const maxUserLength = 2 * 255;

/** Without tokens, notes which field of a call's request names its user, before anything can reject the call. */
export function noteUserField(fieldOf: (method: DescMethod) => TextField | undefined): Interceptor {
  return (next) => (request) => {
    request.contextValues.set(fieldKey, fieldOf(request.method));
    return next(request);
  };
}

/** The subject of the caller's token. Without tokens the user that a unary request names, if it can be a user. */
export function userOf(request: AnyRequest): string | undefined {
  const { contextValues: values } = request;
  const field = values.get(fieldKey);
  const user = subjectOf(values) ?? (field && !request.stream ? textOf(messageOf(request), field) : "");
  return user !== "" && user.length <= maxUserLength ? user : undefined;
}
