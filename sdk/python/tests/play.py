"""What the functions of the scenarios share."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from stage import Addresses, Stage
from styles import Style

from frontrow import Booking, Client

Value = TypeVar("Value")


@dataclass(frozen=True)
class Cast:
    """What a scenario has."""

    stage: Stage
    addresses: Addresses
    style: Style
    #: A client of the service without tokens.
    client: Client
    #: The numbers and names of the scenario.
    figures: dict[str, Any]


def new_user() -> str:
    """A user without bookings."""
    return f"user {uuid.uuid4()}"


def bookings_of(client: Client, user_id: str) -> list[Booking]:
    return list(client.user_bookings(user_id=user_id))


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fails if the block takes longer."""
    started = time.monotonic()
    yield
    taken = time.monotonic() - started
    assert taken < seconds, f"it took {taken} s"


def until(read: Callable[[], Value], is_good: Callable[[Value], bool]) -> Value:
    """Repeats a read until its value is good."""
    end = time.monotonic() + 20
    while not is_good(value := read()):
        assert time.monotonic() < end, "the awaited value did not come within 20 s"
    return value
