"""Tickets that are held for the time of a scope."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from typing import Any, Generic, cast, overload

import grpc

from ._error import FrontrowError, Unreachable
from ._requests import duration_of
from ._rpc import AsyncCaller, Intent, Method, P, Response, SyncCaller, method_of, rpc
from .v1.booking_pb2 import Booking, BookingStatus
from .v1.booking_service_pb2 import ConfirmHoldRequest, ExtendHoldRequest, ReleaseHoldRequest

#: An UNAUTHENTICATED is also that of a token source that failed: with another token a `confirm` may succeed.
_PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNAUTHENTICATED,
)


class _HoldMethods:
    #: The hold as the last call returned it: with its price, and with `hold_expires_time` for a
    #: countdown.
    booking: Booking

    #: Whether the last `confirm` may succeed: it has not ended, was cancelled, or has an error that may pass.
    _may_be_confirmed = False

    @property
    def is_open(self) -> bool:
        """Whether the end of the scope will release the hold. A hold that may be confirmed is left to its
        expiry, since its customer may have paid.
        """
        return self.booking.status == BookingStatus.BOOKING_STATUS_HELD and not self._may_be_confirmed

    @contextmanager
    def _noting(self, intent: Intent[Response]) -> Iterator[None]:
        """Notes how a `confirm` ends."""
        if not isinstance(intent.request, ConfirmHoldRequest):
            yield
            return
        self._may_be_confirmed = True
        try:
            yield
        except FrontrowError as error:
            self._may_be_confirmed = _may_pass(error)
            raise
        self._may_be_confirmed = False

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
        with self._noting(intent):
            response = self._client._call(intent)
        self.booking = cast(Booking, response)
        return response


class AsyncHold(_HoldMethods, AsyncCaller):
    """Tickets that are held for the time of a scope: `async with client.hold(…) as hold:`."""

    def __init__(self, client: AsyncCaller, booking: Booking) -> None:
        self._client = client
        self.booking = booking

    async def _call(self, intent: Intent[Response]) -> Response:
        with self._noting(intent):
            response = await self._client._call(intent)
        self.booking = cast(Booking, response)
        return response


def _may_pass(error: FrontrowError) -> bool:
    """Whether a call may have done its work, or do it when it is repeated."""
    return isinstance(error, Unreachable) or error.retry_delay is not None or error.code in _PASSING


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


#: The releases that have not ended. A loop alone does not keep its tasks.
_releases: set[asyncio.Future[Booking]] = set()


def _forget(release: asyncio.Future[Booking]) -> None:
    _releases.discard(release)
    # Otherwise asyncio logs the error of a release that is not awaited any more.
    if not release.cancelled():
        release.exception()


@asynccontextmanager
async def _hold_async(client: AsyncCaller, intent: Intent[Booking]) -> AsyncIterator[AsyncHold]:
    hold = AsyncHold(client, await client._call(intent))
    try:
        yield hold
    finally:
        if hold.is_open:
            # The release goes on if the task is cancelled once more.
            release = asyncio.ensure_future(hold.release())
            _releases.add(release)
            release.add_done_callback(_forget)
            with suppress(Exception):
                await asyncio.shield(release)


def scope(method: rpc[P, Booking]) -> "Callable[[Callable[[Any], None]], _Scope[P]]":
    """Makes a scope around a method that holds tickets, of a function with the scope's name and text."""
    return lambda named: _Scope(method, named)


class _Scope(Method, Generic[P]):
    """A scope around a hold. Its end releases the hold unless it was confirmed or released."""

    def __init__(self, method: rpc[P, Booking], named: Callable[[Any], None]) -> None:
        super().__init__(
            method_of(_hold, method.prepare, named, AbstractContextManager[Hold]),
            method_of(_hold_async, method.prepare, named, AbstractAsyncContextManager[AsyncHold]),
        )

    @overload
    def __get__(self, client: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, client: SyncCaller, owner: type) -> Callable[P, AbstractContextManager[Hold]]: ...
    @overload
    def __get__(self, client: AsyncCaller, owner: type) -> Callable[P, AbstractAsyncContextManager[AsyncHold]]: ...
    def __get__(self, client: SyncCaller | AsyncCaller | None, owner: type) -> Any:
        return self._of(client, owner)
