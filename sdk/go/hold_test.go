package frontrow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"connectrpc.com/connect"
	frontrow "frontrow.example/sdk/go"
)

func TestHoldIsKeptIfItMayBeConfirmed(t *testing.T) {
	for name, test := range map[string]struct {
		err      error
		releases int32
	}{
		"deadline":        {failure(connect.CodeDeadlineExceeded, "DEADLINE_EXCEEDED", nil, -1), 0},
		"unknown outcome": {failure(connect.CodeUnavailable, "OUTCOME_UNKNOWN", nil, -1), 0},
		"overload":        {failure(connect.CodeUnavailable, "OVERLOADED", nil, -1), 0},
		"unreachable":     {connect.NewError(connect.CodeUnavailable, errors.New("gone")), 0},
		"refused token":   {failure(connect.CodeUnauthenticated, "UNAUTHENTICATED", nil, -1), 0},
		"another server":  {connect.NewError(connect.CodePermissionDenied, errors.New("no entry")), 0},
		// The wait passes the deadline.
		"delay":   {failure(connect.CodeResourceExhausted, "RATE_LIMITED", nil, time.Hour), 0},
		"refusal": {failure(connect.CodeFailedPrecondition, "PAYMENT_REQUIRED", nil, -1), 1},
	} {
		t.Run(name, func(t *testing.T) {
			service := &service{confirmHold: func() error { return test.err }}
			hold := holdOf(t, service)
			if _, err := hold.Confirm(t.Context(), frontrow.Confirmation{}); err == nil {
				t.Error("the hold is confirmed")
			}
			if err := hold.Close(); err != nil || service.releases.Load() != test.releases {
				t.Errorf("%d releases: %v", service.releases.Load(), err)
			}
		})
	}
}

func TestHoldIsKeptIfConfirmIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	service := &service{confirmHold: func() error {
		cancel()
		<-t.Context().Done()
		return nil
	}}
	hold := holdOf(t, service)
	if _, err := hold.Confirm(ctx, frontrow.Confirmation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v", err)
	}
	if err := hold.Close(); err != nil || service.releases.Load() != 0 {
		t.Errorf("%d releases: %v", service.releases.Load(), err)
	}
}

func TestHoldIsKeptDuringAConfirm(t *testing.T) {
	called, release := make(chan struct{}), make(chan struct{})
	service := &service{confirmHold: func() error {
		close(called)
		<-release
		return nil
	}}
	hold := holdOf(t, service)
	confirming := start(func() (*frontrow.Booking, error) { return hold.Confirm(t.Context(), frontrow.Confirmation{}) })
	<-called
	if err := hold.Close(); err != nil || service.releases.Load() != 0 {
		t.Errorf("%d releases: %v", service.releases.Load(), err)
	}
	close(release)
	if confirmed := <-confirming; confirmed.err != nil {
		t.Error(confirmed.err)
	}
}

func TestHoldIsReleasedIfTheLastConfirmIsRefused(t *testing.T) {
	for name, first := range map[string]error{
		"unknown outcome": failure(connect.CodeUnavailable, "OUTCOME_UNKNOWN", nil, -1),
		"delay":           failure(connect.CodeResourceExhausted, "RATE_LIMITED", nil, time.Hour),
		"another server":  connect.NewError(connect.CodePermissionDenied, errors.New("no entry")),
	} {
		t.Run(name, func(t *testing.T) {
			refusals := []error{first, failure(connect.CodeFailedPrecondition, "PAYMENT_REQUIRED", nil, -1)}
			service := &service{confirmHold: func() (refusal error) {
				refusal, refusals = refusals[0], refusals[1:]
				return refusal
			}}
			hold := holdOf(t, service, frontrow.WithRetry(frontrow.RetryPolicy{MaxAttempts: 1}))
			for range 2 {
				_, _ = hold.Confirm(t.Context(), frontrow.Confirmation{})
			}
			if err := hold.Close(); err != nil || service.releases.Load() != 1 {
				t.Errorf("%d releases: %v", service.releases.Load(), err)
			}
		})
	}
}

func TestReleaseOfAHoldThatMayBeConfirmed(t *testing.T) {
	service := &service{confirmHold: func() error {
		return failure(connect.CodeDeadlineExceeded, "DEADLINE_EXCEEDED", nil, -1)
	}}
	hold := holdOf(t, service)
	_, _ = hold.Confirm(t.Context(), frontrow.Confirmation{})
	if _, err := hold.Release(t.Context()); err != nil || service.releases.Load() != 1 {
		t.Errorf("%d releases: %v", service.releases.Load(), err)
	}
}

func holdOf(t *testing.T, service *service, options ...frontrow.Option) *frontrow.Hold {
	t.Helper()
	hold, err := connectTo(t, service, options...).Hold(t.Context(), frontrow.HoldOrder{})
	if err != nil {
		t.Fatal(err)
	}
	return hold
}
