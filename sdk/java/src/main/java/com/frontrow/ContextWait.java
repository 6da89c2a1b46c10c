package com.frontrow;

import io.grpc.Context;
import io.grpc.Status;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits that an interrupt of the thread and the end of its gRPC context end at once. */
final class ContextWait {
  private ContextWait() {}

  /** Waits for a value. A context whose deadline passes is a timeout, too. */
  static <T> T await(CompletableFuture<T> value, long nanos)
      throws ExecutionException, TimeoutException {
    CompletableFuture<T> waiting = value.copy();
    Context context = Context.current();
    Context.CancellationListener listener = ended -> waiting.cancel(false);
    context.addListener(listener, Runnable::run);
    try {
      return waiting.get(nanos, TimeUnit.NANOSECONDS);
    } catch (CancellationException ended) {
      if (context.cancellationCause() instanceof TimeoutException late) {
        throw late;
      }
      throw cancelled(ended);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CallInterruptedException(interrupted);
    } finally {
      context.removeListener(listener);
    }
  }

  static void sleep(long nanos) {
    try {
      await(new CompletableFuture<>(), nanos);
    } catch (TimeoutException end) {
      // The wait is over.
    } catch (ExecutionException impossible) {
      throw new AssertionError(impossible);
    }
  }

  /** The error of a call whose context was cancelled. */
  static FrontrowException cancelled(Throwable cause) {
    return FrontrowException.withoutClass(
        ErrorDetails.of(
            Status.Code.CANCELLED, null, "the caller's context was cancelled", cause));
  }
}
