package frontrow_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	frontrow "frontrow.example/sdk/go"
)

func TestCloseEndsCalls(t *testing.T) {
	called := make(chan struct{})
	newService := func() *service {
		return &service{getConcert: func(ctx context.Context, _ http.Header) error {
			called <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}}
	}
	eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
		reading := start(func() (struct{}, error) { return struct{}{}, getConcert(t.Context(), client) })
		<-called
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if read := <-reading; read.err != frontrow.ErrClosed {
			t.Errorf("the call ended with %v", read.err)
		}
		if err := getConcert(t.Context(), client); err != frontrow.ErrClosed {
			t.Errorf("a later call ended with %v", err)
		}
		if err := client.Close(); err != nil {
			t.Errorf("the second Close: %v", err)
		}
	})
}

func TestCloseKeepsTheAnswerOfTheService(t *testing.T) {
	service := &service{updateConcert: func() error {
		return failure(connect.CodeUnavailable, "OVERLOADED", nil, time.Millisecond)
	}}
	var client *frontrow.Client
	closing := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
			defer client.Close()
			return next(ctx, request)
		}
	})
	client = connectTo(t, service, frontrow.WithConnect(nil, connect.WithInterceptors(closing)))
	err := updateConcert(t.Context(), client)
	if _, is := errors.AsType[*frontrow.Overloaded](err); !is {
		t.Errorf("found %v", err)
	}
}

// A call fails at once while the connection waits before it is tried again, here for an hour.
func TestConnectionIsTriedAgainByACall(t *testing.T) {
	server := newServer(t, &service{getConcert: func(context.Context, http.Header) error { return nil }})
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	address := server.Listener.Addr().String()
	_ = server.Listener.Close()
	rare := frontrow.WithRetry(frontrow.RetryPolicy{MaxAttempts: 1, InitialBackoff: time.Hour, MaxBackoff: time.Hour})
	client := newClient(t, "http://"+address, rare)
	if err := getConcert(t.Context(), client); err == nil {
		t.Fatal("there is no server, but an answer")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server.Listener = listener
	server.Start()
	for end := time.Now().Add(20 * time.Second); ; {
		err := getConcert(t.Context(), client)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestConnectDoesNotFollowRedirects(t *testing.T) {
	var requests atomic.Int32
	other := newServer(t, &service{})
	other.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	other.Start()
	server := newServer(t, &service{})
	server.Config.Handler = http.RedirectHandler(other.URL, http.StatusTemporaryRedirect)
	server.Start()
	err := getConcert(t.Context(), newClient(t, server.URL, frontrow.WithConnect(nil), frontrow.WithToken("secret")))
	if _, is := errors.AsType[*frontrow.Unreachable](err); !is || requests.Load() != 0 {
		t.Errorf("%d requests: %v", requests.Load(), err)
	}
}

func TestConnectEndsTLSHandshakes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ended := start(func() (struct{}, error) {
		connection, err := listener.Accept()
		if err != nil {
			return struct{}{}, err
		}
		defer connection.Close()
		_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
		_, err = io.Copy(io.Discard, connection)
		return struct{}{}, err
	})
	client := newClient(t, "https://"+listener.Addr().String(),
		frontrow.WithConnect(nil),
		frontrow.WithAttemptTimeout(50*time.Millisecond),
		frontrow.WithRetry(frontrow.RetryPolicy{MaxAttempts: 1}))
	if err := getConcert(t.Context(), client); err == nil {
		t.Error("there is no server, but an answer")
	}
	if handshake := <-ended; handshake.err != nil {
		t.Errorf("the connection was not closed: %v", handshake.err)
	}
}

func TestConnectLimitsConnections(t *testing.T) {
	const limit = 100
	var open atomic.Int32
	arrived, release := make(chan struct{}, 2*limit), make(chan struct{})
	server := newServer(t, &service{getConcert: func(context.Context, http.Header) error {
		arrived <- struct{}{}
		<-release
		return nil
	}})
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			open.Add(1)
		}
	}
	server.Start()
	client := newClient(t, server.URL, frontrow.WithConnect(nil),
		frontrow.WithTimeout(time.Minute), frontrow.WithAttemptTimeout(time.Minute))
	var reads []<-chan outcome[struct{}]
	for range limit + 10 {
		reads = append(reads, start(func() (struct{}, error) { return struct{}{}, getConcert(t.Context(), client) }))
	}
	for range limit {
		<-arrived
	}
	select {
	case <-arrived:
		t.Error("a call has one more connection")
	case <-time.After(200 * time.Millisecond):
	}
	close(release)
	for _, read := range reads {
		if err := (<-read).err; err != nil {
			t.Fatal(err)
		}
	}
	if open.Load() != limit {
		t.Errorf("there were %d connections", open.Load())
	}
}
