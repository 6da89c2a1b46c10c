"""What the calls of both clients do alike."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from ._convert import NoAnswer, to_frontrow_error
from ._error import ErrorDetails, FrontrowError, TokenSourceFailed
from ._errors_gen import DeadlineExceeded
from ._limits import LONGEST_SECONDS, check_positive
from ._requests import key_of
from ._retry import METHODS, RetryPolicy, is_retryable, seconds_after
from ._rpc import Intent, Response
from ._token import CLOSED, LATE, Outcome
from .v1.booking_service_pb2_grpc import BookingServiceStub
from .v1.concert_service_pb2_grpc import ConcertServiceStub


@dataclass(frozen=True)
class CallSettings:
    """What the calls of a client have in common."""

    #: The service's URL, for messages.
    address: str
    timeout: float
    attempt_timeout: float
    retry: RetryPolicy
    _process_id: int = field(default_factory=os.getpid)

    def __post_init__(self) -> None:
        check_positive("timeout", self.timeout)
        check_positive("attempt_timeout", self.attempt_timeout)

    def check_process(self) -> None:
        """Raises RuntimeError after a fork: gRPC's threads are not in the new process."""
        if self._process_id != os.getpid():
            raise RuntimeError("the client belongs to another process: make one in each process")


def stubs_of(channel: grpc.Channel | grpc.aio.Channel) -> dict[str, Any]:
    """The methods of the generated stubs by the full names of their request messages."""
    services = {
        "frontrow.v1.BookingService": BookingServiceStub(channel),
        "frontrow.v1.ConcertService": ConcertServiceStub(channel),
    }
    return {
        request: getattr(services[method.containing_service.full_name], method.name)
        for request, method in METHODS.items()
    }


def received(response: Response | None) -> Response:
    """The response of an attempt. gRPC returns None for a success without a message of the schema."""
    if response is None:
        raise NoAnswer(grpc.StatusCode.UNAVAILABLE, "the response has no message of the schema")
    return response


class Attempts:
    """The attempts of one call, its deadline and its errors."""

    def __init__(self, settings: CallSettings, intent: Intent[Any]) -> None:
        self._settings = settings
        self._request = intent.request
        self._key = key_of(intent.request)
        timeout = settings.timeout if intent.timeout is None else intent.timeout
        self._deadline = time.monotonic() + min(timeout, LONGEST_SECONDS)
        self._attempt = 1
        self._is_refreshed = False

    def seconds_left(self) -> float:
        """How long the call may go on."""
        return max(0.0, self._deadline - time.monotonic())

    def seconds_for_attempt(self) -> float:
        """How long the next attempt may take."""
        return min(self._settings.attempt_timeout, self.seconds_left())

    def headers_with(self, token: Outcome) -> tuple[tuple[str, str], ...]:
        """The headers of an attempt. Raises the call's error if there is no token for it."""
        if token is LATE:
            code = grpc.StatusCode.DEADLINE_EXCEEDED
            details = ErrorDetails(code, str(token.error), reason=code.name, idempotency_key=self._key)
            raise DeadlineExceeded(details)
        if token is CLOSED:
            raise self.closed()
        if token.error:
            # Some errors, such as TimeoutError, are empty texts.
            message = f"the token source failed: {token.error!r}"
            details = ErrorDetails(grpc.StatusCode.UNAUTHENTICATED, message, idempotency_key=self._key)
            raise TokenSourceFailed(details) from token.error
        return () if token.text is None else (("authorization", f"Bearer {token.text}"),)

    def closed(self) -> FrontrowError:
        """The error of a call that the client's end has ended."""
        message = "the client is closed"
        return FrontrowError(ErrorDetails(grpc.StatusCode.CANCELLED, message, idempotency_key=self._key))

    def seconds_after(self, thrown: grpc.RpcError, *, refuse_token: Callable[[], bool], is_closed: bool) -> float:
        """How long to wait after an attempt that failed. Raises its error if it was the last one.

        `refuse_token` forgets the token, and returns whether the next one may be another one.
        """
        error = to_frontrow_error(thrown, self._settings.address, self._key)
        if is_closed:
            # If the service has answered, its error is raised.
            raise (error if error.reason else self.closed()) from thrown
        # A gateway before the service may refuse the token, too.
        if error.code is grpc.StatusCode.UNAUTHENTICATED and not self._is_refreshed and refuse_token():
            self._is_refreshed = True
            return 0.0
        seconds = seconds_after(self._settings.retry, self._attempt, error)
        is_last = self._attempt >= self._settings.retry.max_attempts
        if is_last or not is_retryable(error, self._request) or seconds >= self.seconds_left():
            raise error from thrown
        self._attempt += 1
        return seconds
