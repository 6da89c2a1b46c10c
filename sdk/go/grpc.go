package frontrow

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"time"

	frontrowv1 "frontrow.example/sdk/go/gen/frontrow/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A connection that was lost without a sign, as by a NAT, is found by a ping and replaced. The ping is sent
// when a call finds the connection unused for pingAfter, and its answer comes within pingTimeout.
const (
	pingAfter   = 20 * time.Second
	pingTimeout = 3 * time.Second
)

// httpStatusMessage is how grpc-go describes an answer that is not one of gRPC.
const httpStatusMessage = "unexpected HTTP status code received from server: "

// WithGRPC makes the client use gRPC, which is the default, with options for its connection, such as
// grpc.WithTransportCredentials or interceptors.
func WithGRPC(options ...grpc.DialOption) Option {
	return func(s *settings) {
		s.newTransport = func(address *url.URL, s *settings) (*transport, error) {
			return newGRPCTransport(address, s, options)
		}
	}
}

func newGRPCTransport(address *url.URL, s *settings, options []grpc.DialOption) (*transport, error) {
	security, port := insecure.NewCredentials(), "80"
	if address.Scheme == "https" {
		security, port = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12}), "443"
	}
	if address.Port() != "" {
		port = address.Port()
	}
	defaults := []grpc.DialOption{
		grpc.WithTransportCredentials(security),
		grpc.WithUserAgent(userAgent),
		// The client repeats calls itself. A new connection is tried as often as a call.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  s.retry.InitialBackoff,
				Multiplier: backoffFactor,
				Jitter:     0.2,
				MaxDelay:   s.retry.MaxBackoff,
			},
			MinConnectTimeout: s.attemptTimeout,
		}),
		grpc.WithChainUnaryInterceptor(reconnect),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}),
	}
	target := "dns:///" + net.JoinHostPort(address.Hostname(), port)
	connection, err := grpc.NewClient(target, append(defaults, options...)...)
	if err != nil {
		return nil, err
	}
	concerts := frontrowv1.NewConcertServiceClient(connection)
	bookings := frontrowv1.NewBookingServiceClient(connection)
	return &transport{
		getConcert:          byGRPC(frontrowv1.ConcertService_GetConcert_FullMethodName, concerts.GetConcert),
		listConcerts:        byGRPC(frontrowv1.ConcertService_ListConcerts_FullMethodName, concerts.ListConcerts),
		createConcert:       byGRPC(frontrowv1.ConcertService_CreateConcert_FullMethodName, concerts.CreateConcert),
		updateConcert:       byGRPC(frontrowv1.ConcertService_UpdateConcert_FullMethodName, concerts.UpdateConcert),
		getBooking:          byGRPC(frontrowv1.BookingService_GetBooking_FullMethodName, bookings.GetBooking),
		getUserBookings:     byGRPC(frontrowv1.BookingService_GetUserBookings_FullMethodName, bookings.GetUserBookings),
		listConcertBookings: byGRPC(frontrowv1.BookingService_ListConcertBookings_FullMethodName, bookings.ListConcertBookings),
		bookTickets:         byGRPC(frontrowv1.BookingService_BookTickets_FullMethodName, bookings.BookTickets),
		cancelBooking:       byGRPC(frontrowv1.BookingService_CancelBooking_FullMethodName, bookings.CancelBooking),
		holdTickets:         byGRPC(frontrowv1.BookingService_HoldTickets_FullMethodName, bookings.HoldTickets),
		confirmHold:         byGRPC(frontrowv1.BookingService_ConfirmHold_FullMethodName, bookings.ConfirmHold),
		releaseHold:         byGRPC(frontrowv1.BookingService_ReleaseHold_FullMethodName, bookings.ReleaseHold),
		extendHold:          byGRPC(frontrowv1.BookingService_ExtendHold_FullMethodName, bookings.ExtendHold),
		close:               connection.Close,
	}, nil
}

// reconnect ends the wait before the next connection. Without it, the attempts of a call could all fail with the
// error of a connection that an earlier call tried.
func reconnect(
	ctx context.Context, method string, request, response any,
	connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	if connection.GetState() == connectivity.TransientFailure {
		connection.ResetConnectBackoff()
	}
	return invoke(ctx, method, request, response, connection, options...)
}

func byGRPC[Request, Response any](
	procedure string,
	send func(context.Context, *Request, ...grpc.CallOption) (*Response, error),
) method[Request, Response] {
	return method[Request, Response]{
		isRepeatable: isRepeatable(procedure),
		send: func(ctx context.Context, token *fetchedToken, request *Request) (*Response, *failure) {
			if token != nil {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", token.authorization())
			}
			var header, trailer metadata.MD
			response, err := send(ctx, request, grpc.Header(&header), grpc.Trailer(&trailer))
			if err != nil {
				return nil, failureOfGRPC(err, metadata.Join(header, trailer))
			}
			return response, nil
		},
	}
}

func failureOfGRPC(err error, received metadata.MD) *failure {
	answer := status.Convert(err)
	failed := &failure{
		code:     answer.Code(),
		message:  answer.Message(),
		details:  answer.Details(),
		cause:    err,
		isAnswer: strings.HasPrefix(answer.Message(), httpStatusMessage),
	}
	if ids := received.Get(requestIDHeader); len(ids) > 0 {
		failed.requestID = ids[0]
	}
	return failed
}
