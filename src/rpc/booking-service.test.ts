/** What the handlers make of a request and its caller, before the engine decides. */
import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { type ContextValues, createContextValues, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BookingService } from "../../gen/frontrow/v1/booking_service_pb.ts";
import type { BookingCommand } from "../booking/commands.ts";
import type { BookingEngine } from "../booking/engine.ts";
import { concertIdOf } from "../domain/ids.ts";
import type { Store } from "../store/store.ts";
import { bindBookingService } from "./booking-service.ts";
import { requireOwner, setCaller, setDeadline } from "./call-context.ts";

const { bookTickets, holdTickets, confirmHold, extendHold } = BookingService.method;
const order = { concertId: 7n, userId: "nora", ticketCount: 2 };

/** The context of a call by a token's subject with these scopes. */
function contextOf(subject: string | undefined, scopes: readonly string[]): ContextValues {
  const values = createContextValues();
  setCaller(values, { subject, scopes: new Set(scopes), address: "192.0.2.1" });
  const { signal } = new AbortController();
  setDeadline(values, { signal, expiresAtMs: Number.POSITIVE_INFINITY, onProgress: () => {} });
  return values;
}

/** The command that a handler submits. */
async function commandOf<Method extends DescMethodUnary>(
  method: Method,
  request: MessageInitShape<Method["input"]>,
  values: ContextValues,
): Promise<BookingCommand> {
  const { promise, resolve } = Promise.withResolvers<BookingCommand>();
  const submit: BookingEngine["submit"] = (command) => {
    resolve(command);
    return new Promise(() => {});
  };
  const store: Pick<Store, "findPlace"> = { findPlace: async () => ({ concertId: concertIdOf(7n), userId: "nora" }) };
  const { implementation } = bindBookingService(store as Store, { submit } as BookingEngine);
  const handle = (implementation as Record<string, (message: unknown, context: HandlerContext) => unknown>)[
    method.localName
  ];
  handle?.(create<DescMethodUnary["input"]>(method.input, request), { values } as HandlerContext);
  return await promise;
}

describe.each([bookTickets, holdTickets])("$name", (method) => {
  test.each<[string, string | undefined, readonly string[], boolean]>([
    ["applies to a user", "nora", ["bookings:write"], false],
    ["applies to an administrator who acts alone", "nora", ["bookings:write", "bookings:admin"], false],
    ["does not apply to an administrator who acts for the user", "ada", ["bookings:admin"], true],
    ["applies to a user without a token", undefined, ["bookings:admin"], false],
  ])("the limit of the user %s", async (_, subject, scopes, isExempt) => {
    expect(await commandOf(method, order, contextOf(subject, scopes))).toMatchObject({
      ...{ userId: "nora", isExempt },
      actor: { subject: subject ?? "nora", address: "192.0.2.1" },
    });
  });

  test("notes whether the key is the caller's", async () => {
    const requestId = "3B8F2D4E-0D5B-4B32-9A55-2F3A8E0A7C11";
    const values = contextOf("nora", []);
    expect(await commandOf(method, { ...order, requestId }, values)).toMatchObject({
      ...{ requestId: requestId.toLowerCase(), hasOwnKey: true },
    });
    expect(await commandOf(method, order, values)).toMatchObject({ hasOwnKey: false });
  });
});

test.each([
  [{ ttl: { seconds: 600n, nanos: 0 } }, 600_000],
  [{ ttl: { seconds: 1n, nanos: 500_999_999 } }, 1_500],
  [{}, undefined],
])("a hold with %o lives %s milliseconds", async (ttl, ttlMs) => {
  const command = await commandOf(holdTickets, { ...order, ...ttl }, contextOf("nora", []));
  expect(command).toMatchObject({ kind: "hold", ttlMs });
});

test.each([
  [["bookings:write"], false],
  [["bookings:admin"], false],
  [["bookings:confirm"], true],
])("a confirmation by a caller with %j may be late: %s", async (scopes, hasConfirmScope) => {
  const values = contextOf("shop", scopes);
  requireOwner(values, undefined);
  expect(await commandOf(confirmHold, { id: 3n, ticketCount: 1, acceptLate: true }, values)).toEqual({
    kind: "confirm",
    concertId: 7n,
    bookingId: 3n,
    userId: undefined,
    ownerId: "nora",
    ticketCount: 1,
    paymentReference: undefined,
    acceptLate: true,
    hasConfirmScope,
    actor: { subject: "shop", address: "192.0.2.1" },
  });
});

test("an extension names its user and its milliseconds", async () => {
  const values = contextOf("nora", []);
  requireOwner(values, "nora");
  const ttl = { seconds: 90n, nanos: 0 };
  expect(await commandOf(extendHold, { id: 3n, userId: "nora", ttl }, values)).toEqual({
    kind: "extend",
    concertId: 7n,
    bookingId: 3n,
    userId: "nora",
    ttlMs: 90_000,
    actor: { subject: "nora", address: "192.0.2.1" },
  });
});
