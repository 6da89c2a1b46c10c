package com.frontrow;

import com.frontrow.v1.Booking;
import com.frontrow.v1.ConfirmHoldRequest;
import io.grpc.Status;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Tickets that are held for the time of a block: {@code try (Hold hold = client.hold(…))}. The end
 * of the block releases the hold unless {@link #confirm} or {@link #release} has succeeded, or a
 * confirmation may have been stored: the service did not say. A hold is for one thread at a time.
 */
public final class Hold implements AutoCloseable {
  /** Codes of errors after which a change may have been stored. */
  private static final Set<Status.Code> OUTCOME_UNKNOWN =
      EnumSet.of(
          Status.Code.UNAVAILABLE,
          Status.Code.DEADLINE_EXCEEDED,
          Status.Code.CANCELLED,
          Status.Code.UNKNOWN);

  private final FrontrowClient client;
  private Booking booking;
  private boolean isSettled;

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
   * request.setPaymentReference("pay-42"))}.
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
      isSettled |=
          OUTCOME_UNKNOWN.contains(error.code()) || error instanceof UnreachableException;
      throw error;
    }
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
   * Releases the hold if it is open, also in an interrupted thread. If that fails, this does not
   * throw, which would hide the error that has ended the block: the hold expires.
   */
  @Override
  public void close() {
    if (isSettled) {
      return;
    }
    // In an interrupted thread every call fails at once.
    boolean wasInterrupted = Thread.interrupted();
    try {
      release();
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
