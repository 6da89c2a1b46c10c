package com.frontrow;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A call failed. A reason that this version knows has a class in {@code com.frontrow.errors}: catch
 * {@code InsufficientTicketsException}, or compare {@link #reason}.
 */
public class FrontrowException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorDetails details;
  private String idempotencyKey = "";

  /** Makes the error of a failed call. */
  protected FrontrowException(ErrorDetails details) {
    super(details.message(), details.cause());
    this.details = details;
  }

  /** Makes an error that has no class: its reason is unknown to this version, or not given. */
  static FrontrowException withoutClass(ErrorDetails details) {
    return new FrontrowException(details);
  }

  /** Returns the RPC code. */
  public Status.Code code() {
    return details.code();
  }

  /**
   * Returns why the call failed, for programs, such as {@code INSUFFICIENT_TICKETS}. It is empty if
   * the service did not say.
   */
  public Optional<String> reason() {
    return Optional.ofNullable(details.reason());
  }

  /** Returns facts about the error, such as {@code available}, as texts. */
  public Map<String, String> metadata() {
    return details.metadata();
  }

  /** Returns the invalid fields of the request. */
  public List<Violation> violations() {
    return details.violations();
  }

  /** Returns the delay after which the service wants the call repeated. */
  public Optional<Duration> retryDelay() {
    return Optional.ofNullable(details.retryDelay());
  }

  /**
   * Returns the {@code request_id} of the failed call, if its method has one. A later call with it
   * repeats this one, and does not do its work twice.
   */
  public Optional<String> idempotencyKey() {
    return Optional.of(idempotencyKey).filter(key -> !key.isEmpty());
  }

  /** Sets the key of the call that throws this. */
  void setIdempotencyKey(String key) {
    idempotencyKey = key;
  }

  /**
   * Returns the response's {@code x-request-id}, by which the service's log names the request. It
   * is not the request's {@code request_id}, which {@link #idempotencyKey} returns.
   */
  public Optional<String> requestId() {
    return Optional.ofNullable(details.requestId());
  }
}
