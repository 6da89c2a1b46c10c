"""The client for asyncio."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

import grpc

from ._bookings import BookingMethods
from ._call import Attempts, CallSettings, received, stubs_of
from ._channel import CHANNEL_OPTIONS, parse_address
from ._concerts import ConcertMethods
from ._limits import LONGEST_SECONDS
from ._retry import DEFAULT_RETRY, RetryPolicy
from ._rpc import AsyncCaller, Intent, Response
from ._token import LATE, Outcome, TokenCache, checked

#: Returns a token (JWT). It is called when there is no token yet, and when the service has refused
#: the one it had. A call that does not return within the client's `timeout` is cancelled.
AsyncTokenSource = Callable[[], Awaitable[str] | str]


class AsyncClient(ConcertMethods, BookingMethods, AsyncCaller):
    """Calls a Frontrow service from asyncio. The client belongs to the loop of its first call.

    Every call has a deadline, and is repeated if it fails in a way that may pass and repeating is
    safe. Errors are a FrontrowError, or one of its subclasses. Cancelling a task cancels its call.

    Arguments of many methods: `user_id` is the customer, and may be left out if the client has a
    token: then it is the token's subject. `request_id` is the key of a change that can be repeated
    safely, a UUID: by default each call makes one. `timeout` is how many seconds the call may take
    with all of its attempts: by default as many as the client has.
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
        timeout: how many seconds a call may take with all of its attempts, and the function for the
            token once.
        attempt_timeout: how many seconds one attempt may take.
        retry: how failed attempts are repeated.
        """
        self._target, self._is_encrypted = parse_address(address)
        self._settings = CallSettings(address, timeout, attempt_timeout, retry)
        self._tokens = TokenCache(token, partial(_TaskFetch, timeout=timeout))
        self._closed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channel: grpc.aio.Channel | None = None
        self._stubs: dict[str, Any] = {}

    async def close(self) -> None:
        """Closes the connection. Calls that have not ended fail with the code CANCELLED, as do later
        ones.
        """
        self._closed.set()
        self._tokens.close()
        if self._channel:
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
        self._settings.check_process()
        self._bind()
        cancellations = _cancellations()
        token = self._tokens.get()
        # The deadline is later than that of the source, if the call has called it: the next call must
        # not wait for a source that did not return in time.
        attempts = Attempts(self._settings, intent)
        while True:
            fetched = token if isinstance(token, Outcome) else await token.wait(attempts.seconds_left())
            headers = attempts.headers_with(fetched)
            if self._closed.is_set():
                raise attempts.closed()
            try:
                stub = self._open()[intent.request.DESCRIPTOR.full_name]
                timeout = attempts.seconds_for_attempt()
                response: Response = received(await stub(intent.request, timeout=timeout, metadata=headers))
                return response
            except grpc.RpcError as thrown:
                seconds = attempts.seconds_after(
                    thrown, refuse_token=partial(self._tokens.refuse, fetched), is_closed=self._closed.is_set()
                )
            except (asyncio.CancelledError, grpc.aio.UsageError):
                # A channel that is closed cancels its calls. The tasks that wait for them are not cancelled.
                if not self._closed.is_set() or _cancellations() > cancellations:
                    raise
                raise attempts.closed() from None
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._closed.wait()
            token = self._tokens.get()

    def _bind(self) -> None:
        """Lets the client belong to the loop of its first call, as its connection and its tasks do."""
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise RuntimeError("the client belongs to another event loop: make one in each loop")

    def _open(self) -> dict[str, Any]:
        """The stubs of the connection, which is made at the first use."""
        if self._channel is None:
            if self._is_encrypted:
                credentials = grpc.ssl_channel_credentials()
                self._channel = grpc.aio.secure_channel(self._target, credentials, CHANNEL_OPTIONS)
            else:
                self._channel = grpc.aio.insecure_channel(self._target, CHANNEL_OPTIONS)
            self._stubs = stubs_of(self._channel)
        return self._stubs


def _cancellations() -> int:
    """How often the task has been cancelled. A task that cleans up goes on after a cancellation."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


class _TaskFetch:
    """A call of a source in a separate task, since several calls may wait for it."""

    def __init__(self, source: AsyncTokenSource, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Outcome] = loop.create_future()
        self._task = loop.create_task(_text_of(source))
        self._task.add_done_callback(self._end)
        self._timer = loop.call_later(min(timeout, LONGEST_SECONDS), self.give_up, LATE)

    @property
    def outcome(self) -> Outcome | None:
        return self._ended.result() if self._ended.done() else None

    async def wait(self, seconds: float) -> Outcome:
        """Waits until the source has returned, at most for so long."""
        await asyncio.wait([self._ended], timeout=seconds)
        return self.outcome or LATE

    def give_up(self, outcome: Outcome) -> None:
        if not self._ended.done():
            self._ended.set_result(outcome)
        self._timer.cancel()
        self._task.cancel()

    def _end(self, task: asyncio.Task[str]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        self.give_up(Outcome(error=error) if error else Outcome(text=task.result()))


async def _text_of(source: AsyncTokenSource) -> str:
    fetched = source()
    return checked(await fetched if inspect.isawaitable(fetched) else fetched)
