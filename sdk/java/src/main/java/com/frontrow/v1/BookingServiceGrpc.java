package com.frontrow.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Bookings of concert tickets: hold and confirm, or book at once; look up, list and cancel.
 * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
 * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
 * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
 * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
 * service verifies tokens.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class BookingServiceGrpc {

  private BookingServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "frontrow.v1.BookingService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.GetBookingRequest,
      com.frontrow.v1.Booking> getGetBookingMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetBooking",
      requestType = com.frontrow.v1.GetBookingRequest.class,
      responseType = com.frontrow.v1.Booking.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.GetBookingRequest,
      com.frontrow.v1.Booking> getGetBookingMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.GetBookingRequest, com.frontrow.v1.Booking> getGetBookingMethod;
    if ((getGetBookingMethod = BookingServiceGrpc.getGetBookingMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getGetBookingMethod = BookingServiceGrpc.getGetBookingMethod) == null) {
          BookingServiceGrpc.getGetBookingMethod = getGetBookingMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.GetBookingRequest, com.frontrow.v1.Booking>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetBooking"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.GetBookingRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Booking.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("GetBooking"))
              .build();
        }
      }
    }
    return getGetBookingMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.GetUserBookingsRequest,
      com.frontrow.v1.GetUserBookingsResponse> getGetUserBookingsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetUserBookings",
      requestType = com.frontrow.v1.GetUserBookingsRequest.class,
      responseType = com.frontrow.v1.GetUserBookingsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.GetUserBookingsRequest,
      com.frontrow.v1.GetUserBookingsResponse> getGetUserBookingsMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.GetUserBookingsRequest, com.frontrow.v1.GetUserBookingsResponse> getGetUserBookingsMethod;
    if ((getGetUserBookingsMethod = BookingServiceGrpc.getGetUserBookingsMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getGetUserBookingsMethod = BookingServiceGrpc.getGetUserBookingsMethod) == null) {
          BookingServiceGrpc.getGetUserBookingsMethod = getGetUserBookingsMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.GetUserBookingsRequest, com.frontrow.v1.GetUserBookingsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetUserBookings"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.GetUserBookingsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.GetUserBookingsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("GetUserBookings"))
              .build();
        }
      }
    }
    return getGetUserBookingsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.BookTicketsRequest,
      com.frontrow.v1.Booking> getBookTicketsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BookTickets",
      requestType = com.frontrow.v1.BookTicketsRequest.class,
      responseType = com.frontrow.v1.Booking.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.BookTicketsRequest,
      com.frontrow.v1.Booking> getBookTicketsMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.BookTicketsRequest, com.frontrow.v1.Booking> getBookTicketsMethod;
    if ((getBookTicketsMethod = BookingServiceGrpc.getBookTicketsMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getBookTicketsMethod = BookingServiceGrpc.getBookTicketsMethod) == null) {
          BookingServiceGrpc.getBookTicketsMethod = getBookTicketsMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.BookTicketsRequest, com.frontrow.v1.Booking>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BookTickets"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.BookTicketsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Booking.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("BookTickets"))
              .build();
        }
      }
    }
    return getBookTicketsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.CancelBookingRequest,
      com.frontrow.v1.Booking> getCancelBookingMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelBooking",
      requestType = com.frontrow.v1.CancelBookingRequest.class,
      responseType = com.frontrow.v1.Booking.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.CancelBookingRequest,
      com.frontrow.v1.Booking> getCancelBookingMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.CancelBookingRequest, com.frontrow.v1.Booking> getCancelBookingMethod;
    if ((getCancelBookingMethod = BookingServiceGrpc.getCancelBookingMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getCancelBookingMethod = BookingServiceGrpc.getCancelBookingMethod) == null) {
          BookingServiceGrpc.getCancelBookingMethod = getCancelBookingMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.CancelBookingRequest, com.frontrow.v1.Booking>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelBooking"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.CancelBookingRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Booking.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("CancelBooking"))
              .build();
        }
      }
    }
    return getCancelBookingMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.ListConcertBookingsRequest,
      com.frontrow.v1.ListConcertBookingsResponse> getListConcertBookingsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListConcertBookings",
      requestType = com.frontrow.v1.ListConcertBookingsRequest.class,
      responseType = com.frontrow.v1.ListConcertBookingsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.ListConcertBookingsRequest,
      com.frontrow.v1.ListConcertBookingsResponse> getListConcertBookingsMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.ListConcertBookingsRequest, com.frontrow.v1.ListConcertBookingsResponse> getListConcertBookingsMethod;
    if ((getListConcertBookingsMethod = BookingServiceGrpc.getListConcertBookingsMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getListConcertBookingsMethod = BookingServiceGrpc.getListConcertBookingsMethod) == null) {
          BookingServiceGrpc.getListConcertBookingsMethod = getListConcertBookingsMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.ListConcertBookingsRequest, com.frontrow.v1.ListConcertBookingsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListConcertBookings"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.ListConcertBookingsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.ListConcertBookingsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("ListConcertBookings"))
              .build();
        }
      }
    }
    return getListConcertBookingsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.HoldTicketsRequest,
      com.frontrow.v1.Booking> getHoldTicketsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "HoldTickets",
      requestType = com.frontrow.v1.HoldTicketsRequest.class,
      responseType = com.frontrow.v1.Booking.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.HoldTicketsRequest,
      com.frontrow.v1.Booking> getHoldTicketsMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.HoldTicketsRequest, com.frontrow.v1.Booking> getHoldTicketsMethod;
    if ((getHoldTicketsMethod = BookingServiceGrpc.getHoldTicketsMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getHoldTicketsMethod = BookingServiceGrpc.getHoldTicketsMethod) == null) {
          BookingServiceGrpc.getHoldTicketsMethod = getHoldTicketsMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.HoldTicketsRequest, com.frontrow.v1.Booking>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "HoldTickets"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.HoldTicketsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Booking.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("HoldTickets"))
              .build();
        }
      }
    }
    return getHoldTicketsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.ConfirmHoldRequest,
      com.frontrow.v1.Booking> getConfirmHoldMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ConfirmHold",
      requestType = com.frontrow.v1.ConfirmHoldRequest.class,
      responseType = com.frontrow.v1.Booking.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.ConfirmHoldRequest,
      com.frontrow.v1.Booking> getConfirmHoldMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.ConfirmHoldRequest, com.frontrow.v1.Booking> getConfirmHoldMethod;
    if ((getConfirmHoldMethod = BookingServiceGrpc.getConfirmHoldMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getConfirmHoldMethod = BookingServiceGrpc.getConfirmHoldMethod) == null) {
          BookingServiceGrpc.getConfirmHoldMethod = getConfirmHoldMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.ConfirmHoldRequest, com.frontrow.v1.Booking>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ConfirmHold"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.ConfirmHoldRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Booking.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("ConfirmHold"))
              .build();
        }
      }
    }
    return getConfirmHoldMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.ReleaseHoldRequest,
      com.frontrow.v1.Booking> getReleaseHoldMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReleaseHold",
      requestType = com.frontrow.v1.ReleaseHoldRequest.class,
      responseType = com.frontrow.v1.Booking.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.ReleaseHoldRequest,
      com.frontrow.v1.Booking> getReleaseHoldMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.ReleaseHoldRequest, com.frontrow.v1.Booking> getReleaseHoldMethod;
    if ((getReleaseHoldMethod = BookingServiceGrpc.getReleaseHoldMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getReleaseHoldMethod = BookingServiceGrpc.getReleaseHoldMethod) == null) {
          BookingServiceGrpc.getReleaseHoldMethod = getReleaseHoldMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.ReleaseHoldRequest, com.frontrow.v1.Booking>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReleaseHold"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.ReleaseHoldRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Booking.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("ReleaseHold"))
              .build();
        }
      }
    }
    return getReleaseHoldMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.frontrow.v1.ExtendHoldRequest,
      com.frontrow.v1.Booking> getExtendHoldMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ExtendHold",
      requestType = com.frontrow.v1.ExtendHoldRequest.class,
      responseType = com.frontrow.v1.Booking.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.frontrow.v1.ExtendHoldRequest,
      com.frontrow.v1.Booking> getExtendHoldMethod() {
    io.grpc.MethodDescriptor<com.frontrow.v1.ExtendHoldRequest, com.frontrow.v1.Booking> getExtendHoldMethod;
    if ((getExtendHoldMethod = BookingServiceGrpc.getExtendHoldMethod) == null) {
      synchronized (BookingServiceGrpc.class) {
        if ((getExtendHoldMethod = BookingServiceGrpc.getExtendHoldMethod) == null) {
          BookingServiceGrpc.getExtendHoldMethod = getExtendHoldMethod =
              io.grpc.MethodDescriptor.<com.frontrow.v1.ExtendHoldRequest, com.frontrow.v1.Booking>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ExtendHold"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.ExtendHoldRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.frontrow.v1.Booking.getDefaultInstance()))
              .setSchemaDescriptor(new BookingServiceMethodDescriptorSupplier("ExtendHold"))
              .build();
        }
      }
    }
    return getExtendHoldMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static BookingServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BookingServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BookingServiceStub>() {
        @java.lang.Override
        public BookingServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BookingServiceStub(channel, callOptions);
        }
      };
    return BookingServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static BookingServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BookingServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BookingServiceBlockingV2Stub>() {
        @java.lang.Override
        public BookingServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BookingServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return BookingServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static BookingServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BookingServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BookingServiceBlockingStub>() {
        @java.lang.Override
        public BookingServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BookingServiceBlockingStub(channel, callOptions);
        }
      };
    return BookingServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static BookingServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BookingServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BookingServiceFutureStub>() {
        @java.lang.Override
        public BookingServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BookingServiceFutureStub(channel, callOptions);
        }
      };
    return BookingServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Bookings of concert tickets: hold and confirm, or book at once; look up, list and cancel.
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
     * Gets one booking. With tokens: a booking of the caller, or of any user with the scope
     * "bookings:admin".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void getBooking(com.frontrow.v1.GetBookingRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetBookingMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists a user's bookings, the newest first, page by page: confirmed and cancelled ones, unless
     * `statuses` asks for others. A user without bookings has an empty list. A page may be shorter
     * than page_size, even empty, and still have a successor: only an empty next_page_token ends the
     * list.
     * </pre>
     */
    default void getUserBookings(com.frontrow.v1.GetUserBookingsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.GetUserBookingsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetUserBookingsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Books tickets for a concert whose booking window is open, all of them or none.
     * Repeating a call with the same request_id books nothing more and returns the first call's
     * booking as it is now, even after the window has closed or the last ticket is sold. A call that
     * is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or for a hold.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void bookTickets(com.frontrow.v1.BookTicketsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBookTicketsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Cancels a confirmed booking of the caller and puts its tickets back on sale. It is possible at
     * any time, whether or not the booking window is open. A hold is released instead.
     * Repeating a call with the same request_id succeeds again and returns the cancelled booking.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void cancelBooking(com.frontrow.v1.CancelBookingRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelBookingMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the bookings of a concert, the newest first, page by page, for the concert's organizer. A
     * page may be shorter than page_size, even empty, and still have a successor: only an empty
     * next_page_token ends the list.
     * </pre>
     */
    default void listConcertBookings(com.frontrow.v1.ListConcertBookingsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.ListConcertBookingsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListConcertBookingsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes tickets off sale for a while, all of them or none, so that the user can pay for them. The
     * booking window must be open. The hold keeps the price of now. It ends when it is confirmed,
     * released or expires.
     * Repeating a call with the same request_id holds nothing more and returns the first call's
     * booking as it is now, whatever its ttl. A call that is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or to book.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void holdTickets(com.frontrow.v1.HoldTicketsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getHoldTicketsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes a hold a confirmed booking, at the hold's price, whether or not the booking window is
     * still open. If ticket_count is less than the hold has, the rest goes back on sale.
     * Repeating a call succeeds again: a booking that is confirmed with this ticket_count and this
     * payment_reference is returned as it is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * A hold that has expired can be confirmed with accept_late, if as many tickets are available
     * again. Otherwise HOLD_EXPIRED tells a shop to refund the payment.
     * If the concert requires payment, the call requires the scope "bookings:confirm" if the service
     * verifies tokens.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void confirmHold(com.frontrow.v1.ConfirmHoldRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getConfirmHoldMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends a hold and puts its tickets back on sale.
     * Repeating a call succeeds again, also when the hold has expired: the booking is returned as it
     * is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void releaseHold(com.frontrow.v1.ReleaseHoldRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReleaseHoldMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lets a hold live longer: until ttl from now, never less long than before, and never longer than
     * the operator lets a hold live in all (60 minutes by default). A call that would change nothing
     * succeeds, so repeating is safe.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    default void extendHold(com.frontrow.v1.ExtendHoldRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getExtendHoldMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service BookingService.
   * <pre>
   * Bookings of concert tickets: hold and confirm, or book at once; look up, list and cancel.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static abstract class BookingServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return BookingServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service BookingService.
   * <pre>
   * Bookings of concert tickets: hold and confirm, or book at once; look up, list and cancel.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static final class BookingServiceStub
      extends io.grpc.stub.AbstractAsyncStub<BookingServiceStub> {
    private BookingServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BookingServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BookingServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets one booking. With tokens: a booking of the caller, or of any user with the scope
     * "bookings:admin".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void getBooking(com.frontrow.v1.GetBookingRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetBookingMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists a user's bookings, the newest first, page by page: confirmed and cancelled ones, unless
     * `statuses` asks for others. A user without bookings has an empty list. A page may be shorter
     * than page_size, even empty, and still have a successor: only an empty next_page_token ends the
     * list.
     * </pre>
     */
    public void getUserBookings(com.frontrow.v1.GetUserBookingsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.GetUserBookingsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetUserBookingsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Books tickets for a concert whose booking window is open, all of them or none.
     * Repeating a call with the same request_id books nothing more and returns the first call's
     * booking as it is now, even after the window has closed or the last ticket is sold. A call that
     * is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or for a hold.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void bookTickets(com.frontrow.v1.BookTicketsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBookTicketsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Cancels a confirmed booking of the caller and puts its tickets back on sale. It is possible at
     * any time, whether or not the booking window is open. A hold is released instead.
     * Repeating a call with the same request_id succeeds again and returns the cancelled booking.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void cancelBooking(com.frontrow.v1.CancelBookingRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelBookingMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the bookings of a concert, the newest first, page by page, for the concert's organizer. A
     * page may be shorter than page_size, even empty, and still have a successor: only an empty
     * next_page_token ends the list.
     * </pre>
     */
    public void listConcertBookings(com.frontrow.v1.ListConcertBookingsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.ListConcertBookingsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListConcertBookingsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes tickets off sale for a while, all of them or none, so that the user can pay for them. The
     * booking window must be open. The hold keeps the price of now. It ends when it is confirmed,
     * released or expires.
     * Repeating a call with the same request_id holds nothing more and returns the first call's
     * booking as it is now, whatever its ttl. A call that is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or to book.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void holdTickets(com.frontrow.v1.HoldTicketsRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getHoldTicketsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes a hold a confirmed booking, at the hold's price, whether or not the booking window is
     * still open. If ticket_count is less than the hold has, the rest goes back on sale.
     * Repeating a call succeeds again: a booking that is confirmed with this ticket_count and this
     * payment_reference is returned as it is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * A hold that has expired can be confirmed with accept_late, if as many tickets are available
     * again. Otherwise HOLD_EXPIRED tells a shop to refund the payment.
     * If the concert requires payment, the call requires the scope "bookings:confirm" if the service
     * verifies tokens.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void confirmHold(com.frontrow.v1.ConfirmHoldRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getConfirmHoldMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends a hold and puts its tickets back on sale.
     * Repeating a call succeeds again, also when the hold has expired: the booking is returned as it
     * is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void releaseHold(com.frontrow.v1.ReleaseHoldRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReleaseHoldMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lets a hold live longer: until ttl from now, never less long than before, and never longer than
     * the operator lets a hold live in all (60 minutes by default). A call that would change nothing
     * succeeds, so repeating is safe.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public void extendHold(com.frontrow.v1.ExtendHoldRequest request,
        io.grpc.stub.StreamObserver<com.frontrow.v1.Booking> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getExtendHoldMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service BookingService.
   * <pre>
   * Bookings of concert tickets: hold and confirm, or book at once; look up, list and cancel.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static final class BookingServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<BookingServiceBlockingV2Stub> {
    private BookingServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BookingServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BookingServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets one booking. With tokens: a booking of the caller, or of any user with the scope
     * "bookings:admin".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking getBooking(com.frontrow.v1.GetBookingRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetBookingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists a user's bookings, the newest first, page by page: confirmed and cancelled ones, unless
     * `statuses` asks for others. A user without bookings has an empty list. A page may be shorter
     * than page_size, even empty, and still have a successor: only an empty next_page_token ends the
     * list.
     * </pre>
     */
    public com.frontrow.v1.GetUserBookingsResponse getUserBookings(com.frontrow.v1.GetUserBookingsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetUserBookingsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Books tickets for a concert whose booking window is open, all of them or none.
     * Repeating a call with the same request_id books nothing more and returns the first call's
     * booking as it is now, even after the window has closed or the last ticket is sold. A call that
     * is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or for a hold.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking bookTickets(com.frontrow.v1.BookTicketsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBookTicketsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels a confirmed booking of the caller and puts its tickets back on sale. It is possible at
     * any time, whether or not the booking window is open. A hold is released instead.
     * Repeating a call with the same request_id succeeds again and returns the cancelled booking.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking cancelBooking(com.frontrow.v1.CancelBookingRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelBookingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the bookings of a concert, the newest first, page by page, for the concert's organizer. A
     * page may be shorter than page_size, even empty, and still have a successor: only an empty
     * next_page_token ends the list.
     * </pre>
     */
    public com.frontrow.v1.ListConcertBookingsResponse listConcertBookings(com.frontrow.v1.ListConcertBookingsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListConcertBookingsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes tickets off sale for a while, all of them or none, so that the user can pay for them. The
     * booking window must be open. The hold keeps the price of now. It ends when it is confirmed,
     * released or expires.
     * Repeating a call with the same request_id holds nothing more and returns the first call's
     * booking as it is now, whatever its ttl. A call that is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or to book.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking holdTickets(com.frontrow.v1.HoldTicketsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getHoldTicketsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a hold a confirmed booking, at the hold's price, whether or not the booking window is
     * still open. If ticket_count is less than the hold has, the rest goes back on sale.
     * Repeating a call succeeds again: a booking that is confirmed with this ticket_count and this
     * payment_reference is returned as it is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * A hold that has expired can be confirmed with accept_late, if as many tickets are available
     * again. Otherwise HOLD_EXPIRED tells a shop to refund the payment.
     * If the concert requires payment, the call requires the scope "bookings:confirm" if the service
     * verifies tokens.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking confirmHold(com.frontrow.v1.ConfirmHoldRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getConfirmHoldMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends a hold and puts its tickets back on sale.
     * Repeating a call succeeds again, also when the hold has expired: the booking is returned as it
     * is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking releaseHold(com.frontrow.v1.ReleaseHoldRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReleaseHoldMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a hold live longer: until ttl from now, never less long than before, and never longer than
     * the operator lets a hold live in all (60 minutes by default). A call that would change nothing
     * succeeds, so repeating is safe.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking extendHold(com.frontrow.v1.ExtendHoldRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getExtendHoldMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service BookingService.
   * <pre>
   * Bookings of concert tickets: hold and confirm, or book at once; look up, list and cancel.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static final class BookingServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<BookingServiceBlockingStub> {
    private BookingServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BookingServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BookingServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets one booking. With tokens: a booking of the caller, or of any user with the scope
     * "bookings:admin".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking getBooking(com.frontrow.v1.GetBookingRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetBookingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists a user's bookings, the newest first, page by page: confirmed and cancelled ones, unless
     * `statuses` asks for others. A user without bookings has an empty list. A page may be shorter
     * than page_size, even empty, and still have a successor: only an empty next_page_token ends the
     * list.
     * </pre>
     */
    public com.frontrow.v1.GetUserBookingsResponse getUserBookings(com.frontrow.v1.GetUserBookingsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetUserBookingsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Books tickets for a concert whose booking window is open, all of them or none.
     * Repeating a call with the same request_id books nothing more and returns the first call's
     * booking as it is now, even after the window has closed or the last ticket is sold. A call that
     * is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or for a hold.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking bookTickets(com.frontrow.v1.BookTicketsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBookTicketsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Cancels a confirmed booking of the caller and puts its tickets back on sale. It is possible at
     * any time, whether or not the booking window is open. A hold is released instead.
     * Repeating a call with the same request_id succeeds again and returns the cancelled booking.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking cancelBooking(com.frontrow.v1.CancelBookingRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelBookingMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the bookings of a concert, the newest first, page by page, for the concert's organizer. A
     * page may be shorter than page_size, even empty, and still have a successor: only an empty
     * next_page_token ends the list.
     * </pre>
     */
    public com.frontrow.v1.ListConcertBookingsResponse listConcertBookings(com.frontrow.v1.ListConcertBookingsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListConcertBookingsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes tickets off sale for a while, all of them or none, so that the user can pay for them. The
     * booking window must be open. The hold keeps the price of now. It ends when it is confirmed,
     * released or expires.
     * Repeating a call with the same request_id holds nothing more and returns the first call's
     * booking as it is now, whatever its ttl. A call that is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or to book.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking holdTickets(com.frontrow.v1.HoldTicketsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getHoldTicketsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a hold a confirmed booking, at the hold's price, whether or not the booking window is
     * still open. If ticket_count is less than the hold has, the rest goes back on sale.
     * Repeating a call succeeds again: a booking that is confirmed with this ticket_count and this
     * payment_reference is returned as it is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * A hold that has expired can be confirmed with accept_late, if as many tickets are available
     * again. Otherwise HOLD_EXPIRED tells a shop to refund the payment.
     * If the concert requires payment, the call requires the scope "bookings:confirm" if the service
     * verifies tokens.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking confirmHold(com.frontrow.v1.ConfirmHoldRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getConfirmHoldMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends a hold and puts its tickets back on sale.
     * Repeating a call succeeds again, also when the hold has expired: the booking is returned as it
     * is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking releaseHold(com.frontrow.v1.ReleaseHoldRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReleaseHoldMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lets a hold live longer: until ttl from now, never less long than before, and never longer than
     * the operator lets a hold live in all (60 minutes by default). A call that would change nothing
     * succeeds, so repeating is safe.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.frontrow.v1.Booking extendHold(com.frontrow.v1.ExtendHoldRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getExtendHoldMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service BookingService.
   * <pre>
   * Bookings of concert tickets: hold and confirm, or book at once; look up, list and cancel.
   * Every error of a method has a google.rpc.ErrorInfo with the domain "frontrow" and a reason of
   * ErrorReason. An error of the protocol itself, such as for binary that cannot be decoded, may have
   * a code and a message only. The option `error_reasons` lists the reasons of the method. Any method
   * may also return the reasons of ERROR_ORIGIN_ANY_METHOD. Those about tokens occur only when the
   * service verifies tokens.
   * </pre>
   */
  public static final class BookingServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<BookingServiceFutureStub> {
    private BookingServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BookingServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BookingServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Gets one booking. With tokens: a booking of the caller, or of any user with the scope
     * "bookings:admin".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Booking> getBooking(
        com.frontrow.v1.GetBookingRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetBookingMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists a user's bookings, the newest first, page by page: confirmed and cancelled ones, unless
     * `statuses` asks for others. A user without bookings has an empty list. A page may be shorter
     * than page_size, even empty, and still have a successor: only an empty next_page_token ends the
     * list.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.GetUserBookingsResponse> getUserBookings(
        com.frontrow.v1.GetUserBookingsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetUserBookingsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Books tickets for a concert whose booking window is open, all of them or none.
     * Repeating a call with the same request_id books nothing more and returns the first call's
     * booking as it is now, even after the window has closed or the last ticket is sold. A call that
     * is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or for a hold.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Booking> bookTickets(
        com.frontrow.v1.BookTicketsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBookTicketsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Cancels a confirmed booking of the caller and puts its tickets back on sale. It is possible at
     * any time, whether or not the booking window is open. A hold is released instead.
     * Repeating a call with the same request_id succeeds again and returns the cancelled booking.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Booking> cancelBooking(
        com.frontrow.v1.CancelBookingRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelBookingMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the bookings of a concert, the newest first, page by page, for the concert's organizer. A
     * page may be shorter than page_size, even empty, and still have a successor: only an empty
     * next_page_token ends the list.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.ListConcertBookingsResponse> listConcertBookings(
        com.frontrow.v1.ListConcertBookingsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListConcertBookingsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes tickets off sale for a while, all of them or none, so that the user can pay for them. The
     * booking window must be open. The hold keeps the price of now. It ends when it is confirmed,
     * released or expires.
     * Repeating a call with the same request_id holds nothing more and returns the first call's
     * booking as it is now, whatever its ttl. A call that is refused does not use up its request_id.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * REQUEST_ID_REUSED means that the request_id was used for another ticket_count, or to book.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Booking> holdTickets(
        com.frontrow.v1.HoldTicketsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getHoldTicketsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Makes a hold a confirmed booking, at the hold's price, whether or not the booking window is
     * still open. If ticket_count is less than the hold has, the rest goes back on sale.
     * Repeating a call succeeds again: a booking that is confirmed with this ticket_count and this
     * payment_reference is returned as it is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * A hold that has expired can be confirmed with accept_late, if as many tickets are available
     * again. Otherwise HOLD_EXPIRED tells a shop to refund the payment.
     * If the concert requires payment, the call requires the scope "bookings:confirm" if the service
     * verifies tokens.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Booking> confirmHold(
        com.frontrow.v1.ConfirmHoldRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getConfirmHoldMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends a hold and puts its tickets back on sale.
     * Repeating a call succeeds again, also when the hold has expired: the booking is returned as it
     * is.
     * Over REST, Connect and gRPC the response to a repeated call has the header
     * "idempotency-replayed: true".
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Booking> releaseHold(
        com.frontrow.v1.ReleaseHoldRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReleaseHoldMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lets a hold live longer: until ttl from now, never less long than before, and never longer than
     * the operator lets a hold live in all (60 minutes by default). A call that would change nothing
     * succeeds, so repeating is safe.
     * buf:lint:ignore RPC_RESPONSE_STANDARD_NAME
     * buf:lint:ignore RPC_REQUEST_RESPONSE_UNIQUE
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.frontrow.v1.Booking> extendHold(
        com.frontrow.v1.ExtendHoldRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getExtendHoldMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_BOOKING = 0;
  private static final int METHODID_GET_USER_BOOKINGS = 1;
  private static final int METHODID_BOOK_TICKETS = 2;
  private static final int METHODID_CANCEL_BOOKING = 3;
  private static final int METHODID_LIST_CONCERT_BOOKINGS = 4;
  private static final int METHODID_HOLD_TICKETS = 5;
  private static final int METHODID_CONFIRM_HOLD = 6;
  private static final int METHODID_RELEASE_HOLD = 7;
  private static final int METHODID_EXTEND_HOLD = 8;

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
        case METHODID_GET_BOOKING:
          serviceImpl.getBooking((com.frontrow.v1.GetBookingRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Booking>) responseObserver);
          break;
        case METHODID_GET_USER_BOOKINGS:
          serviceImpl.getUserBookings((com.frontrow.v1.GetUserBookingsRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.GetUserBookingsResponse>) responseObserver);
          break;
        case METHODID_BOOK_TICKETS:
          serviceImpl.bookTickets((com.frontrow.v1.BookTicketsRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Booking>) responseObserver);
          break;
        case METHODID_CANCEL_BOOKING:
          serviceImpl.cancelBooking((com.frontrow.v1.CancelBookingRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Booking>) responseObserver);
          break;
        case METHODID_LIST_CONCERT_BOOKINGS:
          serviceImpl.listConcertBookings((com.frontrow.v1.ListConcertBookingsRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.ListConcertBookingsResponse>) responseObserver);
          break;
        case METHODID_HOLD_TICKETS:
          serviceImpl.holdTickets((com.frontrow.v1.HoldTicketsRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Booking>) responseObserver);
          break;
        case METHODID_CONFIRM_HOLD:
          serviceImpl.confirmHold((com.frontrow.v1.ConfirmHoldRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Booking>) responseObserver);
          break;
        case METHODID_RELEASE_HOLD:
          serviceImpl.releaseHold((com.frontrow.v1.ReleaseHoldRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Booking>) responseObserver);
          break;
        case METHODID_EXTEND_HOLD:
          serviceImpl.extendHold((com.frontrow.v1.ExtendHoldRequest) request,
              (io.grpc.stub.StreamObserver<com.frontrow.v1.Booking>) responseObserver);
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
          getGetBookingMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.GetBookingRequest,
              com.frontrow.v1.Booking>(
                service, METHODID_GET_BOOKING)))
        .addMethod(
          getGetUserBookingsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.GetUserBookingsRequest,
              com.frontrow.v1.GetUserBookingsResponse>(
                service, METHODID_GET_USER_BOOKINGS)))
        .addMethod(
          getBookTicketsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.BookTicketsRequest,
              com.frontrow.v1.Booking>(
                service, METHODID_BOOK_TICKETS)))
        .addMethod(
          getCancelBookingMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.CancelBookingRequest,
              com.frontrow.v1.Booking>(
                service, METHODID_CANCEL_BOOKING)))
        .addMethod(
          getListConcertBookingsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.ListConcertBookingsRequest,
              com.frontrow.v1.ListConcertBookingsResponse>(
                service, METHODID_LIST_CONCERT_BOOKINGS)))
        .addMethod(
          getHoldTicketsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.HoldTicketsRequest,
              com.frontrow.v1.Booking>(
                service, METHODID_HOLD_TICKETS)))
        .addMethod(
          getConfirmHoldMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.ConfirmHoldRequest,
              com.frontrow.v1.Booking>(
                service, METHODID_CONFIRM_HOLD)))
        .addMethod(
          getReleaseHoldMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.ReleaseHoldRequest,
              com.frontrow.v1.Booking>(
                service, METHODID_RELEASE_HOLD)))
        .addMethod(
          getExtendHoldMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.frontrow.v1.ExtendHoldRequest,
              com.frontrow.v1.Booking>(
                service, METHODID_EXTEND_HOLD)))
        .build();
  }

  private static abstract class BookingServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    BookingServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.frontrow.v1.BookingServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("BookingService");
    }
  }

  private static final class BookingServiceFileDescriptorSupplier
      extends BookingServiceBaseDescriptorSupplier {
    BookingServiceFileDescriptorSupplier() {}
  }

  private static final class BookingServiceMethodDescriptorSupplier
      extends BookingServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    BookingServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (BookingServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new BookingServiceFileDescriptorSupplier())
              .addMethod(getGetBookingMethod())
              .addMethod(getGetUserBookingsMethod())
              .addMethod(getBookTicketsMethod())
              .addMethod(getCancelBookingMethod())
              .addMethod(getListConcertBookingsMethod())
              .addMethod(getHoldTicketsMethod())
              .addMethod(getConfirmHoldMethod())
              .addMethod(getReleaseHoldMethod())
              .addMethod(getExtendHoldMethod())
              .build();
        }
      }
    }
    return result;
  }
}
