package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.errors.DeadlineExceededException;
import com.frontrow.errors.UnauthenticatedException;
import com.frontrow.v1.Booking;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fixed tokens, and the tokens of sources. */
@Timeout(60)
final class TokenTest {
  private static final Map<String, String> NONE = Map.of();

  @Test
  void aTokenSourceThatFailsFailsTheCallAndIsCalledAgainByTheNext() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    TokenSource source =
        () -> {
          if (calls.incrementAndGet() == 1) {
            throw new TimeoutException("no network");
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
  void aTokenSourceThatDoesNotEndFailsOneCallAndIsInterrupted() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    CountDownLatch interrupted = new CountDownLatch(1);
    TokenSource source =
        () -> {
          if (calls.incrementAndGet() > 1) {
            return "token";
          }
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException end) {
            interrupted.countDown();
          }
          return "late token";
        };
    try (FakeService service = new FakeService(request -> Booking.getDefaultInstance());
        FrontrowClient client =
            service.client().token(source).timeout(Duration.ofSeconds(1)).build()) {
      var error = assertThrows(DeadlineExceededException.class, () -> client.getBooking(1));
      assertTrue(error.getMessage().startsWith("the token source did not"), error.getMessage());
      client.withTimeout(Duration.ofMinutes(1)).getBooking(1);
      assertEquals(2, calls.get());
      interrupted.await();
    }
  }

  @Test
  void aCallDoesNotWaitForASourceWhoseTimeEnds() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    TokenSource source =
        () -> {
          if (calls.incrementAndGet() == 1) {
            new CountDownLatch(1).await();
          }
          return "token";
        };
    Duration timeout = Duration.ofMillis(500);
    try (FakeService service = new FakeService(request -> Booking.getDefaultInstance());
        FrontrowClient client = service.client().token(source).timeout(timeout).build()) {
      // Its time ends before that of the source.
      FrontrowClient hasty = client.withTimeout(timeout.minusMillis(50));
      assertThrows(DeadlineExceededException.class, () -> hasty.getBooking(1));
      client.getBooking(1);
      assertEquals(2, calls.get());
    }
  }

  @Test
  void aTokenSourceThatDoesNotEndIsNotCalledAgainByTheSameCall() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    TokenSource source =
        () -> {
          calls.incrementAndGet();
          new CountDownLatch(1).await();
          return "token";
        };
    try (FakeService service = new FakeService(request -> Booking.getDefaultInstance());
        FrontrowClient client =
            service.client().token(source).timeout(Duration.ofMillis(100)).build()) {
      FrontrowClient patient = client.withTimeout(Duration.ofMinutes(1));
      assertThrows(DeadlineExceededException.class, () -> patient.getBooking(1));
      assertEquals(1, calls.get());
    }
  }

  @Test
  void aTokenThatAGatewayRefusesIsRefreshed() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    Function<Message, Message> refusing =
        request -> {
          throw Status.UNAUTHENTICATED.asRuntimeException();
        };
    try (FakeService service = new FakeService(refusing);
        FrontrowClient client =
            service.client().token(() -> "token" + calls.incrementAndGet()).build()) {
      assertThrows(UnreachableException.class, () -> client.getBooking(1));
      assertEquals(2, calls.get());
    }
  }

  @Test
  void aCallWithAShorterTimeoutLeavesTheSourceToTheNextCall() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    CountDownLatch slow = new CountDownLatch(1);
    TokenSource source =
        () -> {
          calls.incrementAndGet();
          slow.await();
          return "token";
        };
    try (FakeService service = new FakeService(request -> Booking.getDefaultInstance());
        FrontrowClient client = service.client().token(source).build()) {
      FrontrowClient hasty = client.withTimeout(Duration.ofMillis(20));
      assertThrows(DeadlineExceededException.class, () -> hasty.getBooking(1));
      slow.countDown();
      client.getBooking(1);
      assertEquals(1, calls.get());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Bearer token", "line\n", "tok\u00e9n", "\u007f"})
  void aMalformedTokenIsRefusedWithoutBeingShown(String token) throws Exception {
    var fixed =
        assertThrows(
            IllegalArgumentException.class,
            () -> FrontrowClient.builder("http://localhost").token(token));
    try (FakeService service = new FakeService(request -> Booking.getDefaultInstance());
        FrontrowClient client = service.client().token(() -> token).build()) {
      var ofSource = assertThrows(TokenSourceException.class, () -> client.getBooking(1));
      for (Throwable error : new Throwable[] {fixed, ofSource.getCause()}) {
        assertEquals(
            "the token is empty, or has a space, a line break or another character that no token"
                + " has; it is given without `Bearer`",
            error.getMessage());
      }
      String message = ofSource.getMessage();
      assertTrue(message.endsWith(fixed.getMessage()), message);
    }
  }

  @Test
  void aFixedTokenIsNotTriedTwice() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    Function<Message, Message> handler =
        request -> {
          attempts.incrementAndGet();
          throw FakeService.failure(Code.UNAUTHENTICATED, "UNAUTHENTICATED", NONE);
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().token("token").build()) {
      assertThrows(UnauthenticatedException.class, () -> client.getBooking(1));
      assertEquals(1, attempts.get());
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
            service.client().token(() -> "token-" + calls.incrementAndGet()).build()) {
      assertThrows(UnauthenticatedException.class, () -> client.getBooking(1));
      assertEquals(2, calls.get());
    }
  }
}
