package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.v1.Booking;
import com.frontrow.v1.ConfirmHoldRequest;
import com.frontrow.v1.ReleaseHoldRequest;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** When the end of a hold's block releases the hold. */
@Timeout(60)
final class HoldTest {
  private static final Map<String, String> NONE = Map.of();

  private final List<Long> released = Collections.synchronizedList(new ArrayList<>());

  /** A service whose confirmations fail with one failure after the other, and then succeed. */
  private FakeService serviceOf(StatusRuntimeException... failures) throws Exception {
    Iterator<StatusRuntimeException> next = List.of(failures).iterator();
    Function<Message, Message> handler =
        request -> {
          if (request instanceof ConfirmHoldRequest && next.hasNext()) {
            throw next.next();
          }
          if (request instanceof ReleaseHoldRequest release) {
            released.add(release.getId());
          }
          return Booking.newBuilder().setId(7).build();
        };
    return new FakeService(handler);
  }

  @Test
  void aHoldIsReleasedInAnInterruptedThreadAsWell() throws Exception {
    try (FakeService service = serviceOf();
        FrontrowClient client = service.client().build()) {
      try (Hold hold = client.hold(request -> {})) {
        Thread.currentThread().interrupt();
        assertThrows(CallInterruptedException.class, hold::release);
      }
      assertTrue(Thread.interrupted(), "the thread's interrupt status is lost");
      assertEquals(List.of(7L), released);
    }
  }

  @Test
  void aHoldIsReleasedInACancelledContextAsWell() throws Exception {
    try (FakeService service = serviceOf();
        FrontrowClient client = service.client().build();
        Context.CancellableContext context = Context.current().withCancellation()) {
      context.run(
          () -> {
            try (Hold hold = client.hold(request -> {})) {
              assertEquals(7, hold.booking().getId());
              context.cancel(null);
            }
          });
      assertEquals(List.of(7L), released);
    }
  }

  /** Errors of a confirmation after which the hold may still be confirmed. */
  private static Stream<Arguments> mayPass() {
    var overloaded = FakeService.failure(Code.UNAVAILABLE, "OVERLOADED", NONE);
    var unknown = FakeService.failure(Code.UNAVAILABLE, "OUTCOME_UNKNOWN", NONE);
    var late = FakeService.failure(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", NONE);
    var wait =
        FakeService.failure(Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", NONE, Duration.ofHours(1));
    var refused = FakeService.failure(Code.UNAUTHENTICATED, "UNAUTHENTICATED", NONE);
    return Stream.of(
        Arguments.of("refused token", refused),
        Arguments.of("unavailable", overloaded),
        Arguments.of("outcome unknown", unknown),
        Arguments.of("deadline", late),
        Arguments.of("a wait that passes the deadline", wait),
        Arguments.of("unreachable", Status.CANCELLED.asRuntimeException()),
        Arguments.of("another server", Status.PERMISSION_DENIED.asRuntimeException()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mayPass")
  void aHoldIsKeptAfterAConfirmWhoseErrorMayPass(String name, StatusRuntimeException failure)
      throws Exception {
    assertEquals(List.of(), releasedAfterConfirms(failure));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mayPass")
  void aHoldIsReleasedIfTheLastConfirmIsRefused(String name, StatusRuntimeException failure)
      throws Exception {
    var refused = FakeService.failure(Code.FAILED_PRECONDITION, "PAYMENT_REQUIRED", NONE);
    assertEquals(List.of(7L), releasedAfterConfirms(failure, refused));
  }

  /** Confirms a hold as often as there are failures, each with one attempt. */
  private List<Long> releasedAfterConfirms(StatusRuntimeException... failures) throws Exception {
    try (FakeService service = serviceOf(failures);
        FrontrowClient client =
            service.client().retry(RetryPolicy.DEFAULT.withMaxAttempts(1)).build()) {
      try (Hold hold = client.hold(request -> {})) {
        for (int confirmed = 0; confirmed < failures.length; confirmed += 1) {
          assertThrows(FrontrowException.class, hold::confirm);
        }
      }
      return released;
    }
  }

  @Test
  void aHoldIsKeptAfterAConfirmInAnInterruptedThread() throws Exception {
    try (FakeService service = serviceOf();
        FrontrowClient client = service.client().build()) {
      try (Hold hold = client.hold(request -> {})) {
        Thread.currentThread().interrupt();
        assertThrows(CallInterruptedException.class, hold::confirm);
      }
      assertTrue(Thread.interrupted(), "the thread's interrupt status is lost");
      assertEquals(List.of(), released);
    }
  }

  @Test
  void aHoldIsKeptAfterAConfirmInACancelledContext() throws Exception {
    try (FakeService service = serviceOf();
        FrontrowClient client = service.client().build();
        Context.CancellableContext context = Context.current().withCancellation()) {
      try (Hold hold = client.hold(request -> {})) {
        context.cancel(null);
        context.run(() -> assertThrows(FrontrowException.class, hold::confirm));
      }
      assertEquals(List.of(), released);
    }
  }

  @Test
  void aHoldIsReleasedByACallAfterAReleaseThatFailed() throws Exception {
    AtomicBoolean isBroken = new AtomicBoolean(true);
    Function<Message, Message> handler =
        request -> {
          if (request instanceof ReleaseHoldRequest release) {
            if (isBroken.getAndSet(false)) {
              throw FakeService.failure(Code.INTERNAL, "INTERNAL", NONE);
            }
            released.add(release.getId());
          }
          return Booking.newBuilder().setId(7).build();
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      Hold hold = client.hold(request -> {});
      hold.close();
      assertEquals(List.of(), released);
      hold.release();
      assertEquals(List.of(7L), released);
    }
  }
}
