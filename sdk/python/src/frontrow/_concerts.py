"""The methods of both clients about concerts.

The schema's comments on the requests hold for the arguments as well.
"""

from collections.abc import Sequence
from datetime import datetime

from ._requests import new_request_id, timestamp_of
from ._rpc import Intent, pages, rpc
from .v1.concert_pb2 import Concert
from .v1.concert_service_pb2 import (
    CreateConcertRequest,
    GetConcertRequest,
    ListConcertsRequest,
    ListConcertsResponse,
    UpdateConcertRequest,
)


class ConcertMethods:
    """The methods about concerts."""

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

    @pages(list_concerts)
    def concerts(self, page: ListConcertsResponse) -> Sequence[Concert]:
        """Iterates over concerts, the earliest first, page by page. The arguments are those of
        `list_concerts`. `timeout` is for each page.
        """
        return page.concerts

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
