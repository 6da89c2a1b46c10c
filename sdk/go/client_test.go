package frontrow_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	frontrow "frontrow.example/sdk/go"
	frontrowv1 "frontrow.example/sdk/go/gen/frontrow/v1"
	"frontrow.example/sdk/go/gen/frontrow/v1/frontrowv1connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
)

func TestClientHasEveryMethodOfTheSchema(t *testing.T) {
	client := reflect.TypeFor[*frontrow.Client]()
	for _, service := range []reflect.Type{
		reflect.TypeFor[frontrowv1connect.BookingServiceClient](),
		reflect.TypeFor[frontrowv1connect.ConcertServiceClient](),
	} {
		for method := range service.Methods() {
			if _, has := client.MethodByName(method.Name); !has {
				t.Errorf("the client has no method %s", method.Name)
			}
		}
	}
}

func TestErrorOfKnownReason(t *testing.T) {
	refusing := refusingWith("INSUFFICIENT_TICKETS", map[string]string{"available": "3"})
	eachClient(t, refusing, func(t *testing.T, client *frontrow.Client) {
		_, err := client.BookTickets(t.Context(), frontrow.Order{})
		soldOut, is := errors.AsType[*frontrow.InsufficientTickets](err)
		if !is || soldOut.Available != 3 {
			t.Errorf("found %#v", err)
		}
	})
}

func TestErrorWithoutTypeKeepsItsReason(t *testing.T) {
	for name, info := range map[string]*errdetails.ErrorInfo{
		"unknown reason":     {Reason: "MOON_TOO_BRIGHT", Metadata: map[string]string{"lux": "1"}},
		"no metadata":        {Reason: "INSUFFICIENT_TICKETS"},
		"malformed metadata": {Reason: "INSUFFICIENT_TICKETS", Metadata: map[string]string{"available": "many"}},
	} {
		t.Run(name, func(t *testing.T) {
			refusing := refusingWith(info.GetReason(), info.GetMetadata())
			eachClient(t, refusing, func(t *testing.T, client *frontrow.Client) {
				_, err := client.BookTickets(t.Context(), frontrow.Order{})
				base, is := err.(*frontrow.Error)
				if !is || base.Reason != info.GetReason() || len(base.Metadata) != len(info.GetMetadata()) {
					t.Errorf("found %#v", err)
				}
			})
		})
	}
}

func refusingWith(reason string, metadata map[string]string) func() *service {
	return func() *service {
		return &service{bookTickets: func(*frontrowv1.BookTicketsRequest) error {
			return failure(connect.CodeFailedPrecondition, reason, metadata, -1)
		}}
	}
}

func TestRequestThatCannotBeEncodedIsInvalid(t *testing.T) {
	isInvalid := func(t *testing.T, err error) {
		t.Helper()
		if base, is := err.(*frontrow.Error); !is || base.Code != codes.InvalidArgument {
			t.Errorf("found %#v", err)
		}
	}
	for _, transport := range []frontrow.Option{
		frontrow.WithGRPC(), frontrow.WithConnect(nil), frontrow.WithConnect(nil, connect.WithProtoJSON()),
	} {
		client := connectTo(t, &service{}, transport)
		_, err := client.BookTickets(t.Context(), frontrow.Order{UserID: "\xff"})
		isInvalid(t, err)
		for _, year := range []int{0, 10000} {
			date := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC)
			_, err = client.ListConcerts(t.Context(), frontrow.ConcertFilter{DateFrom: date}, "")
			isInvalid(t, err)
		}
	}
}

func TestAttemptsHaveTheSameKey(t *testing.T) {
	keys := make(chan string, 10)
	newService := func() *service {
		attempts := 0
		return &service{bookTickets: func(request *frontrowv1.BookTicketsRequest) error {
			keys <- request.GetRequestId()
			if attempts++; attempts < 3 {
				return connect.NewError(connect.CodeUnavailable, errors.New("gone"))
			}
			return nil
		}}
	}
	eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
		for range 2 {
			if _, err := client.BookTickets(t.Context(), frontrow.Order{}); err != nil {
				t.Fatal(err)
			}
		}
		first, second, third, next := <-keys, <-keys, <-keys, <-keys
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(first) {
			t.Errorf("the key is no UUID of version 4: %s", first)
		}
		if second != first || third != first || next == first {
			t.Errorf("found %s, %s, %s, and %s for the next call", first, second, third, next)
		}
	})
}

func TestAttempts(t *testing.T) {
	overloaded := func(delay time.Duration) error {
		return failure(connect.CodeUnavailable, "OVERLOADED", nil, delay)
	}
	for name, test := range map[string]struct {
		delay    time.Duration
		call     func(context.Context, *frontrow.Client) error
		expected int32
	}{
		"a read ends after four attempts":                       {time.Millisecond, getConcert, 4},
		"a delay beyond the deadline is not waited for":         {time.Hour, getConcert, 1},
		"an update that may be stored is not repeated":          {-1, updateConcert, 1},
		"an update that the service wants repeated is repeated": {time.Millisecond, updateConcert, 4},
	} {
		t.Run(name, func(t *testing.T) {
			var attempts atomic.Int32
			refuse := func() error {
				attempts.Add(1)
				return overloaded(test.delay)
			}
			refuseRead := func(context.Context, http.Header) error { return refuse() }
			newService := func() *service {
				attempts.Store(0)
				return &service{getConcert: refuseRead, updateConcert: refuse}
			}
			eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
				err := test.call(t.Context(), client)
				if _, is := errors.AsType[*frontrow.Overloaded](err); !is {
					t.Errorf("found %#v", err)
				}
				if attempts.Load() != test.expected {
					t.Errorf("found %d attempts, expected %d", attempts.Load(), test.expected)
				}
			})
		})
	}
}

func getConcert(ctx context.Context, client *frontrow.Client) error {
	_, err := client.GetConcert(ctx, 1)
	return err
}

func updateConcert(ctx context.Context, client *frontrow.Client) error {
	_, err := client.UpdateConcert(ctx, frontrow.ConcertUpdate{})
	return err
}

func TestIteratorFetchesPageWhenItsFirstItemIsNeeded(t *testing.T) {
	var pages atomic.Int32
	newService := func() *service {
		pages.Store(0)
		return &service{listBookings: func(pageToken string) *frontrowv1.GetUserBookingsResponse {
			page := &frontrowv1.GetUserBookingsResponse{Bookings: []*frontrow.Booking{{Id: int64(pages.Add(1))}}}
			switch pageToken {
			case "":
				page.NextPageToken = "empty"
			case "empty":
				// A page without bookings is not the end.
				return &frontrowv1.GetUserBookingsResponse{NextPageToken: "last"}
			}
			return page
		}}
	}
	eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
		var found []int64
		for booking, err := range client.UserBookings(t.Context(), frontrow.UserBookingFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, booking.GetId())
			if int64(pages.Load()) != booking.GetId() {
				t.Errorf("%d pages were fetched for booking %d", pages.Load(), booking.GetId())
			}
		}
		if len(found) != 2 || found[0] != 1 || found[1] != 3 {
			t.Errorf("found %v", found)
		}
	})
}

func TestIteratorEndsAtAPageThatNamesItself(t *testing.T) {
	newService := func() *service {
		return &service{listBookings: func(string) *frontrowv1.GetUserBookingsResponse {
			return &frontrowv1.GetUserBookingsResponse{Bookings: []*frontrow.Booking{{}}, NextPageToken: "same"}
		}}
	}
	eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
		var found []error
		for _, err := range client.UserBookings(t.Context(), frontrow.UserBookingFilter{}) {
			found = append(found, err)
		}
		if len(found) != 3 || found[1] != nil {
			t.Fatalf("found %v", found)
		}
		if base, is := found[2].(*frontrow.Error); !is || base.Code != codes.Internal {
			t.Errorf("found %#v", found[2])
		}
	})
}

func TestAddress(t *testing.T) {
	for _, address := range []string{
		"127.0.0.1:8080", "localhost:8080", "ftp://localhost", "http://localhost/api", "http://user@localhost",
		"http://", "http://localhost?", "http://localhost#top", "", "http://localhost:0", "http://localhost:65536",
		"http://alice:secret@localhost", "http://local host:secret", "http://localhost?password=secret",
	} {
		// It does not have the address, which may have a password.
		expected := "frontrow: the address must be a URL with http or https, without a path, a query or a user"
		if _, err := frontrow.NewClient(address); err == nil || err.Error() != expected {
			t.Errorf("%q: found %v", address, err)
		}
	}
	for _, address := range []string{"http://localhost", "https://localhost/", "http://[::1]:8080", "http://localhost:1", "http://localhost:65535"} {
		if _, err := frontrow.NewClient(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}
