package com.frontrow;

import com.frontrow.v1.Booking;
import com.frontrow.v1.ConfirmHoldRequest;
import io.grpc.Context;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Tickets that are held for the time of a block: {@code try (Hold hold = client.hold(…))}. The end
 * of the block releases the hold unless {@link #confirm} or {@link #release} has succeeded, or the
 * hold may still be confirmed. A hold is for one thread at a time.
 */
public final class Hold implements AutoCloseable {
  private final FrontrowClient client;
  private Booking booking;
  private boolean isSettled;
  private boolean mayBeConfirmed;

  Hold(FrontrowClient client, Booking booking) {
    this.client = client;
    this.booking = booking;
  }

  /**
   * Returns the hold as the last call returned it: with its price, and with {@code
   * hold_expires_time} for a countdown.
   */
  public Booking booking() {
    return booking;
  }

  /** Makes the hold a booking with all of its tickets, and returns it. */
  public Booking confirm() {
    return confirm(request -> {});
  }

  /**
   * Makes the hold a booking, and returns it. For the payment's number: {@code confirm(request ->
   * request.setPaymentReference("pay-42"))}. If the last confirmation is cancelled, or fails with
   * an error that may pass, the end of the block leaves the hold to its expiry.
   */
  public Booking confirm(Consumer<ConfirmHoldRequest.Builder> request) {
    try {
      return settle(
          client.confirmHold(
              builder -> {
                builder.setId(booking.getId()).setUserId(booking.getUserId());
                request.accept(builder);
              }));
    } catch (FrontrowException error) {
      // The customer may have paid for what a release would put back on sale.
      mayBeConfirmed = mayPass(error);
      throw error;
    }
  }

  /** Whether a call was cancelled, or failed with an error that may pass. */
  private static boolean mayPass(FrontrowException error) {
    return error instanceof UnreachableException
        || error.retryDelay().isPresent()
        || switch (error.code()) {
          case CANCELLED, UNAVAILABLE, DEADLINE_EXCEEDED, UNAUTHENTICATED -> true;
          default -> false;
        };
  }

  /** Lets the hold live until so long from now. */
  public Booking extend(Duration ttl) {
    booking =
        client.extendHold(
            request ->
                request
                    .setId(booking.getId())
                    .setUserId(booking.getUserId())
                    .setTtl(Times.duration(ttl)));
    return booking;
  }

  /** Puts the tickets back on sale. */
  public Booking release() {
    return settle(
        client.releaseHold(
            request -> request.setId(booking.getId()).setUserId(booking.getUserId())));
  }

  /**
   * Releases the hold if it is open, also in an interrupted thread or a cancelled context. If that
   * fails, this does not throw, which would hide the error that has ended the block: the hold
   * expires. A hold that may still be confirmed is left to its expiry, since its customer may have
   * paid: the last {@link #confirm} was cancelled, or failed with an error that may pass, which is
   * an {@link UnreachableException}, one with a delay for a retry, or one with the code
   * UNAVAILABLE, DEADLINE_EXCEEDED or UNAUTHENTICATED.
   */
  @Override
  public void close() {
    if (isSettled || mayBeConfirmed) {
      return;
    }
    // In an interrupted thread and in a cancelled context every call fails at once.
    boolean wasInterrupted = Thread.interrupted();
    try {
      Context.current().fork().run(this::release);
    } catch (RuntimeException ignored) {
      isSettled = true;
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private Booking settle(Booking settled) {
    booking = settled;
    isSettled = true;
    return settled;
  }
}
