package com.frontrow;

import com.frontrow.errors.ErrorsByReason;
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
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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

  /** How gRPC describes a response that is not its own. */
  private static final Pattern OTHER_PROTOCOL =
      Pattern.compile("HTTP status code \\d+|invalid content-type|^http2 exception");

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
        find(found, ErrorInfo.class).filter(each -> each.getDomain().equals(DOMAIN));
    ErrorDetails details =
        new ErrorDetails(
            status.getCode(),
            Optional.ofNullable(status.getDescription()).orElse(status.getCode().name()),
            info.map(ErrorInfo::getReason).orElseGet(() -> ownReason(status)),
            info.map(ErrorInfo::getMetadataMap).orElse(Map.of()),
            find(found, BadRequest.class).map(ErrorConverter::violations).orElse(List.of()),
            find(found, RetryInfo.class).map(ErrorConverter::delay).orElse(null),
            Optional.ofNullable(trailers.get(REQUEST_ID))
                .orElseGet(() -> headers == null ? null : headers.get(REQUEST_ID)),
            thrown);
    return details.reason() == null ? withoutReason(details, status, address) : withReason(details);
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

  private static FrontrowException withoutReason(
      ErrorDetails details, Status status, String address) {
    String fault = faultOf(details.message(), status.getCause());
    if (OTHER_PROTOCOL.matcher(details.message()).find()) {
      return unreachable(
          details, "at " + address + " is something else than a Frontrow service: " + fault);
    }
    if (details.code() == Status.Code.UNAVAILABLE) {
      return unreachable(
          details, "no Frontrow service can be reached at " + address + ": " + fault);
    }
    return FrontrowException.withoutClass(details);
  }

  /**
   * The description of gRPC is often "io exception". The innermost cause says what is wrong, such as
   * that a certificate is not trusted.
   */
  private static String faultOf(String description, Throwable cause) {
    String firstLine = description.lines().findFirst().orElse("");
    return Stream.iterate(cause, Objects::nonNull, Throwable::getCause)
        .map(Throwable::getMessage)
        .filter(Objects::nonNull)
        .reduce((outer, inner) -> inner)
        .map(innermost -> firstLine + ": " + innermost)
        .orElse(firstLine);
  }

  private static UnreachableException unreachable(ErrorDetails details, String message) {
    return new UnreachableException(
        ErrorDetails.of(details.code(), null, message, details.cause()));
  }

  /** A deadline that passes in the client is the same error as one that passes in the service. */
  private static String ownReason(Status status) {
    return status.getCode() == Status.Code.DEADLINE_EXCEEDED ? "DEADLINE_EXCEEDED" : null;
  }

  private static List<Any> statusDetails(Metadata trailers) {
    try {
      com.google.rpc.Status status = trailers.get(STATUS_DETAILS);
      return status == null ? List.of() : status.getDetailsList();
    } catch (IllegalArgumentException malformed) {
      return List.of();
    }
  }

  private static <T extends Message> Optional<T> find(List<Any> details, Class<T> type) {
    for (Any each : details) {
      if (each.is(type)) {
        try {
          return Optional.of(each.unpack(type));
        } catch (InvalidProtocolBufferException malformed) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  private static List<Violation> violations(BadRequest request) {
    return request.getFieldViolationsList().stream()
        .map(each -> new Violation(each.getField(), each.getDescription()))
        .toList();
  }

  private static Duration delay(RetryInfo info) {
    return Times.duration(info.getRetryDelay());
  }
}
