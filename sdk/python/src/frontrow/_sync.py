"""The client for threads."""

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Self

import grpc

from ._bookings import BookingMethods
from ._call import Attempts, CallSettings, headers_with, stubs_of
from ._channel import CHANNEL_OPTIONS, parse_address
from ._concerts import ConcertMethods
from ._retry import DEFAULT_RETRY, RetryPolicy
from ._rpc import Intent, Response, SyncCaller
from ._token import TokenCache

#: Returns a token (JWT). It is called when there is no token yet, and when the service has refused
#: the one it had.
TokenSource = Callable[[], str]


class Client(ConcertMethods, BookingMethods, SyncCaller):
    """Calls a Frontrow service. Threads may share a client.

    Every call has a deadline, and is repeated if it fails in a way that may pass and repeating is
    safe. Errors are a FrontrowError, or one of its subclasses. An exception that interrupts a call,
    such as KeyboardInterrupt, cancels it.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | TokenSource | None = None,
        timeout: float = 10.0,
        attempt_timeout: float = 4.0,
        retry: RetryPolicy = DEFAULT_RETRY,
    ) -> None:
        """Makes a client of the service at a URL without a path, such as `https://tickets.example`.

        token: a token (JWT), or a function that returns one. None for a service without tokens.
        timeout: how many seconds a call may take with all of its attempts.
        attempt_timeout: how many seconds one attempt may take.
        retry: how failed attempts are repeated.
        """
        target, is_encrypted = parse_address(address)
        if is_encrypted:
            self._channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(), CHANNEL_OPTIONS)
        else:
            self._channel = grpc.insecure_channel(target, CHANNEL_OPTIONS)
        self._stubs = stubs_of(self._channel)
        self._settings = CallSettings(address, timeout, attempt_timeout, retry)
        self._tokens = TokenCache(lambda: _fetch(token), is_fixed=not callable(token))

    def close(self) -> None:
        """Closes the connection. Calls that have not ended fail."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _call(self, intent: Intent[Response]) -> Response:
        attempts = Attempts(self._settings, intent.request, intent.timeout)
        stub = self._stubs[intent.request.DESCRIPTOR.full_name]
        while True:
            token = self._tokens.get()
            wait([token], attempts.seconds_left())
            headers = headers_with(token)
            call = stub.future(intent.request, timeout=attempts.seconds_for_attempt(), metadata=headers)
            try:
                response: Response = call.result()
                return response
            except grpc.RpcError as thrown:
                seconds = attempts.seconds_after(thrown, functools.partial(self._tokens.refuse, token))
            finally:
                # Cancels the call if an exception has interrupted the thread.
                call.cancel()
            time.sleep(seconds)


def _fetch(token: str | TokenSource | None) -> Future[str | None]:
    """Calls a source in a separate thread, so that no call waits for it beyond its deadline."""
    future: Future[str | None] = Future()
    if not callable(token):
        future.set_result(token)
        return future

    def run() -> None:
        try:
            future.set_result(token())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="frontrow token source", daemon=True).start()
    return future
