"""The methods of both clients. The schema's comments on the requests hold for the arguments as well.

`user_id` may be left out if the client has a token: then it is the token's subject. `request_id` is
the key of a change that can be repeated safely, a UUID: by default each call makes one. `timeout` is
how many seconds the call may take with all of its attempts: by default as many as the client has.
"""

from collections.abc import Iterable
from datetime import datetime

from ._hold import scope
from ._requests import duration_of, new_request_id, timestamp_of
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
from .v1.concert_pb2 import Concert
from .v1.concert_service_pb2 import (
    CreateConcertRequest,
    GetConcertRequest,
    ListConcertsRequest,
    ListConcertsResponse,
    UpdateConcertRequest,
)


class Methods:
    """The methods of the service."""

    @rpc
    def get_concert(self, id: int, *, timeout: float | None = None) -> Intent[Concert]:
        """Gets one concert."""
        return Intent(GetConcertRequest(id=id), timeout)

    @rpc
    def list_concerts(
        self,
        *,
        artist: str | None = None,
        venue: str | None = None,
        name: str | None = None,
        date_from: datetime | None = None,
        date_to: datetime | None = None,
        available_only: bool | None = None,
        booking_open_only: bool | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
        timeout: float | None = None,
    ) -> Intent[ListConcertsResponse]:
        """Gets one page of concerts, the earliest first. `concerts` iterates over all of them.

        `artist`, `venue` and `name` are texts that the concert's own contain. `date_from` is by
        default now. Concerts begin before `date_to`. A page has at most `page_size` concerts, 20 by
        default.
        """
        request = ListConcertsRequest(
            artist=artist,
            venue=venue,
            name=name,
            date_from=date_from and timestamp_of(date_from),
            date_to=date_to and timestamp_of(date_to),
            available_only=available_only,
            booking_open_only=booking_open_only,
            page_size=page_size,
            page_token=page_token,
        )
        return Intent(request, timeout)

    concerts = pages(list_concerts, lambda page: page.concerts)
    """Iterates over concerts, the earliest first, page by page. The arguments are those of
    `list_concerts`. `timeout` is for each page.
    """

    @rpc
    def create_concert(
        self,
        *,
        name: str,
        artist: str,
        venue: str,
        concert_date: datetime,
        total_tickets: int,
        price: float,
        booking_start_time: datetime,
        booking_end_time: datetime,
        currency_code: str | None = None,
        max_tickets_per_user: int | None = None,
        requires_payment: bool | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> Intent[Concert]:
        """Creates a concert with all its tickets available.

        `price` is that of one ticket, in units of `currency_code`, which is USD by default.
        """
        request = CreateConcertRequest(
            request_id=request_id or new_request_id(),
            name=name,
            artist=artist,
            venue=venue,
            concert_date=timestamp_of(concert_date),
            total_tickets=total_tickets,
            price=price,
            currency_code=currency_code,
            booking_start_time=timestamp_of(booking_start_time),
            booking_end_time=timestamp_of(booking_end_time),
            max_tickets_per_user=max_tickets_per_user,
            requires_payment=requires_payment,
        )
        return Intent(request, timeout)

    @rpc
    def update_concert(
        self,
        id: int,
        *,
        version: int,
        name: str,
        artist: str,
        venue: str,
        concert_date: datetime,
        total_tickets: int,
        price: float,
        currency_code: str,
        booking_start_time: datetime,
        booking_end_time: datetime,
        max_tickets_per_user: int | None = None,
        requires_payment: bool | None = None,
        timeout: float | None = None,
    ) -> Intent[Concert]:
        """Replaces a concert's description. Raises `VersionMismatch` if it has been updated since
        `version`.
        """
        request = UpdateConcertRequest(
            id=id,
            version=version,
            name=name,
            artist=artist,
            venue=venue,
            concert_date=timestamp_of(concert_date),
            total_tickets=total_tickets,
            price=price,
            currency_code=currency_code,
            booking_start_time=timestamp_of(booking_start_time),
            booking_end_time=timestamp_of(booking_end_time),
            max_tickets_per_user=max_tickets_per_user,
            requires_payment=requires_payment,
        )
        return Intent(request, timeout)

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

    user_bookings = pages(get_user_bookings, lambda page: page.bookings)
    """Iterates over a user's bookings, the newest first, page by page. The arguments are those of
    `get_user_bookings`. `timeout` is for each page.
    """

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

    concert_bookings = pages(list_concert_bookings, lambda page: page.bookings)
    """Iterates over a concert's bookings, the newest first, page by page. The arguments are those of
    `list_concert_bookings`. `timeout` is for each page.
    """

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

    hold = scope(hold_tickets)
    """Holds tickets for the time of a `with` block, whose end releases the hold unless it was
    confirmed. The arguments are those of `hold_tickets`.
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
