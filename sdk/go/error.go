package frontrow

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
)

// Error is the error of a call that failed. A reason that this version knows has a type, such as
// [InsufficientTickets], which has an Error's fields: errors.As and errors.AsType find both.
type Error struct {
	// Code is the RPC code, by Connect as well.
	Code codes.Code
	// Reason says why the call failed, for programs, such as INSUFFICIENT_TICKETS. It is empty if the
	// service did not say.
	Reason string
	// Message is for people.
	Message string
	// Metadata has facts about the error, such as "available", as texts.
	Metadata map[string]string
	// Violations are the invalid fields of the request.
	Violations []Violation
	// RetryDelay is the delay after which the service wants the call repeated. It is 0 if there is none.
	RetryDelay time.Duration
	// RequestID is the response's x-request-id, by which the service's log names the request.
	RequestID string
	// IdempotencyKey is the request_id that the call was given or has made. A call that may have been stored is
	// repeated safely with this key as its RequestID. It is empty for methods without a key.
	IdempotencyKey string

	hasRetryDelay bool
	cause         error
}

// Violation is an invalid field of a request.
type Violation struct {
	// Field is the field's path in the schema's spelling, such as "ticket_count".
	Field string
	// Message says what is wrong with it.
	Message string
}

// Error returns the reason, or the code if there is no reason, and the message.
func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("frontrow: %s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("frontrow: %s: %s", e.Reason, e.Message)
}

// Unwrap returns the error of gRPC or Connect.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether the call took too long, if target is context.DeadlineExceeded: the deadline may have
// passed in the service, or be that of one attempt.
func (e *Error) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded
}

// As finds the *Error of an error of a type for its reason.
func (e *Error) As(target any) bool {
	found, is := target.(**Error)
	if is {
		*found = e
	}
	return is
}

// BaseError is [Error] as a part of the types of errors, which have its fields and methods.
type BaseError = Error

// Unreachable is the error of a call that no Frontrow service answered: the connection failed, or something
// else is at the address.
type Unreachable struct {
	BaseError
}

// withReason makes the error of a reason. It is the *Error itself if this version does not know the reason,
// or if the metadata lack a value that the reason has in the schema.
func withReason(base *Error) error {
	makeError, isKnown := errorsByReason[base.Reason]
	if !isKnown {
		return base
	}
	metadata := &metadataReader{values: base.Metadata}
	err := makeError(*base, metadata)
	if metadata.failed {
		return base
	}
	return err
}

// metadataReader reads typed values of an error's metadata. A value that is missing or malformed sets failed.
type metadataReader struct {
	values map[string]string
	failed bool
}

func (r *metadataReader) integer(key string) int32 {
	value, err := strconv.ParseInt(r.values[key], 10, 32)
	r.failed = r.failed || err != nil
	return int32(value)
}

func (r *metadataReader) instant(key string) time.Time {
	value, err := time.Parse(time.RFC3339Nano, r.values[key])
	r.failed = r.failed || err != nil
	return value
}

func (r *metadataReader) text(key string) string {
	r.failed = r.failed || r.values[key] == ""
	return r.values[key]
}
