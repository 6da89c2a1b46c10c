package com.frontrow;

import com.frontrow.errors.UnauthenticatedException;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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

  Caller withTimeout(Duration other) {
    return new Caller(address, channel, token, other, attemptTimeout, retry);
  }

  /** Calls a method until an attempt succeeds, its error is final, or the deadline passes. */
  <Q extends Message, A extends Message> A call(MethodDescriptor<Q, A> method, Q request) {
    long deadline = System.nanoTime() + timeout.toNanos();
    boolean isRepeatable = isRepeatable(method, request);
    boolean isRefreshed = false;
    int attempt = 1;
    while (true) {
      CompletableFuture<String> sent = token == null ? null : token.get();
      try {
        String bearer = sent == null ? null : await(sent, deadline);
        return attempt(method, request, bearer, deadline);
      } catch (FrontrowException error) {
        boolean isRefused = sent != null && error instanceof UnauthenticatedException;
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
        sleep(wait);
        attempt += 1;
      }
    }
  }

  /** Whether repeating a call is safe although the service may have done its work. */
  private static boolean isRepeatable(MethodDescriptor<?, ?> method, Message request) {
    return method.isSafe()
        || method.isIdempotent()
        || request.getDescriptorForType().findFieldByName("request_id") != null;
  }

  private <Q, A> A attempt(MethodDescriptor<Q, A> method, Q request, String bearer, long deadline) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CallInterruptedException(null);
    }
    if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      // gRPC waits up to two minutes before it connects again. The retry policy has shorter waits.
      channel.resetConnectBackoff();
    }
    long nanos = Math.min(attemptTimeout.toNanos(), deadline - System.nanoTime());
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(nanos, TimeUnit.NANOSECONDS);
    AtomicReference<Metadata> headers = new AtomicReference<>();
    try {
      Channel intercepted = intercept(bearer, headers);
      return ClientCalls.blockingUnaryCall(intercepted, method, options, request);
    } catch (StatusRuntimeException thrown) {
      if (Thread.currentThread().isInterrupted()) {
        throw new CallInterruptedException(thrown);
      }
      if (channel.isShutdown()) {
        throw new IllegalStateException("the client is closed", thrown);
      }
      throw ErrorConverter.convert(thrown, headers.get(), address);
    }
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

  private static String await(CompletableFuture<String> token, long deadline) {
    try {
      return token.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException failure) {
      throw new TokenSourceException(failure.getCause());
    } catch (TimeoutException late) {
      String message = "the token source did not end within the timeout of the call";
      throw ErrorConverter.withReason(
          ErrorDetails.of(Status.Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", message, late));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CallInterruptedException(interrupted);
    }
  }

  private static void sleep(long nanos) {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new CallInterruptedException(interrupted);
    }
  }
}
