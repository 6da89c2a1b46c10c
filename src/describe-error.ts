import { ConfigError } from "./config/load.ts";
import { describeCauses } from "./domain/causes.ts";
import { OperatorError } from "./domain/operator-error.ts";

/** The sentence for the operator. For an error without one, its stack. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof OperatorError || error instanceof ConfigError) return error.message;
  const causes = describeCauses(error);
  return causes.includes("SQLSTATE") ? `the database failed: ${causes}` : (error.stack ?? error.message);
}
