package com.frontrow;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** The times of messages as those of {@code java.time}. */
public final class Times {
  /** Two of them in nanoseconds are less than the largest long. */
  private static final Duration CENTURY = Duration.ofDays(36_500);

  private static final Instant FIRST = Instant.parse("0001-01-01T00:00:00Z");
  private static final Instant LAST = Instant.parse("9999-12-31T23:59:59Z");

  private Times() {}

  /**
   * Returns the instant of a message's timestamp. That of a field that is not set is the start of
   * 1970: ask the message first, as by {@code booking.hasHoldExpiresTime()}.
   */
  public static Instant instant(Timestamp timestamp) {
    return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
  }

  /** Returns an instant as messages have it. */
  public static Timestamp timestamp(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }

  /** Whether a timestamp is of the years 1 to 9999: the schema has no others. */
  static boolean isInSchema(Timestamp timestamp) {
    long seconds = timestamp.getSeconds();
    return FIRST.getEpochSecond() <= seconds && seconds <= LAST.getEpochSecond();
  }

  /** Returns a duration as messages have it. */
  public static com.google.protobuf.Duration duration(Duration duration) {
    // java.time has negative durations as negative seconds with positive nanoseconds.
    boolean isBorrowed = duration.getSeconds() < 0 && duration.getNano() > 0;
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds() + (isBorrowed ? 1 : 0))
        .setNanos(duration.getNano() - (isBorrowed ? 1_000_000_000 : 0))
        .build();
  }

  static Duration checkPositive(String name, Duration duration) {
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException(name + " must be positive: " + duration);
    }
    return duration;
  }

  /** Returns a duration in nanoseconds, at most a century, so that a sum of two is a long. */
  static long nanos(Duration duration) {
    return (duration.compareTo(CENTURY) < 0 ? duration : CENTURY).toNanos();
  }

  /** Returns the duration of a message. */
  public static Duration duration(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }
}
