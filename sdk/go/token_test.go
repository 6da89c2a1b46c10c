package frontrow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	frontrow "frontrow.example/sdk/go"
)

// checkingTokens accepts one token only.
func checkingTokens(accepted string) func() *service {
	return func() *service {
		return &service{getConcert: func(_ context.Context, header http.Header) error {
			if header.Get("Authorization") == "Bearer "+accepted {
				return nil
			}
			return failure(connect.CodeUnauthenticated, "UNAUTHENTICATED", nil, -1)
		}}
	}
}

func TestTokenSourceThatFailsIsCalledAgainByTheNextCall(t *testing.T) {
	errNoNetwork := errors.New("no network")
	for _, each := range clients {
		t.Run(each.name, func(t *testing.T) {
			calls := 0
			source := func(context.Context) (string, error) {
				if calls++; calls == 1 {
					return "", errNoNetwork
				}
				return "good", nil
			}
			client := connectTo(t, checkingTokens("good")(), each.transport, frontrow.WithTokenSource(source))
			if err := getConcert(t.Context(), client); !errors.Is(err, errNoNetwork) {
				t.Errorf("found %v", err)
			}
			if err := getConcert(t.Context(), client); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTokenSourceIsCalledOnceMoreByACall(t *testing.T) {
	for _, each := range clients {
		t.Run(each.name, func(t *testing.T) {
			calls := 0
			source := func(context.Context) (string, error) {
				calls++
				return fmt.Sprintf("token %d", calls), nil
			}
			client := connectTo(t, checkingTokens("token 3")(), each.transport, frontrow.WithTokenSource(source))
			err := getConcert(t.Context(), client)
			if _, is := errors.AsType[*frontrow.Unauthenticated](err); !is || calls != 2 {
				t.Errorf("the source was called %d times: %v", calls, err)
			}
		})
	}
}

// A source that does not end is bounded by the deadlines of the calls. One call's end does not end the source's
// call, for which another call waits.
func TestTokenSourceOutlivesACall(t *testing.T) {
	release := make(chan struct{})
	isCalled := make(chan struct{})
	source := func(ctx context.Context) (string, error) {
		close(isCalled)
		<-release
		return "good", ctx.Err()
	}
	client := connectTo(t, checkingTokens("good")(), frontrow.WithTokenSource(source))
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := getConcert(short, client)
	if _, is := errors.AsType[*frontrow.DeadlineExceeded](err); !is {
		t.Errorf("found %#v", err)
	}
	<-isCalled
	cancelled, end := context.WithCancel(t.Context())
	end()
	if err := getConcert(cancelled, client); !errors.Is(err, context.Canceled) {
		t.Errorf("found %#v", err)
	}
	waiting := start(func() (struct{}, error) { return struct{}{}, getConcert(t.Context(), client) })
	close(release)
	if read := <-waiting; read.err != nil {
		t.Error(read.err)
	}
}
