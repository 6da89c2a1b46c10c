package com.frontrow;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Makes calls, each with all of its attempts.
 *
 * @param token null if the client has none
 */
record Caller(
    String address,
    ManagedChannel channel,
    TokenCache token,
    Duration timeout,
    Duration attemptTimeout,
    RetryPolicy retry) {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  /** How gRPC describes the error of a call that a closed channel has not begun. */
  private static final String NOT_STARTED = "Channel shutdown invoked";

  Caller withTimeout(Duration other) {
    return new Caller(address, channel, token, other, attemptTimeout, retry);
  }

  /** Calls a method. An error has the key of the request. */
  <Q extends Message, A extends Message> A call(MethodDescriptor<Q, A> method, Q request) {
    FieldDescriptor field = request.getDescriptorForType().findFieldByName("request_id");
    String key = field == null ? "" : (String) request.getField(field);
    request.getAllFields().forEach(Caller::check);
    // Repeating such a call is safe although the service may have done its work.
    boolean isRepeatable = !key.isEmpty() || method.isSafe() || method.isIdempotent();
    try {
      return repeat(method, request, isRepeatable);
    } catch (FrontrowException error) {
      error.setIdempotencyKey(key);
      throw error;
    }
  }

  /** Protobuf would send a question mark for half of a surrogate pair, and a time of any year. */
  private static void check(FieldDescriptor field, Object value) {
    if (value instanceof String text && !StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new IllegalArgumentException(field.getName() + " has half of a surrogate pair");
    }
    if (value instanceof Timestamp time && !Times.isInSchema(time)) {
      throw new IllegalArgumentException(field.getName() + " is outside of the years 1 to 9999");
    }
  }

  /** Makes attempts until one succeeds, its error is final, or the deadline passes. */
  private <Q, A> A repeat(MethodDescriptor<Q, A> method, Q request, boolean isRepeatable) {
    if (channel.isShutdown()) {
      throw new IllegalStateException("the client is closed");
    }
    long deadline = System.nanoTime() + Times.nanos(limit());
    boolean isRefreshed = false;
    int attempt = 1;
    while (true) {
      CompletableFuture<String> sent = token == null ? null : token.get();
      String bearer = sent == null ? null : TokenCache.await(sent, deadline);
      try {
        return attempt(method, request, bearer, deadline);
      } catch (FrontrowException error) {
        // A gateway before the service may refuse the token, too.
        boolean isRefused = sent != null && error.code() == Status.Code.UNAUTHENTICATED;
        if (isRefused && !isRefreshed && token.refuse(sent)) {
          isRefreshed = true;
          continue;
        }
        if (attempt >= retry.maxAttempts() || !RetryPolicy.isRetryable(error, isRepeatable)) {
          throw error;
        }
        long wait = retry.nanosAfter(attempt, error);
        if (deadline - System.nanoTime() <= wait) {
          throw error;
        }
        ContextWait.sleep(wait);
        if (channel.isShutdown()) {
          throw error;
        }
        attempt += 1;
      }
    }
  }

  /** The call's timeout, which ends no later than the deadline of the caller's context. */
  private Duration limit() {
    Deadline ofContext = Context.current().getDeadline();
    if (ofContext == null) {
      return timeout;
    }
    Duration left = Duration.ofNanos(ofContext.timeRemaining(TimeUnit.NANOSECONDS));
    return left.compareTo(timeout) < 0 ? left : timeout;
  }

  private <Q, A> A attempt(MethodDescriptor<Q, A> method, Q request, String bearer, long deadline) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CallInterruptedException(null);
    }
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      // gRPC waits up to two minutes before it connects again. The retry policy has shorter waits.
      channel.resetConnectBackoff();
    }
    long nanos = Math.min(Times.nanos(attemptTimeout), deadline - System.nanoTime());
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(nanos, TimeUnit.NANOSECONDS);
    AtomicReference<Metadata> headers = new AtomicReference<>();
    try {
      Channel intercepted = intercept(bearer, headers);
      return ClientCalls.blockingUnaryCall(intercepted, method, options, request);
    } catch (StatusRuntimeException thrown) {
      throw errorOf(thrown, headers.get());
    }
  }

  private FrontrowException errorOf(StatusRuntimeException thrown, Metadata headers) {
    Status status = thrown.getStatus();
    boolean isCancelled = status.getCode() == Status.Code.CANCELLED;
    if (isCancelled && Thread.currentThread().isInterrupted()) {
      return new CallInterruptedException(thrown);
    }
    if (isCancelled && Context.current().isCancelled()) {
      return ContextWait.cancelled(thrown);
    }
    // Another thread has closed the client. Its calls that had begun end as they do without that.
    if (NOT_STARTED.equals(status.getDescription())) {
      throw new IllegalStateException("the client is closed", thrown);
    }
    return ErrorConverter.convert(thrown, headers, address);
  }

  private Channel intercept(String bearer, AtomicReference<Metadata> headers) {
    Metadata sent = new Metadata();
    if (bearer != null) {
      sent.put(AUTHORIZATION, "Bearer " + bearer);
    }
    return ClientInterceptors.intercept(
        channel,
        MetadataUtils.newAttachHeadersInterceptor(sent),
        MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>()));
  }
}
