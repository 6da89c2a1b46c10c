package com.frontrow.scenarios;

import static com.frontrow.scenarios.Cast.bookingIdsOf;
import static com.frontrow.scenarios.Cast.newUser;
import static com.frontrow.scenarios.Cast.orderOf;
import static com.frontrow.scenarios.Expect.check;
import static com.frontrow.scenarios.Expect.equal;
import static com.frontrow.scenarios.Expect.rejected;
import static com.frontrow.scenarios.Expect.timed;

import com.frontrow.CallInterruptedException;
import com.frontrow.FrontrowClient;
import com.frontrow.FrontrowException;
import com.frontrow.RetryPolicy;
import com.frontrow.TokenSource;
import com.frontrow.UnreachableException;
import com.frontrow.errors.DeadlineExceededException;
import com.frontrow.errors.RateLimitedException;
import com.frontrow.errors.UnauthenticatedException;
import com.frontrow.v1.BookTicketsRequest;
import com.frontrow.v1.Booking;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The scenarios about deadlines, overload, tokens, lost servers, wrong addresses and cancellation.
 */
final class Troubles {
  private Troubles() {}

  static final Map<String, Cast.Play> PLAYS =
      Map.of(
          "deadline", Troubles::deadline,
          "overload with RetryInfo", Troubles::overload,
          "token refresh", Troubles::tokenRefresh,
          "restart of the server in the middle", Troubles::restart,
          "wrong address", Troubles::wrongAddress,
          "refused token", Troubles::refusedToken,
          "cancellation", Troubles::cancellation);

  private static void deadline(Cast cast) throws Exception {
    var figures = cast.figures();
    long concertId = cast.stage().concert();
    String user = newUser();
    String requestId = FrontrowClient.newRequestId();
    var order =
        orderOf(concertId, user, figures.number("tickets"))
            .andThen(request -> request.setRequestId(requestId));
    cast.stage().lock(concertId);
    long timeoutMillis = Math.round(figures.decimal("timeout_seconds") * 1_000);
    FrontrowClient hasty = cast.client().withTimeout(Duration.ofMillis(timeoutMillis));
    var ended =
        timed(() -> rejected(DeadlineExceededException.class, () -> hasty.bookTickets(order)));
    equal(ended.value().reason().orElse(""), figures.text("error"), "the reason");
    checkTime(ended.seconds(), figures.decimal("at_most_seconds"));
    cast.stage().unlock(concertId);
    long id = cast.client().bookTickets(order).getId();
    List<Long> stored = bookingIdsOf(cast.client(), user);
    equal(stored, List.of(id), "the stored bookings");
    equal(stored.size(), figures.number("bookings"), "the number of bookings");
  }

  private static void overload(Cast cast) throws Exception {
    var figures = cast.figures();
    var policy = RetryPolicy.DEFAULT.withMaxAttempts(figures.number("max_attempts"));
    long concertId = cast.stage().concert();
    Consumer<BookTicketsRequest.Builder> order =
        request -> request.setConcertId(concertId).setTicketCount(1);
    try (FrontrowClient client =
        FrontrowClient.builder(cast.stage().address("strict"))
            .token(cast.stage().token(newUser()))
            .retry(policy)
            .build()) {
      cast.stage().lock(concertId);
      Future<Booking> unfinished = cast.threads().submit(() -> client.bookTickets(order));
      cast.stage().awaitBlocked(concertId);
      int earlier = cast.stage().requests("strict");
      var refused =
          timed(() -> rejected(RateLimitedException.class, () -> client.bookTickets(order)));
      int sent = cast.stage().requests("strict") - earlier;
      equal(sent, figures.number("max_attempts"), "the number of attempts");
      equal(refused.value().reason().orElse(""), figures.text("error"), "the reason");
      check(
          refused.seconds() >= figures.decimal("at_least_seconds"),
          "the client waited %.1f s, less than the service's delay".formatted(refused.seconds()));
      cast.stage().unlock(concertId);
      long id = unfinished.get(1, TimeUnit.MINUTES).getId();

      equal(client.getBooking(id).getId(), id, "the booking");
      var second = timed(() -> rejected(RateLimitedException.class, () -> client.getBooking(id)));
      checkTime(second.seconds(), figures.decimal("at_once_seconds"));
      Duration delay = second.value().retryDelay().orElseThrow();
      check(
          delay.toMillis() > figures.decimal("longer_than_seconds") * 1_000,
          delay + " is no longer than the deadline");
    }
  }

  private static void tokenRefresh(Cast cast) throws Exception {
    String user = newUser();
    Iterator<String> tokens =
        List.of(cast.stage().expiredToken(user), cast.stage().token(user)).iterator();
    AtomicInteger sourceCalls = new AtomicInteger();
    TokenSource source =
        () -> {
          sourceCalls.incrementAndGet();
          return tokens.next();
        };
    try (FrontrowClient client =
        FrontrowClient.builder(cast.stage().address("tokens")).token(source).build()) {
      List<Callable<Object>> reads = new ArrayList<>();
      while (reads.size() < cast.figures().number("calls")) {
        reads.add(() -> client.getUserBookings(request -> {}));
      }
      for (Future<Object> read : cast.threads().invokeAll(reads)) {
        read.get();
      }
    }
    int expected = cast.figures().number("source_calls");
    equal(sourceCalls.get(), expected, "the number of calls of the source");
  }

  private static void restart(Cast cast) throws Exception {
    var figures = cast.figures();
    long concertId = cast.stage().concert();
    String user = newUser();
    try (FrontrowClient client =
        FrontrowClient.builder(cast.stage().startService())
            .retry(RetryPolicy.DEFAULT.withMaxAttempts(figures.number("max_attempts")))
            .timeout(Duration.ofSeconds(figures.number("timeout_seconds")))
            .build()) {
      var order = orderOf(concertId, user, 1);
      String requestId = FrontrowClient.newRequestId();
      var keyed = order.andThen(request -> request.setRequestId(requestId));
      Callable<Booking> bookDuringRestart =
          () -> {
            cast.stage().lock(concertId);
            Future<Booking> call = cast.threads().submit(() -> client.bookTickets(keyed));
            cast.stage().awaitBlocked(concertId);
            cast.stage().restartService();
            cast.stage().unlock(concertId);
            return call.get(1, TimeUnit.MINUTES);
          };
      List<Long> ids = new ArrayList<>();
      long duringRestart = 0;
      while (ids.size() < figures.number("calls")) {
        if (ids.size() == figures.number("restart_after")) {
          duringRestart = bookDuringRestart.call().getId();
          ids.add(0, duringRestart);
        } else {
          ids.add(0, client.bookTickets(order).getId());
        }
      }
      equal(client.bookTickets(keyed).getId(), duringRestart, "the repeated call's booking");
      List<Long> stored = bookingIdsOf(client, user);
      equal(stored, ids, "the stored bookings");
      equal(stored.size(), figures.number("bookings"), "the number of bookings");
    }
  }

  private static void wrongAddress(Cast cast) throws Exception {
    for (String server : List.of("closed", "foreign")) {
      String address = cast.stage().address(server);
      var unreachable = wrongAddressError(cast, UnreachableException.class, address);
      check(unreachable.getMessage().contains(address), "no address: " + unreachable.getMessage());
    }
    var silent =
        wrongAddressError(cast, DeadlineExceededException.class, cast.stage().address("silent"));
    equal(silent.reason().orElse(""), cast.figures().text("silent_error"), "the reason");
    String malformed = cast.figures().text("malformed");
    rejected(IllegalArgumentException.class, () -> FrontrowClient.connect(malformed));
  }

  private static <E extends FrontrowException> E wrongAddressError(
      Cast cast, Class<E> type, String address) throws Exception {
    Duration timeout = Duration.ofSeconds(cast.figures().number("timeout_seconds"));
    try (FrontrowClient client = FrontrowClient.builder(address).timeout(timeout).build()) {
      var ended = timed(() -> rejected(type, () -> client.getConcert(1)));
      checkTime(ended.seconds(), cast.figures().decimal("at_most_seconds"));
      return ended.value();
    }
  }

  private static void refusedToken(Cast cast) throws Exception {
    String token = cast.figures().text("token");
    AtomicInteger sourceCalls = new AtomicInteger();
    TokenSource source =
        () -> {
          sourceCalls.incrementAndGet();
          return token;
        };
    String address = cast.stage().address("tokens");
    var builders =
        Map.of(
            "requests", FrontrowClient.builder(address).token(token),
            "source_calls", FrontrowClient.builder(address).token(source));
    for (var builder : builders.entrySet()) {
      int earlier = cast.stage().requests("tokens");
      try (FrontrowClient client = builder.getValue().build()) {
        var ended =
            timed(
                () ->
                    rejected(
                        UnauthenticatedException.class,
                        () -> client.getUserBookings(request -> {})));
        equal(ended.value().reason().orElse(""), cast.figures().text("error"), "the reason");
        checkTime(ended.seconds(), cast.figures().decimal("at_most_seconds"));
        int sent = cast.stage().requests("tokens") - earlier;
        equal(sent, cast.figures().number(builder.getKey()), "the number of requests");
      }
    }
    int expected = cast.figures().number("source_calls");
    equal(sourceCalls.get(), expected, "the number of calls of the source");
  }

  private static void cancellation(Cast cast) throws Exception {
    // Otherwise the end of the attempt would cancel the request, too.
    Duration hour = Duration.ofHours(1);
    try (FrontrowClient client =
        FrontrowClient.builder(cast.stage().address("plain"))
            .timeout(hour)
            .attemptTimeout(hour)
            .build()) {
      cancelBooking(cast, client);
    }
  }

  private static void cancelBooking(Cast cast, FrontrowClient client) throws Exception {
    long concertId = cast.stage().concert();
    int tickets = cast.figures().number("tickets");
    cast.stage().lock(concertId);
    CompletableFuture<Boolean> wasInterrupted = new CompletableFuture<>();
    Thread customer =
        new Thread(
            () -> {
              try {
                rejected(
                    CallInterruptedException.class,
                    () -> client.bookTickets(orderOf(concertId, newUser(), tickets)));
                wasInterrupted.complete(Thread.currentThread().isInterrupted());
              } catch (Throwable failure) { // A failed comparison is an Error.
                wasInterrupted.completeExceptionally(failure);
              }
            });
    customer.start();
    cast.stage().awaitBlocked(concertId);
    customer.interrupt();
    var ended = timed(() -> wasInterrupted.get(1, TimeUnit.MINUTES));
    check(ended.value(), "the thread's interrupt status is lost");
    checkTime(ended.seconds(), cast.figures().decimal("at_most_seconds"));
    cast.stage().awaitCancelled(concertId);
    cast.stage().unlock(concertId);
    equal(client.getConcert(concertId).getId(), concertId, "the concert");
  }

  private static void checkTime(double seconds, double atMost) {
    check(seconds < atMost, "the error came after %.1f s".formatted(seconds));
  }
}
