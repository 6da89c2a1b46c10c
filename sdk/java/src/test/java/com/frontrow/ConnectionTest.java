package com.frontrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.frontrow.v1.Concert;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the client makes of TLS, and of servers that are no Frontrow. */
@Timeout(60)
final class ConnectionTest {
  private static final char[] PASSWORD = "password".toCharArray();

  @ParameterizedTest(name = "error code {0} of HTTP/2")
  @ValueSource(ints = {2, 7, 8})
  void aResetStreamIsALostConnection(int errorCode) throws Exception {
    try (Http2Server server = Http2Server.resetting(errorCode);
        FrontrowClient client = FakeService.clientOf(server.address()).build()) {
      var error = assertThrows(UnreachableException.class, () -> client.getConcert(1));
      assertEquals(Status.Code.UNAVAILABLE, error.code());
      assertEquals(4, server.requests());
      assertThrows(UnreachableException.class, () -> client.updateConcert(request -> {}));
      assertEquals(5, server.requests());
    }
  }

  @Test
  void anotherServerOfHttp2IsNamedWithItsAddress() throws Exception {
    try (Http2Server server = Http2Server.ofPages();
        FrontrowClient client = FakeService.clientOf(server.address()).build()) {
      var error = assertThrows(UnreachableException.class, () -> client.getConcert(1));
      String fault = "at " + server.address() + " is something else than a Frontrow service: ";
      assertTrue(error.getMessage().startsWith(fault), error.getMessage());
      assertEquals(1, server.requests());
    }
  }

  /** gRPC has the code of a lost stream for it. */
  @Test
  void aRefusalOfAGatewayIsNotRepeated() throws Exception {
    try (Http2Server server = Http2Server.refusing();
        FrontrowClient client = FakeService.clientOf(server.address()).build()) {
      var error = assertThrows(UnreachableException.class, () -> client.getConcert(1));
      assertEquals(Status.Code.INTERNAL, error.code());
      assertEquals(1, server.requests());
    }
  }

  @Test
  void aCertificateMustBeTrusted(@TempDir Path folder) throws Exception {
    KeyStore keys = makeKeys(folder.resolve("keys.p12"));
    var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(keys, PASSWORD);
    var credentials =
        TlsServerCredentials.newBuilder().keyManager(factory.getKeyManagers()).build();
    X509Certificate certificate = (X509Certificate) keys.getCertificate("service");
    SslContext trust = GrpcSslContexts.forClient().trustManager(certificate).build();
    try (FakeService service =
        new FakeService(request -> Concert.newBuilder().setId(7).build(), credentials)) {
      String address = "https://localhost:" + service.port();
      try (FrontrowClient client =
          FakeService.clientOf(address)
              .channel(channel -> ((NettyChannelBuilder) channel).sslContext(trust))
              .build()) {
        assertEquals(7, client.getConcert(1).getId());
      }
      try (FrontrowClient client = FakeService.clientOf(address).build()) {
        var error = assertThrows(UnreachableException.class, () -> client.getConcert(1));
        assertTrue(error.getMessage().contains("certif"), error.getMessage());
      }
    }
  }

  /** A port without TLS: the cause of gRPC has all bytes of its answer as digits. */
  @Test
  void theTextOfACauseIsOneShortLine() throws Exception {
    try (ServerSocket cleartext = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        FrontrowClient client =
            FakeService.clientOf("https://localhost:" + cleartext.getLocalPort())
                .retry(RetryPolicy.DEFAULT.withMaxAttempts(1))
                .build()) {
      SocketThread.start(() -> cleartext.accept().getOutputStream().write(new byte[350]));
      var error = assertThrows(UnreachableException.class, () -> client.getConcert(1));
      isShort(error, "io exception: not an SSL/TLS record: 000");
    }
    Status status = Status.UNAVAILABLE.withDescription("first\nsecond");
    for (String text : List.of("\n" + "x".repeat(201), "x".repeat(198) + "\ud83c\udf9f!")) {
      var thrown = status.withCause(new IOException(text)).asRuntimeException();
      isShort(ErrorConverter.convert(thrown, null, "http://localhost"), "first: xxx");
    }
  }

  private static void isShort(FrontrowException error, String expected) {
    String message = error.getMessage();
    assertTrue(message.contains(expected), message);
    assertEquals(1, message.lines().count(), message);
    assertTrue(message.endsWith("…"), message);
    String cause = message.substring(message.lastIndexOf(expected) + expected.indexOf(": ") + 2);
    assertTrue(cause.length() <= 200, cause);
    assertTrue(StandardCharsets.UTF_8.newEncoder().canEncode(cause), cause);
  }

  /** A self-signed certificate for localhost, by the program of every JDK. */
  private static KeyStore makeKeys(Path file) throws Exception {
    Path program = Path.of(System.getProperty("java.home"), "bin", "keytool");
    String password = new String(PASSWORD);
    Process keytool =
        new ProcessBuilder(
                program.toString(), "-genkeypair", "-alias", "service", "-keyalg", "EC",
                "-dname", "CN=localhost", "-ext", "SAN=dns:localhost", "-storetype", "PKCS12",
                "-keystore", file.toString(), "-storepass", password)
            .redirectErrorStream(true)
            .start();
    String output = new String(keytool.getInputStream().readAllBytes());
    assertEquals(0, keytool.waitFor(), output);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      keys.load(in, PASSWORD);
    }
    return keys;
  }

  @Test
  void aHostNameMayHaveAnUnderscore() throws Exception {
    try (FakeService service = new FakeService(request -> Concert.getDefaultInstance())) {
      String port = ":" + service.port();
      try (FrontrowClient client =
          FakeService.clientOf("http://booking_service" + port).build()) {
        client.getConcert(1);
      }
      try (FrontrowClient client =
          FakeService.clientOf("http://no_service" + port)
              .retry(RetryPolicy.DEFAULT.withMaxAttempts(1))
              .build()) {
        var error = assertThrows(UnreachableException.class, () -> client.getConcert(1));
        assertTrue(error.getMessage().contains("the host is unknown"), error.getMessage());
        assertTrue(error.getMessage().contains("no_service"), error.getMessage());
      }
    }
  }

  @Test
  void requestsNameTheClient() throws Exception {
    var userAgent = Metadata.Key.of("user-agent", Metadata.ASCII_STRING_MARSHALLER);
    try (FakeService service = new FakeService(request -> Concert.getDefaultInstance());
        FrontrowClient client = service.client().build()) {
      client.getConcert(1);
      String sent = service.headers().get(0).get(userAgent);
      assertTrue(sent.startsWith("frontrow-java"), sent);
    }
  }

  @Test
  void theChannelTakesInterceptors() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    ClientInterceptor counter =
        new ClientInterceptor() {
          @Override
          public <Q, A> ClientCall<Q, A> interceptCall(
              MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            calls.incrementAndGet();
            return next.newCall(method, options);
          }
        };
    try (FakeService service = new FakeService(request -> Concert.getDefaultInstance());
        FrontrowClient client =
            service.client().channel(channel -> channel.intercept(counter)).build()) {
      client.getConcert(1);
      assertEquals(1, calls.get());
    }
  }
}
