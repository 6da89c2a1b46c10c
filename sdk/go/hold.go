package frontrow

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
)

// Hold is tickets that are held for the time of a scope: the deferred [Hold.Close] releases them, unless the
// hold was confirmed or released, or may still be confirmed. A hold is safe for concurrent use.
type Hold struct {
	client *Client
	// closing is what Close calls with: the end of the scope's context must not prevent the release.
	closing context.Context

	mutex     sync.Mutex
	booking   *Booking
	isSettled bool
	// mayBeConfirmed is set during Confirm, and after it unless the service has refused it.
	mayBeConfirmed bool
}

// Hold holds tickets for the time of a scope:
//
//	hold, err := client.Hold(ctx, order)
//	if err != nil {
//		return err
//	}
//	defer hold.Close()
func (c *Client) Hold(ctx context.Context, order HoldOrder) (*Hold, error) {
	booking, err := c.HoldTickets(ctx, order)
	if err != nil {
		return nil, err
	}
	return &Hold{client: c, closing: context.WithoutCancel(ctx), booking: booking}, nil
}

// Booking returns the hold as the last call returned it: with its price, and with HoldExpiresTime for a
// countdown.
func (h *Hold) Booking() *Booking {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.booking
}

// Confirm makes the hold a booking, and returns it.
func (h *Hold) Confirm(ctx context.Context, confirmation Confirmation) (*Booking, error) {
	h.setMayBeConfirmed(true)
	booking, err := h.client.ConfirmHold(ctx, h.id(), confirmation)
	h.setMayBeConfirmed(err == nil || mayPass(err))
	return h.update(booking, err, true)
}

// Extend lets the hold live until so long from now.
func (h *Hold) Extend(ctx context.Context, ttl time.Duration) (*Booking, error) {
	booking, err := h.client.ExtendHold(ctx, h.id(), ttl)
	return h.update(booking, err, false)
}

// Release puts the tickets back on sale.
func (h *Hold) Release(ctx context.Context) (*Booking, error) {
	booking, err := h.client.ReleaseHold(ctx, h.id())
	return h.update(booking, err, true)
}

// Close releases the hold if it is open, also when the context of [Client.Hold] has ended. If the release fails,
// the hold expires, so a deferred call may ignore the error. A hold whose customer may have paid is left to its
// expiry: its last Confirm has not ended, was cancelled, or failed with an error that may pass, which is an
// [Unreachable], one with a delay for a retry, or one with the code UNAVAILABLE, DEADLINE_EXCEEDED or
// UNAUTHENTICATED.
func (h *Hold) Close() error {
	h.mutex.Lock()
	isKept := h.isSettled || h.mayBeConfirmed
	h.mutex.Unlock()
	if isKept {
		return nil
	}
	_, err := h.Release(h.closing)
	return err
}

func (h *Hold) update(booking *Booking, err error, isSettled bool) (*Booking, error) {
	if err != nil {
		return nil, err
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.booking = booking
	h.isSettled = h.isSettled || isSettled
	return booking, nil
}

func (h *Hold) setMayBeConfirmed(mayBe bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.mayBeConfirmed = mayBe
}

func (h *Hold) id() HoldID {
	booking := h.Booking()
	return HoldID{ID: booking.GetId(), UserID: booking.GetUserId()}
}

// mayPass reports whether a call was cancelled, or failed with an error that may pass.
func mayPass(err error) bool {
	base, is := errors.AsType[*Error](err)
	if !is {
		return errors.Is(err, context.Canceled)
	}
	if _, isUnreachable := errors.AsType[*Unreachable](err); isUnreachable || base.hasRetryDelay {
		return true
	}
	return base.Code == codes.Unavailable || base.Code == codes.DeadlineExceeded || base.Code == codes.Unauthenticated
}
