package com.frontrow.scenarios;

import static com.frontrow.scenarios.Cast.bookingIdsOf;
import static com.frontrow.scenarios.Cast.newUser;
import static com.frontrow.scenarios.Cast.orderOf;
import static com.frontrow.scenarios.Expect.check;
import static com.frontrow.scenarios.Expect.equal;
import static com.frontrow.scenarios.Expect.rejected;
import static com.frontrow.scenarios.Expect.until;

import com.frontrow.FrontrowClient;
import com.frontrow.Hold;
import com.frontrow.Paged;
import com.frontrow.Times;
import com.frontrow.errors.AlreadyCancelledException;
import com.frontrow.errors.BookingNotFoundException;
import com.frontrow.errors.BookingNotOpenException;
import com.frontrow.errors.ConcertNotFoundException;
import com.frontrow.errors.HoldExpiredException;
import com.frontrow.errors.InsufficientTicketsException;
import com.frontrow.errors.NotBookingOwnerException;
import com.frontrow.errors.UserLimitExceededException;
import com.frontrow.v1.Booking;
import com.frontrow.v1.BookingStatus;
import com.frontrow.v1.Concert;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The scenarios about bookings, holds and lists. */
final class Scenarios {
  private Scenarios() {}

  static final Map<String, Cast.Play> PLAYS =
      Map.ofEntries(
          Map.entry("book", Scenarios::book),
          Map.entry("repeat after a lost answer", Scenarios::repeatAfterLostAnswer),
          Map.entry("sold out", Scenarios::soldOut),
          Map.entry("closed", Scenarios::closed),
          Map.entry("not found", Scenarios::notFound),
          Map.entry("wrong owner", Scenarios::wrongOwner),
          Map.entry("cancel twice", Scenarios::cancelTwice),
          Map.entry("hold and confirm", Scenarios::holdAndConfirm),
          Map.entry("hold and expire", Scenarios::holdAndExpire),
          Map.entry("release on error", Scenarios::releaseOnError),
          Map.entry("per-user limit", Scenarios::perUserLimit),
          Map.entry("page through 250 concerts", Scenarios::pageThroughConcerts));

  private static void book(Cast cast) throws Exception {
    var figures = cast.figures();
    long concertId = concertOf(cast);
    String user = newUser();
    var order = orderOf(concertId, user, figures.number("tickets"));
    Booking booking = cast.client().bookTickets(order);
    equal(booking.getConcertId(), concertId, "the concert");
    equal(booking.getUserId(), user, "the user");
    equal(booking.getTicketCount(), figures.number("tickets"), "the number of tickets");
    equal(booking.getTotalPrice(), figures.decimal("total_price"), "the price");
    equal(booking.getStatus(), statusOf(cast), "the status");
    equal(cast.client().getBooking(booking.getId()), booking, "the booking that is read");
    checkLeft(cast, concertId);
  }

  private static void repeatAfterLostAnswer(Cast cast) throws Exception {
    long concertId = cast.stage().concert();
    for (String requestId : List.of(FrontrowClient.newRequestId(), "")) {
      String user = newUser();
      var order =
          orderOf(concertId, user, cast.figures().number("tickets"))
              .andThen(request -> request.setRequestId(requestId));
      int earlier = cast.stage().cuts();
      cast.stage().cutNextAnswer();
      long id = cast.client().bookTickets(order).getId();
      equal(cast.stage().cuts(), earlier + 1, "the number of lost answers");
      List<Long> stored = bookingIdsOf(cast.client(), user);
      equal(stored, List.of(id), "the stored bookings");
      equal(stored.size(), cast.figures().number("bookings"), "the number of bookings");
      if (!requestId.isEmpty()) {
        equal(cast.client().bookTickets(order).getId(), id, "the repeated call's booking");
      }
    }
  }

  private static void soldOut(Cast cast) throws Exception {
    var order = orderOf(concertOf(cast), newUser(), cast.figures().number("tickets"));
    var error =
        rejected(InsufficientTicketsException.class, () -> cast.client().bookTickets(order));
    equal(error.reason().orElse(""), cast.figures().text("error"), "the reason");
    equal(error.code(), Status.Code.FAILED_PRECONDITION, "the code");
    equal(error.available(), cast.figures().metadata().number("available"), "available");
    check(error.requestId().isPresent(), "the error does not name its request");
  }

  private static void closed(Cast cast) throws Exception {
    long concertId = cast.stage().concert(Map.of("window", "closed"));
    var order = orderOf(concertId, newUser(), cast.figures().number("tickets"));
    var error = rejected(BookingNotOpenException.class, () -> cast.client().bookTickets(order));
    equal(error.reason().orElse(""), cast.figures().text("error"), "the reason");
    Instant closesAt = Instant.parse(cast.figures().metadata().text("closes_at"));
    equal(error.closesAt(), closesAt, "closesAt");
    check(
        error.opensAt().isBefore(closesAt) && closesAt.isBefore(error.now()),
        "the window is not over");
  }

  private static void notFound(Cast cast) {
    long id = cast.figures().longNumber("id");
    var noConcert = rejected(ConcertNotFoundException.class, () -> cast.client().getConcert(id));
    equal(noConcert.reason().orElse(""), cast.figures().text("concert_error"), "the reason");
    var noBooking = rejected(BookingNotFoundException.class, () -> cast.client().getBooking(id));
    equal(noBooking.reason().orElse(""), cast.figures().text("booking_error"), "the reason");
  }

  private static void wrongOwner(Cast cast) throws Exception {
    var order = orderOf(cast.stage().concert(), newUser(), cast.figures().number("tickets"));
    long id = cast.client().bookTickets(order).getId();
    var error =
        rejected(
            NotBookingOwnerException.class,
            () -> cast.client().cancelBooking(request -> request.setId(id).setUserId(newUser())));
    equal(error.reason().orElse(""), cast.figures().text("error"), "the reason");
  }

  private static void cancelTwice(Cast cast) throws Exception {
    String user = newUser();
    var order = orderOf(cast.stage().concert(), user, cast.figures().number("tickets"));
    long id = cast.client().bookTickets(order).getId();
    String requestId = FrontrowClient.newRequestId();
    for (int repetition = 1; repetition <= 2; repetition += 1) {
      Booking cancelled =
          cast.client()
              .cancelBooking(
                  request -> request.setId(id).setUserId(user).setRequestId(requestId));
      equal(cancelled.getStatus(), statusOf(cast), "the status");
    }
    var error =
        rejected(
            AlreadyCancelledException.class,
            () -> cast.client().cancelBooking(request -> request.setId(id).setUserId(user)));
    equal(error.reason().orElse(""), cast.figures().text("error"), "the reason");
  }

  private static void holdAndConfirm(Cast cast) throws Exception {
    long concertId = concertOf(cast);
    String reference = cast.figures().text("payment_reference");
    int earlier = cast.stage().requests("plain");
    long id;
    try (Hold hold = holdOf(cast, concertId, newUser())) {
      equal(hold.booking().getStatus(), BookingStatus.BOOKING_STATUS_HELD, "the hold's status");
      id = hold.confirm(request -> request.setPaymentReference(reference)).getId();
    }
    // The service would refuse the release of a confirmed hold, and the scope would not say so.
    int sent = cast.stage().requests("plain") - earlier;
    equal(sent, cast.figures().number("requests"), "the number of requests of the scope");
    Booking booking = cast.client().getBooking(id);
    equal(booking.getStatus(), statusOf(cast), "the status");
    equal(booking.getPaymentReference(), reference, "the payment's reference");
    checkLeft(cast, concertId);
  }

  private static void holdAndExpire(Cast cast) throws Exception {
    long concertId = concertOf(cast);
    Duration ttl = Duration.ofSeconds(cast.figures().number("ttl_seconds"));
    try (Hold hold =
        cast.client()
            .hold(
                request ->
                    request
                        .setConcertId(concertId)
                        .setUserId(newUser())
                        .setTicketCount(cast.figures().number("tickets"))
                        .setTtl(Times.duration(ttl)))) {
      BookingStatus expired = statusOf(cast);
      until(
          () -> cast.client().getBooking(hold.booking().getId()),
          booking -> booking.getStatus() == expired);
      var error = rejected(HoldExpiredException.class, hold::confirm);
      equal(error.reason().orElse(""), cast.figures().text("error"), "the reason");
      equal(error.available(), cast.figures().metadata().number("available"), "available");
    }
  }

  private static final class PaymentRefused extends Exception {
    private static final long serialVersionUID = 1L;
  }

  private static void releaseOnError(Cast cast) throws Exception {
    long concertId = concertOf(cast);
    List<Long> ids = new ArrayList<>();
    rejected(
        PaymentRefused.class,
        () -> {
          try (Hold hold = holdOf(cast, concertId, newUser())) {
            ids.add(hold.booking().getId());
            throw new PaymentRefused();
          }
        });
    equal(cast.client().getBooking(ids.get(0)).getStatus(), statusOf(cast), "the status");
    checkLeft(cast, concertId);

    var refused =
        rejected(
            PaymentRefused.class,
            () -> {
              String user = newUser();
              try (Hold hold = holdOf(cast, concertId, user)) {
                long id = hold.booking().getId();
                cast.client().confirmHold(request -> request.setId(id).setUserId(user));
                throw new PaymentRefused();
              }
            });
    equal(refused.getSuppressed().length, 0, "the number of errors that the release added");
  }

  private static void perUserLimit(Cast cast) throws Exception {
    var figures = cast.figures();
    long concertId =
        cast.stage()
            .concert(Map.of("max_tickets_per_user", figures.number("max_tickets_per_user")));
    String user = newUser();
    cast.client().bookTickets(orderOf(concertId, user, figures.number("first")));
    var second = orderOf(concertId, user, figures.number("second"));
    var error = rejected(UserLimitExceededException.class, () -> cast.client().bookTickets(second));
    equal(error.reason().orElse(""), figures.text("error"), "the reason");
    equal(error.limit(), figures.metadata().number("limit"), "limit");
    equal(error.booked(), figures.metadata().number("booked"), "booked");
    equal(error.held(), figures.metadata().number("held"), "held");
  }

  private static void pageThroughConcerts(Cast cast) throws Exception {
    var figures = cast.figures();
    FrontrowClient client = cast.client();
    var made = cast.stage().concerts(Map.of("count", figures.number("concerts")));
    int pageSize = figures.number("page_size");
    Paged<Concert> concerts =
        client.concerts(request -> request.setArtist(made.artist()).setPageSize(pageSize));
    int earlier = cast.stage().requests("plain");
    List<Long> listed = new ArrayList<>();
    for (Concert concert : concerts) {
      listed.add(concert.getId());
      if (listed.size() == 1 || listed.size() == pageSize) {
        equal(cast.stage().requests("plain") - earlier, 1, "the number of requests so far");
      }
    }
    equal(listed, made.ids(), "the list of concerts");
    int sent = cast.stage().requests("plain") - earlier;
    equal(sent, figures.number("requests"), "the number of requests");

    long concertId = made.ids().get(0);
    String user = newUser();
    List<Long> booked = new ArrayList<>();
    while (booked.size() < figures.number("bookings")) {
      booked.add(0, client.bookTickets(orderOf(concertId, user, 1)).getId());
    }
    int size = figures.number("bookings_page_size");
    for (Paged<Booking> bookings :
        List.of(
            client.userBookings(request -> request.setUserId(user).setPageSize(size)),
            client.concertBookings(request -> request.setConcertId(concertId).setPageSize(size)))) {
      equal(bookings.stream().map(Booking::getId).toList(), booked, "the list of bookings");
    }
  }

  private static Hold holdOf(Cast cast, long concertId, String user) {
    return cast.client()
        .hold(
            request ->
                request
                    .setConcertId(concertId)
                    .setUserId(user)
                    .setTicketCount(cast.figures().number("tickets")));
  }

  private static long concertOf(Cast cast) throws Exception {
    int total = cast.figures().number("total_tickets");
    return cast.stage().concert(Map.of("total_tickets", total));
  }

  private static BookingStatus statusOf(Cast cast) {
    return BookingStatus.valueOf(cast.figures().text("status"));
  }

  private static void checkLeft(Cast cast, long concertId) {
    int left = cast.client().getConcert(concertId).getAvailableTickets();
    equal(left, cast.figures().number("left"), "the tickets left");
  }
}
