package com.frontrow;

import io.grpc.ManagedChannelBuilder;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Objects;

/** How a client calls the service. */
public final class FrontrowClientBuilder {
  private final String address;
  private final ManagedChannelBuilder<?> channel;
  private TokenCache token;
  private Duration timeout = Duration.ofSeconds(10);
  private Duration attemptTimeout = Duration.ofSeconds(4);
  private RetryPolicy retry = RetryPolicy.DEFAULT;

  FrontrowClientBuilder(String address) {
    this.address = address;
    channel = channelTo(address);
  }

  /** Sends a token (JWT) with every call. */
  public FrontrowClientBuilder token(String fixed) {
    token = TokenCache.of(fixed);
    return this;
  }

  /** Sends the tokens of a source. */
  public FrontrowClientBuilder token(TokenSource source) {
    token = TokenCache.of(source);
    return this;
  }

  /** How long a call may take with all of its attempts. By default 10 s. */
  public FrontrowClientBuilder timeout(Duration ofCall) {
    timeout = checkTimeout("timeout", ofCall);
    return this;
  }

  /** How long one attempt may take. By default 4 s. */
  public FrontrowClientBuilder attemptTimeout(Duration ofAttempt) {
    attemptTimeout = checkTimeout("attemptTimeout", ofAttempt);
    return this;
  }

  /** How failed attempts are repeated. By default {@link RetryPolicy#DEFAULT}. */
  public FrontrowClientBuilder retry(RetryPolicy policy) {
    retry = Objects.requireNonNull(policy, "the retry policy");
    return this;
  }

  /** Makes the client. It connects when it is first called. */
  public FrontrowClient build() {
    return new FrontrowClient(
        new Caller(address, channel.build(), token, timeout, attemptTimeout, retry));
  }

  static Duration checkTimeout(String name, Duration timeout) {
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException(name + " must be positive: " + timeout);
    }
    return timeout;
  }

  private static ManagedChannelBuilder<?> channelTo(String address) {
    URI url = originOf(address);
    boolean isSecure = url.getScheme().equalsIgnoreCase("https");
    int port = url.getPort() == -1 ? (isSecure ? 443 : 80) : url.getPort();
    ManagedChannelBuilder<?> builder = ManagedChannelBuilder.forAddress(url.getHost(), port);
    return isSecure ? builder.useTransportSecurity() : builder.usePlaintext();
  }

  private static URI originOf(String address) {
    try {
      URI url = new URI(address);
      boolean isWeb = url.getScheme() != null && url.getScheme().matches("(?i)https?");
      boolean isOrigin =
          url.getHost() != null
              && url.getRawUserInfo() == null
              && url.getRawPath().matches("/?")
              && url.getRawQuery() == null
              && url.getRawFragment() == null;
      if (isWeb && isOrigin) {
        return url;
      }
    } catch (URISyntaxException malformed) {
      // The error below says what is right.
    }
    throw new IllegalArgumentException(
        "the address must be a URL with http or https and without a path: " + address);
  }
}
