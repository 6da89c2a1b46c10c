"""Tickets that are held for the time of a scope."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from typing import Any, Generic, cast, overload

from ._requests import duration_of
from ._rpc import AsyncCaller, Intent, P, Prepare, Response, SyncCaller, bind, rpc
from .v1.booking_pb2 import Booking, BookingStatus
from .v1.booking_service_pb2 import ConfirmHoldRequest, ExtendHoldRequest, ReleaseHoldRequest


class _HoldMethods:
    #: The hold as the last call returned it: with its price, and with `hold_expires_time` for a
    #: countdown.
    booking: Booking

    @property
    def is_open(self) -> bool:
        """Whether the end of the scope will release the hold."""
        return self.booking.status == BookingStatus.BOOKING_STATUS_HELD

    @rpc
    def confirm(
        self,
        *,
        ticket_count: int | None = None,
        payment_reference: str | None = None,
        accept_late: bool | None = None,
        timeout: float | None = None,
    ) -> Intent[Booking]:
        """Makes the hold a booking, and returns it. The arguments are those of `confirm_hold`."""
        request = ConfirmHoldRequest(
            id=self.booking.id,
            user_id=self.booking.user_id,
            ticket_count=ticket_count,
            payment_reference=payment_reference,
            accept_late=accept_late,
        )
        return Intent(request, timeout)

    @rpc
    def extend(self, ttl_seconds: float, *, timeout: float | None = None) -> Intent[Booking]:
        """Lets the hold live until so many seconds from now."""
        ttl = duration_of(ttl_seconds)
        return Intent(ExtendHoldRequest(id=self.booking.id, user_id=self.booking.user_id, ttl=ttl), timeout)

    @rpc
    def release(self, *, timeout: float | None = None) -> Intent[Booking]:
        """Puts the tickets back on sale."""
        return Intent(ReleaseHoldRequest(id=self.booking.id, user_id=self.booking.user_id), timeout)


class Hold(_HoldMethods, SyncCaller):
    """Tickets that are held for the time of a scope: `with client.hold(…) as hold:`."""

    def __init__(self, client: SyncCaller, booking: Booking) -> None:
        self._client = client
        self.booking = booking

    def _call(self, intent: Intent[Response]) -> Response:
        response = self._client._call(intent)
        self.booking = cast(Booking, response)
        return response


class AsyncHold(_HoldMethods, AsyncCaller):
    """Tickets that are held for the time of a scope: `async with client.hold(…) as hold:`."""

    def __init__(self, client: AsyncCaller, booking: Booking) -> None:
        self._client = client
        self.booking = booking

    async def _call(self, intent: Intent[Response]) -> Response:
        response = await self._client._call(intent)
        self.booking = cast(Booking, response)
        return response


# A release that fails at the end of a scope raises nothing: its error would hide the one that has
# ended the scope, and the hold expires.


@contextmanager
def _hold(client: SyncCaller, intent: Intent[Booking]) -> Iterator[Hold]:
    hold = Hold(client, client._call(intent))
    try:
        yield hold
    finally:
        if hold.is_open:
            with suppress(Exception):
                hold.release()


@asynccontextmanager
async def _hold_async(client: AsyncCaller, intent: Intent[Booking]) -> AsyncIterator[AsyncHold]:
    hold = AsyncHold(client, await client._call(intent))
    try:
        yield hold
    finally:
        if hold.is_open:
            with suppress(Exception):
                await hold.release()


class scope(Generic[P]):
    """A scope around a hold. Its end releases the hold unless it was confirmed or released."""

    def __init__(self, method: rpc[P, Booking]) -> None:
        self._prepare = method.prepare

    @overload
    def __get__(self, client: None, owner: type) -> Prepare[P, Booking]: ...
    @overload
    def __get__(self, client: SyncCaller, owner: type) -> Callable[P, AbstractContextManager[Hold]]: ...
    @overload
    def __get__(self, client: AsyncCaller, owner: type) -> Callable[P, AbstractAsyncContextManager[AsyncHold]]: ...
    def __get__(self, client: SyncCaller | AsyncCaller | None, owner: type) -> Any:
        if client is None:
            return self._prepare
        if isinstance(client, SyncCaller):
            return bind(self._prepare, client, lambda intent: _hold(client, intent))
        return bind(self._prepare, client, lambda intent: _hold_async(client, intent))
