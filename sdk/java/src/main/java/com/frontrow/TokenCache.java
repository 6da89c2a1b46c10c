package com.frontrow;

import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/** The token of a client. Concurrent calls share one call of the source. */
final class TokenCache {
  /** Header values with other characters are dropped by gRPC without an error. */
  private static final Pattern VISIBLE_ASCII = Pattern.compile("[\\x21-\\x7e]+");

  /**
   * For how long a call of the source must still run for other calls to wait for it. Otherwise the
   * next call after one that timed out could wait for the same call of the source, which ends a
   * moment later. It is at most half of the timeout, so that calls share the source with a short
   * timeout, too.
   */
  private static final Duration JOIN_MARGIN = Duration.ofMillis(100);

  /** Null for a fixed token. */
  private final TokenSource source;

  private final Duration timeout;
  private CompletableFuture<String> current;

  /** When the source's time ends, by the clock of {@code System.nanoTime}. */
  private long ends;

  private TokenCache(TokenSource source, Duration timeout, CompletableFuture<String> current) {
    this.source = source;
    this.timeout = timeout;
    this.current = current;
  }

  static TokenCache of(String token) {
    return new TokenCache(null, null, CompletableFuture.completedFuture(check(token)));
  }

  /** A source whose calls end after a time. */
  static TokenCache of(TokenSource source, Duration timeout) {
    return new TokenCache(source, timeout, null);
  }

  synchronized CompletableFuture<String> get() {
    if (current == null || current.isCompletedExceptionally() || endsSoon()) {
      ends = System.nanoTime() + Times.nanos(timeout);
      current = start();
    }
    return current;
  }

  private boolean endsSoon() {
    return !current.isDone()
        && ends - System.nanoTime() <= Math.min(JOIN_MARGIN.toNanos(), Times.nanos(timeout) / 2);
  }

  /**
   * Forgets a token, unless another call has replaced it already. Returns whether the next one may
   * be another one.
   */
  synchronized boolean refuse(CompletableFuture<String> token) {
    if (source == null) {
      return false;
    }
    if (current == token) {
      current = null;
    }
    return true;
  }

  /** Waits for a token until the deadline of a call. */
  static String await(CompletableFuture<String> token, long deadline) {
    try {
      return ContextWait.await(token, deadline - System.nanoTime());
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof SourceFailure failure) {
        throw new TokenSourceException(failure.getCause());
      }
      throw tooLate(failed.getCause());
    } catch (TimeoutException late) {
      throw tooLate(late);
    }
  }

  private static FrontrowException tooLate(Throwable cause) {
    return ErrorConverter.withReason(
        ErrorDetails.of(
            Status.Code.DEADLINE_EXCEEDED,
            "DEADLINE_EXCEEDED",
            "the token source did not return a token within the timeout",
            cause));
  }

  /**
   * Calls the source in a separate thread: the call that needs the token first may have the
   * shortest deadline or be interrupted.
   */
  private CompletableFuture<String> start() {
    CompletableFuture<String> token = new CompletableFuture<>();
    Thread thread = new Thread(() -> refresh(token), "frontrow-token-source");
    thread.setDaemon(true);
    token
        .orTimeout(Times.nanos(timeout), TimeUnit.NANOSECONDS)
        .whenComplete(
            (value, failure) -> {
              if (failure instanceof TimeoutException) {
                thread.interrupt();
              }
            });
    thread.start();
    return token;
  }

  private void refresh(CompletableFuture<String> token) {
    try {
      token.complete(check(source.token()));
    } catch (Throwable failure) { // An Error must not leave the calls waiting either.
      token.completeExceptionally(new SourceFailure(failure));
    }
  }

  /** Unlike a TimeoutException of the future, one of the source is a failure of the source. */
  private static final class SourceFailure extends Exception {
    private static final long serialVersionUID = 1L;

    private SourceFailure(Throwable cause) {
      super(cause);
    }
  }

  private static String check(String token) {
    if (token == null || !VISIBLE_ASCII.matcher(token).matches()) {
      // The message does not have the token, which is a secret.
      throw new IllegalArgumentException(
          "the token is empty, or has a space, a line break or another character that no token"
              + " has; it is given without `Bearer`");
    }
    return token;
  }
}
