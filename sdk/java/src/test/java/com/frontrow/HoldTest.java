package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.v1.Booking;
import com.frontrow.v1.ConfirmHoldRequest;
import com.frontrow.v1.ReleaseHoldRequest;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
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
  private final List<Long> released = Collections.synchronizedList(new ArrayList<>());

  /** A service whose confirmations fail, unless there is no failure. */
  private FakeService serviceOf(StatusRuntimeException failure) throws Exception {
    Function<Message, Message> handler =
        request -> {
          if (request instanceof ConfirmHoldRequest && failure != null) {
            throw failure;
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
    try (FakeService service = serviceOf(null);
        FrontrowClient client = service.client().build()) {
      try (Hold hold = client.hold(request -> {})) {
        Thread.currentThread().interrupt();
        assertThrows(CallInterruptedException.class, hold::release);
      }
      assertTrue(Thread.interrupted(), "the thread's interrupt status is lost");
      assertEquals(List.of(7L), released);
    }
  }

  private static Stream<Arguments> failures() {
    var notPaid = FakeService.failure(Code.FAILED_PRECONDITION, "PAYMENT_REQUIRED", Map.of());
    var overloaded = FakeService.failure(Code.UNAVAILABLE, "OVERLOADED", Map.of());
    var unknown = FakeService.failure(Code.UNKNOWN, "OUTCOME_UNKNOWN", Map.of());
    var late = FakeService.failure(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", Map.of());
    return Stream.of(
        Arguments.of("payment required", notPaid, List.of(7L)),
        Arguments.of("unavailable", overloaded, List.of()),
        Arguments.of("outcome unknown", unknown, List.of()),
        Arguments.of("deadline", late, List.of()),
        Arguments.of("unreachable", Status.CANCELLED.asRuntimeException(), List.of()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failures")
  void aHoldThatMayBeConfirmedIsNotReleased(
      String name, StatusRuntimeException failure, List<Long> expected) throws Exception {
    try (FakeService service = serviceOf(failure);
        FrontrowClient client = service.client().build()) {
      try (Hold hold = client.hold(request -> {})) {
        assertThrows(FrontrowException.class, hold::confirm);
      }
      assertEquals(expected, released);
    }
  }
}
