"""What the clients do with answers that the running service gives rarely."""

import asyncio
import functools
import re
import threading
import uuid
from datetime import UTC, datetime
from typing import Any, NoReturn

import grpc
import pytest
from server import fail, serving
from styles import Asyncio, Style

from frontrow import (
    AsyncClient,
    Booking,
    BookingStatus,
    Client,
    Concert,
    DeadlineExceeded,
    GetUserBookingsResponse,
    Overloaded,
    RetryPolicy,
    Unauthenticated,
)
from frontrow.v1 import booking_service_pb2, concert_service_pb2

QUICK = RetryPolicy(initial_backoff=0.001)


def book(client: Client) -> Booking:
    return client.book_tickets(concert_id=1, user_id="nora", ticket_count=1)


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
    now = datetime.now(UTC)
    with (
        serving(UpdateConcert=functools.partial(overloaded, attempts, retry_delay)) as address,
        pytest.raises(Overloaded),
    ):
        style.connect(address, retry=QUICK).update_concert(
            1,
            version=1,
            name="Moonlight",
            artist="The Larks",
            venue="Old Mill",
            concert_date=now,
            total_tickets=1,
            price=1,
            currency_code="EUR",
            booking_start_time=now,
            booking_end_time=now,
        )
    assert len(attempts) == expected


def test_a_call_is_not_repeated_after_a_delay_beyond_its_deadline(style: Style) -> None:
    attempts: list[object] = []
    with (
        serving(GetConcert=functools.partial(overloaded, attempts, 0.9)) as address,
        pytest.raises(Overloaded) as caught,
    ):
        style.connect(address).get_concert(1, timeout=0.5)
    assert caught.value.retry_delay == 0.9
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
        assert style.connect(address, attempt_timeout=0.2).get_concert(1).id == 1
        is_over.set()
    assert len(attempts) == 2


def test_an_error_of_the_token_source_fails_the_call_and_the_next_one_calls_it_again(style: Style) -> None:
    calls = 0

    def source() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise TimeoutError("no network")
        return "token"

    with serving(GetBooking=lambda *_: Booking()) as address:
        client = style.connect(address, token=source)
        with pytest.raises(TimeoutError, match="no network"):
            client.get_booking(1)
        client.get_booking(1)
    assert calls == 2


def test_a_token_source_that_does_not_end_is_bounded_by_the_deadline(style: Style) -> None:
    is_over = threading.Event()

    def wait() -> str:
        is_over.wait(60)
        return "token"

    async def wait_async() -> str:
        return await asyncio.to_thread(wait)

    token = wait_async if isinstance(style, Asyncio) else wait
    with serving() as address, pytest.raises(DeadlineExceeded, match="token source"):
        style.connect(address, token=token, timeout=0.02).get_booking(1)
    is_over.set()


def tokens_refused(style: Style, token: object) -> list[object]:
    """The tokens that a call sends to a service that refuses them."""
    seen: list[object] = []

    def refuse(_: object, context: Any) -> NoReturn:
        seen.append(dict(context.invocation_metadata())["authorization"])
        fail(context, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")

    with serving(GetBooking=refuse) as address, pytest.raises(Unauthenticated):
        style.connect(address, token=token).get_booking(1)
    return seen


def test_a_token_source_is_called_once_more_by_a_call_whose_new_token_is_refused_as_well(style: Style) -> None:
    tokens = iter(["one", "two", "three"])
    assert tokens_refused(style, lambda: next(tokens)) == ["Bearer one", "Bearer two"]


def test_a_fixed_token_is_never_tried_twice(style: Style) -> None:
    assert tokens_refused(style, "one") == ["Bearer one"]


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


@pytest.mark.parametrize(("confirms", "expected"), [(True, 0), (False, 1)])
def test_the_end_of_a_scope_releases_a_hold_unless_it_was_confirmed(
    style: Style, confirms: bool, expected: int
) -> None:
    released: list[object] = []
    held = Booking(id=1, status=BookingStatus.BOOKING_STATUS_HELD)
    confirmed = Booking(id=1, status=BookingStatus.BOOKING_STATUS_CONFIRMED)
    handlers = {"HoldTickets": lambda *_: held, "ConfirmHold": lambda *_: confirmed, "ExtendHold": lambda *_: held}
    with (
        serving(**handlers, ReleaseHold=lambda request, _: released.append(request)) as address,
        style.connect(address, timeout=1).hold(concert_id=1, ticket_count=1) as hold,
    ):
        hold.extend(60)
        if confirms:
            hold.confirm()
            assert hold.booking == confirmed
    assert len(released) == expected


def test_a_cancelled_call_ends_in_the_service(style: Style) -> None:
    is_called, is_cancelled = threading.Event(), threading.Event()

    def wait(_: object, context: grpc.ServicerContext) -> Booking:
        context.add_callback(is_cancelled.set)
        is_called.set()
        is_cancelled.wait(60)
        return Booking()

    with serving(GetBooking=wait) as address:
        client = style.connect(address, attempt_timeout=60, timeout=60)
        style.cancel(client, lambda client: client.get_booking(1), lambda: is_called.wait(60))
        assert is_cancelled.wait(5)


@pytest.mark.parametrize(
    "address",
    [
        *["127.0.0.1:8080", "localhost:8080", "ftp://localhost", "http://localhost/api", "http://localhost?a=b", ""],
        *["http://user@localhost", "http://localhost:port", "https://"],
    ],
)
def test_a_malformed_address_is_refused(style: Style, address: str) -> None:
    with pytest.raises(ValueError, match="the address must be a URL"):
        style.connect(address)


def test_a_datetime_without_a_time_zone_is_refused(style: Style) -> None:
    with pytest.raises(ValueError, match="must have a time zone"):
        style.connect("http://localhost").list_concerts(date_from=datetime(2027, 1, 1))
