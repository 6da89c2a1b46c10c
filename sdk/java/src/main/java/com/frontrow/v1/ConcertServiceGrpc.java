package com.frontrow.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * The catalogue of concerts: search it, and for organizers create and update concerts.
 * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
 * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
 * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
 * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
 * service verifies tokens.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ConcertServiceGrpc {

  private ConcertServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "frontrow.v1.ConcertService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.GetConcertRequest,
      com.frontrow.v1.Concert> getGetConcertMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetConcert",
      requestType = com.frontrow.v1.GetConcertRequest.class,
      responseType = com.frontrow.v1.Concert.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.GetConcertRequest,
      com.frontrow.v1.Concert> getGetConcertMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.GetConcertRequest, com.frontrow.v1.Concert> getGetConcertMethod;
    if ((getGetConcertMethod = ConcertServiceGrpc.getGetConcertMethod) == null) {
      synchronized (ConcertServiceGrpc.class) {
        if ((getGetConcertMethod = ConcertServiceGrpc.getGetConcertMethod) == null) {
          ConcertServiceGrpc.getGetConcertMethod = getGetConcertMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.GetConcertRequest, com.frontrow.v1.Concert>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetConcert"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.GetConcertRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Concert.getDefaultInstance()))
              .setSchemaDescriptor(new ConcertServiceMethodDescriptorSupplier("GetConcert"))
              .build();
        }
      }
    }
    return getGetConcertMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.ListConcertsRequest,
      com.frontrow.v1.ListConcertsResponse> getListConcertsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListConcerts",
      requestType = com.frontrow.v1.ListConcertsRequest.class,
      responseType = com.frontrow.v1.ListConcertsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.ListConcertsRequest,
      com.frontrow.v1.ListConcertsResponse> getListConcertsMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.ListConcertsRequest, com.frontrow.v1.ListConcertsResponse> getListConcertsMethod;
    if ((getListConcertsMethod = ConcertServiceGrpc.getListConcertsMethod) == null) {
      synchronized (ConcertServiceGrpc.class) {
        if ((getListConcertsMethod = ConcertServiceGrpc.getListConcertsMethod) == null) {
          ConcertServiceGrpc.getListConcertsMethod = getListConcertsMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.ListConcertsRequest, com.frontrow.v1.ListConcertsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListConcerts"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.ListConcertsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.ListConcertsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConcertServiceMethodDescriptorSupplier("ListConcerts"))
              .build();
        }
      }
    }
    return getListConcertsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.CreateConcertRequest,
      com.frontrow.v1.Concert> getCreateConcertMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateConcert",
      requestType = com.frontrow.v1.CreateConcertRequest.class,
      responseType = com.frontrow.v1.Concert.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.CreateConcertRequest,
      com.frontrow.v1.Concert> getCreateConcertMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.CreateConcertRequest, com.frontrow.v1.Concert> getCreateConcertMethod;
    if ((getCreateConcertMethod = ConcertServiceGrpc.getCreateConcertMethod) == null) {
      synchronized (ConcertServiceGrpc.class) {
        if ((getCreateConcertMethod = ConcertServiceGrpc.getCreateConcertMethod) == null) {
          ConcertServiceGrpc.getCreateConcertMethod = getCreateConcertMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.CreateConcertRequest, com.frontrow.v1.Concert>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateConcert"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.CreateConcertRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Concert.getDefaultInstance()))
              .setSchemaDescriptor(new ConcertServiceMethodDescriptorSupplier("CreateConcert"))
              .build();
        }
      }
    }
    return getCreateConcertMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.UpdateConcertRequest,
      com.frontrow.v1.Concert> getUpdateConcertMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateConcert",
      requestType = com.frontrow.v1.UpdateConcertRequest.class,
      responseType = com.frontrow.v1.Concert.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.UpdateConcertRequest,
      com.frontrow.v1.Concert> getUpdateConcertMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.UpdateConcertRequest, com.frontrow.v1.Concert> getUpdateConcertMethod;
    if ((getUpdateConcertMethod = ConcertServiceGrpc.getUpdateConcertMethod) == null) {
      synchronized (ConcertServiceGrpc.class) {
        if ((getUpdateConcertMethod = ConcertServiceGrpc.getUpdateConcertMethod) == null) {
          ConcertServiceGrpc.getUpdateConcertMethod = getUpdateConcertMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.UpdateConcertRequest, com.frontrow.v1.Concert>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateConcert"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.UpdateConcertRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Concert.getDefaultInstance()))
              .setSchemaDescriptor(new ConcertServiceMethodDescriptorSupplier("UpdateConcert"))
              .build();
        }
      }
    }
    return getUpdateConcertMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ConcertServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConcertServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConcertServiceStub>() {
        @java.lang.Override
        public ConcertServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConcertServiceStub(channel, callOptions);
        }
      };
    return ConcertServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ConcertServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConcertServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConcertServiceBlockingV2Stub>() {
        @java.lang.Override
        public ConcertServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConcertServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ConcertServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ConcertServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConcertServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConcertServiceBlockingStub>() {
        @java.lang.Override
        public ConcertServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConcertServiceBlockingStub(channel, callOptions);
        }
      };
    return ConcertServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ConcertServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConcertServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConcertServiceFutureStub>() {
        @java.lang.Override
        public ConcertServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConcertServiceFutureStub(channel, callOptions);
        }
      };
    return ConcertServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * The catalogue of concerts: search it, and for organizers create and update concerts.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Gets one concert.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void getConcert(com.frontrow.v1.GetConcertRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Concert> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetConcertMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists concerts by (concert_date, id), the earliest first, page by page. The list begins now
     * unless date_from is set. A page may be shorter than page_size, even empty, and still have a
     * successor: only an empty next_page_token ends the list.
     * A call with a text filter counts as ten reads against the caller's rate limit.
     * </pre>
     */
    default void listConcerts(com.frontrow.v1.ListConcertsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.ListConcertsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListConcertsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a concert with all its tickets available.
     * Repeating a call with the same request_id creates nothing and returns the concert as it is now.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void createConcert(com.frontrow.v1.CreateConcertRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Concert> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateConcertMethod(), responseObserver);
    }

    /**
     * <pre>
     * Replaces a concert's description: every field is required. A changed total_tickets adds or
     * removes available tickets; it cannot fall below the number sold. Bookings already made keep the
     * price they were sold at.
     * VERSION_MISMATCH means that the concert has been updated since, or that the header If-Match or
     * If-None-Match does not allow its version. OUTCOME_UNKNOWN has the code UNKNOWN.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void updateConcert(com.frontrow.v1.UpdateConcertRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Concert> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateConcertMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ConcertService.
   * <pre>
   * The catalogue of concerts: search it, and for organizers create and update concerts.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static abstract class ConcertServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ConcertServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ConcertService.
   * <pre>
   * The catalogue of concerts: search it, and for organizers create and update concerts.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static final class ConcertServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ConcertServiceStub> {
    private ConcertServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConcertServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConcertServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets one concert.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void getConcert(com.frontrow.v1.GetConcertRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Concert> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetConcertMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists concerts by (concert_date, id), the earliest first, page by page. The list begins now
     * unless date_from is set. A page may be shorter than page_size, even empty, and still have a
     * successor: only an empty next_page_token ends the list.
     * A call with a text filter counts as ten reads against the caller's rate limit.
     * </pre>
     */
    public void listConcerts(com.frontrow.v1.ListConcertsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.ListConcertsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListConcertsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a concert with all its tickets available.
     * Repeating a call with the same request_id creates nothing and returns the concert as it is now.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void createConcert(com.frontrow.v1.CreateConcertRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Concert> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateConcertMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Replaces a concert's description: every field is required. A changed total_tickets adds or
     * removes available tickets; it cannot fall below the number sold. Bookings already made keep the
     * price they were sold at.
     * VERSION_MISMATCH means that the concert has been updated since, or that the header If-Match or
     * If-None-Match does not allow its version. OUTCOME_UNKNOWN has the code UNKNOWN.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void updateConcert(com.frontrow.v1.UpdateConcertRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Concert> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateConcertMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ConcertService.
   * <pre>
   * The catalogue of concerts: search it, and for organizers create and update concerts.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static final class ConcertServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ConcertServiceBlockingV2Stub> {
    private ConcertServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConcertServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConcertServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets one concert.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Concert getConcert(com.frontrow.v1.GetConcertRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetConcertMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists concerts by (concert_date, id), the earliest first, page by page. The list begins now
     * unless date_from is set. A page may be shorter than page_size, even empty, and still have a
     * successor: only an empty next_page_token ends the list.
     * A call with a text filter counts as ten reads against the caller's rate limit.
     * </pre>
     */
    public com.frontrow.v1.ListConcertsResponse listConcerts(com.frontrow.v1.ListConcertsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListConcertsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a concert with all its tickets available.
     * Repeating a call with the same request_id creates nothing and returns the concert as it is now.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Concert createConcert(com.frontrow.v1.CreateConcertRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateConcertMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a concert's description: every field is required. A changed total_tickets adds or
     * removes available tickets; it cannot fall below the number sold. Bookings already made keep the
     * price they were sold at.
     * VERSION_MISMATCH means that the concert has been updated since, or that the header If-Match or
     * If-None-Match does not allow its version. OUTCOME_UNKNOWN has the code UNKNOWN.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Concert updateConcert(com.frontrow.v1.UpdateConcertRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateConcertMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ConcertService.
   * <pre>
   * The catalogue of concerts: search it, and for organizers create and update concerts.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static final class ConcertServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ConcertServiceBlockingStub> {
    private ConcertServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConcertServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConcertServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets one concert.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Concert getConcert(com.frontrow.v1.GetConcertRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetConcertMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists concerts by (concert_date, id), the earliest first, page by page. The list begins now
     * unless date_from is set. A page may be shorter than page_size, even empty, and still have a
     * successor: only an empty next_page_token ends the list.
     * A call with a text filter counts as ten reads against the caller's rate limit.
     * </pre>
     */
    public com.frontrow.v1.ListConcertsResponse listConcerts(com.frontrow.v1.ListConcertsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListConcertsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a concert with all its tickets available.
     * Repeating a call with the same request_id creates nothing and returns the concert as it is now.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Concert createConcert(com.frontrow.v1.CreateConcertRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateConcertMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a concert's description: every field is required. A changed total_tickets adds or
     * removes available tickets; it cannot fall below the number sold. Bookings already made keep the
     * price they were sold at.
     * VERSION_MISMATCH means that the concert has been updated since, or that the header If-Match or
     * If-None-Match does not allow its version. OUTCOME_UNKNOWN has the code UNKNOWN.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Concert updateConcert(com.frontrow.v1.UpdateConcertRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateConcertMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ConcertService.
   * <pre>
   * The catalogue of concerts: search it, and for organizers create and update concerts.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static final class ConcertServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ConcertServiceFutureStub> {
    private ConcertServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConcertServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConcertServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets one concert.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Concert> getConcert(
        com.frontrow.v1.GetConcertRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetConcertMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists concerts by (concert_date, id), the earliest first, page by page. The list begins now
     * unless date_from is set. A page may be shorter than page_size, even empty, and still have a
     * successor: only an empty next_page_token ends the list.
     * A call with a text filter counts as ten reads against the caller's rate limit.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.ListConcertsResponse> listConcerts(
        com.frontrow.v1.ListConcertsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListConcertsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a concert with all its tickets available.
     * Repeating a call with the same request_id creates nothing and returns the concert as it is now.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Concert> createConcert(
        com.frontrow.v1.CreateConcertRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateConcertMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Replaces a concert's description: every field is required. A changed total_tickets adds or
     * removes available tickets; it cannot fall below the number sold. Bookings already made keep the
     * price they were sold at.
     * VERSION_MISMATCH means that the concert has been updated since, or that the header If-Match or
     * If-None-Match does not allow its version. OUTCOME_UNKNOWN has the code UNKNOWN.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Concert> updateConcert(
        com.frontrow.v1.UpdateConcertRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateConcertMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_CONCERT = 0;
  private static final int METHODID_LIST_CONCERTS = 1;
  private static final int METHODID_CREATE_CONCERT = 2;
  private static final int METHODID_UPDATE_CONCERT = 3;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_GET_CONCERT:
          serviceImpl.getConcert((com.frontrow.v1.GetConcertRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Concert>) responseObserver);
          break;
        case METHODID_LIST_CONCERTS:
          serviceImpl.listConcerts((com.frontrow.v1.ListConcertsRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.ListConcertsResponse>) responseObserver);
          break;
        case METHODID_CREATE_CONCERT:
          serviceImpl.createConcert((com.frontrow.v1.CreateConcertRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Concert>) responseObserver);
          break;
        case METHODID_UPDATE_CONCERT:
          serviceImpl.updateConcert((com.frontrow.v1.UpdateConcertRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Concert>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getGetConcertMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.GetConcertRequest,
              com.frontrow.v1.Concert>(
                service, METHODID_GET_CONCERT)))
        .addMethod(
          getListConcertsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.ListConcertsRequest,
              com.frontrow.v1.ListConcertsResponse>(
                service, METHODID_LIST_CONCERTS)))
        .addMethod(
          getCreateConcertMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.CreateConcertRequest,
              com.frontrow.v1.Concert>(
                service, METHODID_CREATE_CONCERT)))
        .addMethod(
          getUpdateConcertMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.UpdateConcertRequest,
              com.frontrow.v1.Concert>(
                service, METHODID_UPDATE_CONCERT)))
        .build();
  }

  private static abstract class ConcertServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ConcertServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.frontrow.v1.ConcertServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ConcertService");
    }
  }

  private static final class ConcertServiceFileDescriptorSupplier
      extends ConcertServiceBaseDescriptorSupplier {
    ConcertServiceFileDescriptorSupplier() {}
  }

  private static final class ConcertServiceMethodDescriptorSupplier
      extends ConcertServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ConcertServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (ConcertServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ConcertServiceFileDescriptorSupplier())
              .addMethod(getGetConcertMethod())
              .addMethod(getListConcertsMethod())
              .addMethod(getCreateConcertMethod())
              .addMethod(getUpdateConcertMethod())
              .build();
        }
      }
    }
    return result;
  }
}
