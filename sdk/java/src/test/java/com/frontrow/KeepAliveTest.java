package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.frontrow.v1.Concert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** In a separate class, since it takes the 23 s after which a silent connection is given up. */
@Timeout(120)
final class KeepAliveTest {
  @Test
  void aCallOnAConnectionThatHasGoneSilentIsRepeatedOnANewOne() throws Exception {
    try (FakeService service = new FakeService(request -> Concert.getDefaultInstance());
        SilentProxy proxy = new SilentProxy(service.port());
        FrontrowClient client = FakeService.clientOf(proxy.address()).build()) {
      client.getConcert(1);
      proxy.silence();
      client.getConcert(1);
      assertEquals(2, proxy.connections());
    }
  }
}
