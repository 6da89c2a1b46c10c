package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.v1.Booking;
import com.frontrow.v1.Concert;
import com.frontrow.v1.ListConcertsResponse;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which values the client takes, and how it converts them. */
final class ValuesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1:8080", "localhost:8080", "ftp://localhost", "http://localhost/api",
        "http://user@localhost", "http://localhost?a=1", "http://", "", "http://localhost:0",
        "http://localhost:65536", "http://localhost:99999999999", "http://local host",
        "http://alice:secret@localhost", "http://localhost?password=secret"
      })
  void aWrongAddressIsRefused(String address) {
    var error =
        assertThrows(IllegalArgumentException.class, () -> FrontrowClient.connect(address));
    // It does not have the address, which may have a password.
    assertEquals(
        "the address must be a URL with http or https, without a path, a query or a user",
        error.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://localhost", "HTTPS://Tickets.Example/", "http://127.0.0.1:1", "http://[::1]:65535",
        "http://booking_service:8080"
      })
  void anAddressIsAccepted(String address) {
    FrontrowClient.connect(address).close();
  }

  @Test
  void aNumberThatIsNotPositiveIsRefused() {
    var builder = FrontrowClient.builder("http://localhost");
    for (Duration wrong : List.of(Duration.ZERO, Duration.ofNanos(-1))) {
      for (Executable setting :
          List.<Executable>of(
              () -> builder.timeout(wrong),
              () -> builder.attemptTimeout(wrong),
              () -> RetryPolicy.DEFAULT.withInitialBackoff(wrong),
              () -> RetryPolicy.DEFAULT.withMaxBackoff(wrong))) {
        assertThrows(IllegalArgumentException.class, setting);
      }
    }
    assertThrows(IllegalArgumentException.class, () -> RetryPolicy.DEFAULT.withMaxAttempts(0));
  }

  @Test
  void aTextThatIsNoUnicodeFailsTheCallBeforeItsFirstAttempt() throws Exception {
    try (FakeService service = new FakeService(request -> Booking.getDefaultInstance());
        FrontrowClient client = service.client().build()) {
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> client.bookTickets(request -> request.setUserId("half \ud83d")));
      assertEquals("user_id has half of a surrogate pair", error.getMessage());
      assertEquals(0, service.headers().size());
      client.bookTickets(request -> request.setUserId("whole \ud83c\udf9f"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0000-12-31T23:59:59.999Z", "+10000-01-01T00:00:00Z"})
  void aTimeThatNoMessageCanHaveFailsTheCallBeforeItsFirstAttempt(Instant wrong) throws Exception {
    var page = ListConcertsResponse.getDefaultInstance();
    try (FakeService service = new FakeService(request -> page);
        FrontrowClient client = service.client().build()) {
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> client.listConcerts(request -> request.setDateTo(Times.timestamp(wrong))));
      assertEquals("date_to is outside of the years 1 to 9999", error.getMessage());
      assertEquals(0, service.headers().size());
      for (String right : List.of("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z")) {
        client.listConcerts(request -> request.setDateTo(Times.timestamp(Instant.parse(right))));
      }
    }
  }

  @Test
  void timesOfCenturiesAreShortened() throws Exception {
    Duration forever = ChronoUnit.FOREVER.getDuration();
    var policy = new RetryPolicy(2, forever, forever);
    assertTrue(policy.nanosAfter(1, errorOf(forever)) > 0);
    try (FakeService service = new FakeService(request -> Concert.getDefaultInstance());
        FrontrowClient client =
            service.client().timeout(forever).attemptTimeout(forever).retry(policy).build()) {
      client.getConcert(1);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 100", "2, 300", "3, 900", "4, 2000", "90, 2000"})
  void aWaitIsTheDelayAndARandomTime(int attempt, long longestMillis) {
    Duration delay = Duration.ofSeconds(5);
    long[] waits =
        LongStream.generate(() -> RetryPolicy.DEFAULT.nanosAfter(attempt, errorOf(delay)))
            .map(nanos -> nanos - delay.toNanos())
            .limit(1_000)
            .sorted()
            .toArray();
    long longest = Duration.ofMillis(longestMillis).toNanos();
    assertTrue(waits[0] >= 0 && waits[999] <= longest, "a wait is out of bounds");
    // A thousand waits miss a tenth of the range once in 10^45 runs.
    assertTrue(waits[0] < longest / 10 && waits[999] > longest / 10 * 9, "the range is smaller");
  }

  private static FrontrowException errorOf(Duration retryDelay) {
    return FrontrowException.withoutClass(
        new ErrorDetails(
            Status.Code.UNAVAILABLE, "", null, Map.of(), List.of(), retryDelay, null, null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT1.5S", "PT0S", "PT-1.5S", "PT-0.5S"})
  void aDurationIsTheSameInAMessage(Duration duration) {
    var inMessage = Times.duration(duration);
    assertEquals(duration, Times.duration(inMessage));
    assertTrue(inMessage.getSeconds() * inMessage.getNanos() >= 0, "the signs differ");
  }
}
