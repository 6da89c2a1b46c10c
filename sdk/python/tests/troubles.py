"""The scenarios about overload, tokens, lost servers, wrong addresses and cancellation."""

import functools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from play import Cast, at_most, bookings_of, new_user

from frontrow import (
    Booking,
    DeadlineExceeded,
    FrontrowError,
    RateLimited,
    RetryPolicy,
    Unauthenticated,
    Unreachable,
    new_request_id,
)


def overload_with_retryinfo(cast: Cast) -> None:
    stage, figures = cast.stage, cast.figures
    retry = RetryPolicy(max_attempts=figures["max_attempts"])
    client = cast.style.connect(cast.addresses.strict, token=stage.token(new_user()), retry=retry)
    concert_id = stage.concert()
    stage.lock(concert_id)
    with ThreadPoolExecutor() as threads:
        unfinished = threads.submit(client.book_tickets, concert_id=concert_id, ticket_count=1)
        stage.blocked(concert_id)
        earlier = stage.requests("strict")
        started = time.monotonic()
        with pytest.raises(RateLimited) as caught:
            client.book_tickets(concert_id=concert_id, ticket_count=1)
        assert time.monotonic() - started >= figures["at_least_seconds"]
        assert stage.requests("strict") - earlier == figures["max_attempts"]
        assert caught.value.reason == figures["error"]
        stage.unlock(concert_id)
        booking = unfinished.result()

    assert client.get_booking(booking.id) == booking
    with at_most(figures["at_once_seconds"]), pytest.raises(RateLimited) as caught:
        client.get_booking(booking.id)
    assert (caught.value.retry_delay or 0) > figures["longer_than_seconds"]


def token_refresh(cast: Cast) -> None:
    stage, figures = cast.stage, cast.figures
    user = new_user()
    tokens = [stage.token(user, expires_in_seconds=-3_600), stage.token(user)]
    sent: list[str] = []

    def source() -> str:
        sent.append(tokens[len(sent)])
        return sent[-1]

    client = cast.style.connect(cast.addresses.tokens, token=source)
    with ThreadPoolExecutor() as threads:
        calls = [threads.submit(client.get_user_bookings) for _ in range(figures["calls"])]
    for call in calls:
        call.result()
    assert len(sent) == figures["source_calls"]


def restart_of_the_server_in_the_middle(cast: Cast) -> None:
    stage, figures = cast.stage, cast.figures
    client = cast.style.connect(
        stage.start_service(),
        retry=RetryPolicy(max_attempts=figures["max_attempts"]),
        timeout=figures["timeout_seconds"],
    )
    concert_id, user_id, request_id = stage.concert(), new_user(), new_request_id()
    order = functools.partial(client.book_tickets, concert_id=concert_id, user_id=user_id, ticket_count=1)

    def book_during_restart() -> Booking:
        stage.lock(concert_id)
        with ThreadPoolExecutor() as threads:
            in_flight = threads.submit(order, request_id=request_id)
            stage.blocked(concert_id)
            stage.restart_service()
            stage.unlock(concert_id)
            return in_flight.result()

    made: list[Booking] = []
    while len(made) < figures["calls"]:
        made.append(book_during_restart() if len(made) == figures["restart_after"] else order())
    assert order(request_id=request_id) == made[figures["restart_after"]]
    made.reverse()
    assert bookings_of(client, user_id) == made
    assert len(made) == figures["bookings"]


def wrong_address(cast: Cast) -> None:
    figures, addresses = cast.figures, cast.addresses
    connect, timeout = cast.style.connect, figures["timeout_seconds"]
    for address, expected in [
        (addresses.closed, Unreachable),
        (addresses.foreign, Unreachable),
        (addresses.silent, DeadlineExceeded),
    ]:
        with at_most(figures["at_most_seconds"]), pytest.raises(FrontrowError) as caught:
            connect(address, timeout=timeout).get_concert(1)
        assert isinstance(caught.value, expected), f"{address}: {caught.value!r}"
        if expected is Unreachable:
            assert address in caught.value.message
    assert caught.value.reason == figures["silent_error"]
    with pytest.raises(ValueError, match="the address must be a URL"):
        connect(figures["malformed"])


def refused_token(cast: Cast) -> None:
    figures = cast.figures
    token: str = figures["token"]
    calls = 0

    def source() -> str:
        nonlocal calls
        calls += 1
        return token

    for given, requests in ((token, figures["requests"]), (source, figures["source_calls"])):
        client = cast.style.connect(cast.addresses.tokens, token=given)
        earlier = cast.stage.requests("tokens")
        with at_most(figures["at_most_seconds"]), pytest.raises(Unauthenticated) as caught:
            client.get_user_bookings()
        assert caught.value.reason == figures["error"]
        assert cast.stage.requests("tokens") - earlier == requests
    assert calls == figures["source_calls"]


def cancellation(cast: Cast) -> None:
    stage = cast.stage
    # The end of an attempt would cancel the request, too.
    client = cast.style.connect(cast.addresses.plain, timeout=3_600, attempt_timeout=3_600)
    concert_id, ticket_count = stage.concert(), cast.figures["tickets"]
    stage.lock(concert_id)
    with at_most(cast.figures["at_most_seconds"]):
        cast.style.cancel(
            client,
            lambda client: client.book_tickets(concert_id=concert_id, user_id=new_user(), ticket_count=ticket_count),
            lambda: stage.blocked(concert_id),
        )
        stage.cancelled(concert_id)
    stage.unlock(concert_id)
    assert client.get_concert(concert_id).id == concert_id
