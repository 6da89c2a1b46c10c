package frontrow_test

import (
	"context"
	"errors"
	"time"

	frontrow "frontrow.example/sdk/go"
	frontrowv1 "frontrow.example/sdk/go/gen/frontrow/v1"
)

// scenarios are those of sdk/scenarios.yaml, one function for each.
var scenarios = map[string]func(*scene){
	"book":                                playBook,
	"repeat after a lost answer":          playLostAnswer,
	"sold out":                            playSoldOut,
	"closed":                              playClosed,
	"not found":                           playNotFound,
	"wrong owner":                         playWrongOwner,
	"cancel twice":                        playCancelTwice,
	"hold and confirm":                    playConfirm,
	"hold and expire":                     playExpire,
	"release on error":                    playRelease,
	"per-user limit":                      playUserLimit,
	"page through 250 concerts":           playPages,
	"deadline":                            playDeadline,
	"overload with RetryInfo":             playOverload,
	"token refresh":                       playRefresh,
	"restart of the server in the middle": playRestart,
	"wrong address":                       playWrongAddress,
	"refused token":                       playRefusedToken,
	"cancellation":                        playCancellation,
}

func playBook(s *scene) {
	concertID := s.concert(concerts{TotalTickets: s.figures.TotalTickets})
	order := frontrow.Order{ConcertID: concertID, UserID: newUser(), TicketCount: s.figures.Tickets}
	booking, err := s.client.BookTickets(s.Context(), order)
	s.succeeded(err)
	equal(s, "the concert", booking.GetConcertId(), concertID)
	equal(s, "the user", booking.GetUserId(), order.UserID)
	equal(s, "the number of tickets", booking.GetTicketCount(), order.TicketCount)
	equal(s, "the price", booking.GetTotalPrice(), s.figures.TotalPrice)
	equal(s, "the status", booking.GetStatus(), s.status())
	read, err := s.client.GetBooking(s.Context(), booking.GetId())
	s.succeeded(err)
	equal(s, "the booking that is read", read.GetId(), booking.GetId())
	s.hasLeft(concertID)
}

func playLostAnswer(s *scene) {
	for _, key := range []string{frontrow.NewRequestID(), ""} {
		order := s.order()
		order.RequestID = key
		earlier := s.cuts()
		s.do("/cut")
		booking, err := s.client.BookTickets(s.Context(), order)
		s.succeeded(err)
		equal(s, "the number of lost answers", s.cuts(), earlier+1)
		stored := s.bookingsOf(order.UserID)
		equalIDs(s, "the stored bookings", stored, []int64{booking.GetId()})
		equal(s, "the number of bookings", len(stored), s.figures.Bookings)
		if key != "" {
			repeated, err := s.client.BookTickets(s.Context(), order)
			s.succeeded(err)
			equal(s, "the booking of the repeated call", repeated.GetId(), booking.GetId())
		}
	}
}

func playSoldOut(s *scene) {
	_, err := s.client.BookTickets(s.Context(), s.order())
	soldOut := failed[*frontrow.InsufficientTickets](s, s.figures.Reason, err)
	equal(s, "Available", soldOut.Available, *s.figures.Metadata.Available)
	base, _ := errors.AsType[*frontrow.Error](err)
	equal(s, "the code", base.Code.String(), "FailedPrecondition")
	equal(s, "that the error names its request", base.RequestID != "", true)
}

func playClosed(s *scene) {
	concertID := s.concert(concerts{Window: "closed"})
	order := frontrow.Order{ConcertID: concertID, UserID: newUser(), TicketCount: s.figures.Tickets}
	_, err := s.client.BookTickets(s.Context(), order)
	closed := failed[*frontrow.BookingNotOpen](s, s.figures.Reason, err)
	equal(s, "ClosesAt", closed.ClosesAt.UTC(), s.figures.Metadata.ClosesAt)
	equal(s, "that the window is over", closed.OpensAt.Before(closed.ClosesAt) && closed.ClosesAt.Before(closed.Now), true)
}

func playNotFound(s *scene) {
	_, err := s.client.GetConcert(s.Context(), s.figures.ID)
	failed[*frontrow.ConcertNotFound](s, s.figures.ConcertReason, err)
	_, err = s.client.GetBooking(s.Context(), s.figures.ID)
	failed[*frontrow.BookingNotFound](s, s.figures.BookingReason, err)
}

func playWrongOwner(s *scene) {
	booking, err := s.client.BookTickets(s.Context(), s.order())
	s.succeeded(err)
	_, err = s.client.CancelBooking(s.Context(), frontrow.Cancellation{ID: booking.GetId(), UserID: newUser()})
	failed[*frontrow.NotBookingOwner](s, s.figures.Reason, err)
}

func playCancelTwice(s *scene) {
	booking, err := s.client.BookTickets(s.Context(), s.order())
	s.succeeded(err)
	cancellation := frontrow.Cancellation{ID: booking.GetId(), UserID: booking.GetUserId(), RequestID: frontrow.NewRequestID()}
	for range 2 {
		cancelled, err := s.client.CancelBooking(s.Context(), cancellation)
		s.succeeded(err)
		equal(s, "the status", cancelled.GetStatus(), s.status())
	}
	cancellation.RequestID = ""
	_, err = s.client.CancelBooking(s.Context(), cancellation)
	failed[*frontrow.AlreadyCancelled](s, s.figures.Reason, err)
}

func playConfirm(s *scene) {
	order := s.holdOrder()
	confirm := func() (*frontrow.Booking, error) {
		hold, err := s.client.Hold(s.Context(), order)
		if err != nil {
			return nil, err
		}
		defer hold.Close()
		equal(s, "the status of the hold", hold.Booking().GetStatus(), frontrow.BookingHeld)
		confirmation := frontrow.Confirmation{PaymentReference: s.figures.PaymentReference}
		return hold.Confirm(s.Context(), confirmation)
	}
	earlier := s.requests().Plain
	confirmed, err := confirm()
	s.succeeded(err)
	// The service would refuse the release of a confirmed hold, and the scope would not say so.
	equal(s, "the number of requests of the scope", s.requests().Plain-earlier, s.figures.Requests)
	booking, err := s.client.GetBooking(s.Context(), confirmed.GetId())
	s.succeeded(err)
	equal(s, "the status", booking.GetStatus(), s.status())
	equal(s, "the payment's reference", booking.GetPaymentReference(), s.figures.PaymentReference)
	s.hasLeft(order.ConcertID)
}

func playExpire(s *scene) {
	order := s.holdOrder()
	order.TTL = seconds(s.figures.TTLSeconds)
	hold, err := s.client.Hold(s.Context(), order)
	s.succeeded(err)
	expired := s.status()
	for end := time.Now().Add(20 * time.Second); ; {
		booking, err := s.client.GetBooking(s.Context(), hold.Booking().GetId())
		s.succeeded(err)
		if booking.GetStatus() == expired {
			break
		}
		if time.Now().After(end) {
			s.Fatalf("the hold did not expire within 20 s")
		}
	}
	_, err = hold.Confirm(s.Context(), frontrow.Confirmation{})
	late := failed[*frontrow.HoldExpired](s, s.figures.Reason, err)
	equal(s, "Available", late.Available, *s.figures.Metadata.Available)
	s.succeeded(hold.Close())
}

func playRelease(s *scene) {
	order := s.holdOrder()
	errRefused := errors.New("the payment is refused")
	var id int64
	// The end of the context, which may be why the block ends, does not prevent the release.
	refuse := func(inside func(*frontrow.Hold) error) error {
		ctx, cancel := context.WithCancel(s.Context())
		hold, err := s.client.Hold(ctx, order)
		if err != nil {
			cancel()
			return err
		}
		defer hold.Close()
		defer cancel()
		id = hold.Booking().GetId()
		return errors.Join(inside(hold), errRefused)
	}
	err := refuse(func(*frontrow.Hold) error { return nil })
	equal(s, "that the block's error remains", errors.Is(err, errRefused), true)
	released, err := s.client.GetBooking(s.Context(), id)
	s.succeeded(err)
	equal(s, "the status", released.GetStatus(), s.status())
	s.hasLeft(order.ConcertID)

	err = refuse(func(hold *frontrow.Hold) error {
		booking := hold.Booking()
		held := frontrow.HoldID{ID: booking.GetId(), UserID: booking.GetUserId()}
		_, err := s.client.ConfirmHold(s.Context(), held, frontrow.Confirmation{})
		s.succeeded(err)
		return nil
	})
	equal(s, "that the block's error remains", errors.Is(err, errRefused), true)
}

func playUserLimit(s *scene) {
	concertID := s.concert(concerts{MaxTicketsPerUser: s.figures.MaxTicketsPerUser})
	order := frontrow.Order{ConcertID: concertID, UserID: newUser(), TicketCount: s.figures.First}
	_, err := s.client.BookTickets(s.Context(), order)
	s.succeeded(err)
	order.TicketCount = s.figures.Second
	_, err = s.client.BookTickets(s.Context(), order)
	limited := failed[*frontrow.UserLimitExceeded](s, s.figures.Reason, err)
	equal(s, "Limit", limited.Limit, *s.figures.Metadata.Limit)
	equal(s, "Booked", limited.Booked, *s.figures.Metadata.Booked)
	equal(s, "Held", limited.Held, *s.figures.Metadata.Held)
}

func playPages(s *scene) {
	ids, artist := s.concerts(concerts{Count: s.figures.Concerts})
	filter := frontrow.ConcertFilter{Artist: artist, PageSize: s.figures.PageSize}
	earlier := s.requests().Plain
	var found []int64
	for concert, err := range s.client.Concerts(s.Context(), filter) {
		s.succeeded(err)
		found = append(found, concert.GetId())
		if len(found) == 1 || len(found) == int(s.figures.PageSize) {
			equal(s, "the number of requests so far", s.requests().Plain-earlier, 1)
		}
	}
	equalIDs(s, "the list of concerts", found, ids)
	equal(s, "the number of requests", s.requests().Plain-earlier, s.figures.Requests)

	order := frontrow.Order{ConcertID: ids[0], UserID: newUser(), TicketCount: 1}
	made := make([]int64, s.figures.Bookings)
	for index := range made {
		booking, err := s.client.BookTickets(s.Context(), order)
		s.succeeded(err)
		made[len(made)-1-index] = booking.GetId()
	}
	ofUser := frontrow.UserBookingFilter{UserID: order.UserID, PageSize: s.figures.BookingsPageSize}
	equalIDs(s, "the user's bookings", idsOf(s, s.client.UserBookings(s.Context(), ofUser)), made)
	ofConcert := frontrow.ConcertBookingFilter{ConcertID: order.ConcertID, PageSize: s.figures.BookingsPageSize}
	equalIDs(s, "the concert's bookings", idsOf(s, s.client.ConcertBookings(s.Context(), ofConcert)), made)
}

// order is one of the scenario's tickets of a new concert, by a new user.
func (s *scene) order() frontrow.Order {
	s.Helper()
	concertID := s.concert(concerts{TotalTickets: s.figures.TotalTickets})
	return frontrow.Order{ConcertID: concertID, UserID: newUser(), TicketCount: s.figures.Tickets}
}

func (s *scene) holdOrder() frontrow.HoldOrder {
	s.Helper()
	order := s.order()
	return frontrow.HoldOrder{ConcertID: order.ConcertID, UserID: order.UserID, TicketCount: order.TicketCount}
}

// status is the scenario's.
func (s *scene) status() frontrow.BookingStatus {
	s.Helper()
	value, isKnown := frontrowv1.BookingStatus_value[s.figures.Status]
	if !isKnown {
		s.Fatalf("there is no status %q", s.figures.Status)
	}
	return frontrow.BookingStatus(value)
}

// hasLeft fails the scenario if the concert has another number of tickets left than the scenario's.
func (s *scene) hasLeft(concertID int64) {
	s.Helper()
	concert, err := s.client.GetConcert(s.Context(), concertID)
	s.succeeded(err)
	equal(s, "the tickets left", concert.GetAvailableTickets(), s.figures.Left)
}
