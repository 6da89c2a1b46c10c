package com.frontrow;

import io.grpc.Status;

/**
 * The thread was interrupted during the call, which is cancelled. The thread's interrupt status
 * stays set. A change may have been stored: to repeat it, set {@link #idempotencyKey} as its {@code
 * request_id}.
 */
public final class CallInterruptedException extends FrontrowException {
  private static final long serialVersionUID = 1L;

  CallInterruptedException(Throwable cause) {
    super(
        ErrorDetails.of(
            Status.Code.CANCELLED, null, "the thread was interrupted during the call", cause));
  }
}
