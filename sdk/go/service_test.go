package frontrow_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	frontrow "frontrow.example/sdk/go"
	frontrowv1 "frontrow.example/sdk/go/gen/frontrow/v1"
	"frontrow.example/sdk/go/gen/frontrow/v1/frontrowv1connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// service gives answers that the running service gives rarely. Connect's handlers serve both protocols.
type service struct {
	frontrowv1connect.UnimplementedBookingServiceHandler
	frontrowv1connect.UnimplementedConcertServiceHandler
	bookTickets   func(*frontrowv1.BookTicketsRequest) error
	getConcert    func(context.Context, http.Header) error
	updateConcert func() error
	confirmHold   func() error
	releases      atomic.Int32
	listBookings  func(pageToken string) *frontrowv1.GetUserBookingsResponse
}

func (s *service) BookTickets(
	_ context.Context,
	request *connect.Request[frontrowv1.BookTicketsRequest],
) (*connect.Response[frontrowv1.Booking], error) {
	return connect.NewResponse(&frontrowv1.Booking{}), s.bookTickets(request.Msg)
}

func (s *service) GetConcert(
	ctx context.Context,
	request *connect.Request[frontrowv1.GetConcertRequest],
) (*connect.Response[frontrowv1.Concert], error) {
	return connect.NewResponse(&frontrowv1.Concert{}), s.getConcert(ctx, request.Header())
}

func (s *service) UpdateConcert(
	context.Context,
	*connect.Request[frontrowv1.UpdateConcertRequest],
) (*connect.Response[frontrowv1.Concert], error) {
	return connect.NewResponse(&frontrowv1.Concert{}), s.updateConcert()
}

func (s *service) HoldTickets(
	context.Context,
	*connect.Request[frontrowv1.HoldTicketsRequest],
) (*connect.Response[frontrowv1.Booking], error) {
	return connect.NewResponse(&frontrowv1.Booking{Id: 1}), nil
}

func (s *service) ConfirmHold(
	context.Context,
	*connect.Request[frontrowv1.ConfirmHoldRequest],
) (*connect.Response[frontrowv1.Booking], error) {
	return connect.NewResponse(&frontrowv1.Booking{Id: 1}), s.confirmHold()
}

func (s *service) ReleaseHold(
	context.Context,
	*connect.Request[frontrowv1.ReleaseHoldRequest],
) (*connect.Response[frontrowv1.Booking], error) {
	s.releases.Add(1)
	return connect.NewResponse(&frontrowv1.Booking{Id: 1}), nil
}

func (s *service) GetUserBookings(
	_ context.Context,
	request *connect.Request[frontrowv1.GetUserBookingsRequest],
) (*connect.Response[frontrowv1.GetUserBookingsResponse], error) {
	return connect.NewResponse(s.listBookings(request.Msg.GetPageToken())), nil
}

// eachClient runs a test with a client of the service by each protocol.
func eachClient(
	t *testing.T,
	newService func() *service,
	test func(t *testing.T, client *frontrow.Client),
	options ...frontrow.Option,
) {
	for _, each := range clients {
		t.Run(each.name, func(t *testing.T) {
			test(t, connectTo(t, newService(), append(options, each.transport)...))
		})
	}
}

func connectTo(t *testing.T, service *service, options ...frontrow.Option) *frontrow.Client {
	t.Helper()
	server := newServer(t, service)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	quick := frontrow.WithRetry(frontrow.RetryPolicy{InitialBackoff: time.Millisecond})
	return newClient(t, server.URL, append([]frontrow.Option{quick}, options...)...)
}

func newServer(t *testing.T, service *service) *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle(frontrowv1connect.NewBookingServiceHandler(service))
	mux.Handle(frontrowv1connect.NewConcertServiceHandler(service))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	t.Cleanup(server.Close)
	return server
}

// failure is an error of the service. There is no delay if it is below 0.
func failure(code connect.Code, reason string, metadata map[string]string, delay time.Duration) error {
	details := []proto.Message{&errdetails.ErrorInfo{Domain: "frontrow", Reason: reason, Metadata: metadata}}
	if delay >= 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
	}
	return failureWith(code, details...)
}

func failureWith(code connect.Code, details ...proto.Message) *connect.Error {
	err := connect.NewError(code, errors.New("refused"))
	for _, message := range details {
		detail, _ := connect.NewErrorDetail(message)
		err.AddDetail(detail)
	}
	return err
}
