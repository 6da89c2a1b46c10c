/// <reference lib="esnext.disposable" preserve="true" />
import type { Confirmation } from "./arguments.ts";
import type { CallOptions } from "./call.ts";
import type { Client } from "./client.ts";
import { type ErrorCode, FrontrowError, Unreachable } from "./error.ts";
import type { Booking } from "./gen/frontrow/v1/booking_pb.ts";

/**
 * Tickets that are held for the time of a scope: `await using hold = await client.hold(…)`. The end of the scope releases the
 * hold unless `confirm` or `release` has succeeded, or `confirm` may still do so.
 */
export class Hold implements AsyncDisposable {
  readonly #client: Client;
  #booking: Booking;
  #isSettled = false;
  /** Whether the last `confirm` has not ended, was cancelled, or has an error that may pass. */
  #mayBeConfirmed = false;

  constructor(client: Client, booking: Booking) {
    this.#client = client;
    this.#booking = booking;
  }

  /** The hold as the last call returned it: with its price, and with `holdExpiresTime` for a countdown. */
  get booking(): Booking {
    return this.#booking;
  }

  /**
   * Makes the hold a booking, and returns it. If it has not ended, was cancelled, or its error may pass, the end of the scope
   * does not release the hold, since its customer may have paid: the hold is confirmed, or expires.
   */
  async confirm(confirmation: Confirmation = {}, options: CallOptions = {}): Promise<Booking> {
    this.#mayBeConfirmed = true;
    try {
      return this.#settle(await this.#client.confirmHold({ ...this.#id(), ...confirmation }, options));
    } catch (error) {
      this.#mayBeConfirmed = options.signal?.aborted === true || mayPass(error);
      throw error;
    }
  }

  /** Lets the hold live until so many seconds from now. */
  async extend(ttlSeconds: number, options: CallOptions = {}): Promise<Booking> {
    this.#booking = await this.#client.extendHold({ ...this.#id(), ttlSeconds }, options);
    return this.#booking;
  }

  /** Puts the tickets back on sale. */
  async release(options: CallOptions = {}): Promise<Booking> {
    return this.#settle(await this.#client.releaseHold(this.#id(), options));
  }

  /** Releases the hold if it is open. Does not reject, which would hide the error that has ended the scope: the hold expires. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isSettled && !this.#mayBeConfirmed) await this.release().catch(() => {});
  }

  #settle(booking: Booking): Booking {
    this.#booking = booking;
    this.#isSettled = true;
    return booking;
  }

  #id() {
    const { id, userId } = this.#booking;
    return { id, userId };
  }
}

const passingCodes = new Set<ErrorCode>(["UNAVAILABLE", "DEADLINE_EXCEEDED", "UNAUTHENTICATED"]);

/** Whether a call that failed may have done its work, or may succeed later. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof FrontrowError)) return false;
  return error instanceof Unreachable || error.retryDelayMs !== undefined || passingCodes.has(error.code);
}
