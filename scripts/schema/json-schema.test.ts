import { create, type DescEnum, type DescMessage } from "@bufbuild/protobuf";
import { FieldRulesSchema, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { describe, expect, it } from "vitest";
import { BookingSchema, BookingStatusSchema, file_frontrow_v1_booking } from "../../gen/frontrow/v1/booking_pb.ts";
import {
  file_frontrow_v1_booking_service,
  GetUserBookingsRequestSchema,
  HoldTicketsRequestSchema,
} from "../../gen/frontrow/v1/booking_service_pb.ts";
import {
  CreateConcertRequestSchema,
  file_frontrow_v1_concert_service,
  UpdateConcertRequestSchema,
} from "../../gen/frontrow/v1/concert_service_pb.ts";
import { createExamples } from "./examples.ts";
import { createSchemaWriter, type SchemaForm } from "./json-schema.ts";
import { keywordsOf } from "./rules.ts";

const files = [file_frontrow_v1_booking, file_frontrow_v1_booking_service, file_frontrow_v1_concert_service];
const examplesOf = createExamples(files.flatMap(({ messages }) => messages));
const refTo = ({ name }: DescMessage | DescEnum) => `#/$defs/${name}`;

function writer(form: Partial<SchemaForm>) {
  return createSchemaWriter({ names: "proto", direction: "input", unknownKeys: "refuse", examplesOf, refTo, ...form });
}

describe("the schema of a request", () => {
  it("has the rules of the fields as keywords", () => {
    expect(writer({}).object(HoldTicketsRequestSchema)).toEqual({
      type: "object",
      properties: {
        request_id: {
          type: "string",
          format: "uuid",
          pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
          not: { pattern: "^[0-]+$|^[fF-]+$" },
          examples: ["3f0c7b1e-8d5a-4c38-9a57-2b6f0f3a9d11"],
        },
        concert_id: {
          type: ["string", "integer"],
          format: "int64",
          minimum: 1,
          maximum: 9_007_199_254_740_991,
          pattern: "^[1-9][0-9]{0,17}$",
          examples: ["1"],
        },
        user_id: { type: "string", maxLength: 255, pattern: "^[^\\u0000]*$", examples: ["alice"] },
        ticket_count: { type: "integer", format: "int32", minimum: 1, maximum: 100, examples: [2] },
        ttl: { type: "string", pattern: expect.stringMatching(/s\$$/), examples: ["600s"] },
      },
      required: ["concert_id", "ticket_count"],
      additionalProperties: false,
    });
  });

  it("requires the fields that break a rule when they are left out", () => {
    expect(writer({}).object(CreateConcertRequestSchema).required).not.toContain("currency_code");
    expect(writer({}).object(UpdateConcertRequestSchema).required).toContain("currency_code");
  });

  it("has the rules in CEL as keywords, and those of the message in its description", () => {
    const { properties, description } = writer({}).object(CreateConcertRequestSchema);
    expect(properties).toMatchObject({
      price: { minimum: 0, maximum: 99_999_999.99, multipleOf: 0.01 },
      venue: {
        allOf: [
          { pattern: "^[^\\u0000]*$" },
          { pattern: "[^\\p{Z}\\p{Cc}\\p{Cf}\\u115F\\u1160\\u2800\\u3164\\uFFA0]" },
        ],
      },
    });
    expect(description).toContain("Rule: booking_end_time must be at least a microsecond after booking_start_time.");
  });

  it("has the values of an enum, without the unspecified one, in one definition", () => {
    const input = writer({ names: "json", unknownKeys: "allow" });
    const schema = input.object(GetUserBookingsRequestSchema);
    expect(schema.properties).toMatchObject({
      pageSize: { minimum: 0, maximum: 100 },
      statuses: { type: "array", maxItems: 10, items: { $ref: refTo(BookingStatusSchema) } },
    });
    expect(schema).not.toHaveProperty("additionalProperties");
    expect(Object.fromEntries(input.definitions())).toMatchObject({
      [refTo(BookingStatusSchema)]: { enum: expect.not.arrayContaining(["BOOKING_STATUS_UNSPECIFIED"]) },
    });
  });

  it("leaves fields out", () => {
    const { properties } = writer({}).object(HoldTicketsRequestSchema, ({ name }) => name === "ttl");
    expect(properties).not.toHaveProperty("ttl");
  });
});

describe("the schema of a response", () => {
  it("requires all fields but messages without the rule required", () => {
    const { properties, required } = writer({ direction: "output" }).object(BookingSchema);
    const names = BookingSchema.fields.map(({ name }) => name);
    expect(required).toEqual(names.filter((name) => name !== "hold_expires_time"));
    expect(properties).toMatchObject({ id: { type: "string" }, booking_time: { type: "string", format: "date-time" } });
  });
});

it("refuses a rule that it has no keyword for", () => {
  const rules = create(FieldRulesSchema, { type: { case: "string", value: { prefix: "a" } } });
  expect(() => keywordsOf(rules)).toThrow("the rule string.prefix has no keyword yet");
  const ignored = create(FieldRulesSchema, { ignore: Ignore.ALWAYS });
  expect(() => keywordsOf(ignored)).toThrow("a rule with the value 3 has no keyword yet");
});

it("writes a regular expression as JSON Schema has it", () => {
  const rules = create(FieldRulesSchema, { type: { case: "string", value: { pattern: "^\\x{3164}$" } } });
  expect(keywordsOf(rules).patterns).toEqual(["^\\u3164$"]);
});
