"""The client for threads."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

import grpc

from ._bookings import BookingMethods
from ._call import Attempts, CallSettings, received, stubs_of
from ._channel import CHANNEL_OPTIONS, parse_address
from ._concerts import ConcertMethods
from ._convert import NoAnswer
from ._limits import LONGEST_SECONDS
from ._retry import DEFAULT_RETRY, RetryPolicy
from ._rpc import Intent, Response, SyncCaller
from ._token import LATE, Outcome, TokenCache, checked

#: Returns a token (JWT). It is called when there is no token yet, and when the service has refused
#: the one it had. Each call runs in its own thread. One that does not return within the client's `timeout` is
#: given up: its thread runs on, so the function needs its own timeout, and the next call of a method calls the
#: source again.
TokenSource = Callable[[], str]


class Client(ConcertMethods, BookingMethods, SyncCaller):
    """Calls a Frontrow service. Threads may share a client.

    Every call has a deadline, and is repeated if it fails in a way that may pass and repeating is
    safe. Errors are a FrontrowError, or one of its subclasses. An exception that interrupts a call,
    such as KeyboardInterrupt, cancels it.

    Arguments of many methods: `user_id` is the customer, and may be left out if the client has a
    token: then it is the token's subject. `request_id` is the key of a change that can be repeated
    safely, a UUID: by default each call makes one. `timeout` is how many seconds the call may take
    with all of its attempts: by default as many as the client has.
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
        timeout: how many seconds a call may take with all of its attempts, and the function for the
            token once.
        attempt_timeout: how many seconds one attempt may take.
        retry: how failed attempts are repeated.
        """
        self._settings = CallSettings(address, timeout, attempt_timeout, retry)
        self._tokens = TokenCache(token, partial(_ThreadFetch, timeout=timeout))
        self._closed = threading.Event()
        target, is_encrypted = parse_address(address)
        if is_encrypted:
            self._channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(), CHANNEL_OPTIONS)
        else:
            self._channel = grpc.insecure_channel(target, CHANNEL_OPTIONS)
        self._stubs = stubs_of(self._channel)

    def close(self) -> None:
        """Closes the connection. Calls that have not ended fail with the code CANCELLED, as do later
        ones.
        """
        self._closed.set()
        self._tokens.close()
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
        self._settings.check_process()
        token = self._tokens.get()
        # The deadline is later than that of the source, if the call has called it: the next call must
        # not wait for a source that did not return in time.
        attempts = Attempts(self._settings, intent)
        stub = self._stubs[intent.request.DESCRIPTOR.full_name]
        while True:
            fetched = token if isinstance(token, Outcome) else token.wait(attempts.seconds_left())
            headers = attempts.headers_with(fetched)
            timeout = attempts.seconds_for_attempt()
            try:
                call = stub.future(intent.request, timeout=timeout, metadata=headers)
            except ValueError:
                if not self._closed.is_set():
                    raise
                raise attempts.closed() from None
            try:
                response: Response = _result(call, timeout)
                return response
            except grpc.RpcError as thrown:
                seconds = attempts.seconds_after(
                    thrown, refuse_token=partial(self._tokens.refuse, fetched), is_closed=self._closed.is_set()
                )
            finally:
                # Cancels the call if an exception has interrupted the thread.
                call.cancel()
            self._closed.wait(seconds)
            token = self._tokens.get()


def _result(call: Any, timeout: float) -> Any:
    try:
        # gRPC ends the call by its timeout, unless an exception has interrupted it between sending a call and
        # starting the thread that receives the answers of all calls.
        return received(call.result(timeout + 1))
    except grpc.FutureTimeoutError:
        raise NoAnswer(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded") from None


class _ThreadFetch:
    """A call of a source in a separate thread, so that no call waits for it beyond its deadline."""

    def __init__(self, source: TokenSource, timeout: float) -> None:
        self._deadline = time.monotonic() + min(timeout, LONGEST_SECONDS)
        self._ended: Future[Outcome] = Future()
        threading.Thread(target=self._run, args=[source], name="frontrow token source", daemon=True).start()

    @property
    def outcome(self) -> Outcome | None:
        # Without a timer: it matters only to calls, which all ask here.
        if not self._ended.done() and time.monotonic() >= self._deadline:
            self.give_up(LATE)
        return self._ended.result() if self._ended.done() else None

    def wait(self, seconds: float) -> Outcome:
        """Waits until the source has returned, at most for so long."""
        wait([self._ended], min(seconds, max(0.0, self._deadline - time.monotonic())))
        return self.outcome or LATE

    def give_up(self, outcome: Outcome) -> None:
        # The first outcome counts.
        with suppress(InvalidStateError):
            self._ended.set_result(outcome)

    def _run(self, source: TokenSource) -> None:
        try:
            outcome = Outcome(text=checked(source()))
        except BaseException as error:
            outcome = Outcome(error=error)
        self.give_up(outcome)
