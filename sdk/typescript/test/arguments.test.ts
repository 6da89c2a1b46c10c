/** Arguments and options that programs without types may pass, or that no request can hold. */
import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BookingSchema, BookingStatus, type Client, type ClientOptions, FrontrowError } from "../src/index.ts";
import { clientOf, order, update } from "./router.ts";

describe("an argument that no request can hold", () => {
  const noDate = new Date(Number.NaN);
  const calls: Readonly<Record<string, (client: Client) => Promise<unknown>>> = {
    createConcert: (client) => client.createConcert({ ...update, concertDate: noDate }),
    updateConcert: (client) => client.updateConcert({ ...update, bookingEndTime: noDate }),
    listConcerts: (client) => client.listConcerts({ dateFrom: noDate }),
    holdTickets: (client) => client.holdTickets({ ...order, ttlSeconds: Number.NaN }),
    extendHold: (client) => client.extendHold({ id: 1n, ttlSeconds: Number.NaN }),
    bookTickets: (client) => client.bookTickets({ ...order, ticketCount: 1.5 }),
    cancelBooking: (client) => client.cancelBooking({ id: 2n ** 64n }),
  };

  test.each(Object.entries(calls))("rejects %s before the first attempt", async (_, call) => {
    let attempts = 0;
    const attempted = () => {
      attempts += 1;
      throw new ConnectError("gone", Code.Unavailable);
    };
    const names = ["createConcert", "updateConcert", "listConcerts", "holdTickets", "extendHold", "bookTickets"];
    const handlers = Object.fromEntries([...names, "cancelBooking"].map((name) => [name, attempted]));
    const error = await call(clientOf(handlers)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(FrontrowError);
    expect(attempts).toBe(0);
  });
});

test("the error of a date that is none names it", async () => {
  const call = clientOf({}).listConcerts({ dateTo: new Date("tomorrow") });
  await expect(call).rejects.toThrow(new TypeError("dateTo is not a valid date"));
});

test("the statuses of a list may be read-only", async () => {
  const asked: BookingStatus[][] = [];
  const client = clientOf({
    getUserBookings({ statuses }) {
      asked.push(statuses);
      return {};
    },
  });
  const statuses = [BookingStatus.HELD, BookingStatus.CONFIRMED] as const;
  await client.getUserBookings({ statuses });
  expect(asked).toEqual([statuses]);
});

describe("options", () => {
  test.each<[string, ClientOptions]>([
    ["timeoutMs", { timeoutMs: 0 }],
    ["timeoutMs", { timeoutMs: Number.NaN }],
    ["attemptTimeoutMs", { attemptTimeoutMs: -1 }],
    ["maxAttempts", { retry: { maxAttempts: 0 } }],
    ["initialBackoffMs", { retry: { initialBackoffMs: Number.NaN } }],
    ["maxBackoffMs", { retry: { maxBackoffMs: "5" as unknown as number } }],
  ])("%s must be a positive number: %o", (name, options) => {
    const message = expect.stringContaining(`${name} must be a positive number: `);
    expect(() => clientOf({}, options)).toThrow(expect.objectContaining({ name: "RangeError", message }));
  });

  test("a call's timeoutMs must be a positive number", async () => {
    await expect(clientOf({}).getBooking(1n, { timeoutMs: -1 })).rejects.toBeInstanceOf(RangeError);
  });

  test("that are undefined are the defaults", async () => {
    let attempts = 0;
    const getBooking = () => {
      attempts += 1;
      throw new ConnectError("gone", Code.Unavailable);
    };
    const retry = { maxAttempts: undefined, initialBackoffMs: 1, maxBackoffMs: undefined };
    const options = {
      timeoutMs: undefined,
      attemptTimeoutMs: undefined,
      token: undefined,
      transport: undefined,
      retry,
    };
    await expect(clientOf({ getBooking }, options).getBooking(1n)).rejects.toThrow("gone");
    expect(attempts).toBe(4);
  });

  test("attemptTimeoutMs ends an attempt, and the call goes on", async () => {
    let attempts = 0;
    const client = clientOf(
      {
        async getBooking(_, { signal }) {
          attempts += 1;
          if (attempts === 1) await new Promise((_resolve, reject) => signal.addEventListener("abort", reject));
          return create(BookingSchema);
        },
      },
      { attemptTimeoutMs: 50 },
    );
    await client.getBooking(1n);
    expect(attempts).toBe(2);
  });

  test("attemptTimeoutMs may be longer than a timer", async () => {
    const getBooking = async () => {
      await setTimeout(20);
      return create(BookingSchema);
    };
    const client = clientOf({ getBooking }, { attemptTimeoutMs: 2 ** 40 });
    await client.getBooking(1n, { timeoutMs: Number.POSITIVE_INFINITY });
  });
});
