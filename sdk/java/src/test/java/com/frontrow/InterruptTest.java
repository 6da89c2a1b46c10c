package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.errors.InsufficientTicketsException;
import com.frontrow.errors.OverloadedException;
import com.frontrow.v1.Concert;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import io.grpc.Context;
import io.grpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What interrupts, contexts, timeouts and the end of a client do to the calls of threads. */
@Timeout(60)
final class InterruptTest {
  private static final Function<Message, Message> OVERLOADED =
      request -> {
        throw FakeService.failure(Code.UNAVAILABLE, "OVERLOADED", Map.of(), Duration.ofMinutes(2));
      };

  @Test
  void anInterruptEndsTheWaitBetweenAttempts() throws Exception {
    try (FakeService service = new FakeService(OVERLOADED);
        FrontrowClient client = service.client().timeout(Duration.ofMinutes(5)).build()) {
      FutureTask<Boolean> call =
          new FutureTask<>(
              () -> {
                assertThrows(CallInterruptedException.class, () -> client.getConcert(1));
                return Thread.currentThread().isInterrupted();
              });
      startUntilItWaits(call).interrupt();
      assertTrue(call.get(), "the thread's interrupt status is lost");
    }
  }

  @ParameterizedTest(name = "waits for the token source: {0}")
  @ValueSource(booleans = {false, true})
  void aCancelledContextEndsTheWait(boolean isForToken) throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    TokenSource source =
        () -> {
          end.await();
          return "token";
        };
    try (FakeService service = new FakeService(OVERLOADED);
        FrontrowClient client =
            (isForToken ? service.client().token(source) : service.client())
                .timeout(Duration.ofMinutes(5))
                .build();
        Context.CancellableContext context = Context.current().withCancellation()) {
      FutureTask<FrontrowException> call =
          new FutureTask<>(
              context.wrap(
                  () -> assertThrows(FrontrowException.class, () -> client.getConcert(1))));
      startUntilItWaits(call);
      context.cancel(null);
      assertEquals(Status.Code.CANCELLED, call.get().code());
    } finally {
      end.countDown();
    }
  }

  @Test
  void aWaitThatWouldPassTheDeadlineOfTheContextIsNotBegun() throws Exception {
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    try (FakeService service = new FakeService(OVERLOADED);
        FrontrowClient client = service.client().timeout(Duration.ofMinutes(5)).build();
        Context.CancellableContext context =
            Context.current().withDeadlineAfter(1, TimeUnit.MINUTES, timer)) {
      context.run(() -> assertThrows(OverloadedException.class, () -> client.getConcert(1)));
    } finally {
      timer.shutdownNow();
    }
  }

  /** Starts a call in a thread, and returns it when the call waits between attempts. */
  private static Thread startUntilItWaits(FutureTask<?> call) {
    Thread caller = new Thread(call);
    caller.start();
    // In an attempt, the thread waits without a time.
    while (caller.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    return caller;
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
