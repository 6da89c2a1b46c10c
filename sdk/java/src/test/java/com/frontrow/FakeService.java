package com.frontrow;

import com.frontrow.v1.BookingServiceGrpc;
import com.frontrow.v1.ConcertServiceGrpc;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCalls;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A service on a free port, for answers that the running service gives rarely. */
final class FakeService implements AutoCloseable {
  private final Server server;
  private final List<Metadata> headers = Collections.synchronizedList(new ArrayList<>());

  /** Starts a service that answers every method with this function. */
  FakeService(Function<Message, Message> handler) throws IOException {
    this(handler, InsecureServerCredentials.create());
  }

  /** Starts one with TLS. */
  FakeService(Function<Message, Message> handler, ServerCredentials credentials)
      throws IOException {
    server =
        Grpc.newServerBuilderForPort(0, credentials)
            .addService(define(BookingServiceGrpc.getServiceDescriptor(), handler))
            .addService(define(ConcertServiceGrpc.getServiceDescriptor(), handler))
            .intercept(new HeaderRecorder())
            .build()
            .start();
  }

  /** The headers of each request. */
  List<Metadata> headers() {
    return headers;
  }

  int port() {
    return server.getPort();
  }

  String address() {
    return "http://localhost:" + port();
  }

  /** A client with short waits, and with deadlines that a slow machine keeps. */
  FrontrowClientBuilder client() {
    return clientOf(address());
  }

  /** The same for another address. */
  static FrontrowClientBuilder clientOf(String address) {
    return FrontrowClient.builder(address)
        .timeout(Duration.ofMinutes(1))
        .attemptTimeout(Duration.ofMinutes(1))
        .retry(RetryPolicy.DEFAULT.withInitialBackoff(Duration.ofMillis(1)));
  }

  /** An error as Frontrow has it. */
  static StatusRuntimeException failure(Code code, String reason, Map<String, String> metadata) {
    return failure(code, reason, metadata, null);
  }

  /** An error as Frontrow has it, with a delay for repetitions. */
  static StatusRuntimeException failure(
      Code code, String reason, Map<String, String> metadata, Duration retryDelay) {
    ErrorInfo info =
        ErrorInfo.newBuilder()
            .setDomain("frontrow")
            .setReason(reason)
            .putAllMetadata(metadata)
            .build();
    var status =
        com.google.rpc.Status.newBuilder()
            .setCode(code.getNumber())
            .setMessage("refused")
            .addDetails(Any.pack(info));
    if (retryDelay != null) {
      RetryInfo retry = RetryInfo.newBuilder().setRetryDelay(Times.duration(retryDelay)).build();
      status.addDetails(Any.pack(retry));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private final class HeaderRecorder implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata ofRequest, ServerCallHandler<Q, A> next) {
      headers.add(ofRequest);
      return next.startCall(call, ofRequest);
    }
  }

  private static ServerServiceDefinition define(
      ServiceDescriptor service, Function<Message, Message> handler) {
    var definition = ServerServiceDefinition.builder(service);
    service.getMethods().forEach(method -> addMethod(definition, method, handler));
    return definition.build();
  }

  @SuppressWarnings("unchecked") // The handler returns the response of the request's method.
  private static <Q, A> void addMethod(
      ServerServiceDefinition.Builder definition,
      MethodDescriptor<Q, A> method,
      Function<Message, Message> handler) {
    definition.addMethod(
        method,
        ServerCalls.asyncUnaryCall(
            (request, response) -> {
              try {
                response.onNext((A) handler.apply((Message) request));
                response.onCompleted();
              } catch (StatusRuntimeException failure) {
                response.onError(failure);
              }
            }));
  }
}
