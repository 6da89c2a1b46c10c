package frontrow_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	frontrow "frontrow.example/sdk/go"
	frontrowv1 "frontrow.example/sdk/go/gen/frontrow/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestErrorOfAUsersTest(t *testing.T) {
	var err error = &frontrow.InsufficientTickets{Available: 3}
	soldOut, is := errors.AsType[*frontrow.InsufficientTickets](err)
	if !is || soldOut.Code != codes.OK || soldOut.Error() == "" || errors.Unwrap(err) != nil {
		t.Errorf("found %#v", err)
	}
	if base, is := errors.AsType[*frontrow.Error](err); !is || base != &soldOut.BaseError {
		t.Errorf("found %#v", base)
	}
}

func TestErrorHasTheKeyOfItsCall(t *testing.T) {
	keys := make(chan string, 1)
	newService := func() *service {
		return &service{
			bookTickets: func(request *frontrowv1.BookTicketsRequest) error {
				keys <- request.GetRequestId()
				return failure(connect.CodeFailedPrecondition, "INSUFFICIENT_TICKETS", map[string]string{"available": "3"}, -1)
			},
			getConcert: func(context.Context, http.Header) error {
				return failure(connect.CodeNotFound, "CONCERT_NOT_FOUND", nil, -1)
			},
		}
	}
	eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
		for _, given := range []string{"", frontrow.NewRequestID()} {
			_, err := client.BookTickets(t.Context(), frontrow.Order{RequestID: given})
			soldOut, _ := errors.AsType[*frontrow.InsufficientTickets](err)
			sent := <-keys
			if soldOut.IdempotencyKey != sent || given != "" && sent != given {
				t.Errorf("found %q and sent %q, given %q", soldOut.IdempotencyKey, sent, given)
			}
		}
		err := getConcert(t.Context(), client)
		if missing, _ := errors.AsType[*frontrow.ConcertNotFound](err); missing.IdempotencyKey != "" {
			t.Errorf("found %q", missing.IdempotencyKey)
		}
	})
}

// Other services may send the same codes and details.
func TestErrorsOfAnotherService(t *testing.T) {
	retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)}
	foreign := &errdetails.ErrorInfo{Domain: "example.com", Reason: "OVERLOADED"}
	for name, test := range map[string]struct {
		code    connect.Code
		details []proto.Message
		// isStream is set if gRPC has the same code for a stream that HTTP/2 has ended. Connect's answers differ from it.
		isStream bool
	}{
		"not implemented": {connect.CodeUnimplemented, nil, false},
		"refused token":   {connect.CodeUnauthenticated, nil, false},
		"another domain":  {connect.CodeResourceExhausted, []proto.Message{retry, foreign}, false},
		"only a delay":    {connect.CodeResourceExhausted, []proto.Message{retry}, false},
		"internal":        {connect.CodeInternal, nil, true},
		"cancelled":       {connect.CodeCanceled, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			var attempts atomic.Int32
			newService := func() *service {
				attempts.Store(0)
				return &service{updateConcert: func() error {
					attempts.Add(1)
					refusal := failureWith(test.code, test.details...)
					refusal.Meta().Set("X-Request-Id", "request-1")
					return refusal
				}}
			}
			eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
				expected := codes.Code(test.code)
				if test.isStream && strings.HasSuffix(t.Name(), "/Go") {
					expected = codes.Unavailable
				}
				unreachable, is := errors.AsType[*frontrow.Unreachable](updateConcert(t.Context(), client))
				if !is || unreachable.Code != expected || unreachable.RetryDelay != 0 ||
					unreachable.RequestID != "request-1" || attempts.Load() != 1 {
					t.Errorf("%d attempts: %#v", attempts.Load(), unreachable)
				}
			})
		})
	}
}

// A gateway answers a request that it does not understand with 400, for which both protocols have the code of a
// stream that HTTP/2 has ended.
func TestRefusalOfAGatewayIsNotRepeated(t *testing.T) {
	var attempts atomic.Int32
	for kind, body := range map[string]string{"text/plain": "no such route", "application/json": `{"message": "no such route"}`} {
		server := newServer(t, &service{})
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Config.Handler = http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
			attempts.Add(1)
			response.Header().Set("Content-Type", kind)
			response.WriteHeader(http.StatusBadRequest)
			_, _ = response.Write([]byte(body))
		})
		server.Start()
		for _, each := range clients {
			t.Run(each.name+" "+kind, func(t *testing.T) {
				attempts.Store(0)
				err := getConcert(t.Context(), newClient(t, server.URL, each.transport))
				unreachable, is := errors.AsType[*frontrow.Unreachable](err)
				if !is || unreachable.Code != codes.Internal || attempts.Load() != 1 {
					t.Errorf("%d attempts: %#v", attempts.Load(), err)
				}
			})
		}
	}
}

// A proxy that ends may reset a stream before the headers of the answer, and after.
func TestLostStreamIsRepeated(t *testing.T) {
	for name, isAfterHeaders := range map[string]bool{"before the headers": false, "after the headers": true} {
		var attempts atomic.Int32
		server := newServer(t, &service{getConcert: func(context.Context, http.Header) error { return nil }})
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		answering := server.Config.Handler
		server.Config.Handler = http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
			if attempts.Add(1) > 1 {
				answering.ServeHTTP(response, request)
				return
			}
			if isAfterHeaders {
				response.Header().Set("Content-Type", request.Header.Get("Content-Type"))
				_ = http.NewResponseController(response).Flush()
			}
			panic(http.ErrAbortHandler)
		})
		server.Start()
		for client, transport := range map[string]frontrow.Option{
			"Go":                   frontrow.WithGRPC(),
			"Go Connect":           frontrow.WithConnect(nil),
			"Go Connect by HTTP/2": frontrow.WithConnect(newHTTP2Client()),
		} {
			t.Run(client+" "+name, func(t *testing.T) {
				attempts.Store(0)
				if err := getConcert(t.Context(), newClient(t, server.URL, transport)); err != nil || attempts.Load() != 2 {
					t.Errorf("%d attempts: %v", attempts.Load(), err)
				}
			})
		}
	}
}

func newHTTP2Client() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}
