import type { DescMessage, DescService, MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { DomainError, type Violation } from "../../domain/failure.ts";
import { messageOf } from "../streams/only-message.ts";
import { isNilOrMax, keyFaultOf, nilOrMax } from "./idempotency-key.ts";
import { createNormalizer } from "./texts.ts";
import { createTimestampCheck } from "./timestamps.ts";

type Check = (message: MessageShape<DescMessage>) => Violation[];

/** Normalizes the texts of every request and holds it to the rules of the schema; raises INVALID_REQUEST with all that it breaks. */
export function createValidationInterceptor(services: readonly DescService[]): Interceptor {
  const validator = createValidator();
  const checks = new Map<DescMessage, Check>();
  const checkOf = (schema: DescMessage) => {
    const check = checks.get(schema) ?? createCheck(validator, schema);
    checks.set(schema, check);
    return check;
  };
  // The first use of a rule compiles it: do that now, and let a rule that does not compile end the start.
  for (const { input } of services.flatMap((service) => service.methods)) checkOf(input)(create(input));
  return (next) => async (request) => {
    const keyFault = keyFaultOf(request.contextValues);
    const violations = checkOf(request.method.input)(messageOf(request));
    if (keyFault) violations.unshift(keyFault);
    if (violations.length > 0) throw new DomainError({ reason: "INVALID_REQUEST", violations });
    return await next(request);
  };
}

function createCheck(validator: Validator, schema: DescMessage): Check {
  const normalize = createNormalizer(schema);
  const checkTimestamps = createTimestampCheck(schema);
  return (message) => {
    normalize(message);
    const faults = checkTimestamps(message);
    if (faults.length > 0) return faults;
    const violations = validate(validator, schema, message);
    if (isNilOrMax(message)) violations.unshift({ field: "request_id", message: nilOrMax });
    return violations;
  };
}

function validate<Desc extends DescMessage>(
  validator: Validator,
  schema: Desc,
  message: MessageShape<Desc>,
): Violation[] {
  const result = validator.validate(schema, message);
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") return [];
  return result.violations.map((violation) => ({
    field: pathToString(violation.field),
    // The rule that forbids U+0000 quotes it, and a quoted NUL is nothing that a person could read.
    message: violation.message.includes("\0") ? "must not contain the character U+0000" : violation.message,
  }));
}
