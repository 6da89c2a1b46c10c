"""The token of a client. Concurrent calls share one call of its source."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Pending(Protocol):
    """A token that is there or will be: a future of a thread or a task of asyncio. It is None for a
    client without tokens.
    """

    def done(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def exception(self) -> BaseException | None: ...
    def result(self) -> str | None: ...


_Pending = TypeVar("_Pending", bound=Pending)


class TokenCache(Generic[_Pending]):
    """Keeps the token until the service refuses it."""

    def __init__(self, start: Callable[[], _Pending], *, is_fixed: bool) -> None:
        """`start` calls the source. A fixed token has no other one after it."""
        self._start = start
        self._is_fixed = is_fixed
        self._lock = threading.Lock()
        self._current: _Pending | None = None

    def get(self) -> _Pending:
        """The token, which another call may be fetching."""
        with self._lock:
            # A source that failed is called again by the next call.
            if self._current is None or _has_failed(self._current):
                self._current = self._start()
            return self._current

    def refuse(self, token: _Pending) -> bool:
        """Forgets a token, unless another call has replaced it already. Returns whether the next one
        may be another one.
        """
        with self._lock:
            if self._current is token:
                self._current = None
        return not self._is_fixed


def _has_failed(token: Pending) -> bool:
    return token.done() and (token.cancelled() or token.exception() is not None)
