/** The comments of the schema, as the documents that are generated from it carry them. */
import type { AnyDesc, DescFile } from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";

/** The comment above a declaration: its paragraphs, each in one line, with an empty line between them. */
export function commentOf(desc: Exclude<AnyDesc, DescFile>): string {
  const lines = (getComments(desc).leading ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => !line.startsWith("buf:lint:"));
  return lines
    .join("\n")
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll("\n", " ").trim())
    .filter((paragraph) => paragraph !== "")
    .join("\n\n");
}

/** The first sentence of a comment, without its full stop. */
export function summaryOf(desc: Exclude<AnyDesc, DescFile>): string {
  const [, sentence = ""] = /^(.+?)(?:[.:](?=\s)|\.?$)/.exec(commentOf(desc)) ?? [];
  return sentence;
}
