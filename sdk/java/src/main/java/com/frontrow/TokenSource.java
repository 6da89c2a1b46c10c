package com.frontrow;

/** Returns tokens (JWT), such as those of an identity provider. */
@FunctionalInterface
public interface TokenSource {
  /**
   * Returns a token. The client calls this in a separate thread when it has no token yet, and when
   * the service has refused the token. Concurrent calls share one token. The thread is interrupted
   * when the client's timeout has passed: the calls that wait fail as if they took too long. A token has visible ASCII characters only.
   */
  String token() throws Exception;
}
