// Package frontrow is a client for Frontrow, a concert ticket reservation service, by gRPC or Connect.
//
//	client, err := frontrow.NewClient("https://tickets.example", frontrow.WithTokenSource(fetchToken))
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	booking, err := client.BookTickets(ctx, frontrow.Order{ConcertID: 7, TicketCount: 2})
//	if soldOut, is := errors.AsType[*frontrow.InsufficientTickets](err); is {
//		log.Printf("only %d tickets are left", soldOut.Available)
//	}
//
// A call ends with the deadline of its context, or after 10 s if the context has none. If the context is
// cancelled, the call returns context.Canceled.
package frontrow
