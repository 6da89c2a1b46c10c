"""The token of a client. Concurrent calls share one call of its source."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a call of the source has ended."""

    #: The token. None for a client without tokens.
    text: str | None = None
    error: BaseException | None = None


#: The source did not return in time.
LATE = Outcome(error=TimeoutError("the token source did not return in time"))
#: The client was closed.
CLOSED = Outcome(error=RuntimeError("the client is closed"))


class Fetch(Protocol):
    """One call of the source, which is given up after the client's timeout."""

    @property
    def outcome(self) -> Outcome | None:
        """None while the source has not returned."""

    def give_up(self, outcome: Outcome) -> None:
        """Ends the waits for the source with this outcome, unless it has one."""


_Source = TypeVar("_Source", bound=Callable[[], object])
_Fetch = TypeVar("_Fetch", bound=Fetch)


class TokenCache(Generic[_Source, _Fetch]):
    """Keeps the token until the service refuses it."""

    def __init__(self, token: str | _Source | None, fetch: Callable[[_Source], _Fetch]) -> None:
        """`token` is a fixed one, or a source, which `fetch` calls."""
        #: A fixed token is never replaced.
        self._fixed: Outcome | None = None
        if token is None:
            self._fixed = Outcome()
        elif isinstance(token, str) or not callable(token):
            self._fixed = Outcome(text=checked(token))
        else:
            self._start = partial(fetch, token)
        # A signal's handler may close the client in the thread that has the lock.
        self._lock = threading.RLock()
        self._current: _Fetch | None = None

    def get(self) -> Outcome | _Fetch:
        """The token, or the call of the source that fetches it."""
        with self._lock:
            if self._fixed:
                return self._fixed
            outcome = self._current and self._current.outcome
            # A source that failed is called again by the next call.
            if self._current is None or (outcome and outcome.error):
                self._current = self._start()
                return self._current
            return outcome or self._current

    def refuse(self, token: Outcome) -> bool:
        """Forgets a token, unless another call has replaced it already. Returns whether the next one
        may be another one.
        """
        with self._lock:
            if self._current and self._current.outcome is token:
                self._current = None
            return self._fixed is None

    def close(self) -> None:
        """Ends the waits for the source, which is not called again."""
        with self._lock:
            self._fixed = CLOSED
            if self._current:
                self._current.give_up(CLOSED)


def checked(token: object) -> str:
    """A token that a header can have. The text of another one is in no message: it may be a secret."""
    if not isinstance(token, str):
        raise TypeError(f"the token is not a string but of the type {type(token).__name__}")
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError(
            "the token is empty, or has a space, a line break or another character that no token has: "
            "give it without `Bearer`"
        )
    return token
