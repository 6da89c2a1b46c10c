package frontrow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
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

func TestTokenSourceThatHangsOnceFailsOneCall(t *testing.T) {
	ended := make(chan struct{})
	defer close(ended)
	var calls atomic.Int32
	source := func(context.Context) (string, error) {
		if calls.Add(1) == 1 {
			<-ended
		}
		return "good", nil
	}
	client := connectTo(t, checkingTokens("good")(),
		frontrow.WithTokenSource(source), frontrow.WithTimeout(200*time.Millisecond))
	isSourceTimeout(t, getConcert(t.Context(), client))
	// The source's time ends a moment after that of the first call.
	if err := getConcert(t.Context(), client); err != nil || calls.Load() != 2 {
		t.Errorf("the source was called %d times: %v", calls.Load(), err)
	}
}

func TestTokenIsNotLateForACallThatHasEnded(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for _, each := range clients {
		t.Run(each.name, func(t *testing.T) {
			// Of several ready channels, Go chooses one by chance.
			for range 20 {
				client := connectTo(t, checkingTokens("good")(), each.transport, frontrow.WithToken("good"))
				err := getConcert(ctx, client)
				late, is := errors.AsType[*frontrow.DeadlineExceeded](err)
				if !is || strings.Contains(late.Message, "token source") {
					t.Fatalf("found %v", err)
				}
			}
		})
	}
}

func TestFixedTokenIsNotTriedTwice(t *testing.T) {
	for _, each := range clients {
		t.Run(each.name, func(t *testing.T) {
			var attempts atomic.Int32
			refusing := &service{getConcert: func(context.Context, http.Header) error {
				attempts.Add(1)
				return failure(connect.CodeUnauthenticated, "UNAUTHENTICATED", nil, -1)
			}}
			client := connectTo(t, refusing, each.transport, frontrow.WithToken("refused"))
			err := getConcert(t.Context(), client)
			if _, is := errors.AsType[*frontrow.Unauthenticated](err); !is || attempts.Load() != 1 {
				t.Errorf("%d attempts: %v", attempts.Load(), err)
			}
		})
	}
}

func TestTextThatIsNoTokenIsRefused(t *testing.T) {
	for _, text := range []string{"", "Bearer secret", "secret\n", "secr\u00e9t", "secret\x7f"} {
		_, err := frontrow.NewClient("http://localhost", frontrow.WithToken(text))
		isTokenError(t, text, err)
		source := func(context.Context) (string, error) { return text, nil }
		client := connectTo(t, checkingTokens("good")(), frontrow.WithTokenSource(source))
		err = getConcert(t.Context(), client)
		isTokenError(t, text, err)
		if _, is := errors.AsType[*frontrow.TokenSourceFailed](err); !is {
			t.Errorf("found %#v", err)
		}
	}
}

func isTokenError(t *testing.T, text string, err error) {
	t.Helper()
	expected := "the token is empty, or has a space, a line break or another character that no token has; " +
		"it is given without `Bearer`"
	if err == nil || !strings.HasSuffix(err.Error(), ": "+expected) {
		t.Errorf("%q: found %v", text, err)
	}
}

func TestTokenSourceThatHangsIsGivenUp(t *testing.T) {
	ended := make(chan struct{})
	defer close(ended)
	var calls atomic.Int32
	source := func(context.Context) (string, error) {
		if calls.Add(1) == 1 {
			<-ended
		}
		return "good", nil
	}
	client := connectTo(t, checkingTokens("good")(),
		frontrow.WithTokenSource(source), frontrow.WithTimeout(200*time.Millisecond))
	// Its own deadline is later than that of the source.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := getConcert(ctx, client)
	isSourceTimeout(t, err)
	if err := getConcert(ctx, client); err != nil {
		t.Error(err)
	}
}

// The error must not say that the service did not answer.
func isSourceTimeout(t *testing.T, err error) {
	t.Helper()
	late, is := errors.AsType[*frontrow.DeadlineExceeded](err)
	if !is || late.Message != "the token source did not return in time" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("found %#v", err)
	}
}

func TestTokenSourceThatPanics(t *testing.T) {
	source := func(context.Context) (string, error) { panic("no settings") }
	client := connectTo(t, checkingTokens("good")(), frontrow.WithTokenSource(source))
	err := getConcert(t.Context(), client)
	if _, is := errors.AsType[*frontrow.TokenSourceFailed](err); !is || !strings.Contains(err.Error(), "no settings") {
		t.Errorf("found %#v", err)
	}
}

func TestTokenSourceIsCalledOnceMoreByACall(t *testing.T) {
	for _, each := range clients {
		t.Run(each.name, func(t *testing.T) {
			calls := 0
			source := func(context.Context) (string, error) {
				calls++
				return fmt.Sprintf("token-%d", calls), nil
			}
			client := connectTo(t, checkingTokens("token-3")(), each.transport, frontrow.WithTokenSource(source))
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
	isSourceTimeout(t, err)
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
