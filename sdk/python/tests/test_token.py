"""Tokens and their sources."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
import pytest
from server import abort_with, fail, serving
from styles import Asyncio, Style

from frontrow import AsyncClient, Booking, Client, DeadlineExceeded, FrontrowError, TokenSourceFailed, Unauthenticated
from frontrow._token import TokenCache


class Hanging:
    """A source whose first call does not return before `is_over` is set."""

    def __init__(self, style: Style) -> None:
        self.calls = 0
        self.is_cancelled = False
        self.is_over = threading.Event()
        self.source = self._call_async if isinstance(style, Asyncio) else self._call

    def _call(self) -> str:
        self.calls += 1
        if self.calls == 1:
            self.is_over.wait(60)
        return "token"

    async def _call_async(self) -> str:
        self.calls += 1
        try:
            while self.calls == 1 and not self.is_over.is_set():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        return "token"


def test_an_error_of_the_token_source_fails_the_call_and_the_next_one_calls_it_again(style: Style) -> None:
    calls = 0

    def source() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise TimeoutError("no network")
        return "token"

    with serving(BookTickets=lambda *_: Booking()) as address:
        client = style.connect(address, token=source)
        with pytest.raises(TokenSourceFailed, match="no network") as caught:
            client.book_tickets(concert_id=1, ticket_count=1, request_id="key")
        client.book_tickets(concert_id=1, ticket_count=1)
    error = caught.value
    assert isinstance(error.__cause__, TimeoutError)
    assert (error.code, error.reason, error.idempotency_key) == (grpc.StatusCode.UNAUTHENTICATED, None, "key")
    assert calls == 2


def test_an_iterator_as_a_source_ends_with_an_error(style: Style) -> None:
    tokens: list[str] = []
    with serving() as address, pytest.raises(TokenSourceFailed):
        style.connect(address, token=lambda: next(iter(tokens))).get_booking(1)


def test_a_token_source_that_does_not_end_is_given_up_after_the_timeout_of_the_client(style: Style) -> None:
    hanging = Hanging(style)
    with serving(GetBooking=lambda *_: Booking(id=1)) as address, ThreadPoolExecutor() as threads:
        client = style.connect(address, token=hanging.source, timeout=1)
        # Their own deadlines are later.
        waiting = [threads.submit(client.get_booking, 1, timeout=60) for _ in range(2)]
        for each in waiting:
            with pytest.raises(DeadlineExceeded, match="token source"):
                each.result()
        assert client.get_booking(1, timeout=60).id == 1
        hanging.is_over.set()
    assert hanging.calls == 2
    assert hanging.is_cancelled == isinstance(style, Asyncio)


def test_the_call_after_one_that_has_waited_for_the_source_until_its_deadline_calls_it_again(style: Style) -> None:
    hanging = Hanging(style)
    with serving(BookTickets=lambda *_: Booking(id=1)) as address:
        client = style.connect(address, token=hanging.source, timeout=1)
        with pytest.raises(DeadlineExceeded, match="token source") as caught:
            client.book_tickets(concert_id=1, ticket_count=1, request_id="key")
        assert client.book_tickets(concert_id=1, ticket_count=1, timeout=60).id == 1
        hanging.is_over.set()
    assert (caught.value.reason, caught.value.idempotency_key) == ("DEADLINE_EXCEEDED", "key")


def test_a_call_of_the_source_outlives_the_call_that_has_begun_it(style: Style) -> None:
    hanging = Hanging(style)
    with serving(GetBooking=lambda *_: Booking(id=1)) as address, ThreadPoolExecutor() as threads:
        client = style.connect(address, token=hanging.source)
        with pytest.raises(DeadlineExceeded, match="token source"):
            client.get_booking(1, timeout=0.02)
        waiting = threads.submit(client.get_booking, 1)
        hanging.is_over.set()
        assert waiting.result().id == 1
    assert hanging.calls == 1


@pytest.mark.parametrize("is_late", [False, True])
def test_a_call_that_is_cancelled_leaves_the_source_to_the_calls_that_wait(is_late: bool) -> None:
    calls = 0

    async def source() -> str:
        nonlocal calls
        calls += 1
        await is_over.wait()
        return "token"

    async def main(address: str) -> None:
        async with AsyncClient(address, token=source, timeout=60) as client, asyncio.TaskGroup() as tasks:
            first, second = (tasks.create_task(client.get_booking(1)) for _ in range(2))
            while not calls:
                await asyncio.sleep(0)
            if is_late:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await client.get_booking(1)
            else:
                first.cancel()
                await asyncio.wait([first])
                assert first.cancelled()
            is_over.set()
            assert (await second).id == 1
        assert calls == 1

    is_over = asyncio.Event()
    with serving(GetBooking=lambda *_: Booking(id=1)) as address:
        asyncio.run(main(address))


def test_a_client_can_be_closed_by_what_interrupts_its_call() -> None:
    def fetch(source: object) -> Any:
        cache.close()

    cache: TokenCache[Any, Any] = TokenCache(lambda: "token", fetch)
    thread = threading.Thread(target=cache.get, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("text", ["", "Bearer secret", "sec ret", "secret\n", "secrét", "secret\x7f"])
def test_a_text_that_no_header_can_have_is_refused_without_naming_it(style: Style, text: str) -> None:
    with pytest.raises(ValueError, match="the token is empty, or has .* without `Bearer`") as refused:
        style.connect("http://localhost", token=text)
    with serving() as address, pytest.raises(TokenSourceFailed, match="the token is empty, or has") as failed:
        style.connect(address, token=lambda: text).get_booking(1)
    assert "sec" not in f"{refused.value!r} {failed.value!r} {failed.value.__cause__!r}"


@pytest.mark.parametrize("client_class", [Client, AsyncClient])
def test_a_token_that_is_no_text_is_refused(client_class: Any) -> None:
    with pytest.raises(TypeError, match="the type bytes"):
        client_class("http://localhost", token=b"secret")


def tokens_refused(style: Style, token: object, reason: str | None = "UNAUTHENTICATED") -> list[object]:
    """The tokens that a call sends to a service that refuses them."""
    seen: list[object] = []

    def refuse(_: object, context: Any) -> NoReturn:
        seen.append(dict(context.invocation_metadata())["authorization"])
        if reason is None:
            abort_with(context, grpc.StatusCode.UNAUTHENTICATED, b"")
        fail(context, grpc.StatusCode.UNAUTHENTICATED, reason)

    with serving(GetBooking=refuse) as address, pytest.raises(FrontrowError) as caught:
        style.connect(address, token=token).get_booking(1)
    assert isinstance(caught.value, Unauthenticated) == (reason == "UNAUTHENTICATED")
    return seen


# A later version may have another reason, and a gateway has none.
@pytest.mark.parametrize("reason", ["UNAUTHENTICATED", "TOKEN_TOO_OLD", None])
def test_a_token_source_is_called_once_more_by_a_call_whose_new_token_is_refused_as_well(
    style: Style, reason: str | None
) -> None:
    tokens = iter(["one", "two", "three"])
    assert tokens_refused(style, lambda: next(tokens), reason) == ["Bearer one", "Bearer two"]


def test_a_fixed_token_is_never_tried_twice(style: Style) -> None:
    assert tokens_refused(style, "one") == ["Bearer one"]
