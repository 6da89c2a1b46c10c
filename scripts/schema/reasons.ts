/** The meanings of the error reasons, as the comments of the schema give them. */
import { codeName, codesOf, describeReason, type ReasonName } from "../../src/rpc/reasons.ts";

/** The names of a reason's codes, the usual one first. */
export const codeNamesOf = (reason: ReasonName) => codesOf(reason).map(codeName);

/** The comment of a reason without its codes and its metadata. Throws an Error if it lacks them. */
export function meaningOf(reason: ReasonName, comment: string): string {
  const { metadata } = describeReason(reason);
  const start = `${codeNamesOf(reason).join(" or ")}: `;
  const end = metadata.length > 0 ? ` Metadata: ${metadata.join(", ")}.` : "";
  const meaning = comment.slice(start.length, comment.length - end.length);
  if (comment !== start + meaning + end || meaning.includes("Metadata:")) {
    throw new Error(`the comment of ${reason} must begin with "${start}" and end with "${end}"`);
  }
  return meaning.replace(/\.$/, "");
}
