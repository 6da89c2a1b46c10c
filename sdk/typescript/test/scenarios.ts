/** The scenarios of sdk/scenarios.yaml, one function for each. */
import {
  AlreadyCancelled,
  BookingNotFound,
  BookingNotOpen,
  BookingStatus,
  ConcertNotFound,
  DeadlineExceeded,
  HoldExpired,
  InsufficientTickets,
  NotBookingOwner,
  newRequestId,
  UserLimitExceeded,
} from "@frontrow/client";
import { equal, rejected, timed, until } from "./expect.ts";
import { bookingsOf, newUser, type Play } from "./player.ts";
import { troubles } from "./troubles.ts";

export const scenarios: Readonly<Record<string, Play>> = {
  async book({ stage, client, figures }) {
    const concertId = await stage.concert({ total_tickets: figures.number("total_tickets") });
    const userId = newUser();
    const ticketCount = figures.number("tickets");
    const booking = await client.bookTickets({ concertId, userId, ticketCount });
    equal(booking.concertId, concertId, "the concert");
    equal(booking.userId, userId, "the user");
    equal(booking.ticketCount, ticketCount, "the number of tickets");
    equal(booking.totalPrice, figures.number("total_price"), "the price");
    equal(booking.status, statusOf(figures.text("status")), "the status");
    equal((await client.getBooking(booking.id)).id, booking.id, "the booking that is read");
    equal((await client.getConcert(concertId)).availableTickets, figures.number("left"), "the tickets left");
  },

  async "repeat after a lost answer"({ stage, client, figures }) {
    const concertId = await stage.concert();
    const ticketCount = figures.number("tickets");
    for (const requestId of [newRequestId(), undefined]) {
      const order = { concertId, userId: newUser(), ticketCount, requestId };
      const earlier = await stage.cuts();
      await stage.cutNextAnswer();
      const booking = await client.bookTickets(order);
      equal(await stage.cuts(), earlier + 1, "the number of lost answers");
      const stored = await bookingsOf(client, order.userId);
      equal(stored[0]?.id, booking.id, "the stored booking");
      equal(stored.length, figures.number("bookings"), "the number of bookings");
      if (requestId) equal((await client.bookTickets(order)).id, booking.id, "the booking of the repeated call");
    }
  },

  async "sold out"({ stage, client, figures }) {
    const concertId = await stage.concert({ total_tickets: figures.number("total_tickets") });
    const order = { concertId, userId: newUser(), ticketCount: figures.number("tickets") };
    const error = await rejected(InsufficientTickets, client.bookTickets(order));
    equal(error.reason, figures.text("error"), "the reason");
    equal(error.code, "FAILED_PRECONDITION", "the code");
    equal(error.available, figures.metadata().available, "available");
    equal((error.requestId ?? "").length > 0, true, "that the error names its request");
  },

  async closed({ stage, client, figures }) {
    const concertId = await stage.concert({ window: "closed" });
    const order = { concertId, userId: newUser(), ticketCount: figures.number("tickets") };
    const error = await rejected(BookingNotOpen, client.bookTickets(order));
    equal(error.reason, figures.text("error"), "the reason");
    equal(error.closesAt.getTime(), Date.parse(String(figures.metadata().closes_at)), "closesAt");
    equal(error.opensAt < error.closesAt && error.closesAt < error.now, true, "that the window is over");
  },

  async "not found"({ client, figures }) {
    const id = BigInt(figures.number("id"));
    const noConcert = await rejected(ConcertNotFound, client.getConcert(id));
    equal(noConcert.reason, figures.text("concert_error"), "the reason");
    const noBooking = await rejected(BookingNotFound, client.getBooking(id));
    equal(noBooking.reason, figures.text("booking_error"), "the reason");
  },

  async "wrong owner"({ stage, client, figures }) {
    const order = { concertId: await stage.concert(), userId: newUser(), ticketCount: figures.number("tickets") };
    const { id } = await client.bookTickets(order);
    const error = await rejected(NotBookingOwner, client.cancelBooking({ id, userId: newUser() }));
    equal(error.reason, figures.text("error"), "the reason");
  },

  async "cancel twice"({ stage, client, figures }) {
    const order = { concertId: await stage.concert(), userId: newUser(), ticketCount: figures.number("tickets") };
    const { id, userId } = await client.bookTickets(order);
    const requestId = newRequestId();
    for (const _ of [1, 2]) {
      const cancelled = await client.cancelBooking({ id, userId, requestId });
      equal(cancelled.status, statusOf(figures.text("status")), "the status");
    }
    const error = await rejected(AlreadyCancelled, client.cancelBooking({ id, userId }));
    equal(error.reason, figures.text("error"), "the reason");
  },

  async "hold and confirm"({ stage, client, figures }) {
    const concertId = await stage.concert({ total_tickets: figures.number("total_tickets") });
    const paymentReference = figures.text("payment_reference");
    const { plain: earlier } = await stage.requests();
    let id: bigint;
    {
      await using hold = await client.hold({ concertId, userId: newUser(), ticketCount: figures.number("tickets") });
      equal(hold.booking.status, BookingStatus.HELD, "the status of the hold");
      id = (await hold.confirm({ paymentReference })).id;
    }
    equal((await stage.requests()).plain - earlier, figures.number("requests"), "the number of requests of the scope");
    const booking = await client.getBooking(id);
    equal(booking.status, statusOf(figures.text("status")), "the status");
    equal(booking.paymentReference, paymentReference, "the payment's reference");
    equal((await client.getConcert(concertId)).availableTickets, figures.number("left"), "the tickets left");
  },

  async "hold and expire"({ stage, client, figures }) {
    const concertId = await stage.concert({ total_tickets: figures.number("total_tickets") });
    const ttlSeconds = figures.number("ttl_seconds");
    const order = { concertId, userId: newUser(), ticketCount: figures.number("tickets"), ttlSeconds };
    await using hold = await client.hold(order);
    const expired = statusOf(figures.text("status"));
    await until(
      () => client.getBooking(hold.booking.id),
      ({ status }) => status === expired,
    );
    const error = await rejected(HoldExpired, hold.confirm());
    equal(error.reason, figures.text("error"), "the reason");
    equal(error.available, figures.metadata().available, "available");
  },

  async "release on error"({ stage, client, figures }) {
    const concertId = await stage.concert({ total_tickets: figures.number("total_tickets") });
    const hold = () => client.hold({ concertId, userId: newUser(), ticketCount: figures.number("tickets") });
    class PaymentRefused extends Error {}
    let id = 0n;
    const refuse = async () => {
      await using held = await hold();
      id = held.booking.id;
      throw new PaymentRefused();
    };
    await rejected(PaymentRefused, refuse());
    const released = await client.getBooking(id);
    equal(released.status, statusOf(figures.text("status")), "the status");
    equal((await client.getConcert(concertId)).availableTickets, figures.number("left"), "the tickets left");

    const refuseConfirmed = async () => {
      await using held = await hold();
      await client.confirmHold({ id: held.booking.id, userId: held.booking.userId });
      throw new PaymentRefused();
    };
    await rejected(PaymentRefused, refuseConfirmed());
  },

  async "per-user limit"({ stage, client, figures }) {
    const limit = { max_tickets_per_user: figures.number("max_tickets_per_user") };
    const order = { concertId: await stage.concert(limit), userId: newUser() };
    await client.bookTickets({ ...order, ticketCount: figures.number("first") });
    const second = client.bookTickets({ ...order, ticketCount: figures.number("second") });
    const error = await rejected(UserLimitExceeded, second);
    equal(error.reason, figures.text("error"), "the reason");
    for (const key of ["limit", "booked", "held"] as const) equal(error[key], figures.metadata()[key], key);
  },

  async "page through 250 concerts"({ stage, client, figures }) {
    const count = figures.number("concerts");
    const { ids, artist } = await stage.concerts({ count });
    const firstPage = figures.number("page_size");
    const { plain: earlier } = await stage.requests();
    const sent = async () => (await stage.requests()).plain - earlier;
    const found: bigint[] = [];
    for await (const { id } of client.concerts({ artist, pageSize: firstPage })) {
      found.push(id);
      if (found.length === 1 || found.length === firstPage) equal(await sent(), 1, "the number of requests so far");
    }
    equal(found.join(), ids.join(), "the list of concerts");
    equal(await sent(), figures.number("requests"), "the number of requests");

    const order = { concertId: ids[0] ?? 0n, userId: newUser(), ticketCount: 1 };
    const made: bigint[] = [];
    while (made.length < figures.number("bookings")) made.unshift((await client.bookTickets(order)).id);
    const pageSize = figures.number("bookings_page_size");
    const { userId, concertId } = order;
    for (const listed of [client.userBookings({ userId, pageSize }), client.concertBookings({ concertId, pageSize })]) {
      const booked = await Array.fromAsync(listed, ({ id }) => id);
      equal(booked.join(), made.join(), "the list of bookings");
    }
  },

  async deadline({ stage, client, figures }) {
    const order = { concertId: await stage.concert(), userId: newUser(), ticketCount: figures.number("tickets") };
    const requestId = newRequestId();
    await stage.lock(order.concertId);
    const call = client.bookTickets({ ...order, requestId }, { timeoutMs: figures.number("timeout_seconds") * 1_000 });
    const { value: error, seconds } = await timed(rejected(DeadlineExceeded, call));
    equal(error.reason, figures.text("error"), "the reason");
    equal(seconds < figures.number("at_most_seconds"), true, `that ${seconds} s are in time`);
    await stage.unlock(order.concertId);
    const booking = await client.bookTickets({ ...order, requestId });
    const stored = await bookingsOf(client, order.userId);
    equal(stored.map(({ id }) => id).join(), String(booking.id), "the stored bookings");
    equal(stored.length, figures.number("bookings"), "the number of bookings");
  },

  ...troubles,
};

/** A status by its name in the schema: the generated code leaves the prefix out. */
function statusOf(name: string): BookingStatus {
  const status = Object.entries(BookingStatus).find(([localName]) => name === `BOOKING_STATUS_${localName}`);
  if (!status) throw new Error(`there is no status ${name}`);
  return status[1];
}
