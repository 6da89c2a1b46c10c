package com.frontrow;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;

/**
 * Resolves host names with {@code _}, which networks of containers have. The resolver of gRPC
 * refuses them, since {@link URI} does.
 */
final class HostResolver extends NameResolver {
  private static final String SCHEME = "frontrow";

  static {
    NameResolverRegistry.getDefaultRegistry().register(new Provider());
  }

  private final String authority;
  private final Args channel;
  private Listener2 listener;

  private HostResolver(String authority, Args channel) {
    this.authority = authority;
    this.channel = channel;
  }

  /** The target of a channel to a host and its port. */
  static String targetOf(String authority) {
    return SCHEME + ":///" + authority;
  }

  @Override
  public String getServiceAuthority() {
    return authority;
  }

  @Override
  public void start(Listener2 ofChannel) {
    listener = ofChannel;
    refresh();
  }

  @Override
  public void refresh() {
    channel
        .getOffloadExecutor()
        .execute(
            () -> {
              var result = ResolutionResult.newBuilder().setAddressesOrError(lookUp()).build();
              channel.getSynchronizationContext().execute(() -> listener.onResult2(result));
            });
  }

  @Override
  public void shutdown() {}

  private StatusOr<List<EquivalentAddressGroup>> lookUp() {
    int colon = authority.lastIndexOf(':');
    int port = Integer.parseInt(authority.substring(colon + 1));
    try {
      return StatusOr.fromValue(
          Stream.of(InetAddress.getAllByName(authority.substring(0, colon)))
              .map(found -> new EquivalentAddressGroup(new InetSocketAddress(found, port)))
              .toList());
    } catch (UnknownHostException unknown) {
      return StatusOr.fromStatus(
          Status.UNAVAILABLE.withDescription("the host is unknown").withCause(unknown));
    }
  }

  private static final class Provider extends NameResolverProvider {
    @Override
    public NameResolver newNameResolver(URI target, Args channel) {
      boolean isOwn = SCHEME.equals(target.getScheme());
      return isOwn ? new HostResolver(target.getPath().substring(1), channel) : null;
    }

    @Override
    public String getDefaultScheme() {
      return SCHEME;
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    /** Below that of DNS, whose scheme targets without one have. */
    @Override
    protected int priority() {
      return 1;
    }
  }
}
