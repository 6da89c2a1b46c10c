package frontrow

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Client calls a Frontrow service. Every call has a deadline, and is repeated if it fails in a way that may
// pass and repeating is safe. Errors are an *[Error], or wrap one. A client is safe for concurrent use.
type Client struct {
	address   string
	settings  *settings
	tokens    *tokenCache
	transport *transport
	// lifetime ends when the client is closed.
	lifetime context.Context
	close    func() error
}

// ErrClosed is the error of calls of a client that is closed, also of those that had not ended then. A change may have
// been stored: give your own RequestID to repeat it.
var ErrClosed = errors.New("frontrow: the client is closed")

// Option changes how a client calls the service.
type Option func(*settings)

type settings struct {
	timeout        time.Duration
	attemptTimeout time.Duration
	retry          RetryPolicy
	newTransport   func(address *url.URL, s *settings) (*transport, error)
	// newTokens is nil for a client without tokens.
	newTokens func(s *settings) (*tokenCache, error)
}

// WithToken makes the client send a token (JWT). A client without this option is for a service without tokens.
func WithToken(token string) Option {
	return func(s *settings) {
		s.newTokens = func(*settings) (*tokenCache, error) { return newFixedToken(token) }
	}
}

// WithTokenSource makes the client send the tokens that a source returns.
func WithTokenSource(source TokenSource) Option {
	return func(s *settings) {
		s.newTokens = func(s *settings) (*tokenCache, error) { return newTokenCache(source, s.timeout) }
	}
}

// WithTimeout sets how long a call may take with all of its attempts, if its context has no deadline. By
// default 10 s.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.timeout = timeout }
}

// WithAttemptTimeout sets how long one attempt may take. By default 4 s.
func WithAttemptTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.attemptTimeout = timeout }
}

// WithRetry sets how failed attempts are repeated.
func WithRetry(policy RetryPolicy) Option {
	return func(s *settings) { s.retry = policy }
}

// NewClient makes a client from the service's URL, which has no path, such as "https://tickets.example". It does
// not wait for a connection.
func NewClient(address string, options ...Option) (*Client, error) {
	parsed, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	s := &settings{timeout: 10 * time.Second, attemptTimeout: 4 * time.Second}
	WithGRPC()(s)
	for _, option := range options {
		option(s)
	}
	if s.timeout <= 0 || s.attemptTimeout <= 0 {
		return nil, fmt.Errorf("frontrow: the timeouts must be above 0: %v, %v", s.timeout, s.attemptTimeout)
	}
	if err := s.retry.check(); err != nil {
		return nil, fmt.Errorf("frontrow: %w", err)
	}
	var tokens *tokenCache
	if s.newTokens != nil {
		if tokens, err = s.newTokens(s); err != nil {
			return nil, fmt.Errorf("frontrow: %w", err)
		}
	}
	s.retry = s.retry.withDefaults()
	transport, err := s.newTransport(parsed, s)
	if err != nil {
		return nil, fmt.Errorf("frontrow: %w", err)
	}
	lifetime, end := context.WithCancel(context.Background())
	client := &Client{address: parsed.String(), settings: s, tokens: tokens, transport: transport, lifetime: lifetime}
	client.close = sync.OnceValue(func() error {
		end()
		return transport.close()
	})
	return client, nil
}

// Close ends the client's connections. Calls that have not ended fail with [ErrClosed].
func (c *Client) Close() error { return c.close() }

func parseAddress(address string) (*url.URL, error) {
	parsed, err := url.Parse(address)
	if err == nil {
		origin := url.URL{Scheme: parsed.Scheme, Host: parsed.Host}
		isHTTP := parsed.Scheme == "http" || parsed.Scheme == "https"
		isOrigin := *parsed == origin || *parsed == url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: "/"}
		if isHTTP && parsed.Hostname() != "" && isOrigin && isPort(parsed.Port()) {
			return &origin, nil
		}
	}
	// The address is left out: it may have a password.
	return nil, errors.New("frontrow: the address must be a URL with http or https, without a path, a query or a user")
}

// isPort reports whether a port is that of a server. An empty one is that of the scheme.
func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && port != 0
}
