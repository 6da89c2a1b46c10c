import { create, type DescMessage, type DescService, getOption, hasOption, isMessage } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { createValidator, type Violation as RuleViolation, type Validator } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { normalized } from "../../../gen/frontrow/v1/text_pb.ts";
import { DomainError, type Violation } from "../../domain/failure.ts";
import { isTextField, type Message, messageOf, textOf, withMessage, withText } from "../request-message.ts";
import { isNilOrMax, keyFaultOf, nilOrMax } from "./idempotency-key.ts";

/** What a request message goes through. */
interface Checks {
  readonly normalize: (message: Message) => Message;
  readonly check: (message: Message) => Violation[];
}

/** Normalizes the texts of every request and checks the schema's rules. Raises INVALID_REQUEST with all violations. */
export function createValidationInterceptor(services: readonly DescService[]): Interceptor {
  const validator = createValidator();
  const checksBySchema = new Map<DescMessage, Checks>();
  const checksOf = (schema: DescMessage) =>
    checksBySchema.getOrInsertComputed(schema, () => ({
      normalize: createNormalizer(schema),
      check: createCheck(validator, schema),
    }));
  // The first use of a rule compiles it: do that now, so that a rule that does not compile ends the start.
  for (const { input } of services.flatMap((service) => service.methods)) checksOf(input).check(create(input));
  return (next) => async (request) => {
    const { normalize, check } = checksOf(request.method.input);
    const message = messageOf(request);
    const normal = normalize(message);
    const violations = check(normal);
    const keyFault = keyFaultOf(request.contextValues);
    if (keyFault) violations.unshift(keyFault);
    if (violations.length > 0) throw new DomainError({ reason: "INVALID_REQUEST", violations });
    return await next(normal === message ? request : withMessage(request, normal));
  };
}

/**
 * Brings the fields with the option `normalized` into NFC. One text has several encodings that look alike. Without this, a
 * search would find only those in the encoding that the client's keyboard uses.
 */
function createNormalizer(schema: DescMessage): Checks["normalize"] {
  const fields = schema.fields
    .filter((field) => hasOption(field, normalized) && getOption(field, normalized))
    .filter(isTextField);
  return (message) =>
    fields.reduce((changed, field) => {
      const text = textOf(changed, field);
      const nfc = text.normalize("NFC");
      return nfc === text ? changed : withText(changed, field, nfc);
    }, message);
}

function createCheck(validator: Validator, schema: DescMessage): Checks["check"] {
  const checkTimes = createTimeCheck(schema);
  return (message) => {
    const faults = checkTimes(message);
    if (faults.length > 0) return faults;
    const violations = validate(validator, schema, message);
    if (isNilOrMax(message)) violations.unshift({ field: "request_id", message: nilOrMax });
    return violations;
  };
}

function validate(validator: Validator, schema: DescMessage, message: Message): Violation[] {
  const result = validator.validate(schema, message);
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") return [];
  return result.violations.map((violation) => ({ field: pathToString(violation.field), message: readable(violation) }));
}

/** A violation's message, in place of those that a person cannot read: the library's quote U+0000, and enums' numbers. */
function readable({ field, ruleId, message }: RuleViolation): string {
  if (message.includes("\0")) return "must not contain the character U+0000";
  if (!ruleId.startsWith("enum.")) return message;
  const desc = field.findLast((part) => part.kind === "field")?.enum;
  // By the lint rules, a value of 0 is the unspecified one.
  const names = desc?.values.filter(({ number }) => number !== 0).map(({ name }) => name) ?? [];
  return `must be one of ${names.join(", ")}`;
}

const earliestSecond = -62_135_596_800n; // 0001-01-01T00:00:00Z
const latestSecond = 253_402_300_799n; // 9999-12-31T23:59:59Z
const nanosPerSecond = 1_000_000_000;
const longestSeconds = 315_576_000_000n;

/**
 * Creates a check of a message's timestamps and durations by the rules of their types. Decoding JSON enforces those rules,
 * decoding binary does not, and the schema's own rules fail or are wrong when they calculate with other values. It checks
 * the message's own fields: no request has times in nested messages.
 */
export function createTimeCheck(schema: DescMessage): Checks["check"] {
  const types: readonly (string | undefined)[] = [TimestampSchema.typeName, DurationSchema.typeName];
  const fields = schema.fields.filter(({ message }) => types.includes(message?.typeName));
  return (message) =>
    fields.flatMap(({ name, localName }) => {
      const fault = timeFault(Reflect.get(message, localName));
      return fault === undefined ? [] : [{ field: name, message: fault }];
    });
}

function timeFault(value: unknown): string | undefined {
  if (isMessage(value, TimestampSchema)) return timestampFault(value);
  return isMessage(value, DurationSchema) ? durationFault(value) : undefined;
}

function timestampFault({ seconds, nanos }: Timestamp): string | undefined {
  if (seconds < earliestSecond || seconds > latestSecond) return "must be between the years 1 and 9999";
  return nanos < 0 || nanos >= nanosPerSecond ? "must have 0 to 999999999 nanos" : undefined;
}

function durationFault({ seconds, nanos }: Duration): string | undefined {
  if (seconds < -longestSeconds || seconds > longestSeconds) return "must be within 10,000 years";
  if (Math.abs(nanos) >= nanosPerSecond) return "must have less than a second of nanos";
  const hasOneSign = seconds === 0n || nanos === 0 || seconds > 0n === nanos > 0;
  return hasOneSign ? undefined : "must have nanos of the same sign as its seconds";
}
