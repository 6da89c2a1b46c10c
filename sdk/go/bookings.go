package frontrow

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"time"

	frontrowv1 "frontrow.example/sdk/go/gen/frontrow/v1"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Booking is tickets that a user has booked, or holds, for a concert.
type Booking = frontrowv1.Booking

// BookingStatus says where a booking is in its life.
type BookingStatus = frontrowv1.BookingStatus

// The statuses of bookings. Later versions of the service may add some.
const (
	BookingConfirmed = frontrowv1.BookingStatus_BOOKING_STATUS_CONFIRMED
	BookingCancelled = frontrowv1.BookingStatus_BOOKING_STATUS_CANCELLED
	BookingHeld      = frontrowv1.BookingStatus_BOOKING_STATUS_HELD
	BookingExpired   = frontrowv1.BookingStatus_BOOKING_STATUS_EXPIRED
	BookingReleased  = frontrowv1.BookingStatus_BOOKING_STATUS_RELEASED
)

// GetUserBookingsResponse is one page of a user's bookings.
type GetUserBookingsResponse = frontrowv1.GetUserBookingsResponse

// ListConcertBookingsResponse is one page of a concert's bookings.
type ListConcertBookingsResponse = frontrowv1.ListConcertBookingsResponse

// Order is tickets to book.
type Order struct {
	ConcertID int64
	// UserID may be empty if the client has a token: the user is the token's subject. This holds for the other
	// arguments as well.
	UserID      string
	TicketCount int32
	// RequestID is a UUID by which repeating the call is safe. By default each call of a method makes one.
	RequestID string
}

// HoldOrder is tickets to hold. Its fields are those of [Order], and TTL.
type HoldOrder struct {
	ConcertID   int64
	UserID      string
	TicketCount int32
	// TTL is how long the hold lives. By default as long as the service's operator has set.
	TTL       time.Duration
	RequestID string
}

// Cancellation is a booking to cancel, and its owner. RequestID is as in [Order].
type Cancellation struct {
	ID        int64
	UserID    string
	RequestID string
}

// HoldID is a hold, and its owner.
type HoldID struct {
	ID     int64
	UserID string
}

// Confirmation says how a hold is confirmed.
type Confirmation struct {
	// TicketCount is by default that of the hold. The other tickets go back on sale.
	TicketCount int32
	// PaymentReference is the payment's number at its provider.
	PaymentReference string
	// AcceptLate confirms a hold that has expired, if its tickets are available again.
	AcceptLate bool
}

// UserBookingFilter selects bookings of a user.
type UserBookingFilter struct {
	UserID string
	// Statuses are by default those of confirmed and cancelled bookings.
	Statuses []BookingStatus
	// PageSize is the largest number of bookings on a page: 1 to 100, 20 by default.
	PageSize int32
}

// ConcertBookingFilter selects bookings of a concert.
type ConcertBookingFilter struct {
	ConcertID int64
	// Statuses are by default all.
	Statuses []BookingStatus
	// PageSize is the largest number of bookings on a page: 1 to 100, 20 by default.
	PageSize int32
}

// GetBooking gets one booking.
func (c *Client) GetBooking(ctx context.Context, id int64) (*Booking, error) {
	return call(ctx, c, c.transport.getBooking, &frontrowv1.GetBookingRequest{Id: id})
}

// GetUserBookings gets one page of a user's bookings, the newest first. The page's token is empty for the first
// page. [Client.UserBookings] iterates over all of them.
func (c *Client) GetUserBookings(ctx context.Context, filter UserBookingFilter, pageToken string) (*GetUserBookingsResponse, error) {
	return call(ctx, c, c.transport.getUserBookings, &frontrowv1.GetUserBookingsRequest{
		UserId:    filter.UserID,
		Statuses:  filter.Statuses,
		PageSize:  filter.PageSize,
		PageToken: pageToken,
	})
}

// UserBookings iterates over a user's bookings, the newest first. A page is fetched when it is needed. An error
// ends the iteration.
func (c *Client) UserBookings(ctx context.Context, filter UserBookingFilter) iter.Seq2[*Booking, error] {
	return itemsOfPages(func(pageToken string) ([]*Booking, string, error) {
		page, err := c.GetUserBookings(ctx, filter, pageToken)
		return page.GetBookings(), page.GetNextPageToken(), err
	})
}

// ListConcertBookings gets one page of a concert's bookings, the newest first. The page's token is empty for the
// first page. [Client.ConcertBookings] iterates over all of them.
func (c *Client) ListConcertBookings(ctx context.Context, filter ConcertBookingFilter, pageToken string) (*ListConcertBookingsResponse, error) {
	return call(ctx, c, c.transport.listConcertBookings, &frontrowv1.ListConcertBookingsRequest{
		ConcertId: filter.ConcertID,
		Statuses:  filter.Statuses,
		PageSize:  filter.PageSize,
		PageToken: pageToken,
	})
}

// ConcertBookings iterates over a concert's bookings, the newest first. A page is fetched when it is needed. An
// error ends the iteration.
func (c *Client) ConcertBookings(ctx context.Context, filter ConcertBookingFilter) iter.Seq2[*Booking, error] {
	return itemsOfPages(func(pageToken string) ([]*Booking, string, error) {
		page, err := c.ListConcertBookings(ctx, filter, pageToken)
		return page.GetBookings(), page.GetNextPageToken(), err
	})
}

// BookTickets books tickets, all of them or none.
func (c *Client) BookTickets(ctx context.Context, order Order) (*Booking, error) {
	return call(ctx, c, c.transport.bookTickets, &frontrowv1.BookTicketsRequest{
		RequestId:   orNewRequestID(order.RequestID),
		ConcertId:   order.ConcertID,
		UserId:      order.UserID,
		TicketCount: order.TicketCount,
	})
}

// CancelBooking cancels a booking and puts its tickets back on sale.
func (c *Client) CancelBooking(ctx context.Context, cancellation Cancellation) (*Booking, error) {
	return call(ctx, c, c.transport.cancelBooking, &frontrowv1.CancelBookingRequest{
		RequestId: orNewRequestID(cancellation.RequestID),
		Id:        cancellation.ID,
		UserId:    cancellation.UserID,
	})
}

// HoldTickets takes tickets off sale for a while. [Client.Hold] does so for a scope.
func (c *Client) HoldTickets(ctx context.Context, order HoldOrder) (*Booking, error) {
	request := &frontrowv1.HoldTicketsRequest{
		RequestId:   orNewRequestID(order.RequestID),
		ConcertId:   order.ConcertID,
		UserId:      order.UserID,
		TicketCount: order.TicketCount,
	}
	if order.TTL != 0 {
		request.Ttl = durationpb.New(order.TTL)
	}
	return call(ctx, c, c.transport.holdTickets, request)
}

// ConfirmHold makes a hold a confirmed booking.
func (c *Client) ConfirmHold(ctx context.Context, hold HoldID, confirmation Confirmation) (*Booking, error) {
	return call(ctx, c, c.transport.confirmHold, &frontrowv1.ConfirmHoldRequest{
		Id:               hold.ID,
		UserId:           hold.UserID,
		TicketCount:      confirmation.TicketCount,
		PaymentReference: confirmation.PaymentReference,
		AcceptLate:       confirmation.AcceptLate,
	})
}

// ReleaseHold ends a hold and puts its tickets back on sale.
func (c *Client) ReleaseHold(ctx context.Context, hold HoldID) (*Booking, error) {
	return call(ctx, c, c.transport.releaseHold, &frontrowv1.ReleaseHoldRequest{Id: hold.ID, UserId: hold.UserID})
}

// ExtendHold lets a hold live until so long from now.
func (c *Client) ExtendHold(ctx context.Context, hold HoldID, ttl time.Duration) (*Booking, error) {
	return call(ctx, c, c.transport.extendHold, &frontrowv1.ExtendHoldRequest{
		Id:     hold.ID,
		UserId: hold.UserID,
		Ttl:    durationpb.New(ttl),
	})
}

func orNewRequestID(given string) string {
	if given != "" {
		return given
	}
	return NewRequestID()
}

// NewRequestID makes a key for a change: a UUID of version 4. A call that is given one can be repeated later.
func NewRequestID() string {
	var id [16]byte
	// It never fails: the program ends if the system has no random numbers.
	_, _ = rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
