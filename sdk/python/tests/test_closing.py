"""Calls of a client that is closed."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import grpc
import pytest
from server import fail, serving
from styles import Asyncio, Style

from frontrow import AsyncClient, Booking, Client, FrontrowError, RetryPolicy

#: Whether a call of the client has come so far that the client can be closed.
IsReached = Callable[[Any], bool]


def error_of_close(style: Style, address: str, is_reached: IsReached, **options: Any) -> FrontrowError:
    """Closes a client, and returns the error of its call that has not ended."""
    options = {"timeout": 60, "attempt_timeout": 60, **options}
    if isinstance(style, Asyncio):
        return asyncio.run(error_of_close_async(address, is_reached, **options))
    client = Client(address, **options)

    def close() -> None:
        while not is_reached(client):
            time.sleep(0.001)
        client.close()

    thread = threading.Thread(target=close)
    thread.start()
    with pytest.raises(FrontrowError) as caught:
        client.book_tickets(concert_id=1, ticket_count=1, request_id="key")
    thread.join()
    with pytest.raises(FrontrowError, match="closed"):
        client.get_booking(1)
    client.close()
    return caught.value


async def error_of_close_async(address: str, is_reached: IsReached, **options: Any) -> FrontrowError:
    client = AsyncClient(address, **options)
    call = asyncio.ensure_future(client.book_tickets(concert_id=1, ticket_count=1, request_id="key"))
    while not is_reached(client):
        await asyncio.sleep(0.001)
    await client.close()
    with pytest.raises(FrontrowError) as caught:
        await call
    with pytest.raises(FrontrowError, match="closed"):
        await client.get_booking(1)
    await client.close()
    return caught.value


def is_closed_error(error: FrontrowError) -> bool:
    return (error.code, error.reason, error.idempotency_key) == (grpc.StatusCode.CANCELLED, None, "key")


def test_the_end_of_a_client_ends_a_call_for_which_the_service_works(style: Style) -> None:
    is_called, is_over = threading.Event(), threading.Event()

    def wait(*_: object) -> Booking:
        is_called.set()
        is_over.wait(60)
        return Booking()

    with serving(BookTickets=wait) as address:
        error = error_of_close(style, address, lambda _: is_called.is_set(), retry=RetryPolicy(max_attempts=1))
        is_over.set()
    assert is_closed_error(error)


def is_pausing(client: Any) -> bool:
    """Whether a call waits before its next attempt: for the end of the client."""
    closed = client._closed
    return bool(getattr(closed, "_cond", closed)._waiters)


def test_the_end_of_a_client_ends_a_call_that_waits_before_its_next_attempt(style: Style) -> None:
    def refuse(_: object, context: grpc.ServicerContext) -> None:
        fail(context, grpc.StatusCode.UNAVAILABLE, "OVERLOADED", retry_delay=50)

    with serving(BookTickets=refuse) as address:
        started = time.monotonic()
        assert is_closed_error(error_of_close(style, address, is_pausing))
        assert time.monotonic() - started < 25


def test_the_end_of_a_client_ends_the_wait_for_its_token_source(style: Style) -> None:
    is_called, is_over = threading.Event(), threading.Event()

    def wait() -> str:
        is_called.set()
        is_over.wait(60)
        return "token"

    async def wait_async() -> str:
        is_called.set()
        await asyncio.Event().wait()
        return "token"

    with serving() as address:
        source = wait_async if isinstance(style, Asyncio) else wait
        error = error_of_close(style, address, lambda _: is_called.is_set(), token=source)
        is_over.set()
    assert is_closed_error(error)


def test_a_client_that_is_closed_when_its_token_comes_opens_no_connection() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        def close_soon(turns: int) -> None:
            if turns == 0:
                closes.append(asyncio.ensure_future(client.close()))
            else:
                loop.call_soon(close_soon, turns - 1)

        for turns in range(8):
            closes: list[asyncio.Future[None]] = []

            async def source(turns: int = turns) -> str:
                close_soon(turns)
                return "token"

            client = AsyncClient("http://localhost", token=source)
            with pytest.raises(FrontrowError) as caught:
                await client.book_tickets(concert_id=1, ticket_count=1, request_id="key")
            await closes[0]
            assert is_closed_error(caught.value)
            # One that was opened before is closed.
            assert client._channel is None or cast(Any, client._channel)._channel.closed()

    asyncio.run(main())


def test_the_end_of_a_client_is_an_error_in_a_task_that_goes_on_after_a_cancellation() -> None:
    async def main(address: str) -> FrontrowError:
        async def close() -> None:
            await asyncio.to_thread(is_called.wait, 60)
            await client.close()

        client = AsyncClient(address, timeout=60, attempt_timeout=60)
        cast("asyncio.Task[object]", asyncio.current_task()).cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        closing = asyncio.ensure_future(close())
        with pytest.raises(FrontrowError) as caught:
            await client.book_tickets(concert_id=1, ticket_count=1, request_id="key")
        await closing
        return caught.value

    is_called, is_over = threading.Event(), threading.Event()

    def wait(*_: object) -> Booking:
        is_called.set()
        is_over.wait(60)
        return Booking()

    with serving(BookTickets=wait) as address:
        error = asyncio.run(main(address))
        is_over.set()
    assert is_closed_error(error)


def test_a_client_without_calls_can_be_closed() -> None:
    Client("http://localhost").close()
    asyncio.run(AsyncClient("http://localhost").close())
