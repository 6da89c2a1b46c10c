package com.frontrow;

import io.grpc.ManagedChannelBuilder;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The parts of the service's URL. */
record ServiceAddress(boolean isSecure, String host, int port) {
  /** The host is a name, or an address of IPv4, or one of IPv6 in brackets. */
  private static final Pattern URL =
      Pattern.compile(
          "(?<scheme>https?)://(?<host>[a-z0-9._-]+|\\[[0-9a-f:.]+])(:(?<port>[0-9]{1,5}))?/?",
          Pattern.CASE_INSENSITIVE);

  private static final int MAX_PORT = 65_535;

  static ServiceAddress parse(String address) {
    Matcher url = URL.matcher(address);
    if (url.matches()) {
      boolean isSecure = url.group("scheme").toLowerCase(Locale.ROOT).equals("https");
      int usualPort = isSecure ? 443 : 80;
      int port = url.group("port") == null ? usualPort : Integer.parseInt(url.group("port"));
      if (port >= 1 && port <= MAX_PORT) {
        return new ServiceAddress(isSecure, url.group("host"), port);
      }
    }
    // The address is left out: it may have a password.
    throw new IllegalArgumentException(
        "the address must be a URL with http or https, without a path, a query or a user");
  }

  ManagedChannelBuilder<?> channel() {
    return host.contains("_")
        ? ManagedChannelBuilder.forTarget(HostResolver.targetOf(host + ":" + port))
        : ManagedChannelBuilder.forAddress(host, port);
  }
}
