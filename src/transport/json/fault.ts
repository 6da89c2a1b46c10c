import { DomainError } from "../../domain/failure.ts";
import { shortValue } from "../../domain/short-text.ts";

/** What is wrong with a value. The reader of the value does not have the name of its field, which its caller adds. */
export class ValueFault extends Error {
  override readonly name = "ValueFault";
}

/** The refusal of a request for one fault. An empty field name means the whole request. */
export function invalidRequest(field: string, message: string): DomainError {
  return new DomainError({ reason: "INVALID_REQUEST", violations: [{ field: shortValue(field), message }] });
}
