package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.errors.InsufficientTicketsException;
import com.frontrow.v1.Concert;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What interrupts, timeouts and the end of a client do to the calls of threads. */
@Timeout(60)
final class InterruptTest {
  @Test
  void anInterruptEndsTheWaitBetweenAttempts() throws Exception {
    Function<Message, Message> handler =
        request -> {
          throw FakeService.failure(
              Code.UNAVAILABLE, "OVERLOADED", Map.of(), Duration.ofMinutes(2));
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().timeout(Duration.ofMinutes(5)).build()) {
      FutureTask<Boolean> call =
          new FutureTask<>(
              () -> {
                assertThrows(CallInterruptedException.class, () -> client.getConcert(1));
                return Thread.currentThread().isInterrupted();
              });
      Thread caller = new Thread(call);
      caller.start();
      // In an attempt, the thread waits without a time.
      while (caller.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait();
      }
      caller.interrupt();
      assertTrue(call.get(), "the thread's interrupt status is lost");
    }
  }

  @Test
  void anAttemptThatTakesTooLongIsRepeated() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    CountDownLatch end = new CountDownLatch(1);
    Function<Message, Message> handler =
        request -> {
          if (attempts.incrementAndGet() == 1) {
            awaitQuietly(end);
          }
          return Concert.newBuilder().setId(1).build();
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client =
            service.client().attemptTimeout(Duration.ofSeconds(2)).build()) {
      assertEquals(1, client.getConcert(1).getId());
      assertEquals(2, attempts.get());
    } finally {
      end.countDown();
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

  @Test
  void aCallThatHasBegunEndsWithItsOwnErrorAlthoughTheClientIsClosed() throws Exception {
    var failure =
        FakeService.failure(
            Code.FAILED_PRECONDITION, "INSUFFICIENT_TICKETS", Map.of("available", "3"));
    assertThrows(InsufficientTicketsException.class, () -> callThatClosesItsClient(failure));
    // Without the repetition, which a closed client cannot make.
    var error =
        assertThrows(
            FrontrowException.class,
            () -> callThatClosesItsClient(
                FakeService.failure(Code.UNAVAILABLE, "OUTCOME_UNKNOWN", Map.of())));
    assertEquals("OUTCOME_UNKNOWN", error.reason().orElseThrow());
  }

  private static void callThatClosesItsClient(RuntimeException failure) throws Exception {
    FrontrowClient[] clients = new FrontrowClient[1];
    Function<Message, Message> handler =
        request -> {
          clients[0].close();
          throw failure;
        };
    try (FakeService service = new FakeService(handler);
        FrontrowClient client = service.client().build()) {
      clients[0] = client;
      client.bookTickets(request -> {});
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
