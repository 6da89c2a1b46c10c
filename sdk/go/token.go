package frontrow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
)

// TokenSource returns a token (JWT). It is called when there is no token yet, and when the service has refused
// the one it had. Its context ends after the client's timeout. A call of the source that does not end then is
// given up, and the next call of a method calls the source again.
type TokenSource func(ctx context.Context) (string, error)

// TokenSourceFailed is the error of a call whose token source returned an error or a text that is no token. It
// wraps the source's error. A source that does not return in time is [DeadlineExceeded]. The next call calls the
// source again.
type TokenSourceFailed struct {
	BaseError
}

var errNoToken = errors.New("the token is empty, or has a space, a line break or another character that no token has; " +
	"it is given without `Bearer`")

// joinMargin is for how long a call of the source must still run for other calls to wait for it. Otherwise the next
// call after one that timed out could wait for the same call of the source, which ends a moment later.
// It is at most half of the timeout, so that calls share the source with a short timeout, too.
const joinMargin = 100 * time.Millisecond

// tokenCache has the token of a client. Concurrent calls share one call of the source.
type tokenCache struct {
	// source is nil for a fixed token.
	source  TokenSource
	timeout time.Duration

	mutex   sync.Mutex
	current *fetchedToken
}

// fetchedToken has a text or an error when done is closed.
type fetchedToken struct {
	done chan struct{}
	text string
	err  error
	// isLate is set if the source did not return in time.
	isLate bool
	// ends is when the call of the source is given up.
	ends time.Time
}

func newFixedToken(text string) (*tokenCache, error) {
	if !isToken(text) {
		return nil, errNoToken
	}
	token := &fetchedToken{done: make(chan struct{}), text: text}
	close(token.done)
	return &tokenCache{current: token}, nil
}

func newTokenCache(source TokenSource, timeout time.Duration) (*tokenCache, error) {
	if source == nil {
		return nil, errors.New("the token source is nil")
	}
	return &tokenCache{source: source, timeout: timeout}, nil
}

// isDone reports whether the token is there, or its error.
func (t *fetchedToken) isDone() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// get returns the token, which is nil for a client without tokens. Errors have the key of the call.
func (c *tokenCache) get(ctx context.Context, key string) (*fetchedToken, error) {
	if c == nil {
		return nil, nil
	}
	token := c.fetch(ctx)
	// A call that has ended does not wait for the source, and must not say so.
	if !token.isDone() {
		select {
		case <-token.done:
		case <-ctx.Done():
			return nil, sourceTimeout(ctx.Err(), key)
		}
	}
	switch {
	case token.isLate:
		return nil, sourceTimeout(token.err, key)
	case token.err != nil:
		return nil, &TokenSourceFailed{BaseError{
			Code:           codes.Unauthenticated,
			Message:        "the token source failed: " + token.err.Error(),
			IdempotencyKey: key,
			cause:          token.err,
		}}
	}
	return token, nil
}

// fetch returns the current token, or calls the source, which outlives ctx: other calls may wait for it.
func (c *tokenCache) fetch(ctx context.Context) *fetchedToken {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.current != nil && (c.current.isDone() || time.Until(c.current.ends) > min(joinMargin, c.timeout/2)) {
		return c.current
	}
	token := &fetchedToken{done: make(chan struct{}), ends: time.Now().Add(c.timeout)}
	c.current = token
	go func() {
		ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), token.ends)
		defer cancel()
		defer close(token.done)
		token.text, token.err = c.source.callBounded(ctx)
		token.isLate = token.err != nil && ctx.Err() != nil
		if token.err != nil {
			// A later call must not find this error.
			c.refuse(token)
		}
	}()
	return token
}

// callBounded calls the source, and does not wait for it after the end of ctx.
func (s TokenSource) callBounded(ctx context.Context) (string, error) {
	// With room for the result of a call that is given up.
	returned := make(chan fetchedToken, 1)
	go func() {
		var result fetchedToken
		defer func() {
			if fault := recover(); fault != nil {
				result.err = fmt.Errorf("it panicked: %v", fault)
			}
			returned <- result
		}()
		result.text, result.err = s(ctx)
	}()
	select {
	case result := <-returned:
		if result.err == nil && !isToken(result.text) {
			result.err = errNoToken
		}
		return result.text, result.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// isToken reports whether a text can be sent as a token.
func isToken(text string) bool {
	for index := range len(text) {
		if text[index] < '!' || text[index] > '~' {
			return false
		}
	}
	return text != ""
}

// refuse forgets a token, unless another call has replaced it already. It reports whether the next one may be
// another one.
func (c *tokenCache) refuse(token *fetchedToken) bool {
	if c == nil || c.source == nil {
		return false
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.current == token {
		c.current = nil
	}
	return true
}

func sourceTimeout(cause error, key string) error {
	return withReason(&Error{
		Code:           codes.DeadlineExceeded,
		Reason:         deadlineReason,
		Message:        "the token source did not return in time",
		IdempotencyKey: key,
		cause:          cause,
	})
}
