"""What the clients do with answers that the running service gives rarely."""

import asyncio
import functools
import inspect
import os
import re
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, NoReturn, cast

import grpc
import pytest
from calls import book, update
from server import fail, serving
from styles import Style

from frontrow import (
    AsyncClient,
    AsyncHold,
    Booking,
    Client,
    Concert,
    DeadlineExceeded,
    GetUserBookingsResponse,
    Hold,
    Overloaded,
    RetryPolicy,
    TokenSourceFailed,
)
from frontrow.v1 import booking_service_pb2, concert_service_pb2

QUICK = RetryPolicy(initial_backoff=0.001)


@pytest.mark.parametrize("client_class", [Client, AsyncClient])
def test_a_client_has_every_method_of_the_schema(client_class: type) -> None:
    names = [
        re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
        for file in (booking_service_pb2, concert_service_pb2)
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]
    assert len(names) > 0
    assert [name for name in names if not hasattr(client_class, name)] == []


@pytest.mark.parametrize("client_class", [Client, AsyncClient])
def test_a_method_has_the_signature_of_its_arguments(client_class: type[Client] | type[AsyncClient]) -> None:
    method = client_class("http://localhost").extend_hold
    assert list(inspect.signature(method).parameters) == ["id", "ttl_seconds", "user_id", "timeout"]


@pytest.mark.parametrize(
    ("client_class", "name", "text", "returns"),
    [
        (Client, "get_booking", "Gets one booking", Booking),
        (AsyncClient, "get_booking", "Gets one booking", Booking),
        (Client, "concerts", "Iterates over concerts", Iterator[Concert]),
        (AsyncClient, "concerts", "Iterates over concerts", AsyncIterator[Concert]),
        (Client, "hold", "Holds tickets for the time", AbstractContextManager[Hold]),
        (AsyncClient, "hold", "Holds tickets for the time", AbstractAsyncContextManager[AsyncHold]),
    ],
)
def test_a_method_says_what_it_does_and_returns(client_class: Any, name: str, text: str, returns: object) -> None:
    for method in (getattr(client_class, name), getattr(client_class("http://localhost"), name)):
        assert method.__name__ == name
        assert method.__doc__.startswith(text)
        assert inspect.signature(method).return_annotation == returns
        assert inspect.iscoroutinefunction(method) == (client_class is AsyncClient and returns is Booking)


def test_a_repetition_has_the_key_of_the_first_attempt_and_the_next_call_another_one(style: Style) -> None:
    keys: list[str] = []

    def lose_two(request: Any, context: grpc.ServicerContext) -> Booking:
        keys.append(request.request_id)
        if len(keys) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        return Booking()

    with serving(BookTickets=lose_two) as address:
        client = style.connect(address, retry=QUICK)
        book(client)
        book(client)
    assert str(uuid.UUID(keys[0], version=4)) == keys[0]
    assert keys[:3] == [keys[0]] * 3
    assert len(keys) == 4
    assert keys[3] != keys[0]


def overloaded(attempts: list[object], retry_delay: float | None, request: object, context: Any) -> NoReturn:
    attempts.append(request)
    fail(context, grpc.StatusCode.UNAVAILABLE, "OVERLOADED", retry_delay=retry_delay)


def test_repetitions_end_after_four_attempts_with_the_last_error(style: Style) -> None:
    attempts: list[object] = []
    with (
        serving(GetConcert=functools.partial(overloaded, attempts, 0.001)) as address,
        pytest.raises(Overloaded),
    ):
        style.connect(address, retry=QUICK).get_concert(1)
    assert len(attempts) == 4


@pytest.mark.parametrize(
    ("retry_delay", "expected"),
    [
        # The update may be stored.
        (None, 1),
        # The service wants it repeated.
        (0.001, 4),
    ],
)
def test_an_update_is_repeated_only_if_the_service_wants_it(
    style: Style, retry_delay: float | None, expected: int
) -> None:
    attempts: list[object] = []
    with (
        serving(UpdateConcert=functools.partial(overloaded, attempts, retry_delay)) as address,
        pytest.raises(Overloaded),
    ):
        update(style.connect(address, retry=QUICK))
    assert len(attempts) == expected


def test_a_call_is_not_repeated_after_a_delay_beyond_its_deadline(style: Style) -> None:
    attempts: list[object] = []
    with (
        serving(GetConcert=functools.partial(overloaded, attempts, 90)) as address,
        pytest.raises(Overloaded) as caught,
    ):
        style.connect(address).get_concert(1)
    assert caught.value.retry_delay == 90
    assert len(attempts) == 1


def test_an_attempt_that_takes_too_long_is_repeated_within_the_deadline(style: Style) -> None:
    is_over = threading.Event()
    attempts: list[object] = []

    def wait_at_first(request: object, _: object) -> Concert:
        attempts.append(request)
        if len(attempts) == 1:
            is_over.wait(60)
        return Concert(id=1)

    with serving(GetConcert=wait_at_first) as address:
        client = style.connect(address, attempt_timeout=0.2, retry=RetryPolicy(max_attempts=100))
        assert client.get_concert(1).id == 1
        is_over.set()
    assert len(attempts) >= 2


def test_an_iterator_fetches_a_page_when_its_first_item_is_needed(style: Style) -> None:
    # A page without bookings is not the end.
    pages = {
        "": GetUserBookingsResponse(bookings=[Booking(id=1)], next_page_token="empty"),
        "empty": GetUserBookingsResponse(next_page_token="last"),
        "last": GetUserBookingsResponse(bookings=[Booking(id=2)]),
    }
    fetched: list[str] = []

    def get_user_bookings(request: Any, _: object) -> GetUserBookingsResponse:
        assert request.user_id == "nora"
        fetched.append(request.page_token)
        return pages[request.page_token]

    with serving(GetUserBookings=get_user_bookings) as address:
        bookings = style.connect(address).user_bookings(user_id="nora")
        assert fetched == []
        assert next(bookings).id == 1
        assert fetched == [""]
        assert [each.id for each in bookings] == [2]
    assert fetched == ["", "empty", "last"]


def test_a_cancelled_call_ends_in_the_service(style: Style) -> None:
    is_called, is_cancelled = threading.Event(), threading.Event()

    def wait(_: object, context: grpc.ServicerContext) -> Booking:
        context.add_callback(is_cancelled.set)
        is_called.set()
        is_cancelled.wait(60)
        return Booking()

    with serving(GetBooking=wait) as address:
        client = style.connect(address, attempt_timeout=3_600, timeout=3_600)
        style.cancel(client, lambda client: client.get_booking(1), lambda: is_called.wait(60))
        assert is_cancelled.wait(60)


def test_a_client_of_another_event_loop_is_refused() -> None:
    calls = 0

    def source() -> str:
        nonlocal calls
        calls += 1
        raise TimeoutError

    client = AsyncClient("http://localhost", token=source)
    with pytest.raises(TokenSourceFailed):
        asyncio.run(client.get_booking(1))
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(client.get_booking(1))
    assert calls == 1


# Python warns of a fork in a process with threads.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("client_class", [Client, AsyncClient])
def test_a_client_of_another_process_is_refused(client_class: type[Client] | type[AsyncClient]) -> None:
    client = client_class("http://localhost", timeout=1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            call = client.get_booking(1)
            asyncio.run(cast(Any, call))
        except RuntimeError as error:
            status = 0 if "another process" in str(error) else 1
        finally:
            os._exit(status)
    assert os.waitpid(child, 0) == (child, 0)


def test_a_call_whose_answer_no_thread_receives_ends_by_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    unstarted: list[threading.Thread] = []
    start, own = threading.Thread.start, threading.current_thread()

    # So an interrupt leaves the channel that comes after sending the call and before the thread starts.
    def start_later(thread: threading.Thread) -> None:
        if unstarted or threading.current_thread() is not own:
            start(thread)
        else:
            unstarted.append(thread)

    with serving(GetBooking=lambda *_: Booking(id=1)) as address, Client(address) as client:
        monkeypatch.setattr(threading.Thread, "start", start_later)
        with pytest.raises(DeadlineExceeded, match=address):
            client.get_booking(1, timeout=0.1)
        # Otherwise the channel cannot be closed.
        unstarted[0].start()
