/** The scenarios about overload, tokens, lost servers, wrong addresses and cancellation. */
import {
  Client,
  DeadlineExceeded,
  FrontrowError,
  newRequestId,
  RateLimited,
  Unauthenticated,
  Unreachable,
} from "@frontrow/client";
import { check, equal, rejected, timed } from "./expect.ts";
import { bookingsOf, newUser, type Play } from "./player.ts";

export const troubles: Readonly<Record<string, Play>> = {
  async "overload with RetryInfo"({ stage, addresses, connect, figures }) {
    const user = newUser();
    const retry = { maxAttempts: figures.number("max_attempts") };
    const client = connect(addresses.strict, { token: await stage.token(user), retry });
    const order = { concertId: await stage.concert(), ticketCount: 1 };
    await stage.lock(order.concertId);
    const unfinished = client.bookTickets(order);
    unfinished.catch(() => {});
    await stage.blocked(order.concertId);
    const { strict: earlier } = await stage.requests();
    const refused = await timed(rejected(RateLimited, client.bookTickets(order)));
    equal((await stage.requests()).strict - earlier, retry.maxAttempts, "the number of attempts");
    equal(refused.value.reason, figures.text("error"), "the reason");
    const atLeast = figures.number("at_least_seconds");
    check(refused.seconds >= atLeast, `the client waited ${refused.seconds} s, less than the service's delay`);
    await stage.unlock(order.concertId);
    const { id } = await unfinished;

    equal((await client.getBooking(id)).id, id, "the booking");
    const { value: error, seconds } = await timed(rejected(RateLimited, client.getBooking(id)));
    check(seconds < figures.number("at_once_seconds"), `the error came after ${seconds} s`);
    const longerThanMs = figures.number("longer_than_seconds") * 1_000;
    check((error.retryDelayMs ?? 0) > longerThanMs, `the delay is ${error.retryDelayMs} ms, shorter than the deadline`);
  },

  async "token refresh"({ stage, addresses, connect, figures }) {
    const user = newUser();
    const tokens = [await stage.token(user, { expires_in_seconds: -3_600 }), await stage.token(user)];
    let calls = 0;
    const token = async () => tokens[calls++] ?? "";
    const client = connect(addresses.tokens, { token });
    const reads = Array.from({ length: figures.number("calls") }, () => client.getUserBookings());
    await Promise.all(reads);
    equal(calls, figures.number("source_calls"), "the number of calls of the source");
  },

  async "restart of the server in the middle"({ stage, connect, figures }) {
    const client = connect(await stage.startService(), {
      retry: { maxAttempts: figures.number("max_attempts") },
      timeoutMs: figures.number("timeout_seconds") * 1_000,
    });
    const order = { concertId: await stage.concert(), userId: newUser(), ticketCount: 1 };
    const requestId = newRequestId();
    const bookDuringRestart = async () => {
      await stage.lock(order.concertId);
      const call = client.bookTickets({ ...order, requestId });
      // It may fail before it is awaited.
      call.catch(() => {});
      await stage.blocked(order.concertId);
      await stage.restartService();
      await stage.unlock(order.concertId);
      return await call;
    };
    const ids: bigint[] = [];
    while (ids.length < figures.number("calls")) {
      const isInFlight = ids.length === figures.number("restart_after");
      ids.unshift((await (isInFlight ? bookDuringRestart() : client.bookTickets(order))).id);
    }
    const repeated = await client.bookTickets({ ...order, requestId });
    equal(repeated.id, ids.at(-1 - figures.number("restart_after")), "the booking of the repeated call");
    const stored = await bookingsOf(client, order.userId);
    equal(stored.map(({ id }) => id).join(), ids.join(), "the stored bookings");
    equal(stored.length, figures.number("bookings"), "the number of bookings");
  },

  async "wrong address"({ addresses, connect, figures }) {
    const timeoutMs = figures.number("timeout_seconds") * 1_000;
    const read = (address: string) => timed(rejected(FrontrowError, connect(address, { timeoutMs }).getConcert(1n)));
    const [closed, foreign, silent] = await Promise.all(
      [addresses.closed, addresses.foreign, addresses.silent].map(read),
    );
    for (const [name, end] of Object.entries({ closed, foreign, silent })) {
      const expected = name === "silent" ? DeadlineExceeded : Unreachable;
      check(end?.value instanceof expected, `${name}: ${end?.value.name}: ${end?.value.message}`);
      check((end?.seconds ?? 0) < figures.number("at_most_seconds"), `${name}: the error came after ${end?.seconds} s`);
    }
    for (const [end, address] of [[closed, addresses.closed] as const, [foreign, addresses.foreign] as const]) {
      check(end?.value.message.includes(address) === true, `the message names no address: ${end?.value.message}`);
    }
    equal(silent?.value.reason, figures.text("silent_error"), "the reason");
    const malformed = async () => new Client(figures.text("malformed"));
    await rejected(TypeError, malformed());
  },

  async "refused token"({ stage, addresses, connect, figures }) {
    const token = figures.text("token");
    let calls = 0;
    const source = () => {
      calls += 1;
      return token;
    };
    for (const [given, requests] of [[token, "requests"] as const, [source, "source_calls"] as const]) {
      const { tokens: earlier } = await stage.requests();
      const call = connect(addresses.tokens, { token: given }).getUserBookings();
      const { value: error, seconds } = await timed(rejected(Unauthenticated, call));
      equal((await stage.requests()).tokens - earlier, figures.number(requests), "the number of requests");
      equal(error.reason, figures.text("error"), "the reason");
      check(seconds < figures.number("at_most_seconds"), `the error came after ${seconds} s`);
    }
    equal(calls, figures.number("source_calls"), "the number of calls of the source");
  },

  async cancellation({ stage, addresses, connect, figures }) {
    // The end of an attempt would cancel the request as well.
    const client = connect(addresses.plain, { timeoutMs: 3_600_000, attemptTimeoutMs: 3_600_000 });
    const order = { concertId: await stage.concert(), userId: newUser(), ticketCount: figures.number("tickets") };
    await stage.lock(order.concertId);
    const controller = new AbortController();
    class CustomerLeft extends Error {}
    const cancelled = rejected(CustomerLeft, client.bookTickets(order, { signal: controller.signal }));
    // It may fail before it is awaited.
    cancelled.catch(() => {});
    await stage.blocked(order.concertId);
    controller.abort(new CustomerLeft());
    const { seconds } = await timed(cancelled);
    check(seconds < figures.number("at_most_seconds"), `the call ended after ${seconds} s`);
    await stage.cancelled(order.concertId);
    await stage.unlock(order.concertId);
    equal((await client.getConcert(order.concertId)).id, order.concertId, "the concert");
  },
};
