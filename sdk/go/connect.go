package frontrow

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"
	"frontrow.example/sdk/go/gen/frontrow/v1/frontrowv1connect"
	"google.golang.org/grpc/codes"
)

const (
	// connectionLimit is how many connections there are at once. By HTTP/1.1, each call has one.
	connectionLimit = 100
	// idleTimeout is how long they are kept: less than servers and proxies usually keep them.
	idleTimeout = 30 * time.Second
)

// WithConnect makes the client use the Connect protocol, with options such as interceptors. The HTTP client is
// http.Client or the like; nil for one of the client's.
func WithConnect(httpClient connect.HTTPClient, options ...connect.ClientOption) Option {
	return func(s *settings) {
		s.newTransport = func(address *url.URL, s *settings) (*transport, error) {
			return newConnectTransport(address, s, httpClient, options), nil
		}
	}
}

func newConnectTransport(
	address *url.URL,
	s *settings,
	httpClient connect.HTTPClient,
	options []connect.ClientOption,
) *transport {
	closeIdle := func() error { return nil }
	if httpClient == nil {
		own := newHTTPClient(s.attemptTimeout)
		httpClient = own
		closeIdle = func() error {
			own.CloseIdleConnections()
			return nil
		}
	}
	concerts := frontrowv1connect.NewConcertServiceClient(httpClient, address.String(), options...)
	bookings := frontrowv1connect.NewBookingServiceClient(httpClient, address.String(), options...)
	return &transport{
		getConcert:          byConnect(frontrowv1connect.ConcertServiceGetConcertProcedure, concerts.GetConcert),
		listConcerts:        byConnect(frontrowv1connect.ConcertServiceListConcertsProcedure, concerts.ListConcerts),
		createConcert:       byConnect(frontrowv1connect.ConcertServiceCreateConcertProcedure, concerts.CreateConcert),
		updateConcert:       byConnect(frontrowv1connect.ConcertServiceUpdateConcertProcedure, concerts.UpdateConcert),
		getBooking:          byConnect(frontrowv1connect.BookingServiceGetBookingProcedure, bookings.GetBooking),
		getUserBookings:     byConnect(frontrowv1connect.BookingServiceGetUserBookingsProcedure, bookings.GetUserBookings),
		listConcertBookings: byConnect(frontrowv1connect.BookingServiceListConcertBookingsProcedure, bookings.ListConcertBookings),
		bookTickets:         byConnect(frontrowv1connect.BookingServiceBookTicketsProcedure, bookings.BookTickets),
		cancelBooking:       byConnect(frontrowv1connect.BookingServiceCancelBookingProcedure, bookings.CancelBooking),
		holdTickets:         byConnect(frontrowv1connect.BookingServiceHoldTicketsProcedure, bookings.HoldTickets),
		confirmHold:         byConnect(frontrowv1connect.BookingServiceConfirmHoldProcedure, bookings.ConfirmHold),
		releaseHold:         byConnect(frontrowv1connect.BookingServiceReleaseHoldProcedure, bookings.ReleaseHold),
		extendHold:          byConnect(frontrowv1connect.BookingServiceExtendHoldProcedure, bookings.ExtendHold),
		close:               closeIdle,
	}
}

// newHTTPClient makes a client whose new connections outlive the attempts that need them, but not for long.
func newHTTPClient(connectTimeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: connectTimeout}
	return &http.Client{
		// Frontrow does not redirect. Another server must not send the requests elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: connectTimeout,
			ForceAttemptHTTP2:   true,
			MaxConnsPerHost:     connectionLimit,
			MaxIdleConns:        connectionLimit,
			MaxIdleConnsPerHost: connectionLimit,
			IdleConnTimeout:     idleTimeout,
			HTTP2:               &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		},
	}
}

func byConnect[Request, Response any](
	procedure string,
	send func(context.Context, *connect.Request[Request]) (*connect.Response[Response], error),
) method[Request, Response] {
	return method[Request, Response]{
		isRepeatable: isRepeatable(procedure),
		send: func(ctx context.Context, token *fetchedToken, request *Request) (*Response, *failure) {
			sent := connect.NewRequest(request)
			sent.Header().Set("User-Agent", userAgent)
			if token != nil {
				sent.Header().Set("Authorization", token.authorization())
			}
			response, err := send(ctx, sent)
			if err != nil {
				return nil, failureOfConnect(err)
			}
			return response.Msg, nil
		},
	}
}

func failureOfConnect(err error) *failure {
	failed := &failure{
		// Connect's numbers are those of gRPC.
		code:    codes.Code(connect.CodeOf(err)),
		message: err.Error(),
		cause:   err,
	}
	if answer, isConnect := errors.AsType[*connect.Error](err); isConnect {
		failed.message = answer.Message()
		failed.isAnswer = connect.IsWireError(err) || strings.HasPrefix(answer.Message(), badRequestStatus)
		failed.requestID = answer.Meta().Get(requestIDHeader)
		for _, detail := range answer.Details() {
			if value, err := detail.Value(); err == nil {
				failed.details = append(failed.details, value)
			}
		}
	}
	if failed.code != codes.DeadlineExceeded && isLostConnection(err) {
		failed.code = codes.Unavailable
	}
	return failed
}

// badRequestStatus begins the message of an answer with the status 400 and without JSON. It is the only status for
// which Connect has the code INTERNAL.
const badRequestStatus = "400 "

// isLostConnection reports whether an answer broke off, for which Connect has different codes.
func isLostConnection(err error) bool {
	_, isNetwork := errors.AsType[net.Error](err)
	// The error of an answer that a GOAWAY has ended has no public type.
	isHTTP2 := !connect.IsWireError(err) && strings.Contains(err.Error(), "http2: ")
	return isNetwork || isHTTP2 || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
