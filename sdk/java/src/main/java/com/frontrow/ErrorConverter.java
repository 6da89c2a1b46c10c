package com.frontrow;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The errors of gRPC as those of this package. */
final class ErrorConverter {
  /** The domain of the google.rpc.ErrorInfo of Frontrow's errors. */
  private static final String DOMAIN = "frontrow";

  private static final Metadata.Key<com.google.rpc.Status> STATUS_DETAILS =
      Metadata.Key.of(
          "grpc-status-details-bin",
          ProtoUtils.metadataMarshaller(com.google.rpc.Status.getDefaultInstance()));
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  /** Codes that gRPC gives to a connection that failed, and to a stream that was reset. */
  private static final Set<Status.Code> LOST =
      EnumSet.of(Status.Code.UNAVAILABLE, Status.Code.CANCELLED, Status.Code.INTERNAL);

  /** How gRPC describes a response that is not its own. */
  private static final Pattern OTHER_PROTOCOL =
      Pattern.compile("HTTP status code \\d+|invalid content-type|^http2 exception");

  /** How many characters of a cause's text a message has. */
  private static final int MAX_FAULT = 200;

  private ErrorConverter() {}

  /**
   * Converts the error of an attempt.
   *
   * @param headers those of the response; null if it has none, or trailers only
   */
  static FrontrowException convert(
      StatusRuntimeException thrown, Metadata headers, String address) {
    Status status = thrown.getStatus();
    Metadata trailers = Optional.ofNullable(thrown.getTrailers()).orElseGet(Metadata::new);
    List<Any> found = statusDetails(trailers);
    Optional<ErrorInfo> info =
        find(found, ErrorInfo.class)
            .filter(each -> each.getDomain().equals(DOMAIN) && !each.getReason().isEmpty())
            .findFirst();
    ErrorDetails details =
        new ErrorDetails(
            status.getCode(),
            Optional.ofNullable(status.getDescription()).orElse(status.getCode().name()),
            info.map(ErrorInfo::getReason).orElse(null),
            info.map(ErrorInfo::getMetadataMap).orElse(Map.of()),
            find(found, BadRequest.class)
                .map(ErrorConverter::violations)
                .findFirst()
                .orElse(List.of()),
            // Another service does not know what is safe to repeat in this one.
            info.flatMap(frontrow -> find(found, RetryInfo.class).findFirst())
                .map(ErrorConverter::delay)
                .orElse(null),
            Optional.ofNullable(trailers.get(REQUEST_ID))
                .orElseGet(() -> headers == null ? null : headers.get(REQUEST_ID)),
            thrown);
    if (details.reason() != null) {
      return withReason(details);
    }
    return details.code() == Status.Code.DEADLINE_EXCEEDED
        ? ofDeadline(details, address)
        : withoutReason(details, status, address);
  }

  /** A deadline that passes in the client is the same error as one that passes in the service. */
  private static FrontrowException ofDeadline(ErrorDetails details, String address) {
    return withReason(
        details
            .with(details.code(), "the service at " + address + " did not answer in time")
            .withReason("DEADLINE_EXCEEDED"));
  }

  /** An error of its reason's class, if this version has one and the metadata are complete. */
  static FrontrowException withReason(ErrorDetails details) {
    Function<ErrorDetails, FrontrowException> maker =
        ErrorsByReason.MAKERS.getOrDefault(details.reason(), FrontrowException::withoutClass);
    try {
      return maker.apply(details);
    } catch (ErrorDetails.MissingMetadata missing) {
      return FrontrowException.withoutClass(details);
    }
  }

  /** Every error of Frontrow has a reason, except one for a method that it does not have. */
  private static FrontrowException withoutReason(
      ErrorDetails details, Status status, String address) {
    String fault = faultOf(details.message(), status.getCause());
    boolean isOtherProtocol = OTHER_PROTOCOL.matcher(details.message()).find();
    if (LOST.contains(details.code()) && !isOtherProtocol) {
      return new UnreachableException(
          details.with(
              Status.Code.UNAVAILABLE,
              "no Frontrow service answered at " + address + ": " + fault));
    }
    boolean isUnimplemented = details.code() == Status.Code.UNIMPLEMENTED && !isOtherProtocol;
    String otherwise = isUnimplemented ? ", or one without this method" : "";
    return new UnreachableException(
        details.with(
            details.code(),
            "at " + address + " is something else than a Frontrow service" + otherwise
                + ": " + fault));
  }

  /**
   * The description of gRPC is often "io exception". The innermost cause says what is wrong, such
   * as that a certificate is not trusted.
   */
  private static String faultOf(String description, Throwable cause) {
    String fault = shortLineOf(description);
    return Stream.iterate(cause, Objects::nonNull, Throwable::getCause)
        .map(Throwable::getMessage)
        .filter(Objects::nonNull)
        .reduce((outer, inner) -> inner)
        .map(innermost -> fault + ": " + shortLineOf(innermost))
        .orElse(fault);
  }

  /** The text of a cause may have all bytes of an answer as digits. */
  private static String shortLineOf(String text) {
    String line = text.lines().filter(each -> !each.isBlank()).findFirst().orElse("");
    if (line.length() <= MAX_FAULT) {
      return line;
    }
    // A surrogate pair is not cut in half.
    boolean isHalf = Character.isHighSurrogate(line.charAt(MAX_FAULT - 2));
    return line.substring(0, MAX_FAULT - (isHalf ? 2 : 1)) + "…";
  }

  private static List<Any> statusDetails(Metadata trailers) {
    try {
      com.google.rpc.Status status = trailers.get(STATUS_DETAILS);
      return status == null ? List.of() : status.getDetailsList();
    } catch (IllegalArgumentException malformed) {
      return List.of();
    }
  }

  private static <T extends Message> Stream<T> find(List<Any> details, Class<T> type) {
    return details.stream().filter(each -> each.is(type)).flatMap(each -> unpack(each, type));
  }

  /** A malformed detail is left out. */
  private static <T extends Message> Stream<T> unpack(Any detail, Class<T> type) {
    try {
      return Stream.of(detail.unpack(type));
    } catch (InvalidProtocolBufferException malformed) {
      return Stream.empty();
    }
  }

  private static List<Violation> violations(BadRequest request) {
    return request.getFieldViolationsList().stream()
        .map(each -> new Violation(each.getField(), each.getDescription()))
        .toList();
  }

  private static Duration delay(RetryInfo info) {
    try {
      Duration delay = Times.duration(info.getRetryDelay());
      return delay.isNegative() ? Duration.ZERO : delay;
    } catch (ArithmeticException tooLong) {
      return Duration.ofSeconds(Long.MAX_VALUE);
    }
  }
}
