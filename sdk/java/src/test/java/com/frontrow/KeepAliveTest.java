package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.frontrow.v1.Concert;
import io.grpc.ManagedChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.lang.reflect.Field;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How long a connection that has gone silent stays in use. */
@Timeout(60)
final class KeepAliveTest {
  @Test
  void aCallOnAConnectionThatHasGoneSilentIsRepeatedOnANewOne() throws Exception {
    try (FakeService service = new FakeService(request -> Concert.getDefaultInstance());
        SilentProxy proxy = new SilentProxy(service.port());
        FrontrowClient client =
            FakeService.clientOf(proxy.address())
                .channel(
                    channel -> {
                      replace(channel, "keepAliveTimeNanos", 20, Duration.ofMillis(200));
                      replace(channel, "keepAliveTimeoutNanos", 3, Duration.ofSeconds(1));
                    })
                .build()) {
      client.getConcert(1);
      proxy.silence();
      client.getConcert(1);
      assertEquals(2, proxy.connections());
    }
  }

  /** The methods of the channel's builder raise the time to 10 s at least. */
  private static void replace(
      ManagedChannelBuilder<?> channel, String name, long defaultSeconds, Duration other) {
    try {
      Field field = NettyChannelBuilder.class.getDeclaredField(name);
      field.setAccessible(true);
      assertEquals(Duration.ofSeconds(defaultSeconds).toNanos(), field.getLong(channel), name);
      field.setLong(channel, other.toNanos());
    } catch (ReflectiveOperationException renamed) {
      throw new AssertionError(renamed);
    }
  }
}
