package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.frontrow.errors.OverloadedException;
import com.frontrow.v1.BookTicketsRequest;
import com.frontrow.v1.Booking;
import com.frontrow.v1.BookingServiceGrpc;
import com.frontrow.v1.ConcertServiceGrpc;
import com.frontrow.v1.GetUserBookingsRequest;
import com.frontrow.v1.GetUserBookingsResponse;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import io.grpc.Status;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the client does with answers that the running service gives rarely. */
@Timeout(60)
final class FrontrowClientTest {
  private static final Map<String, String> NONE = Map.of();

  @Test
  void hasEveryMethodOfTheSchema() {
    Set<String> ofClient =
        Stream.of(FrontrowClient.class.getMethods())
            .map(Method::getName)
            .collect(Collectors.toSet());
    var bookings = BookingServiceGrpc.getServiceDescriptor();
    List<String> missing =
        Stream.of(bookings, ConcertServiceGrpc.getServiceDescriptor())
            .flatMap(service -> service.getMethods().stream())
            .map(method -> method.getBareMethodName())
            .map(name -> Character.toLowerCase(name.charAt(0)) + name.substring(1))
            .filter(name -> !ofClient.contains(name))
            .toList();
    assertEquals(List.of(), missing);
  }

  @Test
  void aRepetitionHasTheKeyOfTheFirstAttemptAndTheNextCallAnotherOne() throws Exception {
    List<String> keys = Collections.synchronizedList(new ArrayList<>());
    Function<Message, Message> handler =
        request -> {
          keys.add(((BookTicketsRequest) request).getRequestId());
          if (keys.size() < 3) {
            throw Status.UNAVAILABLE.asRuntimeException();
          }
          return Booking.getDefaultInstance();
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      client.bookTickets(request -> {});
      String key = keys.get(0);
      assertEquals(key, UUID.fromString(key).toString());
      assertEquals(List.of(key, key, key), keys);
      client.bookTickets(request -> {});
      assertNotEquals(key, keys.get(3));
    }
  }

  @ParameterizedTest(name = "getConcert: {0}, RetryInfo: {1} ms, attempts: {2}")
  @CsvSource({"true, -1, 4", "false, -1, 1", "false, 1, 4", "true, 120000, 1"})
  void attemptsEndWithTheLastError(boolean isRead, int retryMillis, int expected)
      throws Exception {
    Duration retryDelay = retryMillis < 0 ? null : Duration.ofMillis(retryMillis);
    AtomicInteger attempts = new AtomicInteger();
    Function<Message, Message> handler =
        request -> {
          attempts.incrementAndGet();
          throw FakeService.failure(Code.UNAVAILABLE, "OVERLOADED", NONE, retryDelay);
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      var error =
          assertThrows(
              OverloadedException.class,
              () -> {
                if (isRead) {
                  client.getConcert(1);
                } else {
                  client.updateConcert(request -> {});
                }
              });
      assertEquals(retryDelay, error.retryDelay().orElse(null));
      assertEquals(expected, attempts.get());
    }
  }

  @Test
  void anIteratorFetchesAPageWhenItsFirstItemIsNeeded() throws Exception {
    List<String> fetched = Collections.synchronizedList(new ArrayList<>());
    Function<Message, Message> handler =
        request -> {
          String token = ((GetUserBookingsRequest) request).getPageToken();
          fetched.add(token);
          var page = GetUserBookingsResponse.newBuilder();
          // A page without bookings is not the end.
          return switch (token) {
            case "" -> page.addBookings(bookingOf(1)).setNextPageToken("empty").build();
            case "empty" -> page.setNextPageToken("last").build();
            default -> page.addBookings(bookingOf(2)).build();
          };
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      Paged<Booking> bookings = client.userBookings();
      Iterator<Booking> each = bookings.iterator();
      assertEquals(List.of(), fetched);
      assertEquals(1, each.next().getId());
      assertEquals(List.of(""), fetched);
      assertEquals(2, each.next().getId());
      assertFalse(each.hasNext());
      assertEquals(List.of("", "empty", "last"), fetched);
      assertEquals(1, bookings.stream().limit(1).count());
      assertEquals(List.of("", "empty", "last", ""), fetched);
    }
  }

  @Test
  void anIteratorEndsAtAPageThatNamesItself() throws Exception {
    Function<Message, Message> handler =
        request ->
            GetUserBookingsResponse.newBuilder()
                .addBookings(bookingOf(1))
                .setNextPageToken("same")
                .build();
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      Iterator<Booking> each = client.userBookings().iterator();
      each.next();
      each.next();
      for (int repetition = 1; repetition <= 2; repetition += 1) {
        var error = assertThrows(FrontrowException.class, each::hasNext);
        assertEquals(Status.Code.INTERNAL, error.code());
      }
      assertEquals(2, service.headers().size());
    }
  }

  private static Booking bookingOf(long id) {
    return Booking.newBuilder().setId(id).build();
  }
}
