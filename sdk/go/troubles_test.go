package frontrow_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	frontrow "frontrow.example/sdk/go"
)

// Scenarios about deadlines, overload, tokens, lost servers, wrong addresses and cancellation.

func playDeadline(s *scene) {
	order := s.order()
	order.RequestID = frontrow.NewRequestID()
	s.about("/lock", order.ConcertID)
	ctx, cancel := context.WithTimeout(s.Context(), seconds(s.figures.TimeoutSeconds))
	defer cancel()
	started := time.Now()
	_, err := s.client.BookTickets(ctx, order)
	failed[*frontrow.DeadlineExceeded](s, s.figures.Reason, err)
	equal(s, "that it is Go's error", errors.Is(err, context.DeadlineExceeded), true)
	within(s, started, s.figures.AtMostSeconds)
	s.about("/unlock", order.ConcertID)
	booking, err := s.client.BookTickets(s.Context(), order)
	s.succeeded(err)
	stored := s.bookingsOf(order.UserID)
	equalIDs(s, "the stored bookings", stored, []int64{booking.GetId()})
	equal(s, "the number of bookings", len(stored), s.figures.Bookings)
}

func playOverload(s *scene) {
	client := s.connect(
		s.addresses.Strict,
		frontrow.WithToken(s.token(newUser(), time.Hour)),
		frontrow.WithRetry(frontrow.RetryPolicy{MaxAttempts: s.figures.MaxAttempts}),
	)
	order := frontrow.Order{ConcertID: s.concert(concerts{}), TicketCount: 1}
	s.about("/lock", order.ConcertID)
	unfinished := start(func() (*frontrow.Booking, error) { return client.BookTickets(s.Context(), order) })
	s.about("/blocked", order.ConcertID)
	earlier := s.requests().Strict
	started := time.Now()
	_, err := client.BookTickets(s.Context(), order)
	failed[*frontrow.RateLimited](s, s.figures.Reason, err)
	if waited := time.Since(started); waited < seconds(s.figures.AtLeastSeconds) {
		s.Fatalf("the client waited %v, less than the service's delay", waited)
	}
	equal(s, "the number of attempts", s.requests().Strict-earlier, s.figures.MaxAttempts)
	s.about("/unlock", order.ConcertID)
	booked := <-unfinished
	s.succeeded(booked.err)

	id := booked.value.GetId()
	_, err = client.GetBooking(s.Context(), id)
	s.succeeded(err)
	started = time.Now()
	_, err = client.GetBooking(s.Context(), id)
	failed[*frontrow.RateLimited](s, s.figures.Reason, err)
	within(s, started, s.figures.AtOnceSeconds)
	if base, _ := errors.AsType[*frontrow.Error](err); base.RetryDelay <= seconds(s.figures.LongerThanSeconds) {
		s.Fatalf("the delay is %v, no longer than the deadline", base.RetryDelay)
	}
}

func playRefresh(s *scene) {
	user := newUser()
	tokens := []string{s.token(user, -time.Hour), s.token(user, time.Hour)}
	var calls atomic.Int32
	source := func(context.Context) (string, error) { return tokens[calls.Add(1)-1], nil }
	client := s.connect(s.addresses.Tokens, frontrow.WithTokenSource(source))
	var reads []<-chan outcome[*frontrow.GetUserBookingsResponse]
	for range s.figures.Calls {
		reads = append(reads, start(func() (*frontrow.GetUserBookingsResponse, error) {
			return client.GetUserBookings(s.Context(), frontrow.UserBookingFilter{}, "")
		}))
	}
	for _, read := range reads {
		s.succeeded((<-read).err)
	}
	equal(s, "the number of calls of the source", int(calls.Load()), s.figures.SourceCalls)
}

func playRestart(s *scene) {
	client := s.connect(
		s.startService(),
		frontrow.WithRetry(frontrow.RetryPolicy{MaxAttempts: s.figures.MaxAttempts}),
		frontrow.WithTimeout(seconds(s.figures.TimeoutSeconds)),
	)
	order := frontrow.Order{ConcertID: s.concert(concerts{}), UserID: newUser(), TicketCount: 1}
	keyed := order
	keyed.RequestID = frontrow.NewRequestID()
	book := func(order frontrow.Order) (*frontrow.Booking, error) { return client.BookTickets(s.Context(), order) }
	made := make([]int64, s.figures.Calls)
	for index := range made {
		var booked outcome[*frontrow.Booking]
		if index == s.figures.RestartAfter {
			s.about("/lock", order.ConcertID)
			inFlight := start(func() (*frontrow.Booking, error) { return book(keyed) })
			s.about("/blocked", order.ConcertID)
			s.do("/restart")
			s.about("/unlock", order.ConcertID)
			booked = <-inFlight
		} else {
			booked.value, booked.err = book(order)
		}
		s.succeeded(booked.err)
		made[len(made)-1-index] = booked.value.GetId()
	}
	repeated, err := book(keyed)
	s.succeeded(err)
	equal(s, "the booking of the repeated call", repeated.GetId(), made[len(made)-1-s.figures.RestartAfter])
	stored := s.bookingsOf(order.UserID)
	equalIDs(s, "the stored bookings", stored, made)
	equal(s, "the number of bookings", len(stored), s.figures.Bookings)
}

func playWrongAddress(s *scene) {
	read := func(address string) error {
		started := time.Now()
		client := s.connect(address, frontrow.WithTimeout(seconds(s.figures.TimeoutSeconds)))
		_, err := client.GetConcert(s.Context(), 1)
		within(s, started, s.figures.AtMostSeconds)
		return err
	}
	for _, address := range []string{s.addresses.Closed, s.addresses.Foreign} {
		err := read(address)
		failed[*frontrow.Unreachable](s, "", err)
		equal(s, "that the message names the address: "+err.Error(), strings.Contains(err.Error(), address), true)
	}
	failed[*frontrow.DeadlineExceeded](s, s.figures.SilentReason, read(s.addresses.Silent))
	client, err := frontrow.NewClient(s.figures.Malformed, s.transport)
	equal(s, "that the malformed address is refused", client == nil && err != nil, true)
}

func playRefusedToken(s *scene) {
	var calls atomic.Int32
	source := func(context.Context) (string, error) {
		calls.Add(1)
		return s.figures.Token, nil
	}
	for _, given := range []struct {
		token    frontrow.Option
		requests int
	}{
		{frontrow.WithToken(s.figures.Token), s.figures.Requests},
		{frontrow.WithTokenSource(source), s.figures.SourceCalls},
	} {
		earlier := s.requests().Tokens
		started := time.Now()
		client := s.connect(s.addresses.Tokens, given.token)
		_, err := client.GetUserBookings(s.Context(), frontrow.UserBookingFilter{}, "")
		failed[*frontrow.Unauthenticated](s, s.figures.Reason, err)
		within(s, started, s.figures.AtMostSeconds)
		equal(s, "the number of requests", s.requests().Tokens-earlier, given.requests)
	}
	equal(s, "the number of calls of the source", int(calls.Load()), s.figures.SourceCalls)
}

func playCancellation(s *scene) {
	// Otherwise the end of the attempt would cancel the request, too.
	client := s.connect(s.addresses.Plain, frontrow.WithTimeout(time.Hour), frontrow.WithAttemptTimeout(time.Hour))
	order := s.order()
	s.about("/lock", order.ConcertID)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	booking := start(func() (*frontrow.Booking, error) { return client.BookTickets(ctx, order) })
	s.about("/blocked", order.ConcertID)
	cancel()
	started := time.Now()
	if cancelled := <-booking; !errors.Is(cancelled.err, context.Canceled) {
		s.Fatalf("the error is not context.Canceled: %v", cancelled.err)
	}
	within(s, started, s.figures.AtMostSeconds)
	s.about("/cancelled", order.ConcertID)
	s.about("/unlock", order.ConcertID)
	concert, err := client.GetConcert(s.Context(), order.ConcertID)
	s.succeeded(err)
	equal(s, "the concert", concert.GetId(), order.ConcertID)
}

// outcome is how a call has ended.
type outcome[Value any] struct {
	value Value
	err   error
}

// start makes a call beside the scenario.
func start[Value any](call func() (Value, error)) <-chan outcome[Value] {
	ended := make(chan outcome[Value], 1)
	go func() {
		value, err := call()
		ended <- outcome[Value]{value, err}
	}()
	return ended
}
