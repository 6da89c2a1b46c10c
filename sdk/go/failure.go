package frontrow

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
)

const (
	// domain is that of the google.rpc.ErrorInfo of Frontrow's errors.
	domain = "frontrow"
	// deadlineReason is the reason of deadlines that pass in the client, too.
	deadlineReason = "DEADLINE_EXCEEDED"
	// requestIDHeader has the name of the request in the service's log.
	requestIDHeader = "x-request-id"
)

// failure is a failed attempt as its transport describes it.
type failure struct {
	code      codes.Code
	message   string
	details   []any
	requestID string
	cause     error
	// isAnswer is set if the failure is surely that of an answer, such as the 400 of a gateway, and not of its stream.
	isAnswer bool
}

// toError returns the error for the caller. It is an *Error or has one.
func (f *failure) toError(address, idempotencyKey string) error {
	base := &Error{
		Code:           f.code,
		Message:        f.message,
		RequestID:      f.requestID,
		IdempotencyKey: idempotencyKey,
		cause:          f.cause,
	}
	for _, detail := range f.details {
		base.add(detail)
	}
	if base.Reason != "" {
		return withReason(base)
	}
	// Only Frontrow says that repeating is safe.
	base.RetryDelay, base.hasRetryDelay = 0, false
	if f.code == codes.DeadlineExceeded {
		base.Reason = deadlineReason
		base.Message = fmt.Sprintf("the service at %s did not answer in time: %s", address, f.message)
		return withReason(base)
	}
	// Frontrow's errors have a reason. Another error that looks like the end of a call is that of its stream: HTTP/2
	// ends one with CANCEL or INTERNAL_ERROR.
	if !f.isAnswer && (f.code == codes.Canceled || f.code == codes.Internal) {
		base.Code = codes.Unavailable
	}
	base.Message = fmt.Sprintf("no Frontrow service answers at %s: %s", address, f.message)
	return &Unreachable{*base}
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
		e.RetryDelay = max(0, detail.GetRetryDelay().AsDuration())
		e.hasRetryDelay = true
	}
}
