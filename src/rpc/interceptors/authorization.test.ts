import { create } from "@bufbuild/protobuf";
import { createContextValues, type UnaryRequest, type UnaryResponse } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { ConcertService } from "../../../gen/frontrow/v1/concert_service_pb.ts";
import { readAccessRules } from "../access.ts";
import { setCaller, takeRequiredOwner } from "../call-context.ts";
import { createAuthorizationInterceptor } from "./authorization.ts";

const ruleOf = readAccessRules([BookingService, ConcertService]);
type Method = (typeof BookingService.methods)[number] | (typeof ConcertService.methods)[number];

/** Calls a method as nora with these scopes, or without tokens. */
async function call(
  method: Method,
  handler: (request: UnaryRequest) => unknown,
  scopes: readonly string[] | "no tokens" = ["bookings:read", "bookings:write"],
  fields: object = {},
): Promise<unknown> {
  const contextValues = createContextValues();
  const believesUsers = scopes === "no tokens";
  const caller = believesUsers ? { subject: undefined, scopes: [] } : { subject: "nora", scopes };
  setCaller(contextValues, { ...caller, scopes: new Set(caller.scopes), address: "" });
  const message = Object.assign(create(method.input), fields);
  const request = { stream: false, method, message, contextValues } as unknown as UnaryRequest;
  const intercept = createAuthorizationInterceptor(ruleOf, believesUsers);
  let answer: unknown;
  await intercept(async (passed) => {
    answer = await handler(passed as UnaryRequest);
    return {} as UnaryResponse;
  })(request);
  return answer;
}

const takeOwner = ({ contextValues }: UnaryRequest) => takeRequiredOwner(contextValues);
const { getBooking, cancelBooking, bookTickets } = BookingService.method;

test.each([getBooking, cancelBooking])("$name fails if its handler does not take the owner", async (method) => {
  await expect(call(method, () => "answer")).rejects.toThrow("without comparing the owner of its resource");
  await expect(call(method, () => "answer", "no tokens")).rejects.toThrow(
    "without comparing the owner of its resource",
  );
  await expect(call(method, takeOwner)).resolves.toBe("nora");
});

test("an error of the handler is the call's error, even if the owner was not taken", async () => {
  const fail = () => Promise.reject(new Error("of the handler"));
  await expect(call(getBooking, fail)).rejects.toThrow("of the handler");
});

test("a method about no resource requires no owner, and its handler cannot take one", async () => {
  await expect(call(bookTickets, () => "answer")).resolves.toBe("answer");
  await expect(call(bookTickets, takeOwner)).rejects.toThrow("the authorization interceptor did not run");
});

test.each<[string, Method, readonly string[] | "no tokens", object, string | undefined]>([
  ["the caller", getBooking, ["bookings:read"], {}, "nora"],
  ["any user, for an administrator", getBooking, ["bookings:admin"], {}, undefined],
  ["any user, without tokens", getBooking, "no tokens", {}, undefined],
  ["the caller, who is not named", cancelBooking, ["bookings:write"], {}, "nora"],
  ["the caller, who is named", cancelBooking, ["bookings:write"], { userId: "nora" }, "nora"],
  ["any user, for an administrator who names none", cancelBooking, ["bookings:admin"], {}, undefined],
  ["the user that an administrator names", cancelBooking, ["bookings:admin"], { userId: "otto" }, "otto"],
  ["the user named, without tokens", cancelBooking, "no tokens", { userId: "otto" }, "otto"],
  ["the user named, which may be none", cancelBooking, "no tokens", {}, ""],
])("the owner must be %s: $name", async (_, method, scopes, fields, owner) => {
  await expect(call(method, takeOwner, scopes, fields)).resolves.toBe(owner);
});
