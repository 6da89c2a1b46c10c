import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { readAccessRules } from "../../../src/rpc/access.ts";
import { commentOf, summaryOf } from "../comments.ts";
import { messageRules } from "../json-schema.ts";
import { isRead } from "./errors.ts";

/** An operation with its place in the document. */
export interface Operation {
  readonly path: string;
  /** In lower case. */
  readonly httpMethod: string;
  readonly operation: JsonObject;
}

/** The name of the security scheme. */
export const bearer = "bearer";

/** What is the same in every protocol. The scopes of the security requirements are alternatives. */
export function describeOperation(method: DescMethod, tag: string, operationId: string): JsonObject {
  const { scope, scopeForOthers } = readAccessRules([method.parent])(method);
  const scopes = [scope, scopeForOthers].filter((each) => each !== "");
  return {
    operationId,
    tags: [tag],
    summary: summaryOf(method),
    description: [commentOf(method), ...(isRead(method) ? messageRules(method.input) : [])].join("\n\n"),
    security: scopes.length > 0 ? scopes.map((each) => ({ [bearer]: [each] })) : [{}, { [bearer]: [] }],
  };
}
