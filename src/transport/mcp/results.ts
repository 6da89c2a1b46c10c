/** The results of tools, as assistants read them. */
import { type DescMessage, type MessageShape, type Registry, toJson } from "@bufbuild/protobuf";
import type { CallToolResult } from "@modelcontextprotocol/server";
import { statusOfError } from "../http-errors.ts";
import { isJsonObject } from "../json/text.ts";
import { problemOfError } from "../rest/problem-details.ts";

const replayed =
  "The request_id was used before: this is the earlier request's result as it is now, and nothing was done.";

/** The result of a call, in REST's names: structured, and the same as text. */
export function resultOf(
  output: DescMessage,
  message: MessageShape<DescMessage>,
  { isReplayed, registry }: { readonly isReplayed: boolean; readonly registry?: Registry | undefined },
): CallToolResult {
  const json = toJson(output, message, {
    useProtoFieldName: true,
    alwaysEmitImplicit: true,
    ...(registry && { registry }),
  });
  if (!isJsonObject(json)) throw new Error(`${output.typeName} is no object in JSON`);
  const texts = [JSON.stringify(json), ...(isReplayed ? [replayed] : [])];
  return { structuredContent: json, content: texts.map(textContent) };
}

/**
 * The result of a call that failed: a sentence, then the same for programs. It has no structured content, which clients
 * compare with the schema of a success.
 */
export function failureOf(error: unknown): CallToolResult {
  const { detail, code, reason, metadata, violations } = problemOfError(error);
  const { retryMs } = statusOfError(error);
  const details = {
    ...{ reason, code, metadata, violations },
    retry_after_seconds: retryMs === undefined ? undefined : Math.ceil(retryMs / 1_000),
  };
  return { isError: true, content: [detail, JSON.stringify(details)].map(textContent) };
}

function textContent(text: string) {
  return { type: "text", text } as const;
}
