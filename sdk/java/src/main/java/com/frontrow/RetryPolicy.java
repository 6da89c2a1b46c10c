package com.frontrow;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How failed attempts are repeated.
 *
 * @param maxAttempts attempts of one call in all; 1 for no repetition
 * @param initialBackoff the longest random wait before the second attempt. Each further one is
 *     three times as long
 * @param maxBackoff the longest random wait before any attempt
 */
public record RetryPolicy(int maxAttempts, Duration initialBackoff, Duration maxBackoff) {
  /** At most 4 attempts, with random waits of at most 0.1 s, 0.3 s and 0.9 s between them. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(4, Duration.ofMillis(100), Duration.ofSeconds(2));

  private static final int BACKOFF_FACTOR = 3;

  /** Refuses values that are not positive. */
  public RetryPolicy {
    if (maxAttempts < 1) {
      throw new IllegalArgumentException("maxAttempts must be at least 1: " + maxAttempts);
    }
    Times.checkPositive("initialBackoff", initialBackoff);
    Times.checkPositive("maxBackoff", maxBackoff);
  }

  /** Returns this policy with another number of attempts. */
  public RetryPolicy withMaxAttempts(int attempts) {
    return new RetryPolicy(attempts, initialBackoff, maxBackoff);
  }

  /** Returns this policy with another longest wait before the second attempt. */
  public RetryPolicy withInitialBackoff(Duration backoff) {
    return new RetryPolicy(maxAttempts, backoff, maxBackoff);
  }

  /** Returns this policy with another longest wait before any attempt. */
  public RetryPolicy withMaxBackoff(Duration backoff) {
    return new RetryPolicy(maxAttempts, initialBackoff, backoff);
  }

  /** Whether an attempt that failed may be repeated. */
  static boolean isRetryable(FrontrowException error, boolean isRepeatable) {
    // The service sends a delay only if repeating is safe.
    if (error.retryDelay().isPresent()) {
      return true;
    }
    return switch (error.code()) {
      case UNAVAILABLE, DEADLINE_EXCEEDED -> isRepeatable;
      default -> false;
    };
  }

  /**
   * How long to wait after an attempt: the service's delay, and a random time so that clients do
   * not repeat at once.
   */
  long nanosAfter(int attempt, FrontrowException error) {
    double longest =
        Math.min(
            Times.nanos(maxBackoff),
            Times.nanos(initialBackoff) * Math.pow(BACKOFF_FACTOR, attempt - 1));
    long jitter = (long) (ThreadLocalRandom.current().nextDouble() * longest);
    return Times.nanos(error.retryDelay().orElse(Duration.ZERO)) + jitter;
  }
}
