package com.frontrow;

import io.grpc.Status;

/**
 * The token source failed, or returned a text that no header can have. The cause says what was
 * wrong. The next call calls the source again.
 */
public final class TokenSourceException extends FrontrowException {
  private static final long serialVersionUID = 1L;

  TokenSourceException(Throwable cause) {
    super(
        ErrorDetails.of(
            Status.Code.UNAUTHENTICATED, null, "the token source failed: " + cause, cause));
  }
}
