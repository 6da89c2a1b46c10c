"""When the end of a scope releases its hold."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
import pytest
from server import fail, serving
from styles import Style

from frontrow import (
    AsyncClient,
    AsyncHold,
    Booking,
    BookingStatus,
    Client,
    FrontrowError,
    RetryPolicy,
    TokenSourceFailed,
)

HELD = Booking(id=1, status=BookingStatus.BOOKING_STATUS_HELD)
CONFIRMED = Booking(id=1, status=BookingStatus.BOOKING_STATUS_CONFIRMED)
RELEASED = Booking(id=1, status=BookingStatus.BOOKING_STATUS_RELEASED)
ONCE = RetryPolicy(max_attempts=1)


class Releases:
    """Handlers of a service, which count the releases."""

    def __init__(self, **handlers: Any) -> None:
        self.count = 0
        self.handlers = {"HoldTickets": lambda *_: HELD, "ReleaseHold": self._release, **handlers}

    def _release(self, *_: object) -> Booking:
        self.count += 1
        return RELEASED


@pytest.mark.parametrize(("confirms", "expected"), [(True, 0), (False, 1)])
def test_the_end_of_a_scope_releases_a_hold_unless_it_was_confirmed(
    style: Style, confirms: bool, expected: int
) -> None:
    releases = Releases(ConfirmHold=lambda *_: CONFIRMED, ExtendHold=lambda *_: HELD)
    with (
        serving(**releases.handlers) as address,
        style.connect(address, timeout=5).hold(concert_id=1, ticket_count=1) as hold,
    ):
        hold.extend(60)
        if confirms:
            hold.confirm()
            assert hold.booking == CONFIRMED
    assert releases.count == expected


def refusing(code: grpc.StatusCode, reason: str, retry_delay: float | None = None) -> Callable[[Any, Any], NoReturn]:
    return lambda _, context: fail(context, code, reason, retry_delay=retry_delay)


def dropping(_: object, context: grpc.ServicerContext) -> NoReturn:
    context.abort(grpc.StatusCode.UNAVAILABLE, "gone")


def replacing(_: object, context: grpc.ServicerContext) -> NoReturn:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "no such method")


REFUSAL = refusing(grpc.StatusCode.FAILED_PRECONDITION, "PAYMENT_REQUIRED")
UNKNOWN = refusing(grpc.StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([refusing(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")], 0),
        ([UNKNOWN], 0),
        ([refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", 0.001)], 0),
        ([refusing(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")], 0),
        ([dropping], 0),
        ([replacing], 0),
        ([REFUSAL], 1),
        ([UNKNOWN, REFUSAL], 1),
        ([REFUSAL, UNKNOWN], 0),
    ],
)
def test_a_hold_is_kept_if_its_last_confirm_may_have_succeeded(
    style: Style, answers: list[Callable[[Any, Any], NoReturn]], expected: int
) -> None:
    left = iter(answers)
    releases = Releases(ConfirmHold=lambda *call: next(left)(*call))
    with (
        serving(**releases.handlers) as address,
        style.connect(address, retry=ONCE).hold(concert_id=1, ticket_count=1) as hold,
    ):
        for _ in answers:
            with pytest.raises(FrontrowError):
                hold.confirm()
    assert releases.count == expected


def test_a_hold_is_kept_if_its_last_confirm_has_no_token(style: Style) -> None:
    tokens = iter(["one", "", "three"])
    releases = Releases(ConfirmHold=refusing(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"))
    with (
        serving(**releases.handlers) as address,
        style.connect(address, token=lambda: next(tokens)).hold(concert_id=1, ticket_count=1) as hold,
        pytest.raises(TokenSourceFailed),
    ):
        hold.confirm()
    assert (releases.count, next(tokens)) == (0, "three")


def test_a_hold_is_kept_if_its_last_confirm_is_cancelled(style: Style) -> None:
    is_called, is_over = threading.Event(), threading.Event()

    def wait(*_: object) -> Booking:
        is_called.set()
        is_over.wait(60)
        return CONFIRMED

    releases = Releases(ConfirmHold=wait)
    with serving(**releases.handlers) as address:
        client = style.connect(address, timeout=60, attempt_timeout=60)
        with client.hold(concert_id=1, ticket_count=1) as hold:
            style.cancel(hold, lambda hold: hold.confirm(), lambda: is_called.wait(60))
        is_over.set()
    assert releases.count == 0


def test_a_hold_is_kept_while_its_confirm_has_not_ended(style: Style) -> None:
    is_called, is_over = threading.Event(), threading.Event()

    def wait(*_: object) -> Booking:
        is_called.set()
        is_over.wait(60)
        return CONFIRMED

    releases = Releases(ConfirmHold=wait)
    with serving(**releases.handlers) as address, ThreadPoolExecutor() as threads:
        with style.connect(address, timeout=60, attempt_timeout=60).hold(concert_id=1, ticket_count=1) as hold:
            confirmed = threads.submit(hold.confirm)
            is_called.wait(60)
        is_over.set()
        assert confirmed.result() == CONFIRMED
    assert releases.count == 0


def test_a_failed_release_leaves_the_error_of_the_block(style: Style) -> None:
    handlers = {"HoldTickets": lambda *_: HELD, "ReleaseHold": dropping}
    with (
        serving(**handlers) as address,
        pytest.raises(ZeroDivisionError),
        style.connect(address, retry=ONCE).hold(concert_id=1, ticket_count=1),
    ):
        raise ZeroDivisionError


@pytest.mark.parametrize("cancellations", [1, 2])
def test_a_hold_is_released_when_its_task_is_cancelled(cancellations: int) -> None:
    is_releasing, is_over = threading.Event(), threading.Event()

    def release(*_: object) -> Booking:
        is_releasing.set()
        is_over.wait(60)
        return RELEASED

    async def leave(address: str) -> None:
        entered: asyncio.Future[AsyncHold] = asyncio.get_running_loop().create_future()

        async def stay(client: AsyncClient) -> None:
            async with client.hold(concert_id=1, ticket_count=1) as hold:
                entered.set_result(hold)
                await asyncio.Event().wait()

        async with AsyncClient(address, timeout=60, attempt_timeout=60) as client, asyncio.timeout(60):
            task = asyncio.ensure_future(stay(client))
            hold = await entered
            task.cancel()
            await asyncio.to_thread(is_releasing.wait, 60)
            if cancellations == 2:
                task.cancel()
                await asyncio.wait([task])
            is_over.set()
            await asyncio.wait([task])
            assert task.cancelled()
            while hold.booking != RELEASED:
                await asyncio.sleep(0.001)

    with serving(HoldTickets=lambda *_: HELD, ReleaseHold=release) as address:
        asyncio.run(leave(address))


def test_a_hold_is_released_when_its_thread_is_interrupted() -> None:
    releases = Releases()
    with (
        serving(**releases.handlers) as address,
        Client(address) as client,
        pytest.raises(KeyboardInterrupt),
        client.hold(concert_id=1, ticket_count=1),
    ):
        raise KeyboardInterrupt
    assert releases.count == 1
