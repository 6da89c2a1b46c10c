package frontrow

import (
	"context"

	frontrowv1 "frontrow.example/sdk/go/gen/frontrow/v1"
)

// transport is the service by one protocol.
type transport struct {
	getConcert          method[frontrowv1.GetConcertRequest, frontrowv1.Concert]
	listConcerts        method[frontrowv1.ListConcertsRequest, frontrowv1.ListConcertsResponse]
	createConcert       method[frontrowv1.CreateConcertRequest, frontrowv1.Concert]
	updateConcert       method[frontrowv1.UpdateConcertRequest, frontrowv1.Concert]
	getBooking          method[frontrowv1.GetBookingRequest, frontrowv1.Booking]
	getUserBookings     method[frontrowv1.GetUserBookingsRequest, frontrowv1.GetUserBookingsResponse]
	listConcertBookings method[frontrowv1.ListConcertBookingsRequest, frontrowv1.ListConcertBookingsResponse]
	bookTickets         method[frontrowv1.BookTicketsRequest, frontrowv1.Booking]
	cancelBooking       method[frontrowv1.CancelBookingRequest, frontrowv1.Booking]
	holdTickets         method[frontrowv1.HoldTicketsRequest, frontrowv1.Booking]
	confirmHold         method[frontrowv1.ConfirmHoldRequest, frontrowv1.Booking]
	releaseHold         method[frontrowv1.ReleaseHoldRequest, frontrowv1.Booking]
	extendHold          method[frontrowv1.ExtendHoldRequest, frontrowv1.Booking]

	// close ends the connections.
	close func() error
}

// method is one method of the service.
type method[Request, Response any] struct {
	isRepeatable bool
	// send makes one attempt. The token is nil for none.
	send func(ctx context.Context, token *fetchedToken, request *Request) (*Response, *failure)
}

// authorization is the value of the header with a token.
func (t *fetchedToken) authorization() string { return "Bearer " + t.text }
