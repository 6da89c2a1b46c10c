package frontrow_test

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	frontrow "frontrow.example/sdk/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

func TestTLS(t *testing.T) {
	accepting := &service{getConcert: func(_ context.Context, header http.Header) error {
		if agent := header.Get("User-Agent"); !strings.Contains(agent, "frontrow-go/"+frontrow.Version) {
			t.Errorf("the User-Agent is %q", agent)
		}
		return nil
	}}
	server := newServer(t, accepting)
	server.Config.Protocols.SetHTTP2(true)
	server.EnableHTTP2 = true
	server.StartTLS()
	trusted := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	security := credentials.NewTLS(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12})
	for name, option := range map[string]frontrow.Option{
		"Go":         frontrow.WithGRPC(grpc.WithTransportCredentials(security)),
		"Go Connect": frontrow.WithConnect(server.Client()),
	} {
		t.Run(name, func(t *testing.T) {
			if err := getConcert(t.Context(), newClient(t, server.URL, option)); err != nil {
				t.Error(err)
			}
		})
	}
	for _, each := range clients {
		t.Run(each.name+" by default refuses the test's certificate", func(t *testing.T) {
			err := getConcert(t.Context(), newClient(t, server.URL, each.transport))
			_, is := errors.AsType[*frontrow.Unreachable](err)
			if !is || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("found %v", err)
			}
		})
	}
}

func TestOtherServerIsUnreachable(t *testing.T) {
	server := newServer(t, &service{})
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.Handler = http.NotFoundHandler()
	server.Start()
	for _, each := range clients {
		t.Run(each.name, func(t *testing.T) {
			err := getConcert(t.Context(), newClient(t, server.URL, each.transport))
			if _, is := errors.AsType[*frontrow.Unreachable](err); !is {
				t.Errorf("found %#v", err)
			}
		})
	}
}

func TestAttemptThatDoesNotEndIsRepeated(t *testing.T) {
	newService := func() *service {
		var attempts atomic.Int32
		return &service{getConcert: func(ctx context.Context, _ http.Header) error {
			if attempts.Add(1) == 1 {
				<-ctx.Done()
			}
			return ctx.Err()
		}}
	}
	limit := frontrow.WithAttemptTimeout(100 * time.Millisecond)
	eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
		if err := getConcert(t.Context(), client); err != nil {
			t.Error(err)
		}
	}, limit)
}

func TestDeadlineOfTheContextReplacesTheTimeout(t *testing.T) {
	newService := func() *service {
		return &service{getConcert: func(ctx context.Context, _ http.Header) error {
			deadline, _ := ctx.Deadline()
			if left := time.Until(deadline); left < 5*time.Minute || left > 10*time.Minute {
				t.Errorf("the service has %v", left)
			}
			return nil
		}}
	}
	eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := getConcert(ctx, client); err != nil {
			t.Error(err)
		}
	}, frontrow.WithTimeout(time.Minute), frontrow.WithAttemptTimeout(time.Hour))
}

func TestHugeTimeoutsDoNotOverflow(t *testing.T) {
	newService := func() *service {
		return &service{getConcert: func(context.Context, http.Header) error { return nil }}
	}
	eachClient(t, newService, func(t *testing.T, client *frontrow.Client) {
		if err := getConcert(t.Context(), client); err != nil {
			t.Error(err)
		}
	}, frontrow.WithTimeout(math.MaxInt64), frontrow.WithAttemptTimeout(math.MaxInt64), frontrow.WithToken("good"))
}

func TestOptionsThatNoClientCanHaveAreRefused(t *testing.T) {
	for _, option := range []frontrow.Option{
		frontrow.WithTimeout(0),
		frontrow.WithAttemptTimeout(-time.Second),
		frontrow.WithRetry(frontrow.RetryPolicy{MaxAttempts: -1}),
		frontrow.WithRetry(frontrow.RetryPolicy{InitialBackoff: -1}),
		frontrow.WithRetry(frontrow.RetryPolicy{MaxBackoff: -1}),
		frontrow.WithTokenSource(nil),
	} {
		if _, err := frontrow.NewClient("http://localhost", option); err == nil {
			t.Error("the client is made")
		}
	}
}

func newClient(t *testing.T, address string, options ...frontrow.Option) *frontrow.Client {
	t.Helper()
	client, err := frontrow.NewClient(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
