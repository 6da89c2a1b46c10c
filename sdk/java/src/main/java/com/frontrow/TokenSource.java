package com.frontrow;

/** Returns tokens (JWT), such as those of an identity provider. */
@FunctionalInterface
public interface TokenSource {
  /**
   * Returns a token. The client calls this in a separate thread when it has no token yet, and when
   * the service has refused the token. Concurrent calls share one token. When the client's timeout
   * has passed, the thread is interrupted, and the calls that wait fail with a {@code
   * DeadlineExceededException}. A token has visible ASCII characters only.
   */
  String token() throws Exception;
}
