package frontrow

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// A call may have ended before the source, so that no call has read the error.
func TestErrorOfTheTokenSourceDoesNotStay(t *testing.T) {
	failing := func(context.Context) (string, error) { return "", errors.New("no network") }
	cache := &tokenCache{source: failing, timeout: time.Minute}
	token := cache.fetch(t.Context())
	<-token.done
	if cache.fetch(t.Context()) == token {
		t.Error("a later call finds the error")
	}
}

func TestCallsThatWaitForAHangingTokenSourceFail(t *testing.T) {
	var calls atomic.Int32
	source := func(ctx context.Context) (string, error) {
		if calls.Add(1) == 1 {
			<-ctx.Done()
		}
		return "good", ctx.Err()
	}
	cache := &tokenCache{source: source, timeout: 200 * time.Millisecond}
	cache.fetch(t.Context())
	_, err := cache.get(t.Context(), "")
	if _, isLate := errors.AsType[*DeadlineExceeded](err); !isLate {
		t.Errorf("the call that waits ends with %v", err)
	}
	if token, err := cache.get(t.Context(), ""); err != nil || token.text != "good" {
		t.Errorf("the next call finds %v", err)
	}
}

func TestCallOfTheSourceThatEndsSoonIsNotJoined(t *testing.T) {
	source := func(context.Context) (string, error) { return "good", nil }
	for left, isJoined := range map[time.Duration]bool{joinMargin / 2: false, time.Minute: true} {
		pending := &fetchedToken{done: make(chan struct{}), ends: time.Now().Add(left)}
		cache := &tokenCache{source: source, timeout: time.Hour, current: pending}
		if token := cache.fetch(t.Context()); (token == pending) != isJoined {
			t.Errorf("with %v left, that the call is joined is %v", left, !isJoined)
		}
	}
}
