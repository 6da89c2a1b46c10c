package com.frontrow;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** The token of a client. Concurrent calls share one call of the source. */
final class TokenCache {
  private final TokenSource source;
  private final boolean isFixed;
  private CompletableFuture<String> current;

  private TokenCache(TokenSource source, boolean isFixed) {
    this.source = source;
    this.isFixed = isFixed;
  }

  static TokenCache of(String token) {
    Objects.requireNonNull(token, "the token");
    return new TokenCache(() -> token, true);
  }

  static TokenCache of(TokenSource source) {
    Objects.requireNonNull(source, "the token source");
    return new TokenCache(source, false);
  }

  synchronized CompletableFuture<String> get() {
    if (current == null) {
      CompletableFuture<String> token = new CompletableFuture<>();
      current = token;
      if (isFixed) {
        refresh(token);
      } else {
        start(token);
      }
    }
    return current;
  }

  /**
   * Forgets a token, unless another call has replaced it already. Returns whether the next one may
   * be another one.
   */
  synchronized boolean refuse(CompletableFuture<String> token) {
    if (current == token) {
      current = null;
    }
    return !isFixed;
  }

  /**
   * Calls the source in a separate thread: the call that needs the token first may have the
   * shortest deadline or be interrupted.
   */
  private void start(CompletableFuture<String> token) {
    Thread thread = new Thread(() -> refresh(token), "frontrow-token-source");
    thread.setDaemon(true);
    thread.start();
  }

  private void refresh(CompletableFuture<String> token) {
    try {
      token.complete(Objects.requireNonNull(source.token(), "the token source returned null"));
    } catch (Throwable failure) { // An Error must not leave the calls waiting either.
      refuse(token);
      token.completeExceptionally(failure);
    }
  }
}
