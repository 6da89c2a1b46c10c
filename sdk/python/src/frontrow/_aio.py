"""The client for asyncio."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import grpc

from ._bookings import BookingMethods
from ._call import Attempts, CallSettings, headers_with, stubs_of
from ._channel import CHANNEL_OPTIONS, parse_address
from ._concerts import ConcertMethods
from ._retry import DEFAULT_RETRY, RetryPolicy
from ._rpc import AsyncCaller, Intent, Response
from ._token import TokenCache

#: Returns a token (JWT). It is called when there is no token yet, and when the service has refused
#: the one it had.
AsyncTokenSource = Callable[[], Awaitable[str] | str]


class AsyncClient(ConcertMethods, BookingMethods, AsyncCaller):
    """Calls a Frontrow service from asyncio. The client belongs to the loop of its first call.

    Every call has a deadline, and is repeated if it fails in a way that may pass and repeating is
    safe. Errors are a FrontrowError, or one of its subclasses. Cancelling a task cancels its call.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | AsyncTokenSource | None = None,
        timeout: float = 10.0,
        attempt_timeout: float = 4.0,
        retry: RetryPolicy = DEFAULT_RETRY,
    ) -> None:
        """Makes a client of the service at a URL without a path, such as `https://tickets.example`.

        token: a token (JWT), or a function that returns one, such as a coroutine function. None for
            a service without tokens.
        timeout: how many seconds a call may take with all of its attempts.
        attempt_timeout: how many seconds one attempt may take.
        retry: how failed attempts are repeated.
        """
        self._target, self._is_encrypted = parse_address(address)
        self._settings = CallSettings(address, timeout, attempt_timeout, retry)
        self._tokens = TokenCache(lambda: asyncio.ensure_future(_fetch(token)), is_fixed=not callable(token))

    # At the first use, since a channel belongs to the loop that runs when it is made.
    @functools.cached_property
    def _channel(self) -> grpc.aio.Channel:
        if self._is_encrypted:
            return grpc.aio.secure_channel(self._target, grpc.ssl_channel_credentials(), CHANNEL_OPTIONS)
        return grpc.aio.insecure_channel(self._target, CHANNEL_OPTIONS)

    @functools.cached_property
    def _stubs(self) -> dict[str, Any]:
        return stubs_of(self._channel)

    async def close(self) -> None:
        """Closes the connection. Calls that have not ended are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _call(self, intent: Intent[Response]) -> Response:
        attempts = Attempts(self._settings, intent.request, intent.timeout)
        stub = self._stubs[intent.request.DESCRIPTOR.full_name]
        while True:
            token = self._tokens.get()
            if not token.done():
                await asyncio.wait([token], timeout=attempts.seconds_left())
            headers = headers_with(token)
            try:
                response: Response = await stub(
                    intent.request, timeout=attempts.seconds_for_attempt(), metadata=headers
                )
                return response
            except grpc.RpcError as thrown:
                seconds = attempts.seconds_after(thrown, functools.partial(self._tokens.refuse, token))
            await asyncio.sleep(seconds)


async def _fetch(token: str | AsyncTokenSource | None) -> str | None:
    if not callable(token):
        return token
    fetched = token()
    return await fetched if inspect.isawaitable(fetched) else fetched
