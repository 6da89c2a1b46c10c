package frontrow

import (
	"context"
	"iter"
	"time"

	frontrowv1 "frontrow.example/sdk/go/gen/frontrow/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Concert is a concert and the tickets that it has left.
type Concert = frontrowv1.Concert

// ListConcertsResponse is one page of concerts.
type ListConcertsResponse = frontrowv1.ListConcertsResponse

// ConcertFilter selects concerts. Those filters that are set must all hold.
type ConcertFilter struct {
	// Artist, Venue and Name are texts that the concert's artist, venue and name contain.
	Artist, Venue, Name string
	// DateFrom is the first instant. By default now.
	DateFrom time.Time
	// DateTo is the instant before which concerts begin.
	DateTo time.Time
	// AvailableOnly keeps concerts that have tickets left.
	AvailableOnly bool
	// BookingOpenOnly keeps concerts whose booking window is open.
	BookingOpenOnly bool
	// PageSize is the largest number of concerts on a page: 1 to 100, 20 by default.
	PageSize int32
}

// ConcertDescription describes a concert.
type ConcertDescription struct {
	Name, Artist, Venue string
	ConcertDate         time.Time
	TotalTickets        int32
	// Price is that of one ticket, in units of the currency, with at most two decimals.
	Price float64
	// CurrencyCode is one of ISO 4217. NewConcert has USD by default.
	CurrencyCode string
	// BookingStartTime is the first instant at which tickets can be booked.
	BookingStartTime time.Time
	// BookingEndTime is the instant from which tickets can no longer be booked.
	BookingEndTime time.Time
	// MaxTicketsPerUser is how many tickets one user may have at once; 0 for no limit. ConcertUpdate leaves the
	// limit as it is if this is nil.
	MaxTicketsPerUser *int32
	// RequiresPayment says whether tickets must be held and paid for. ConcertUpdate leaves it as it is if this
	// is nil.
	RequiresPayment *bool
}

// NewConcert is a concert to create.
type NewConcert struct {
	ConcertDescription
	// RequestID is a UUID by which repeating the call is safe. By default each call makes one.
	RequestID string
}

// ConcertUpdate is a concert's whole new description.
type ConcertUpdate struct {
	ConcertDescription
	ID int64
	// Version is the one that the update is based on.
	Version int32
}

// GetConcert gets one concert.
func (c *Client) GetConcert(ctx context.Context, id int64) (*Concert, error) {
	return call(ctx, c, c.transport.getConcert, &frontrowv1.GetConcertRequest{Id: id})
}

// ListConcerts gets one page of concerts, the earliest first. The page's token is empty for the first page.
// [Client.Concerts] iterates over all of them.
func (c *Client) ListConcerts(ctx context.Context, filter ConcertFilter, pageToken string) (*ListConcertsResponse, error) {
	return call(ctx, c, c.transport.listConcerts, &frontrowv1.ListConcertsRequest{
		PageSize:        filter.PageSize,
		PageToken:       pageToken,
		Artist:          filter.Artist,
		Venue:           filter.Venue,
		Name:            filter.Name,
		DateFrom:        timestampOf(filter.DateFrom),
		DateTo:          timestampOf(filter.DateTo),
		AvailableOnly:   filter.AvailableOnly,
		BookingOpenOnly: filter.BookingOpenOnly,
	})
}

// Concerts iterates over concerts, the earliest first. A page is fetched when it is needed. An error ends the
// iteration.
func (c *Client) Concerts(ctx context.Context, filter ConcertFilter) iter.Seq2[*Concert, error] {
	return itemsOfPages(func(pageToken string) ([]*Concert, string, error) {
		page, err := c.ListConcerts(ctx, filter, pageToken)
		return page.GetConcerts(), page.GetNextPageToken(), err
	})
}

// CreateConcert creates a concert with all its tickets available.
func (c *Client) CreateConcert(ctx context.Context, concert NewConcert) (*Concert, error) {
	return call(ctx, c, c.transport.createConcert, &frontrowv1.CreateConcertRequest{
		RequestId:         orNewRequestID(concert.RequestID),
		Name:              concert.Name,
		Artist:            concert.Artist,
		Venue:             concert.Venue,
		ConcertDate:       timestampOf(concert.ConcertDate),
		TotalTickets:      &concert.TotalTickets,
		Price:             &concert.Price,
		CurrencyCode:      concert.CurrencyCode,
		BookingStartTime:  timestampOf(concert.BookingStartTime),
		BookingEndTime:    timestampOf(concert.BookingEndTime),
		MaxTicketsPerUser: concert.MaxTicketsPerUser,
		RequiresPayment:   concert.RequiresPayment,
	})
}

// UpdateConcert replaces a concert's description. It fails with [VersionMismatch] if the concert has been updated
// since the update's version.
func (c *Client) UpdateConcert(ctx context.Context, update ConcertUpdate) (*Concert, error) {
	return call(ctx, c, c.transport.updateConcert, &frontrowv1.UpdateConcertRequest{
		Id:                update.ID,
		Version:           &update.Version,
		Name:              update.Name,
		Artist:            update.Artist,
		Venue:             update.Venue,
		ConcertDate:       timestampOf(update.ConcertDate),
		TotalTickets:      &update.TotalTickets,
		Price:             &update.Price,
		CurrencyCode:      update.CurrencyCode,
		BookingStartTime:  timestampOf(update.BookingStartTime),
		BookingEndTime:    timestampOf(update.BookingEndTime),
		MaxTicketsPerUser: update.MaxTicketsPerUser,
		RequiresPayment:   update.RequiresPayment,
	})
}

// timestampOf returns the message of an instant; nil if it is not set.
func timestampOf(instant time.Time) *timestamppb.Timestamp {
	if instant.IsZero() {
		return nil
	}
	return timestamppb.New(instant)
}
