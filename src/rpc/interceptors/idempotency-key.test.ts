import { create, type DescMethodUnary, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, createContextValues, type Interceptor } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BookingService } from "../../../gen/frontrow/v1/booking_service_pb.ts";
import { DomainError } from "../../domain/failure.ts";
import { ignoreEvents } from "../../domain/publish.ts";
import { fillRequestId, keyFaultOf } from "./idempotency-key.ts";
import { createUnaryCallInterceptor } from "./unary-calls.ts";

const { bookTickets, getBooking } = BookingService.method;
const key = "3b8f2d4e-0d5b-4b32-9a55-2f3a8e0a7c11";

type Next = Parameters<Interceptor>[0];

/** Calls a method through interceptors. `answer` is the handler. */
async function call<Method extends DescMethodUnary>(
  method: Method,
  init: MessageInitShape<Method["input"]>,
  header: Record<string, string>,
  { interceptors = [fillRequestId], answer = () => {} }: { interceptors?: Interceptor[]; answer?: () => void } = {},
) {
  const message: Message & { readonly requestId?: string } = create(method.input, init);
  const contextValues = createContextValues();
  const seen: unknown[] = [];
  const handle = (async (request) => {
    seen.push(request.message);
    answer();
    return { header: new Headers() };
  }) as Next;
  const request = {
    stream: false,
    service: method.parent,
    method,
    message,
    contextValues,
    header: new Headers(header),
    signal: new AbortController().signal,
  };
  const next = interceptors.reduceRight<Next>((inner, interceptor) => interceptor(inner), handle);
  const outcome = await next(request as unknown as Parameters<Next>[0]).catch((error: unknown) => error);
  return { message, seen: seen[0], fault: keyFaultOf(contextValues)?.message, outcome };
}

describe("the header Idempotency-Key", () => {
  test.each([key, `"${key}"`, "x", `${key}, ${key}`])("fills an empty request_id, in a copy: %s", async (header) => {
    const { message, seen, fault } = await call(bookTickets, { userId: "nora" }, { "idempotency-key": header });
    expect(seen).toEqual(create(bookTickets.input, { userId: "nora", requestId: header.replaceAll('"', "") }));
    expect([message.requestId, fault]).toEqual(["", undefined]);
  });

  test.each<[string, string, string | undefined]>([
    [key, key, undefined],
    [key, key.toUpperCase(), undefined],
    [key, `"${key}"`, undefined],
    [key, "x", "differs from the one in the header Idempotency-Key"],
    [key, "", "the header Idempotency-Key is empty"],
    ["", "", "the header Idempotency-Key is empty"],
    ["", '""', "the header Idempotency-Key is empty"],
    ["", '"', undefined],
  ])("beside request_id %j is %j: %s", async (requestId, header, expected) => {
    const { fault } = await call(bookTickets, { requestId }, { "idempotency-key": header });
    expect(fault).toBe(expected);
  });

  test("is ignored if the message has no request_id", async () => {
    const { message, seen, fault } = await call(getBooking, { id: 1n }, { "idempotency-key": "" });
    expect([seen, fault]).toEqual([message, undefined]);
  });

  test("makes a call safe to repeat", async () => {
    const lost = {
      interceptors: [fillRequestId, createUnaryCallInterceptor(ignoreEvents, 1_000)],
      answer: () => {
        throw new DomainError({ reason: "OUTCOME_UNKNOWN" });
      },
    };
    const { outcome } = await call(bookTickets, {}, { "idempotency-key": key }, lost);
    expect(outcome).toMatchObject({ code: Code.Unavailable });
    expect((await call(bookTickets, {}, {}, lost)).outcome).toMatchObject({ code: Code.Unknown });
  });
});
