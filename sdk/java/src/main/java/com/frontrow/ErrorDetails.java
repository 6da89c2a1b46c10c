package com.frontrow;

import io.grpc.Status;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;

/**
 * What the error of a call has. {@link FrontrowException} documents the parts.
 *
 * @param reason null if the service did not say
 * @param retryDelay null if the service wants no repetition
 * @param requestId null if the response has none
 * @param cause null if there is none
 */
public record ErrorDetails(
    Status.Code code,
    String message,
    String reason,
    Map<String, String> metadata,
    List<Violation> violations,
    Duration retryDelay,
    String requestId,
    Throwable cause)
    implements Serializable {

  /** Copies the collections, so that an error cannot change. */
  public ErrorDetails {
    metadata = Map.copyOf(metadata);
    violations = List.copyOf(violations);
  }

  /** The details of an error that the client raises itself. */
  static ErrorDetails of(Status.Code code, String reason, String message, Throwable cause) {
    return new ErrorDetails(code, message, reason, Map.of(), List.of(), null, null, cause);
  }

  /** Returns the same with another code and message. */
  ErrorDetails with(Status.Code otherCode, String otherMessage) {
    return new ErrorDetails(
        otherCode, otherMessage, reason, metadata, violations, retryDelay, requestId, cause);
  }

  /** Returns the same with another reason. */
  ErrorDetails withReason(String other) {
    return new ErrorDetails(
        code, message, other, metadata, violations, retryDelay, requestId, cause);
  }

  /** Returns a value of the metadata that is a whole number. */
  public int integer(String key) {
    try {
      return Integer.parseInt(text(key));
    } catch (NumberFormatException malformed) {
      throw new MissingMetadata(key, malformed);
    }
  }

  /** Returns a value of the metadata that is an instant. */
  public Instant instant(String key) {
    try {
      return Instant.parse(text(key));
    } catch (DateTimeParseException malformed) {
      throw new MissingMetadata(key, malformed);
    }
  }

  /** Returns a value of the metadata that is a text. */
  public String text(String key) {
    String value = metadata.getOrDefault(key, "");
    if (value.isEmpty()) {
      throw new MissingMetadata(key, null);
    }
    return value;
  }

  /**
   * The metadata of an error lack a value that its reason has in the schema, or have one that is
   * malformed.
   */
  static final class MissingMetadata extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private MissingMetadata(String key, Throwable cause) {
      super(key, cause);
    }
  }
}
