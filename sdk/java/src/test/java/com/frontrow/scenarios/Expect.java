package com.frontrow.scenarios;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Predicate;

/** The few comparisons that the scenarios need. */
final class Expect {
  private Expect() {}

  /** What a piece of work returned, and how long it took. */
  record Timed<T>(T value, double seconds) {}

  static void equal(Object found, Object expected, String subject) {
    if (!Objects.equals(found, expected)) {
      throw new AssertionError("%s is %s, not %s".formatted(subject, found, expected));
    }
  }

  static void check(boolean isGood, String message) {
    if (!isGood) {
      throw new AssertionError(message);
    }
  }

  /** The error of work that must fail with one of this class. */
  static <E extends Throwable> E rejected(Class<E> type, Callable<?> work) {
    try {
      work.call();
    } catch (Throwable error) {
      if (type.isInstance(error)) {
        return type.cast(error);
      }
      throw new AssertionError("failed with another error than " + type.getSimpleName(), error);
    }
    throw new AssertionError("succeeded, and must fail with " + type.getSimpleName());
  }

  static <T> Timed<T> timed(Callable<T> work) throws Exception {
    long started = System.nanoTime();
    T value = work.call();
    return new Timed<>(value, (System.nanoTime() - started) / 1e9);
  }

  /** Repeats a read until its value is good. */
  static <T> T until(Callable<T> read, Predicate<T> isGood) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (System.nanoTime() < end) {
      T value = read.call();
      if (isGood.test(value)) {
        return value;
      }
    }
    throw new AssertionError("the awaited value did not come within 20 s");
  }
}
