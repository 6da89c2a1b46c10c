package com.frontrow;

import io.grpc.Status;
import java.util.concurrent.TimeoutException;

/**
 * The token source failed, did not return within the timeout, or returned a malformed token. The
 * cause says what was wrong. The next call calls the source again.
 */
public final class TokenSourceException extends FrontrowException {
  private static final long serialVersionUID = 1L;

  TokenSourceException(Throwable cause) {
    super(
        ErrorDetails.of(
            Status.Code.UNAUTHENTICATED, null, "the token source failed: " + faultOf(cause), cause));
  }

  private static Object faultOf(Throwable cause) {
    return cause instanceof TimeoutException ? "it did not return a token in time" : cause;
  }
}
