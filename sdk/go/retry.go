package frontrow

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// RetryPolicy says how failed attempts are repeated. A field that is 0 has its default; none may be below 0.
type RetryPolicy struct {
	// MaxAttempts is the number of attempts of one call in all; 1 for no repetition. By default 4.
	MaxAttempts int
	// InitialBackoff is the longest random wait before the second attempt. By default 100 ms. Each further
	// one is three times as long.
	InitialBackoff time.Duration
	// MaxBackoff is the longest random wait before any attempt. By default 2 s.
	MaxBackoff time.Duration
}

const (
	backoffFactor = 3
	// longestBackoff is far above every useful one, and far below the largest duration.
	longestBackoff = 24 * time.Hour
)

func (p RetryPolicy) check() error {
	if p.MaxAttempts < 0 || p.InitialBackoff < 0 || p.MaxBackoff < 0 {
		return fmt.Errorf("the retry policy must have no field below 0: %+v", p)
	}
	return nil
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 4
	}
	if p.InitialBackoff == 0 {
		p.InitialBackoff = 100 * time.Millisecond
	}
	if p.MaxBackoff == 0 {
		p.MaxBackoff = 2 * time.Second
	}
	p.InitialBackoff = min(p.InitialBackoff, longestBackoff)
	p.MaxBackoff = min(p.MaxBackoff, longestBackoff)
	return p
}

// delayAfter returns how long to wait after an attempt: the service's delay, and a random time so that clients
// do not repeat at once.
func (p RetryPolicy) delayAfter(attempt int, err *Error) time.Duration {
	longest := p.InitialBackoff
	for ; attempt > 1 && longest < p.MaxBackoff; attempt-- {
		longest *= backoffFactor
	}
	jitter := rand.N(min(longest, p.MaxBackoff))
	return jitter + min(err.RetryDelay, math.MaxInt64-jitter)
}

// isRetryable reports whether an attempt that failed may be repeated.
func isRetryable(err *Error, isRepeatable bool) bool {
	// The service sends a delay only if repeating is safe.
	if err.hasRetryDelay {
		return true
	}
	return isRepeatable && (err.Code == codes.Unavailable || err.Code == codes.DeadlineExceeded)
}

// isRepeatable reports whether repeating a call of a method is safe although the service may have done its
// work. A procedure is a method's path, such as "/frontrow.v1.BookingService/BookTickets".
func isRepeatable(procedure string) bool {
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(procedure, "/"), "/", "."))
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return false
	}
	method, isMethod := descriptor.(protoreflect.MethodDescriptor)
	if !isMethod {
		return false
	}
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	return options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN ||
		method.Input().Fields().ByName("request_id") != nil
}
