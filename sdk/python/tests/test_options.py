"""What clients and their methods refuse, and the limits of numbers."""

import math
from datetime import datetime
from typing import Any

import grpc
import pytest
from server import serving
from styles import Style

from frontrow import Booking, ErrorDetails, FrontrowError, GetUserBookingsResponse, RetryPolicy
from frontrow._retry import seconds_after


@pytest.mark.parametrize(
    "address",
    [
        *["127.0.0.1:8080", "localhost:8080", "ftp://localhost", "http://localhost/api", "http://localhost?a=b", ""],
        *[
            "http://user:secret@localhost",
            "http://user:secret@localhost:port",
            "http://user@localhost",
            "http://localhost:port",
            "https://",
            "http://:8080",
            "http://localhost:0",
        ],
        *[
            "http://localhost:65536",
            "http://localhost?",
            "http://localhost#",
            " http://localhost",
            "http://local\nhost",
        ],
    ],
)
def test_a_malformed_address_is_refused(style: Style, address: str) -> None:
    with pytest.raises(ValueError) as caught:
        style.connect(address)
    # It has no part of the address, which may have a password.
    rule = "the address must be a URL with http or https, without a path, a query or a user"
    assert str(caught.value) == rule
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "address", ["http://localhost", "HTTPS://localhost/", "http://[::1]:8080", "http://localhost:65535"]
)
def test_an_address_may_have_a_port_and_a_slash(style: Style, address: str) -> None:
    style.connect(address)


@pytest.mark.parametrize("number", [0, -1, math.nan, "5"])
def test_numbers_that_are_not_positive_are_refused(style: Style, number: Any) -> None:
    for option in ("timeout", "attempt_timeout"):
        with pytest.raises(ValueError, match=f"^{option} must be a positive number: "):
            style.connect("http://localhost", **{option: number})
    for field in ("max_attempts", "initial_backoff", "max_backoff"):
        with pytest.raises(ValueError, match=f"^{field} must be a positive number: "):
            RetryPolicy(**{field: number})
    client = style.connect("http://localhost")
    with pytest.raises(ValueError, match="^timeout must be a positive number: "):
        client.get_booking(1, timeout=number)


@pytest.mark.parametrize("seconds", [math.inf, 1e300])
def test_times_that_no_timer_can_hold_are_shortened(style: Style, seconds: float) -> None:
    attempts = []

    def lose_one(request: object, context: Any) -> Booking:
        attempts.append(request)
        if len(attempts) == 1:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        return Booking(id=1)

    with serving(GetBooking=lose_one) as address:
        client = style.connect(
            address,
            token=lambda: "token",
            timeout=seconds,
            attempt_timeout=seconds,
            retry=RetryPolicy(max_backoff=seconds),
        )
        assert client.get_booking(1).id == 1
        assert client.get_booking(1, timeout=seconds).id == 1


def waits(policy: RetryPolicy, attempt: int, retry_delay: float | None = None) -> list[float]:
    error = FrontrowError(ErrorDetails(grpc.StatusCode.UNAVAILABLE, "gone", retry_delay=retry_delay))
    return [seconds_after(policy, attempt, error) for _ in range(1_000)]


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.1), (2, 0.3), (3, 0.9), (4, 2), (1_000, 2)])
def test_a_wait_is_the_delay_of_the_service_and_a_random_time(attempt: int, longest: float) -> None:
    found = waits(RetryPolicy(), attempt, retry_delay=1.0)
    assert 1 <= min(found) < 1 + longest / 10
    assert 1 + longest * 0.9 < max(found) <= 1 + longest


def test_a_random_wait_has_a_limit() -> None:
    assert max(waits(RetryPolicy(initial_backoff=math.inf, max_backoff=math.inf), 1_000)) < 2**31


def test_arguments_that_the_schema_cannot_hold_are_refused(style: Style) -> None:
    client = style.connect("http://localhost")
    with pytest.raises(ValueError, match="must have a time zone"):
        client.list_concerts(date_from=datetime(2027, 1, 1))
    for ticket_count in (2**31, -(2**31) - 1):
        with pytest.raises(ValueError, match="out of range"):
            client.book_tickets(concert_id=1, ticket_count=ticket_count)
    with pytest.raises(ValueError, match="surrogates"):
        client.get_user_bookings(user_id="\udcff")
    for ttl_seconds in (math.inf, math.nan, 1e300):
        with pytest.raises(ValueError):
            client.hold(concert_id=1, ticket_count=1, ttl_seconds=ttl_seconds)


def test_a_page_that_names_itself_as_the_next_one_ends_the_iteration(style: Style) -> None:
    page = GetUserBookingsResponse(bookings=[Booking(id=1)], next_page_token="same")
    with serving(GetUserBookings=lambda *_: page) as address:
        bookings = style.connect(address).user_bookings(user_id="nora")
        assert [next(bookings).id, next(bookings).id] == [1, 1]
        with pytest.raises(FrontrowError, match="the page same names itself") as caught:
            next(bookings)
    assert caught.value.code.name == "INTERNAL"
