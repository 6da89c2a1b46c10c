import { create, createFileRegistry, type DescService, type MessageInitShape, setExtension } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_timestamp,
  FieldDescriptorProto_Label as Label,
  MethodOptionsSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { http } from "../../../gen/google/api/annotations_pb.ts";
import { HttpRuleSchema } from "../../../gen/google/api/http_pb.ts";
import { readBindings } from "./bindings.ts";

type Rule = MessageInitShape<typeof HttpRuleSchema>;

const get = (path: string, rest: Rule = {}): Rule => ({ ...rest, pattern: { case: "get", value: path } });
const post = (path: string, rest: Rule = {}): Rule => ({ ...rest, pattern: { case: "post", value: path } });
const custom = (kind: string): Rule => ({ pattern: { case: "custom", value: { kind, path: "/x" } } });

const field = (
  name: string,
  number: number,
  type: FieldDescriptorProto_Type,
  typeName = "",
  label = Label.OPTIONAL,
) => ({
  name,
  number,
  type,
  typeName,
  label,
  jsonName: name,
});

/** A service `test.Things` of one method `Do(Thing) returns (Thing)` with this rule. */
function serviceWith(rule: Rule, serverStreaming = false): DescService {
  const options = create(MethodOptionsSchema);
  setExtension(options, http, create(HttpRuleSchema, rule));
  const file = create(FileDescriptorProtoSchema, {
    name: "test.proto",
    package: "test",
    syntax: "proto3",
    dependency: [file_google_protobuf_timestamp.proto.name],
    messageType: [
      {
        name: "Thing",
        field: [
          field("id", 1, Type.INT64),
          field("tags", 2, Type.STRING, "", Label.REPEATED),
          field("inner", 3, Type.MESSAGE, ".test.Thing"),
          field("at", 4, Type.MESSAGE, ".google.protobuf.Timestamp"),
        ],
      },
    ],
    service: [
      {
        name: "Things",
        method: [{ name: "Do", inputType: ".test.Thing", outputType: ".test.Thing", serverStreaming, options }],
      },
    ],
  });
  const set = create(FileDescriptorSetSchema, { file: [file_google_protobuf_timestamp.proto, file] });
  const service = createFileRegistry(set).getService("test.Things");
  if (service === undefined) throw new Error("the registry has lost the service");
  return service;
}

describe("readBindings", () => {
  // The routes of all methods are in test/methods.
  test("reads the REST table of the requirement from our own services", () => {
    const table = [ConcertService, BookingService].flatMap((service) =>
      readBindings(service).map(({ httpMethod, template, method, body, location }) => [
        `${httpMethod} ${template.source}`,
        method.name,
        body,
        location?.field.name,
      ]),
    );
    expect(table).toEqual(
      expect.arrayContaining([
        ["GET /api/v1/concerts/{id}", "GetConcert", "none", undefined],
        ["GET /api/v1/concerts", "ListConcerts", "none", undefined],
        ["POST /api/v1/concerts", "CreateConcert", "all", "id"],
        ["PUT /api/v1/concerts/{id}", "UpdateConcert", "all", undefined],
        ["GET /api/v1/bookings/{id}", "GetBooking", "none", undefined],
        ["GET /api/v1/bookings", "GetUserBookings", "none", undefined],
        ["POST /api/v1/bookings", "BookTickets", "all", "id"],
        ["POST /api/v1/holds", "HoldTickets", "all", "id"],
        ["POST /api/v1/bookings/{id}/confirm", "ConfirmHold", "all", undefined],
        ["POST /api/v1/bookings/{id}/release", "ReleaseHold", "all", undefined],
        ["POST /api/v1/bookings/{id}/extend", "ExtendHold", "all", undefined],
        ["GET /api/v1/concerts/{concert_id}/bookings", "ListConcertBookings", "none", undefined],
        ["POST /api/v1/bookings/{id}/cancel", "CancelBooking", "all", undefined],
      ]),
    );
  });

  test("reads nested variables, fields for bodies, and additional bindings", () => {
    const rule = post("/x/{inner.inner.id}", { body: "at", responseBody: "tags", additionalBindings: [get("/y")] });
    const [one, other] = readBindings(serviceWith(rule));
    expect(one?.variableFields.map(({ name }) => name)).toEqual(["inner.inner.id"]);
    expect(one).toMatchObject({ httpMethod: "POST", body: { name: "at" }, responseBody: { name: "tags" } });
    expect(other).toMatchObject({ httpMethod: "GET", template: { source: "/y" }, body: "none" });
  });

  test.each<[string, Rule, string]>([
    ["no pattern", {}, "names no HTTP method"],
    ["a bad template", get("x"), "must start with a slash"],
    ["an unknown method", custom("FETCH"), '"FETCH" is not an HTTP method'],
    ["a method in lower case", custom("get"), '"get" is not an HTTP method'],
    ["an unknown variable", get("/{name}"), "test.Thing has no field name that the path can set"],
    ["an unknown nested variable", get("/{inner.name}"), "test.Thing has no field inner.name"],
    ["a variable below a scalar", get("/{id.inner}"), "test.Thing has no field id.inner"],
    ["a variable inside a Timestamp", get("/{at.seconds}"), "test.Thing has no field at.seconds"],
    ["a repeated variable", get("/{tags}"), "{tags} is a list field"],
    ["a message variable", get("/{inner}"), "{inner} is a message field"],
    ["an unknown body", post("/x", { body: "name" }), "test.Thing has no field name"],
    ["a nested body", post("/x", { body: "inner.id" }), "test.Thing has no field inner.id"],
    ["an unknown response body", post("/x", { responseBody: "name" }), "test.Thing has no field name"],
    ["a body of GET", get("/x", { body: "*" }), "GET has no body"],
    ["a field in path and body", post("/{id}", { body: "id" }), "the field id is set by both the path and the body"],
    [
      "nested additional bindings",
      get("/x", { additionalBindings: [get("/y", { additionalBindings: [get("/z")] })] }),
      "additional_bindings cannot be nested",
    ],
  ])("refuses %s and names the method", (_name, rule, why) => {
    expect(() => readBindings(serviceWith(rule))).toThrow("google.api.http of test.Things.Do: ");
    expect(() => readBindings(serviceWith(rule))).toThrow(why);
  });

  test("refuses a streaming method", () => {
    expect(() => readBindings(serviceWith(get("/x"), true))).toThrow("a streaming method cannot be called over REST");
  });
});

describe("a creation is a POST whose answer a GET finds by one more variable", () => {
  const locationsOf = (first: Rule, second: Rule) =>
    readBindings(serviceWith(Object.assign({}, first, { additionalBindings: [second] }))).map(
      ({ location }) => location && `${location.path ?? "its path"}/${location.field.name}`,
    );

  test.each<[string, Rule, Rule, string | undefined]>([
    ["further down", post("/x"), get("/x/{id}"), "its path/id"],
    ["further down, below a variable", post("/x/{inner.id}"), get("/x/{inner.id}/{id}"), "its path/id"],
    ["elsewhere", post("/x"), get("/y/z/{id}"), "/y/z/id"],
    ["elsewhere, from below a variable", post("/x/{inner.id}/y"), get("/y/{id}"), undefined],
    ["elsewhere, below a variable", post("/x"), get("/y/{inner.id}/{id}"), undefined],
    ["two variables", post("/x"), get("/x/{id}/{inner.id}"), undefined],
    ["a nested variable", post("/x"), get("/x/{inner.id}"), undefined],
    ["a part of the response", post("/x", { responseBody: "inner" }), get("/x/{id}"), undefined],
    ["a part of the other response", post("/x"), get("/x/{id}", { responseBody: "inner" }), undefined],
    ["a custom method", post("/x:do"), get("/x/{id}"), undefined],
  ])("%s", (_name, first, second, location) => {
    expect(locationsOf(first, second)).toEqual([location, undefined]);
  });
});
