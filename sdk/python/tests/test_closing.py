"""Calls of a client that is closed."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from server import fail, serving
from styles import Asyncio, Style

from frontrow import AsyncClient, Booking, Client, FrontrowError


def error_of_close(style: Style, address: str, is_waiting: Callable[[], object], **options: Any) -> FrontrowError:
    """Closes a client once `is_waiting` has returned, and returns the error of the call that has not ended."""
    if isinstance(style, Asyncio):
        return asyncio.run(error_of_close_async(address, is_waiting, **options))
    client = Client(address, timeout=60, attempt_timeout=60, **options)

    def close() -> None:
        is_waiting()
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


async def error_of_close_async(address: str, is_waiting: Callable[[], object], **options: Any) -> FrontrowError:
    client = AsyncClient(address, timeout=60, attempt_timeout=60, **options)
    call = asyncio.ensure_future(client.book_tickets(concert_id=1, ticket_count=1, request_id="key"))
    await asyncio.to_thread(is_waiting)
    await client.close()
    with pytest.raises(FrontrowError) as caught:
        await call
    with pytest.raises(FrontrowError, match="closed"):
        await client.get_booking(1)
    await client.close()
    return caught.value


@pytest.mark.parametrize("retry_delay", [None, 50])
def test_the_end_of_a_client_ends_its_calls(style: Style, retry_delay: float | None) -> None:
    """While the service works, and while a call waits before its next attempt."""
    is_called, is_over = threading.Event(), threading.Event()

    def wait(_: object, context: grpc.ServicerContext) -> Booking:
        is_called.set()
        if retry_delay is not None:
            fail(context, grpc.StatusCode.UNAVAILABLE, "OVERLOADED", retry_delay=retry_delay)
        is_over.wait(60)
        return Booking()

    with serving(BookTickets=wait) as address:
        error = error_of_close(style, address, lambda: is_called.wait(60))
        is_over.set()
    if retry_delay is None:
        assert error.code is grpc.StatusCode.CANCELLED
    assert error.idempotency_key == "key"


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
        error = error_of_close(style, address, lambda: is_called.wait(60), token=source)
        is_over.set()
    assert (error.code, error.idempotency_key) == (grpc.StatusCode.CANCELLED, "key")
