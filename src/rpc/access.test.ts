import { create, createFileRegistry, type DescService, setExtension } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FieldOptions_JSType as JSType,
  FieldDescriptorProto_Label as Label,
  type MethodDescriptorProto,
  MethodDescriptorProtoSchema,
  MethodOptionsSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { type Access, AccessSchema, access, Lane } from "../../gen/frontrow/v1/access_pb.ts";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { OwnedResource, readAccessRules } from "./access.ts";

type Rule = Partial<Omit<Access, "$typeName" | "$unknown">>;
type Field = Partial<Omit<FieldDescriptorProto, "$typeName" | "$unknown" | "options">> & { jstype?: JSType };

const id: Field = { name: "id", type: Type.INT64 };
const user: Field = { name: "user_id", type: Type.STRING };

/** A service with one method, `Do`, of this rule over a request of these fields. */
function serviceWith(
  rule: Rule | undefined,
  fields: readonly Field[] = [id, user],
  method: Partial<MethodDescriptorProto> = {},
): DescService {
  const options = create(MethodOptionsSchema);
  if (rule) setExtension(options, access, create(AccessSchema, rule));
  const field = fields.map(({ jstype, ...rest }, i) =>
    create(FieldDescriptorProtoSchema, {
      ...{ number: i + 1, label: Label.OPTIONAL, ...rest },
      ...(jstype !== undefined && { options: { jstype } }),
    }),
  );
  const file = create(FileDescriptorProtoSchema, {
    ...{ name: "a.proto", syntax: "proto3", package: "a" },
    messageType: [{ name: "Request", field, oneofDecl: [{ name: "who" }] }],
    service: [
      {
        name: "Service",
        method: [
          create(MethodDescriptorProtoSchema, {
            ...{ name: "Do", inputType: ".a.Request", outputType: ".a.Request" },
            ...(method as object),
            options,
          }),
        ],
      },
    ],
  });
  const service = createFileRegistry(file, () => undefined).getService("a.Service");
  return service ?? expect.unreachable();
}

const read = (service: DescService) => readAccessRules([service]);
const open = { lane: Lane.READ };
const own = { scope: "x:read", scopeForOthers: "x:admin", lane: Lane.READ };
const where = ": see frontrow/v1/access.proto";

describe("the rules of a schema", () => {
  test("are read if they are consistent", () => {
    const service = serviceWith({ ...own, userField: "user_id", resource: OwnedResource.BOOKING });
    const [method] = service.methods;
    expect(read(service)(method ?? expect.unreachable())).toMatchObject({
      ...own,
      userField: { localName: "userId" },
      isPrivate: true,
      resource: OwnedResource.BOOKING,
      lane: "reads",
    });
  });

  test("have one of four lanes", () => {
    const laneOf = (lane: Lane) => {
      const service = serviceWith({ scope: "x:do", lane });
      return read(service)(service.method.do ?? expect.unreachable()).lane;
    };
    expect([Lane.READ, Lane.BOOKING, Lane.SETTLEMENT, Lane.ADMIN].map(laneOf)).toEqual([
      ...["reads", "bookings", "settlements", "admin"],
    ]);
  });

  test("may be those of a method whose responses are a stream", () => {
    const service = serviceWith({ ...own, userField: "user_id" }, [user], { serverStreaming: true });
    expect(read(service)(service.method.do ?? expect.unreachable())).toMatchObject({
      userField: { localName: "userId" },
    });
  });

  test("have the fields that search", () => {
    const service = serviceWith({ ...open, searchFields: ["user_id"] });
    const { searchFields } = read(service)(service.method.do ?? expect.unreachable());
    expect(searchFields.map(({ localName }) => localName)).toEqual(["userId"]);
  });

  test("exist for every method of Frontrow", () => {
    const services = [ConcertService, BookingService];
    const ruleOf = readAccessRules(services);
    for (const method of services.flatMap((service) => service.methods))
      expect(ruleOf(method).lane).toBeTypeOf("string");
  });

  test("do not exist for the methods of another service", () => {
    const ruleOf = readAccessRules([ConcertService]);
    expect(() => ruleOf(BookingService.method.getBooking)).toThrow(
      "frontrow.v1.BookingService/GetBooking has no access rule",
    );
  });
});

describe("the start ends with a method", () => {
  test.each<[name: string, problem: string, rule: Rule | undefined, fields?: readonly Field[]]>([
    ["without a rule", "has no access rule", undefined],
    ["whose rule is empty", "has no lane", {}],
    ["with an unknown lane", "has no lane", { lane: 99 as Lane }],
    ["with a user, but open", "is about what a user owns, but needs no scope", { ...open, userField: "user_id" }],
    [
      "with a resource, but open",
      "is about what a user owns, but needs no scope",
      { ...open, resource: OwnedResource.BOOKING },
    ],
    [
      "with a user, but without a scope for others",
      "is about what a user owns, but needs no scope",
      { ...own, scopeForOthers: "", userField: "user_id" },
    ],
    [
      "with a user, but a scope for others only",
      "is about what a user owns, but needs no scope",
      { ...own, scope: "", userField: "user_id" },
    ],
    ["without a scope, but not a read: bookings", "changes something, but needs no scope", { lane: Lane.BOOKING }],
    ["without a scope, but not a read: holds", "changes something, but needs no scope", { lane: Lane.SETTLEMENT }],
    ["without a scope, but not a read: concerts", "changes something, but needs no scope", { lane: Lane.ADMIN }],
    ["with a scope for others, but without an owner", "has a scope for others, but nothing that a user owns", own],
    [
      "whose user is no field",
      "names the user in userId, which is not a string of its request",
      { ...own, userField: "userId" },
    ],
    [
      "whose user is a number",
      "names the user in id, which is not a string of its request",
      { ...own, userField: "id" },
    ],
    [
      "whose user is a list",
      "names the user in user_id, which is not a string of its request",
      { ...own, userField: "user_id" },
      [{ ...user, label: Label.REPEATED }],
    ],
    [
      "whose user is in bytes",
      "names the user in user_id, which is not a string of its request",
      { ...own, userField: "user_id" },
      [{ ...user, type: Type.BYTES }],
    ],
    [
      "that searches, but is no read",
      "searches, but is not a read",
      { scope: "x:do", lane: Lane.ADMIN, searchFields: ["a"] },
    ],
    [
      "that searches by an unknown field",
      "searches by a, which is not a string of its request",
      { ...open, searchFields: ["user_id", "a"] },
    ],
    [
      "that searches by a number",
      "searches by id, which is not a string of its request",
      { ...open, searchFields: ["id"] },
    ],
    [
      "whose resource has no id",
      "is about a resource, but its request has no id",
      { ...own, resource: OwnedResource.BOOKING },
      [user],
    ],
  ])("%s", (_name, problem, rule, fields) => {
    expect(() => read(serviceWith(rule, fields))).toThrow(`a.Service/Do ${problem}${where}`);
  });

  // The interceptor would let these pass unchecked.
  test.each<[name: string, rule: Rule, fields?: readonly Field[], method?: object]>([
    ["whose user is one of several", { ...own, userField: "user_id" }, [id, { ...user, oneofIndex: 0 }]],
    ["whose id is a string", { ...own, resource: OwnedResource.BOOKING }, [{ ...id, type: Type.STRING }]],
    ["whose id is a small number", { ...own, resource: OwnedResource.BOOKING }, [{ ...id, type: Type.INT32 }]],
    ["whose id is a list", { ...own, resource: OwnedResource.BOOKING }, [{ ...id, label: Label.REPEATED }]],
    ["whose id is one of several", { ...own, resource: OwnedResource.BOOKING }, [{ ...id, oneofIndex: 0 }]],
    [
      "whose id is a string in JavaScript",
      { ...own, resource: OwnedResource.BOOKING },
      [{ ...id, jstype: JSType.JS_STRING }],
    ],
    ["about an unknown resource", { ...own, resource: 99 as OwnedResource }],
  ])("%s", (_name, rule, fields, method) => {
    const service = serviceWith(rule, fields, method);
    expect(() => read(service)).toThrow(/^a\.Service\/Do /);
  });

  test.each<[name: string, method: object]>([
    ["whose requests are a stream", { clientStreaming: true }],
    ["whose requests and responses are streams", { clientStreaming: true, serverStreaming: true }],
  ])("%s", (_name, method) => {
    const problem = `takes a stream of requests: only responses may be a stream${where}`;
    expect(() => read(serviceWith(open, [], method))).toThrow(`a.Service/Do ${problem}`);
  });
});
