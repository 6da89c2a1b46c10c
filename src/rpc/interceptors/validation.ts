import type { DescMessage, DescService, MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { DomainError } from "../../domain/errors.ts";

/** Holds every unary request to the rules of the schema; raises INVALID_REQUEST with all that it breaks. */
export function createValidationInterceptor(services: readonly DescService[]): Interceptor {
  const validator = createValidator();
  // The first use of a rule compiles it: do that now, and let a rule that does not compile end the start.
  for (const { input } of services.flatMap((service) => service.methods)) validate(validator, input, create(input));
  return (next) => (request) => {
    if (!request.stream) {
      const violations = validate(validator, request.method.input, request.message);
      if (violations.length > 0) throw new DomainError({ reason: "INVALID_REQUEST", violations });
    }
    return next(request);
  };
}

function validate<Desc extends DescMessage>(validator: Validator, schema: Desc, message: MessageShape<Desc>) {
  const result = validator.validate(schema, message);
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") return [];
  return result.violations.map((violation) => ({
    field: pathToString(violation.field),
    // The rule that forbids U+0000 quotes it, and a quoted NUL is nothing that a person could read.
    message: violation.message.replaceAll("\0", "U+0000"),
  }));
}
