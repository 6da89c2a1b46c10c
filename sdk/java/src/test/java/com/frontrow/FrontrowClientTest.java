package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.errors.DeadlineExceededException;
import com.frontrow.errors.InsufficientTicketsException;
import com.frontrow.errors.OverloadedException;
import com.frontrow.errors.UnauthenticatedException;
import com.frontrow.v1.BookTicketsRequest;
import com.frontrow.v1.Booking;
import com.frontrow.v1.BookingServiceGrpc;
import com.frontrow.v1.Concert;
import com.frontrow.v1.ConcertServiceGrpc;
import com.frontrow.v1.GetUserBookingsRequest;
import com.frontrow.v1.GetUserBookingsResponse;
import com.frontrow.v1.ReleaseHoldRequest;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import io.grpc.Status;
import java.io.IOException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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

  private static FrontrowException errorOf(String reason, Map<String, String> metadata)
      throws Exception {
    Function<Message, Message> handler =
        request -> {
          throw FakeService.failure(Code.FAILED_PRECONDITION, reason, metadata);
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      return assertThrows(FrontrowException.class, () -> client.bookTickets(request -> {}));
    }
  }

  @Test
  void anErrorHasTheClassOfItsReasonWithTypedMetadata() throws Exception {
    var error = errorOf("INSUFFICIENT_TICKETS", Map.of("available", "3"));
    assertEquals(3, assertInstanceOf(InsufficientTicketsException.class, error).available());
    assertEquals("refused", error.getMessage());
  }

  @Test
  void anErrorOfAnUnknownReasonKeepsTheReasonAndTheMetadata() throws Exception {
    var error = errorOf("MOON_TOO_BRIGHT", Map.of("lux", "1"));
    assertEquals(FrontrowException.class, error.getClass());
    assertEquals("MOON_TOO_BRIGHT", error.reason().orElseThrow());
    assertEquals(Map.of("lux", "1"), error.metadata());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "many"})
  void anErrorWithMalformedMetadataKeepsItsReasonOnly(String available) throws Exception {
    for (var metadata : List.of(Map.of("available", available), NONE)) {
      var error = errorOf("INSUFFICIENT_TICKETS", metadata);
      assertEquals(FrontrowException.class, error.getClass());
      assertEquals("INSUFFICIENT_TICKETS", error.reason().orElseThrow());
    }
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
  void aTokenSourceThatFailsFailsTheCallAndIsCalledAgainByTheNext() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    TokenSource source =
        () -> {
          if (calls.incrementAndGet() == 1) {
            throw new IOException("no network");
          }
          return "token";
        };
    try (FakeService service = new FakeService(request -> Booking.getDefaultInstance());
        FrontrowClient client = service.client().token(source).build()) {
      var error = assertThrows(TokenSourceException.class, () -> client.getBooking(1));
      assertEquals("no network", error.getCause().getMessage());
      client.getBooking(1);
      assertEquals(2, calls.get());
    }
  }

  @Test
  void aTokenSourceThatDoesNotEndIsBoundedByTheDeadline() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    TokenSource source =
        () -> {
          never.await();
          return "token";
        };
    try (FakeService service = new FakeService(request -> Booking.getDefaultInstance());
        FrontrowClient client =
            service.client().token(source).timeout(Duration.ofMillis(20)).build()) {
      assertThrows(DeadlineExceededException.class, () -> client.getBooking(1));
    } finally {
      never.countDown();
    }
  }

  @Test
  void aTokenSourceIsNotCalledAgainByACallWhoseNewTokenIsRefusedAsWell() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    Function<Message, Message> handler =
        request -> {
          throw FakeService.failure(Code.UNAUTHENTICATED, "UNAUTHENTICATED", NONE);
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client =
            service.client().token(() -> "token " + calls.incrementAndGet()).build()) {
      assertThrows(UnauthenticatedException.class, () -> client.getBooking(1));
      assertEquals(2, calls.get());
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
  void aHoldIsReleasedInAnInterruptedThreadAsWell() throws Exception {
    List<Long> released = Collections.synchronizedList(new ArrayList<>());
    Function<Message, Message> handler =
        request -> {
          if (request instanceof ReleaseHoldRequest release) {
            released.add(release.getId());
          }
          return bookingOf(7);
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      try (Hold hold = client.hold(request -> {})) {
        Thread.currentThread().interrupt();
        assertThrows(CallInterruptedException.class, hold::confirm);
      }
      assertTrue(Thread.interrupted(), "the thread's interrupt status is lost");
      assertEquals(List.of(7L), released);
    }
  }

  @Test
  void anInterruptEndsTheWaitBetweenAttempts() throws Exception {
    Thread caller = Thread.currentThread();
    Function<Message, Message> handler =
        request -> {
          caller.interrupt();
          throw FakeService.failure(
              Code.UNAVAILABLE, "OVERLOADED", NONE, Duration.ofSeconds(60));
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().timeout(Duration.ofMinutes(5)).build()) {
      assertThrows(CallInterruptedException.class, () -> client.getConcert(1));
      assertTrue(Thread.interrupted(), "the thread's interrupt status is lost");
    }
  }

  @Test
  void aClosedClientRefusesCalls() throws Exception {
    try (FakeService service = new FakeService(request -> Concert.getDefaultInstance())) {
      FrontrowClient client = service.client().build();
      client.close();
      assertThrows(IllegalStateException.class, () -> client.getConcert(1));
    }
  }

  private static Booking bookingOf(long id) {
    return Booking.newBuilder().setId(id).build();
  }
}
