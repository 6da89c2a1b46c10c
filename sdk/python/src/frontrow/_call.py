"""What the calls of both clients do alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from ._convert import to_frontrow_error
from ._error import ErrorDetails
from ._errors_gen import DeadlineExceeded, Unauthenticated
from ._retry import METHODS, RetryPolicy, is_retryable
from ._token import Pending
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


def headers_with(token: Pending) -> tuple[tuple[str, str], ...]:
    """The headers of a call. Raises the error of the token's source, or DeadlineExceeded if the source
    has not returned yet.
    """
    if not token.done():
        code = grpc.StatusCode.DEADLINE_EXCEEDED
        message = "the token source did not return before the deadline of the call"
        raise DeadlineExceeded(ErrorDetails(code, message, reason=code.name))
    bearer = token.result()
    return () if bearer is None else (("authorization", f"Bearer {bearer}"),)


class Attempts:
    """The attempts of one call, and its deadline."""

    def __init__(self, settings: CallSettings, request: Message, timeout: float | None) -> None:
        self._settings = settings
        self._request = request
        self._deadline = time.monotonic() + (settings.timeout if timeout is None else timeout)
        self._attempt = 1
        self._is_refreshed = False

    def seconds_left(self) -> float:
        """How long the call may go on."""
        return max(0.0, self._deadline - time.monotonic())

    def seconds_for_attempt(self) -> float:
        """How long the next attempt may take."""
        return min(self._settings.attempt_timeout, self.seconds_left())

    def seconds_after(self, thrown: grpc.RpcError, refuse_token: Callable[[], bool]) -> float:
        """How long to wait after an attempt that failed. Raises its error if it was the last one.

        `refuse_token` forgets the token, and returns whether the next one may be another one.
        """
        error = to_frontrow_error(thrown, self._settings.address)
        if isinstance(error, Unauthenticated) and not self._is_refreshed and refuse_token():
            self._is_refreshed = True
            return 0.0
        seconds = self._settings.retry.seconds_after(self._attempt, error)
        is_last = self._attempt >= self._settings.retry.max_attempts
        if is_last or not is_retryable(error, self._request) or seconds >= self.seconds_left():
            raise error from thrown
        self._attempt += 1
        return seconds
