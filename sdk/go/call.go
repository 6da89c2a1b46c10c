package frontrow

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// call calls a method until an attempt succeeds, its error is final, or the deadline passes.
func call[Request, Response any](
	ctx context.Context,
	c *Client,
	method method[Request, Response],
	request *Request,
) (*Response, error) {
	key := keyOf(request)
	if err := checkEncoding(request); err != nil {
		return nil, &Error{Code: codes.InvalidArgument, Message: err.Error(), IdempotencyKey: key, cause: err}
	}
	ctx, cancel := c.begin(ctx)
	defer cancel()
	isRefreshed := false
	for attempt := 1; ; {
		token, err := c.tokens.get(ctx, key)
		if interrupted := interruption(ctx, nil); interrupted != nil {
			return nil, interrupted
		}
		if err != nil {
			return nil, err
		}
		response, failed := send(ctx, c.settings.attemptTimeout, method, token, request)
		if failed == nil {
			return response, nil
		}
		err = failed.toError(c.address, key)
		base, _ := errors.AsType[*Error](err)
		if interrupted := interruption(ctx, err); interrupted != nil {
			return nil, interrupted
		}
		if base.Code == codes.Unauthenticated && !isRefreshed && c.tokens.refuse(token) {
			isRefreshed = true
			continue
		}
		if attempt >= c.settings.retry.MaxAttempts || !isRetryable(base, method.isRepeatable) {
			return nil, err
		}
		if isOver := wait(ctx, c.settings.retry.delayAfter(attempt, base)); isOver {
			if interrupted := interruption(ctx, err); interrupted != nil {
				return nil, interrupted
			}
			return nil, err
		}
		attempt++
	}
}

// begin returns the context of a call. It ends with the caller's context, after the client's timeout if that one
// has no deadline, and when the client is closed.
func (c *Client) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	endTimeout := func() {}
	if _, hasDeadline := ctx.Deadline(); !hasDeadline {
		ctx, endTimeout = context.WithTimeout(ctx, c.settings.timeout)
	}
	ctx, end := context.WithCancelCause(ctx)
	stopWatching := context.AfterFunc(c.lifetime, func() { end(ErrClosed) })
	if c.lifetime.Err() != nil {
		end(ErrClosed)
	}
	return ctx, func() {
		stopWatching()
		end(nil)
		endTimeout()
	}
}

// interruption returns the error of a call that was cancelled, or whose client was closed; nil for other calls.
// The service's last answer, if there is one, is worth more than that the client was closed then.
func interruption(ctx context.Context, last error) error {
	switch {
	case !errors.Is(ctx.Err(), context.Canceled):
		return nil
	case context.Cause(ctx) != ErrClosed:
		return context.Canceled
	}
	if base, is := errors.AsType[*Error](last); is && base.Reason != "" {
		return last
	}
	return ErrClosed
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

// keyOf returns the request_id of a request, which is empty for methods without one.
func keyOf(request any) string {
	if keyed, has := request.(interface{ GetRequestId() string }); has {
		return keyed.GetRequestId()
	}
	return ""
}

// checkEncoding finds texts that are not UTF-8, and times that no message can have. The transports' errors about them
// look like those of lost streams. JSON has all rules of the other codecs, and those of times.
func checkEncoding(request any) error {
	message, _ := request.(proto.Message)
	_, err := protojson.Marshal(message)
	return err
}
