/** What the one decoder takes and refuses beyond what the transcoding tests send over REST. */
import { createRegistry, type DescMessage, fromJson, type JsonValue } from "@bufbuild/protobuf";
import {
  AnySchema,
  DurationSchema,
  FieldDescriptorProtoSchema,
  FieldMaskSchema,
  Int64ValueSchema,
  ListValueSchema,
  StructSchema,
  TimestampSchema,
  TypeSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { BookingSchema } from "../../../gen/frontrow/v1/booking_pb.ts";
import { BookTicketsRequestSchema } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertSchema } from "../../../gen/frontrow/v1/concert_pb.ts";
import { DomainError } from "../../domain/failure.ts";
import { createJsonDecoder, type JsonDecoderOptions } from "./decode.ts";

const registry = createRegistry(BookingSchema, DurationSchema, AnySchema);

/** The one violation for which a text is refused, or the message that it stands for. */
function decode(desc: DescMessage, text: string | Uint8Array, options: Partial<JsonDecoderOptions> = {}) {
  try {
    return createJsonDecoder(desc, { unknownKeys: "refuse", registry, ...options })(Buffer.from(text));
  } catch (error) {
    const failure = error instanceof DomainError ? error.failure : undefined;
    if (failure?.reason !== "INVALID_REQUEST") throw error;
    return failure.violations;
  }
}

describe("makes the message that fromJson makes", () => {
  const concert = { id: "1", name: "é", concertDate: "2030-06-01T20:00:00.5+02:00", price: 1.5, totalTickets: 7 };
  const typeUrl = "type.googleapis.com/frontrow.v1.Booking";
  test.each<[DescMessage, JsonValue]>([
    [ConcertSchema, concert],
    [ConcertSchema, { available_tickets: null, created_at: null, price: "NaN", version: "3" }],
    [BookingSchema, { status: "BOOKING_STATUS_CONFIRMED", id: "-9223372036854775808" }],
    [BookingSchema, { status: 2, unitPrice: "-Infinity" }],
    [FieldDescriptorProtoSchema, { name: "x", number: 0, label: "LABEL_REPEATED", options: { deprecated: false } }],
    [
      TypeSchema,
      { name: "x", fields: [{ kind: "TYPE_BOOL" }, {}], oneofs: [], options: [{ value: { "@type": typeUrl } }] },
    ],
    [TimestampSchema, "1969-12-31T23:59:59.000000001Z"],
    [DurationSchema, "-0.5s"],
    [FieldMaskSchema, "fooBar,baz.quxQuux"],
    [Int64ValueSchema, "9007199254740993"],
    [StructSchema, { a: [null, { b: true }], ["__proto__"]: 1, "": "" }],
    [ListValueSchema, [1, [], {}, null]],
    [ValueSchema, null],
    [AnySchema, {}],
    [AnySchema, { "@type": typeUrl, concertId: "7", created_at: "2030-01-01T00:00:00Z" }],
    [AnySchema, { "@type": "type.googleapis.com/google.protobuf.Duration", value: "1.5s" }],
    [AnySchema, { "@type": "x/google.protobuf.Any", value: { "@type": typeUrl, ticketCount: 1 } }],
  ])("%s %j", (desc, json) => {
    expect(decode(desc, JSON.stringify(json))).toEqual(fromJson(desc, json, { registry }));
  });
});

describe("refuses the first fault and names it", () => {
  const depth = 100;
  test.each<[DescMessage, string, field: string, message: string]>([
    [ConcertSchema, '{"price":"x","id":{}}', "price", "must be a number"],
    [ConcertSchema, '{"id":9007199254740993}', "id", "is too large for a JSON number; send it as a string"],
    [ConcertSchema, '{"createdAt":"2030-02-30T00:00:00Z"}', "created_at", expect.stringContaining("RFC 3339")],
    [ConcertSchema, '{"created_at":null,"createdAt":null}', "created_at", "given more than once"],
    [ConcertSchema, "[]", "", "the body must be a JSON object"],
    [ConcertSchema, "", "", "the body is not valid JSON"],
    [
      FieldDescriptorProtoSchema,
      '{"label":9}',
      "label",
      "must be one of LABEL_OPTIONAL, LABEL_REPEATED, LABEL_REQUIRED",
    ],
    [FieldDescriptorProtoSchema, '{"options":[]}', "options", "must be an object"],
    [
      TypeSchema,
      '{"fields":[{},{"kind":"x"}]}',
      "fields[1].kind",
      expect.stringMatching(/^must be one of TYPE_UNKNOWN, /),
    ],
    [TypeSchema, '{"oneofs":[null]}', "oneofs[0]", "must be a string"],
    [
      TypeSchema,
      '{"options":[{"value":{"@type":"x/y"}}]}',
      "options[0].value",
      "must have an @type that names a message of this server",
    ],
    [AnySchema, '{"@type":"x/frontrow.v1.Booking","concertId":"x"}', "concert_id", "must be a whole number"],
    [AnySchema, '{"concertId":"x"}', "", "must have an @type that names a message of this server"],
    [
      AnySchema,
      `${'{"@type":"google.protobuf.Any","value":'.repeat(depth)}{}${"}".repeat(depth)}`,
      "",
      "is nested too deeply",
    ],
    [ValueSchema, `${"[".repeat(depth)}${"]".repeat(depth)}`, "", "is nested too deeply"],
    [ValueSchema, "1e400", "", "is out of range"],
    [StructSchema, '{"a":[{"b":-1e400}]}', "", "is out of range"],
    [DurationSchema, '"1.5s and more"', "", "must be a number of seconds followed by s, such as 1.5s"],
  ])("%s %s", (desc, text, field, message) => {
    expect(decode(desc, text)).toEqual([{ field, message }]);
  });

  test("without a registry, Any carries nothing", () => {
    const text = '{"@type":"x/frontrow.v1.Booking"}';
    expect(decode(AnySchema, text, { registry: undefined })).toMatchObject([
      { message: expect.stringContaining("@type") },
    ]);
  });
});

describe("keys that the schema does not have", () => {
  const text = '{"later":{"a":1},"concertId":"7","[frontrow.v1.extension]":1}';
  test("are refused, or ignored", () => {
    expect(decode(BookTicketsRequestSchema, text)).toEqual([{ field: "later", message: "unknown field" }]);
    expect(decode(BookTicketsRequestSchema, text, { unknownKeys: "ignore" })).toMatchObject({ concertId: 7n });
  });

  test("are refused with the names of enums that are ignored otherwise", () => {
    const booking = '{"status":"BOOKING_STATUS_LATER","id":"7"}';
    expect(decode(BookingSchema, booking)).toMatchObject([{ field: "status" }]);
    expect(decode(BookingSchema, booking, { unknownKeys: "ignore" })).toMatchObject({ status: 0, id: 7n });
    expect(decode(BookingSchema, '{"status":true}', { unknownKeys: "ignore" })).toMatchObject([{ field: "status" }]);
  });

  test("are held to the bounds of all keys, and may not be repeated", () => {
    const options = { unknownKeys: "ignore" } as const;
    expect(decode(ConcertSchema, '{"a":{"b":1,"b":2}}', options)).toEqual([
      { field: "a.b", message: "given more than once" },
    ]);
    expect(decode(ConcertSchema, `{"a":[${'{"b":1},'.repeat(1_000)}1]}`, options)).toEqual([
      { field: "", message: "the body has more than 1000 keys" },
    ]);
  });
});
