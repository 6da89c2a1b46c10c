package frontrow

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
)

const (
	// domain is that of the google.rpc.ErrorInfo of Frontrow's errors.
	domain = "frontrow"
	// requestIDHeader has the name of the request in the service's log.
	requestIDHeader = "x-request-id"
)

// failure is a failed attempt as its transport describes it.
type failure struct {
	code      codes.Code
	message   string
	details   []any
	requestID string
	// isAnswer is false if the transport's client made the error.
	isAnswer bool
	cause    error
}

// toError returns the error for the caller. It wraps an *Error.
func (f *failure) toError(address string) error {
	base := &Error{Code: f.code, Message: f.message, RequestID: f.requestID, cause: f.cause}
	for _, detail := range f.details {
		base.add(detail)
	}
	switch {
	case base.Reason != "":
		return withReason(base)
	case f.code == codes.DeadlineExceeded:
		base.Reason = "DEADLINE_EXCEEDED"
		base.Message = fmt.Sprintf("the service at %s did not answer in time: %s", address, f.message)
		return withReason(base)
	case f.code == codes.Unavailable || !f.isAnswer && !f.isEncodingFault():
		base.Message = fmt.Sprintf("no Frontrow service answers at %s: %s", address, f.message)
		return &Unreachable{reasonError{base}}
	}
	return base
}

// isEncodingFault reports whether the request was not sent, since a text in it is not UTF-8.
func (f *failure) isEncodingFault() bool {
	return f.code == codes.Internal && strings.Contains(f.message, "marshal")
}

func (e *Error) add(detail any) {
	switch detail := detail.(type) {
	case *errdetails.ErrorInfo:
		if detail.GetDomain() == domain {
			e.Reason = detail.GetReason()
			e.Metadata = detail.GetMetadata()
		}
	case *errdetails.BadRequest:
		for _, violation := range detail.GetFieldViolations() {
			e.Violations = append(e.Violations, Violation{violation.GetField(), violation.GetDescription()})
		}
	case *errdetails.RetryInfo:
		e.RetryDelay = detail.GetRetryDelay().AsDuration()
		e.hasRetryDelay = true
	}
}
