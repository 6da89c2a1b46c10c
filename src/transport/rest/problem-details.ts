/** Errors as REST clients read them: RFC 9457 `application/problem+json`. */
import { ConnectError } from "@connectrpc/connect";
import type { Violation } from "../../domain/failure.ts";
import { shortMessage } from "../../domain/short-text.ts";
import { type CodeName, codeName, type ReasonName } from "../../rpc/reasons.ts";
import { type Status, statusOf } from "../../rpc/status.ts";
import { httpStatusOf, httpStatusOfCode, statusOfError } from "../http-errors.ts";

export interface Problem {
  /** A URI that names the kind of problem: one for each reason. */
  readonly type: string;
  /** The reason in words, the same for every occurrence. */
  readonly title: string;
  readonly status: number;
  /** What happened this time. */
  readonly detail: string;
  /** The RPC code, such as `NOT_FOUND`. */
  readonly code: CodeName;
  /** What went wrong, for programs, such as `CONCERT_NOT_FOUND`; the code if no more is known. */
  readonly reason: ReasonName | CodeName;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
}

/** The headers of a response with a problem. */
export const problemHeaders = {
  "content-type": "application/problem+json",
  // A shared cache would keep a 404 of a concert that is created meanwhile.
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** Codes of the unexpected: their text was not written for clients. */
const unexpectedCodes: ReadonlySet<CodeName> = new Set(["UNKNOWN", "INTERNAL", "DATA_LOSS"]);

/** The problem of any value that was thrown while a request was answered. */
export function problemOfError(error: unknown): Problem {
  // One that Connect or a handler made itself has a code and a message only.
  const code = error instanceof ConnectError && statusOf(error) === undefined ? codeName(error.code) : undefined;
  if (code === undefined || unexpectedCodes.has(code)) return problemOf(statusOfError(error));
  const { rawMessage } = ConnectError.from(error);
  return {
    ...kindOf(code),
    status: httpStatusOfCode[code],
    detail: shortMessage(rawMessage),
    code,
    reason: code,
    metadata: {},
  };
}

/** Renders a status as a problem. */
export function problemOf(status: Status): Problem {
  const { code, reason, message, metadata, violations } = status;
  return {
    ...kindOf(reason),
    status: httpStatusOf(status),
    detail: shortMessage(message),
    code: codeName(code),
    reason,
    metadata,
    ...(violations && { violations }),
  };
}

/** What is the same for all problems of a reason. */
function kindOf(reason: ReasonName | CodeName): Pick<Problem, "type" | "title"> {
  const words = reason.toLowerCase().split("_");
  const title = words.join(" ");
  return {
    type: `urn:frontrow:problem:${words.join("-")}`,
    title: title.charAt(0).toUpperCase() + title.slice(1),
  };
}
