"""The methods of both clients about bookings and holds.

The schema's comments on the requests hold for the arguments as well.
"""

from collections.abc import Iterable, Sequence

from ._hold import scope
from ._requests import duration_of, new_request_id
from ._rpc import Intent, pages, rpc
from .v1.booking_pb2 import Booking, BookingStatus
from .v1.booking_service_pb2 import (
    BookTicketsRequest,
    CancelBookingRequest,
    ConfirmHoldRequest,
    ExtendHoldRequest,
    GetBookingRequest,
    GetUserBookingsRequest,
    GetUserBookingsResponse,
    HoldTicketsRequest,
    ListConcertBookingsRequest,
    ListConcertBookingsResponse,
    ReleaseHoldRequest,
)


class BookingMethods:
    """The methods about bookings and holds."""

    @rpc
    def get_booking(self, id: int, *, timeout: float | None = None) -> Intent[Booking]:
        """Gets one booking."""
        return Intent(GetBookingRequest(id=id), timeout)

    @rpc
    def get_user_bookings(
        self,
        *,
        user_id: str | None = None,
        statuses: Iterable[BookingStatus] = (),
        page_size: int | None = None,
        page_token: str | None = None,
        timeout: float | None = None,
    ) -> Intent[GetUserBookingsResponse]:
        """Gets one page of a user's bookings, the newest first. `user_bookings` iterates over all of
        them. Without `statuses` it has confirmed and cancelled ones.
        """
        request = GetUserBookingsRequest(user_id=user_id, statuses=statuses, page_size=page_size, page_token=page_token)
        return Intent(request, timeout)

    @pages(get_user_bookings)
    def user_bookings(self, page: GetUserBookingsResponse) -> Sequence[Booking]:
        """Iterates over a user's bookings, the newest first, page by page. The arguments are those of
        `get_user_bookings`. `timeout` is for each page.
        """
        return page.bookings

    @rpc
    def list_concert_bookings(
        self,
        concert_id: int,
        *,
        statuses: Iterable[BookingStatus] = (),
        page_size: int | None = None,
        page_token: str | None = None,
        timeout: float | None = None,
    ) -> Intent[ListConcertBookingsResponse]:
        """Gets one page of a concert's bookings, the newest first. `concert_bookings` iterates over
        all of them. Without `statuses` it has all bookings.
        """
        request = ListConcertBookingsRequest(
            concert_id=concert_id, statuses=statuses, page_size=page_size, page_token=page_token
        )
        return Intent(request, timeout)

    @pages(list_concert_bookings)
    def concert_bookings(self, page: ListConcertBookingsResponse) -> Sequence[Booking]:
        """Iterates over a concert's bookings, the newest first, page by page. The arguments are those of
        `list_concert_bookings`. `timeout` is for each page.
        """
        return page.bookings

    @rpc
    def book_tickets(
        self,
        *,
        concert_id: int,
        ticket_count: int,
        user_id: str | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> Intent[Booking]:
        """Books tickets, all of them or none."""
        request = BookTicketsRequest(
            request_id=request_id or new_request_id(),
            concert_id=concert_id,
            user_id=user_id,
            ticket_count=ticket_count,
        )
        return Intent(request, timeout)

    @rpc
    def cancel_booking(
        self,
        id: int,
        *,
        user_id: str | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> Intent[Booking]:
        """Cancels a booking and puts its tickets back on sale."""
        request = CancelBookingRequest(request_id=request_id or new_request_id(), id=id, user_id=user_id)
        return Intent(request, timeout)

    @rpc
    def hold_tickets(
        self,
        *,
        concert_id: int,
        ticket_count: int,
        user_id: str | None = None,
        ttl_seconds: float | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> Intent[Booking]:
        """Takes tickets off sale for a while. `hold` does so for a scope.

        The hold lives for `ttl_seconds`, by default as long as the service's operator has set.
        """
        request = HoldTicketsRequest(
            request_id=request_id or new_request_id(),
            concert_id=concert_id,
            user_id=user_id,
            ticket_count=ticket_count,
            ttl=None if ttl_seconds is None else duration_of(ttl_seconds),
        )
        return Intent(request, timeout)

    @scope(hold_tickets)
    def hold(self) -> None:
        """Holds tickets for the time of a `with` block, whose end releases the hold unless it was
        confirmed or released, or the last `confirm` may have succeeded: then it is confirmed, or expires.
        The arguments are those of `hold_tickets`.
        """

    @rpc
    def confirm_hold(
        self,
        id: int,
        *,
        user_id: str | None = None,
        ticket_count: int | None = None,
        payment_reference: str | None = None,
        accept_late: bool | None = None,
        timeout: float | None = None,
    ) -> Intent[Booking]:
        """Makes a hold a confirmed booking.

        `ticket_count` is by default all tickets of the hold: the others go back on sale.
        `payment_reference` is the payment's number at its provider. `accept_late` confirms a hold
        that has expired, if its tickets are available again.
        """
        request = ConfirmHoldRequest(
            id=id,
            user_id=user_id,
            ticket_count=ticket_count,
            payment_reference=payment_reference,
            accept_late=accept_late,
        )
        return Intent(request, timeout)

    @rpc
    def release_hold(self, id: int, *, user_id: str | None = None, timeout: float | None = None) -> Intent[Booking]:
        """Ends a hold and puts its tickets back on sale."""
        return Intent(ReleaseHoldRequest(id=id, user_id=user_id), timeout)

    @rpc
    def extend_hold(
        self, id: int, *, ttl_seconds: float, user_id: str | None = None, timeout: float | None = None
    ) -> Intent[Booking]:
        """Lets a hold live until so many seconds from now."""
        return Intent(ExtendHoldRequest(id=id, user_id=user_id, ttl=duration_of(ttl_seconds)), timeout)
