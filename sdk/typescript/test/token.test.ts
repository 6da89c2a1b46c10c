import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  BookingSchema,
  Client,
  DeadlineExceeded,
  type TokenSource,
  TokenSourceFailed,
  Unauthenticated,
  Unreachable,
} from "../src/index.ts";
import { clientOf, failure, order } from "./router.ts";

describe("a token source", () => {
  test("that fails fails the call with its error as the cause, and is called again by the next call", async () => {
    let calls = 0;
    const token = () => {
      calls += 1;
      if (calls === 1) throw new TypeError("no network");
      return "token";
    };
    const client = clientOf({ getBooking: () => create(BookingSchema) }, { token });
    const error = await client.getBooking(1n).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TokenSourceFailed);
    expect(error).toMatchObject({ code: "UNAUTHENTICATED", cause: new TypeError("no network") });
    await client.getBooking(1n);
    expect(calls).toBe(2);
  });

  test.each(["", "to ken", "token\n", "tökén"])(
    "that returns %o fails the call without the token in its error",
    async (text) => {
      const call = clientOf({}, { token: () => text }).getBooking(1n);
      await expect(call).rejects.toThrow(
        "the token source failed: the token is empty, or has a space, a line break or another character that no token has",
      );
    },
  );

  test("that returns no string fails the call", async () => {
    const token = (() => undefined) as unknown as TokenSource;
    await expect(clientOf({}, { token }).getBooking(1n)).rejects.toThrow("the token is not a string");
  });

  test("that does not end stops one call, and learns by its signal that its time is up", async () => {
    const signals: AbortSignal[] = [];
    const token = (signal: AbortSignal) => {
      signals.push(signal);
      return signals.length === 1 ? new Promise<string>(() => {}) : "token";
    };
    const client = clientOf({ getBooking: () => create(BookingSchema) }, { token, timeoutMs: 100 });
    await expect(client.getBooking(1n)).rejects.toBeInstanceOf(DeadlineExceeded);
    await client.getBooking(1n);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  test("is waited for by a call whose deadline is later than a timer can be", async () => {
    const token = () => new Promise<string>((resolve) => setTimeout(resolve, 20, "token"));
    const client = clientOf({ getBooking: () => create(BookingSchema) }, { token });
    await client.getBooking(1n, { timeoutMs: Number.POSITIVE_INFINITY });
  });

  test("that does not end is bounded by the call's deadline", async () => {
    const token = () => new Promise<string>(() => {});
    const call = clientOf({}, { token, timeoutMs: Number.POSITIVE_INFINITY }).getBooking(1n, { timeoutMs: 20 });
    await expect(call).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("is called again after a gateway has refused the token", async () => {
    let calls = 0;
    const handlers = { getBooking: () => Promise.reject(new ConnectError("HTTP 401", Code.Unauthenticated)) };
    const client = clientOf(handlers, { token: () => `token-${++calls}` });
    await expect(client.getBooking(1n)).rejects.toBeInstanceOf(Unreachable);
    expect(calls).toBe(2);
  });

  test("is not called again by a call whose new token is refused as well", async () => {
    let calls = 0;
    const handlers = { getBooking: () => Promise.reject(failure(Code.Unauthenticated, { reason: "UNAUTHENTICATED" })) };
    const client = clientOf(handlers, { token: () => `token-${++calls}` });
    await expect(client.getBooking(1n)).rejects.toBeInstanceOf(Unauthenticated);
    expect(calls).toBe(2);
  });
});

test.each(["", "to ken", 5])("the token %o is refused when the client is made", (token) => {
  expect(() => new Client("http://localhost", { token: token as string })).toThrow(TypeError);
});

test("an error of the token source has the key of the call", async () => {
  const token = () => Promise.reject(new Error("no network"));
  const call = clientOf({}, { token }).bookTickets({ ...order, requestId: "key" });
  await expect(call).rejects.toMatchObject({ idempotencyKey: "key" });
});
