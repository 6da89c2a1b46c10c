/** A user of the page under test, who calls the service by one of the client libraries. */
import type { JsonValue } from "@bufbuild/protobuf";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import type { PageCall, PageOutcome } from "./calls.ts";

/** A call that the page has begun. */
export interface StartedCall {
  cancel(): Promise<void>;
  /** Resolves once there are so many messages, or the call has ended. */
  received(count: number): Promise<readonly JsonValue[]>;
  ended(): Promise<PageOutcome>;
}

type Request = PageCall["request"];
type Changes = Partial<PageCall>;

export interface Caller {
  readonly headers: Readonly<Record<string, string>>;
  start(method: string, request: Request, changes?: Changes): Promise<StartedCall>;
  call(method: string, request: Request, changes?: Changes): Promise<PageOutcome>;
  /** Books two tickets, unless the request says otherwise. */
  startBooking(changes?: Changes, request?: Request): Promise<StartedCall>;
  book(changes?: Changes, request?: Request): Promise<PageOutcome>;
  /** The caller's bookings. */
  listed(): Promise<readonly { readonly id: string }[]>;
}

export interface CallerOptions extends Pick<PageCall, "client" | "baseUrl"> {
  readonly headers: Readonly<Record<string, string>>;
  /** What the caller books. */
  readonly concertId: bigint;
}

const bookings = "frontrow.v1.BookingService";
let calls = 0;

export function createCaller(page: Page, { concertId, ...options }: CallerOptions): Caller {
  const caller: Caller = {
    headers: options.headers,
    async start(method, request, changes = {}) {
      const name = `call ${++calls}`;
      const call: PageCall = { ...options, method, request, ...changes };
      await page.evaluate(([name, call]) => window.calls.start(name, call), [name, call] as const);
      return {
        cancel: () => page.evaluate((name) => window.calls.cancel(name), name),
        received: (count) =>
          page.evaluate(([name, count]) => window.calls.received(name, count), [name, count] as const),
        ended: () => page.evaluate((name) => window.calls.ended(name), name),
      };
    },
    call: async (...call) => (await caller.start(...call)).ended(),
    startBooking: (changes, request) => {
      const booking = { concertId: String(concertId), ticketCount: 2, ...request };
      return caller.start(`${bookings}/BookTickets`, booking, changes);
    },
    book: async (...call) => (await caller.startBooking(...call)).ended(),
    async listed() {
      const { messages, error } = await caller.call(`${bookings}/GetUserBookings`, {});
      expect(error).toBeUndefined();
      return (messages[0] as { bookings: { id: string }[] }).bookings;
    },
  };
  return caller;
}
