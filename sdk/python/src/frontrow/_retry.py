"""Which failed attempts are repeated, and when."""

import random
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from ._error import FrontrowError
from ._limits import LONGEST_SECONDS, check_positive
from ._requests import key_of
from .v1 import booking_service_pb2, concert_service_pb2

_BACKOFF_FACTOR = 3


@dataclass(frozen=True)
class RetryPolicy:
    """How failed attempts are repeated."""

    #: Attempts of one call in all; 1 for no repetition.
    max_attempts: int = 4
    #: The longest random wait before the second attempt, in seconds. Each further one is three
    #: times as long.
    initial_backoff: float = 0.1
    #: The longest random wait before any attempt, in seconds.
    max_backoff: float = 2.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check_positive(name, value)


DEFAULT_RETRY = RetryPolicy()


def seconds_after(policy: RetryPolicy, attempt: int, error: FrontrowError) -> float:
    """How long to wait after an attempt: the service's delay, and a random time so that clients do not
    repeat at once.
    """
    # A power of floats overflows after some hundred attempts.
    longest = min(policy.max_backoff, policy.initial_backoff * _BACKOFF_FACTOR ** min(attempt - 1, 20), LONGEST_SECONDS)
    return (error.retry_delay or 0.0) + random.uniform(0, longest)


#: The methods of the schema. No two have the same request message.
METHODS = {
    method.input_type.full_name: method
    for file in (booking_service_pb2, concert_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def is_retryable(error: FrontrowError, request: Message) -> bool:
    """Whether an attempt that failed may be repeated."""
    # The service sends a delay only if repeating is safe.
    if error.retry_delay is not None:
        return True
    passing = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    return error.code in passing and _is_repeatable(request)


def _is_repeatable(request: Message) -> bool:
    """Whether repeating is safe although the service may have done its work."""
    method = METHODS[request.DESCRIPTOR.full_name]
    is_idempotent: bool = method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
    return is_idempotent or key_of(request) is not None
