package frontrow

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
)

// call calls a method until an attempt succeeds, its error is final, or the deadline passes.
func call[Request, Response any](
	ctx context.Context,
	c *Client,
	method method[Request, Response],
	request *Request,
) (*Response, error) {
	if _, hasDeadline := ctx.Deadline(); !hasDeadline {
		limited, cancel := context.WithTimeout(ctx, c.settings.timeout)
		defer cancel()
		ctx = limited
	}
	isRefreshed := false
	for attempt := 1; ; {
		token, err := c.tokens.get(ctx)
		if err != nil {
			return nil, c.withoutToken(err)
		}
		response, failed := send(ctx, c.settings.attemptTimeout, method, token, request)
		if failed == nil {
			return response, nil
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		err = failed.toError(c.address)
		if _, isRefused := errors.AsType[*Unauthenticated](err); isRefused && !isRefreshed && c.tokens.refuse(token) {
			isRefreshed = true
			continue
		}
		base, _ := errors.AsType[*Error](err)
		if attempt >= c.settings.retry.MaxAttempts || !isRetryable(base, method.isRepeatable) {
			return nil, err
		}
		if isOver := wait(ctx, c.settings.retry.delayAfter(attempt, base)); isOver {
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, ctx.Err()
			}
			return nil, err
		}
		attempt++
	}
}

// send makes one attempt.
func send[Request, Response any](
	ctx context.Context,
	timeout time.Duration,
	method method[Request, Response],
	token *fetchedToken,
	request *Request,
) (*Response, *failure) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return method.send(ctx, token, request)
}

// wait waits, and reports whether the call is over. A wait that would pass the deadline is not begun.
func wait(ctx context.Context, delay time.Duration) bool {
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) <= delay {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-ctx.Done():
		return true
	}
}

// withoutToken returns the error of a call for which there is no token: that of the source, or the call's end.
func (c *Client) withoutToken(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return (&failure{code: codes.DeadlineExceeded, message: err.Error(), cause: err}).toError(c.address)
	}
	return err
}
