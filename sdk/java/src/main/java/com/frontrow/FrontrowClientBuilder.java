package com.frontrow;

import io.grpc.ManagedChannelBuilder;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** How a client calls the service. */
public final class FrontrowClientBuilder {
  private static final String USER_AGENT =
      Stream.of("frontrow-java", FrontrowClient.class.getPackage().getImplementationVersion())
          .filter(Objects::nonNull) // Classes outside of the jar have no version.
          .collect(Collectors.joining("/"));

  private final String address;
  private final ManagedChannelBuilder<?> channel;
  private Function<Duration, TokenCache> tokenWithin = sourceTimeout -> null;
  private Duration timeout = Duration.ofSeconds(10);
  private Duration attemptTimeout = Duration.ofSeconds(4);
  private RetryPolicy retry = RetryPolicy.DEFAULT;

  FrontrowClientBuilder(String address) {
    this.address = address;
    channel = channelTo(ServiceAddress.parse(address));
  }

  /** Sends a token (JWT) with every call. */
  public FrontrowClientBuilder token(String fixed) {
    TokenCache cache = TokenCache.of(fixed);
    tokenWithin = sourceTimeout -> cache;
    return this;
  }

  /** Sends the tokens of a source. A call of it may take as long as {@link #timeout}. */
  public FrontrowClientBuilder token(TokenSource source) {
    Objects.requireNonNull(source, "the token source");
    tokenWithin = sourceTimeout -> TokenCache.of(source, sourceTimeout);
    return this;
  }

  /** How long a call may take with all of its attempts. By default 10 s. */
  public FrontrowClientBuilder timeout(Duration ofCall) {
    timeout = Times.checkPositive("timeout", ofCall);
    return this;
  }

  /** How long one attempt may take. By default 4 s. */
  public FrontrowClientBuilder attemptTimeout(Duration ofAttempt) {
    attemptTimeout = Times.checkPositive("attemptTimeout", ofAttempt);
    return this;
  }

  /** How failed attempts are repeated. By default {@link RetryPolicy#DEFAULT}. */
  public FrontrowClientBuilder retry(RetryPolicy policy) {
    retry = Objects.requireNonNull(policy, "the retry policy");
    return this;
  }

  /**
   * Changes settings of the channel, such as interceptors, or trusted certificates with a {@code
   * NettyChannelBuilder}.
   */
  public FrontrowClientBuilder channel(Consumer<? super ManagedChannelBuilder<?>> settings) {
    settings.accept(channel);
    return this;
  }

  /** Makes the client. It connects when it is first called. */
  public FrontrowClient build() {
    return new FrontrowClient(
        new Caller(
            address,
            channel.build(),
            tokenWithin.apply(timeout),
            timeout,
            attemptTimeout,
            retry));
  }

  private static ManagedChannelBuilder<?> channelTo(ServiceAddress service) {
    ManagedChannelBuilder<?> builder =
        service
            .channel()
            // A network that has gone silent is noticed within one attempt.
            .keepAliveTime(20, TimeUnit.SECONDS)
            .keepAliveTimeout(3, TimeUnit.SECONDS)
            // The retry policy alone decides which calls are repeated, and when.
            .disableRetry()
            .disableServiceConfigLookUp()
            .userAgent(USER_AGENT);
    return service.isSecure() ? builder.useTransportSecurity() : builder.usePlaintext();
  }
}
