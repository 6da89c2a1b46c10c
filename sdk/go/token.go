package frontrow

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// TokenSource returns a token (JWT). It is called when there is no token yet, and when the service has refused
// the one it had. Its context ends after the client's timeout.
type TokenSource func(ctx context.Context) (string, error)

// tokenCache has the token of a client. Concurrent calls share one call of the source.
type tokenCache struct {
	source  TokenSource
	isFixed bool
	timeout time.Duration

	mutex   sync.Mutex
	current *fetchedToken
}

// fetchedToken has a text or an error when done is closed.
type fetchedToken struct {
	done chan struct{}
	text string
	err  error
}

// get returns the token, which is nil for a client without tokens.
func (c *tokenCache) get(ctx context.Context) (*fetchedToken, error) {
	if c == nil {
		return nil, nil
	}
	token := c.fetch(ctx)
	select {
	case <-token.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("frontrow: the token source: %w", ctx.Err())
	}
	if token.err != nil {
		// The next call calls the source again.
		c.refuse(token)
		return nil, fmt.Errorf("frontrow: the token source: %w", token.err)
	}
	return token, nil
}

// fetch returns the current token, or calls the source. The source's call outlives that of ctx, since other
// calls may wait for it.
func (c *tokenCache) fetch(ctx context.Context) *fetchedToken {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.current != nil {
		return c.current
	}
	token := &fetchedToken{done: make(chan struct{})}
	c.current = token
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
		defer cancel()
		defer close(token.done)
		token.text, token.err = c.source(ctx)
	}()
	return token
}

// refuse forgets a token, unless another call has replaced it already. It reports whether the next one may be
// another one.
func (c *tokenCache) refuse(token *fetchedToken) bool {
	if c == nil {
		return false
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.current == token {
		c.current = nil
	}
	return !c.isFixed
}
