/** Why tokens are refused, for the log: clients get less detail, since a forger may be one of them. */
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Logger } from "pino";
import { shortValue } from "../domain/short-text.ts";

/** Is called with each refused token and the error that its caller gets. */
export type ReportRefusal = (token: string, error: unknown) => void;

const maxReasonLength = 200;

/** Logs each refused token at `debug`: the reason, `kid`, `alg` and `iss`, and nothing else of the token. */
export function createRefusalLog(logger: Logger): ReportRefusal {
  return (token, error) => {
    if (!logger.isLevelEnabled("debug")) return;
    const { kid, alg } = decoded(() => decodeProtectedHeader(token));
    const { iss } = decoded(() => decodeJwt(token));
    const reason = shortValue(reasonOf(error), maxReasonLength);
    const [shortKid, shortAlg, shortIss] = [kid, alg, iss].map((value) =>
      typeof value === "string" ? shortValue(value) : undefined,
    );
    logger.debug({ reason, kid: shortKid, alg: shortAlg, iss: shortIss }, "a token was refused");
  };
}

/** The members of a part of a token, whatever their types; none if it cannot be decoded. */
function decoded(decode: () => object): Readonly<Record<string, unknown>> {
  try {
    return { ...decode() };
  } catch {
    return {};
  }
}

/** The words of the error that caused the refusal. They are more precise than the client's. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return error.cause.message;
  const { failure } = error as { failure?: { problem?: unknown } };
  return typeof failure?.problem === "string" ? failure.problem : error.message;
}
