package com.frontrow.scenarios;

import com.frontrow.FrontrowClient;
import com.frontrow.v1.BookTicketsRequest;
import com.frontrow.v1.Booking;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;

/**
 * What a scenario has.
 *
 * @param client a client of the service without tokens
 * @param threads run calls beside the scenario's thread
 */
record Cast(Stage stage, FrontrowClient client, Figures figures, ExecutorService threads) {
  /** One function for each scenario. */
  @FunctionalInterface
  interface Play {
    void play(Cast cast) throws Exception;
  }

  /** A user without bookings. */
  static String newUser() {
    return "user " + UUID.randomUUID();
  }

  static List<Long> bookingIdsOf(FrontrowClient client, String user) {
    return client.userBookings(request -> request.setUserId(user)).stream()
        .map(Booking::getId)
        .toList();
  }

  /** Fills in an order of tickets. */
  static Consumer<BookTicketsRequest.Builder> orderOf(
      long concertId, String user, int tickets) {
    return request -> request.setConcertId(concertId).setUserId(user).setTicketCount(tickets);
  }
}
