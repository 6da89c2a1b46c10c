package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.errors.DeadlineExceededException;
import com.frontrow.errors.InsufficientTicketsException;
import com.frontrow.v1.Concert;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the errors of calls have. */
@Timeout(60)
final class ErrorsTest {
  private static final Map<String, String> NONE = Map.of();

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
  void theInfoOfAnotherDomainIsPassedOver() throws Exception {
    var status =
        com.google.rpc.Status.newBuilder()
            .setCode(Code.FAILED_PRECONDITION_VALUE)
            .addDetails(Any.pack(infoOf("mesh", "NO_ROUTE")))
            .addDetails(Any.pack(infoOf("frontrow", "ALREADY_CANCELLED")));
    var failed = failedRead(StatusProto.toStatusRuntimeException(status.build()));
    assertEquals(Optional.of("ALREADY_CANCELLED"), failed.error().reason());
  }

  @ParameterizedTest
  @CsvSource({"RESOURCE_EXHAUSTED, 1", "DEADLINE_EXCEEDED, 4"})
  void theDelayOfAnotherServiceIsPassedOver(Code code, int attempts) throws Exception {
    var retry = RetryInfo.newBuilder().setRetryDelay(Times.duration(Duration.ofMillis(1)));
    var status =
        com.google.rpc.Status.newBuilder()
            .setCode(code.getNumber())
            .addDetails(Any.pack(infoOf("mesh", "TOO_MANY")))
            .addDetails(Any.pack(retry.build()));
    var failed = failedRead(StatusProto.toStatusRuntimeException(status.build()));
    assertEquals(Optional.empty(), failed.error().retryDelay());
    assertEquals(attempts, failed.attempts());
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MAX_VALUE, -1})
  void aMalformedDelayDoesNotReplaceTheError(long seconds) throws Exception {
    var delay =
        com.google.protobuf.Duration.newBuilder().setSeconds(seconds).setNanos(1_000_000_000);
    var status =
        com.google.rpc.Status.newBuilder()
            .setCode(Code.UNAVAILABLE_VALUE)
            .addDetails(Any.pack(infoOf("frontrow", "OVERLOADED")))
            .addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()));
    var failed = failedRead(StatusProto.toStatusRuntimeException(status.build()));
    assertEquals(Optional.of("OVERLOADED"), failed.error().reason());
    // The call does not wait for centuries, and waits only a moment for a time that has passed.
    assertEquals(seconds > 0 ? 1 : 4, failed.attempts());
  }

  @ParameterizedTest
  @EnumSource(names = {"UNIMPLEMENTED", "PERMISSION_DENIED", "UNKNOWN", "NOT_FOUND"})
  void anErrorOfAnotherServiceOfGrpcIsUnreachableAtOnce(Status.Code code) throws Exception {
    Metadata trailers = new Metadata();
    trailers.put(Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER), "request-1");
    Status status = code.toStatus().withDescription("no such thing");
    var failed = failedRead(status.asRuntimeException(trailers));
    assertInstanceOf(UnreachableException.class, failed.error());
    assertEquals(code, failed.error().code());
    assertEquals(Optional.of("request-1"), failed.error().requestId());
    assertTrue(failed.error().getMessage().contains("no such thing"), failed.error().getMessage());
    assertEquals(1, failed.attempts());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anErrorHasTheKeyOfItsCall(boolean isGiven) throws Exception {
    Function<Message, Message> handler =
        request -> {
          throw FakeService.failure(Code.FAILED_PRECONDITION, "NOT_HELD", Map.of("status", "x"));
        };
    String[] keys = new String[1];
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      var booking =
          assertThrows(
              FrontrowException.class,
              () -> client.bookTickets(request -> request.setRequestId(isGiven ? "key-1" : "")));
      keys[0] = booking.idempotencyKey().orElseThrow();
      var read = assertThrows(FrontrowException.class, () -> client.getBooking(1));
      assertEquals(Optional.empty(), read.idempotencyKey());
    }
    assertEquals(isGiven, keys[0].equals("key-1"));
    assertEquals(isGiven ? 5 : 36, keys[0].length());
  }

  @Test
  void aCallOfACancelledContextIsNotUnreachable() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    Context.CancellableContext context = Context.current().withCancellation();
    Function<Message, Message> handler =
        request -> {
          attempts.incrementAndGet();
          context.cancel(null);
          throw Status.UNAVAILABLE.asRuntimeException();
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      var error =
          assertThrows(
              FrontrowException.class, () -> context.call(() -> client.getBooking(1)));
      assertEquals(FrontrowException.class, error.getClass());
      assertEquals(Status.Code.CANCELLED, error.code());
      assertEquals(1, attempts.get());
    }
  }

  @ParameterizedTest(name = "attempts may take {0}")
  @ValueSource(strings = {"PT0.2S", "PT0.000000001S"})
  void theErrorOfADeadlineNamesTheService(Duration attemptTimeout) throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    Function<Message, Message> silent =
        request -> {
          try {
            end.await();
          } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
          }
          return Concert.getDefaultInstance();
        };
    try (FakeService service = new FakeService(silent);
        FrontrowClient client = service.client().attemptTimeout(attemptTimeout).build()) {
      var error = assertThrows(DeadlineExceededException.class, () -> client.getConcert(1));
      String address = "http://localhost:" + service.port();
      assertEquals("the service at " + address + " did not answer in time", error.getMessage());
      var cause = assertInstanceOf(StatusRuntimeException.class, error.getCause());
      assertEquals(Status.Code.DEADLINE_EXCEEDED, cause.getStatus().getCode());
      end.countDown();
    }
  }

  private record Failed(FrontrowException error, int attempts) {}

  private static Failed failedRead(StatusRuntimeException failure) throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    Function<Message, Message> handler =
        request -> {
          attempts.incrementAndGet();
          throw failure;
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      var error = assertThrows(FrontrowException.class, () -> client.getConcert(1));
      return new Failed(error, attempts.get());
    }
  }

  private static ErrorInfo infoOf(String domain, String reason) {
    return ErrorInfo.newBuilder().setDomain(domain).setReason(reason).build();
  }
}
