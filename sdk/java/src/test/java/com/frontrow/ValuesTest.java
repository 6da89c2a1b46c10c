package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which values the client takes, and how it converts them. */
final class ValuesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1:8080", "localhost:8080", "ftp://localhost", "http://localhost/api",
        "http://user@localhost", "http://localhost?a=1", "http://", ""
      })
  void aWrongAddressIsRefused(String address) {
    var error =
        assertThrows(IllegalArgumentException.class, () -> FrontrowClient.connect(address));
    assertTrue(error.getMessage().startsWith("the address must be a URL"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT1.5S", "PT0S", "PT-1.5S", "PT-0.5S"})
  void aDurationIsTheSameInAMessage(Duration duration) {
    var inMessage = Times.duration(duration);
    assertEquals(duration, Times.duration(inMessage));
    assertTrue(inMessage.getSeconds() * inMessage.getNanos() >= 0, "the signs differ");
  }
}
