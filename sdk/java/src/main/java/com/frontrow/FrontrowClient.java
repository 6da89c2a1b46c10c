package com.frontrow;

import com.frontrow.v1.BookTicketsRequest;
import com.frontrow.v1.Booking;
import com.frontrow.v1.BookingServiceGrpc;
import com.frontrow.v1.CancelBookingRequest;
import com.frontrow.v1.Concert;
import com.frontrow.v1.ConcertServiceGrpc;
import com.frontrow.v1.ConfirmHoldRequest;
import com.frontrow.v1.CreateConcertRequest;
import com.frontrow.v1.ExtendHoldRequest;
import com.frontrow.v1.GetBookingRequest;
import com.frontrow.v1.GetConcertRequest;
import com.frontrow.v1.GetUserBookingsRequest;
import com.frontrow.v1.GetUserBookingsResponse;
import com.frontrow.v1.HoldTicketsRequest;
import com.frontrow.v1.ListConcertBookingsRequest;
import com.frontrow.v1.ListConcertBookingsResponse;
import com.frontrow.v1.ListConcertsRequest;
import com.frontrow.v1.ListConcertsResponse;
import com.frontrow.v1.ReleaseHoldRequest;
import com.frontrow.v1.UpdateConcertRequest;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.time.Duration;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * Calls a Frontrow service. Every call has a deadline, and is repeated if it fails in a way that
 * may pass and repeating is safe. Errors are a {@link FrontrowException}, or one of its subclasses.
 * An interrupt of the thread cancels the call. A client is for any number of threads.
 *
 * <p>Requests are filled in by a function: {@code client.bookTickets(request ->
 * request.setConcertId(1).setTicketCount(2))}. The schema's comments are at the setters.
 */
public final class FrontrowClient implements AutoCloseable {
  private final Caller caller;

  FrontrowClient(Caller caller) {
    this.caller = caller;
  }

  /**
   * Begins a client.
   *
   * @param address the service's URL without a path, such as {@code https://tickets.example}
   */
  public static FrontrowClientBuilder builder(String address) {
    return new FrontrowClientBuilder(address);
  }

  /** Makes a client without a token. */
  public static FrontrowClient connect(String address) {
    return builder(address).build();
  }

  /** Makes a key for a request's {@code request_id}, to repeat its call later. */
  public static String newRequestId() {
    return UUID.randomUUID().toString();
  }

  /**
   * Returns a client with another timeout, which uses this one's connection: {@code
   * client.withTimeout(Duration.ofSeconds(1)).getConcert(1)}. Closing one closes both.
   */
  public FrontrowClient withTimeout(Duration timeout) {
    return new FrontrowClient(caller.withTimeout(Times.checkPositive("timeout", timeout)));
  }

  /** Gets one concert. */
  public Concert getConcert(long id) {
    return caller.call(
        ConcertServiceGrpc.getGetConcertMethod(), GetConcertRequest.newBuilder().setId(id).build());
  }

  /** Gets one page of concerts, the earliest first. {@link #concerts} has all of them. */
  public ListConcertsResponse listConcerts(Consumer<ListConcertsRequest.Builder> request) {
    return listConcerts(fill(ListConcertsRequest.newBuilder(), request).build());
  }

  private ListConcertsResponse listConcerts(ListConcertsRequest request) {
    return caller.call(ConcertServiceGrpc.getListConcertsMethod(), request);
  }

  /** Returns all concerts from now on, the earliest first. */
  public Paged<Concert> concerts() {
    return concerts(request -> {});
  }

  /** Returns all concerts that pass the request's filters, the earliest first. */
  public Paged<Concert> concerts(Consumer<ListConcertsRequest.Builder> filter) {
    ListConcertsRequest first = fill(ListConcertsRequest.newBuilder(), filter).build();
    return new Paged<>(
        first.getPageToken(),
        token -> {
          var page = listConcerts(first.toBuilder().setPageToken(token).build());
          return new Paged.Page<>(page.getConcertsList(), page.getNextPageToken());
        });
  }

  /** Creates a concert with all its tickets available. */
  public Concert createConcert(Consumer<CreateConcertRequest.Builder> request) {
    return caller.call(
        ConcertServiceGrpc.getCreateConcertMethod(),
        fill(CreateConcertRequest.newBuilder(), request).build());
  }

  /**
   * Replaces a concert's description. Throws {@code VersionMismatchException} if it has been
   * updated since the request's {@code version}.
   */
  public Concert updateConcert(Consumer<UpdateConcertRequest.Builder> request) {
    return caller.call(
        ConcertServiceGrpc.getUpdateConcertMethod(),
        fill(UpdateConcertRequest.newBuilder(), request).build());
  }

  /** Gets one booking. */
  public Booking getBooking(long id) {
    return caller.call(
        BookingServiceGrpc.getGetBookingMethod(), GetBookingRequest.newBuilder().setId(id).build());
  }

  /**
   * Gets one page of a user's bookings, the newest first. {@link #userBookings} has all of them.
   */
  public GetUserBookingsResponse getUserBookings(Consumer<GetUserBookingsRequest.Builder> request) {
    return getUserBookings(fill(GetUserBookingsRequest.newBuilder(), request).build());
  }

  private GetUserBookingsResponse getUserBookings(GetUserBookingsRequest request) {
    return caller.call(BookingServiceGrpc.getGetUserBookingsMethod(), request);
  }

  /** Returns all bookings of the token's subject, the newest first. */
  public Paged<Booking> userBookings() {
    return userBookings(request -> {});
  }

  /** Returns all bookings of a user that pass the request's filters, the newest first. */
  public Paged<Booking> userBookings(Consumer<GetUserBookingsRequest.Builder> filter) {
    GetUserBookingsRequest first = fill(GetUserBookingsRequest.newBuilder(), filter).build();
    return new Paged<>(
        first.getPageToken(),
        token -> {
          var page = getUserBookings(first.toBuilder().setPageToken(token).build());
          return new Paged.Page<>(page.getBookingsList(), page.getNextPageToken());
        });
  }

  /**
   * Gets one page of a concert's bookings, the newest first. {@link #concertBookings} has all of
   * them.
   */
  public ListConcertBookingsResponse listConcertBookings(
      Consumer<ListConcertBookingsRequest.Builder> request) {
    return listConcertBookings(fill(ListConcertBookingsRequest.newBuilder(), request).build());
  }

  private ListConcertBookingsResponse listConcertBookings(ListConcertBookingsRequest request) {
    return caller.call(BookingServiceGrpc.getListConcertBookingsMethod(), request);
  }

  /** Returns all bookings of a concert that pass the request's filters, the newest first. */
  public Paged<Booking> concertBookings(Consumer<ListConcertBookingsRequest.Builder> filter) {
    ListConcertBookingsRequest first =
        fill(ListConcertBookingsRequest.newBuilder(), filter).build();
    return new Paged<>(
        first.getPageToken(),
        token -> {
          var page = listConcertBookings(first.toBuilder().setPageToken(token).build());
          return new Paged.Page<>(page.getBookingsList(), page.getNextPageToken());
        });
  }

  /** Books tickets, all of them or none. */
  public Booking bookTickets(Consumer<BookTicketsRequest.Builder> request) {
    return caller.call(
        BookingServiceGrpc.getBookTicketsMethod(),
        fill(BookTicketsRequest.newBuilder(), request).build());
  }

  /** Cancels a booking and puts its tickets back on sale. */
  public Booking cancelBooking(Consumer<CancelBookingRequest.Builder> request) {
    return caller.call(
        BookingServiceGrpc.getCancelBookingMethod(),
        fill(CancelBookingRequest.newBuilder(), request).build());
  }

  /** Takes tickets off sale for a while. {@link #hold} does so for a block. */
  public Booking holdTickets(Consumer<HoldTicketsRequest.Builder> request) {
    return caller.call(
        BookingServiceGrpc.getHoldTicketsMethod(),
        fill(HoldTicketsRequest.newBuilder(), request).build());
  }

  /** Holds tickets for the time of a block: {@code try (Hold hold = client.hold(…))}. */
  public Hold hold(Consumer<HoldTicketsRequest.Builder> request) {
    return new Hold(this, holdTickets(request));
  }

  /** Makes a hold a confirmed booking. */
  public Booking confirmHold(Consumer<ConfirmHoldRequest.Builder> request) {
    return caller.call(
        BookingServiceGrpc.getConfirmHoldMethod(),
        fill(ConfirmHoldRequest.newBuilder(), request).build());
  }

  /** Ends a hold and puts its tickets back on sale. */
  public Booking releaseHold(Consumer<ReleaseHoldRequest.Builder> request) {
    return caller.call(
        BookingServiceGrpc.getReleaseHoldMethod(),
        fill(ReleaseHoldRequest.newBuilder(), request).build());
  }

  /** Lets a hold live until the request's {@code ttl} from now. */
  public Booking extendHold(Consumer<ExtendHoldRequest.Builder> request) {
    return caller.call(
        BookingServiceGrpc.getExtendHoldMethod(),
        fill(ExtendHoldRequest.newBuilder(), request).build());
  }

  /**
   * Closes the connection once the calls of other threads have ended. Their failed attempts are not
   * repeated, and later calls throw an {@code IllegalStateException}.
   */
  @Override
  public void close() {
    caller.channel().shutdown();
  }

  /** Fills a request. A change without a key gets one, which all attempts of the call have. */
  private static <B extends Message.Builder> B fill(B builder, Consumer<? super B> request) {
    request.accept(builder);
    FieldDescriptor requestId = builder.getDescriptorForType().findFieldByName("request_id");
    if (requestId != null && "".equals(builder.getField(requestId))) {
      builder.setField(requestId, newRequestId());
    }
    return builder;
  }
}
