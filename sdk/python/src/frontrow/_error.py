"""The errors of calls. The classes for each reason are in `_errors_gen`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import grpc


@dataclass(frozen=True)
class Violation:
    """An invalid field of a request."""

    #: The field's path in the schema, such as `ticket_count`.
    field: str
    message: str


@dataclass(frozen=True)
class ErrorDetails:
    """What an error of a call has."""

    code: grpc.StatusCode
    message: str
    reason: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[Violation] = ()
    retry_delay: float | None = None
    request_id: str | None = None
    idempotency_key: str | None = None


class FrontrowError(Exception):
    """A call failed. A reason that this version knows has a class: catch `InsufficientTickets`, or
    compare `reason`.
    """

    #: The RPC code.
    code: grpc.StatusCode
    message: str
    #: Why the call failed, for programs, such as `INSUFFICIENT_TICKETS`. None if the service did
    #: not say.
    reason: str | None
    #: Facts about the error, such as `available`, as texts.
    metadata: Mapping[str, str]
    #: The invalid fields of the request.
    violations: Sequence[Violation]
    #: The seconds after which the service wants the call repeated.
    retry_delay: float | None
    #: The response's `x-request-id`, by which the service's log names the request. It is not the key.
    request_id: str | None
    #: The key of the call: its argument `request_id`, or the one that the client made. With this
    #: `request_id` the call can be repeated later. None for a method without keys.
    idempotency_key: str | None

    def __init__(self, details: ErrorDetails) -> None:
        # An error is unpickled from its arguments.
        super().__init__(details)
        self.code = details.code
        self.message = details.message
        self.reason = details.reason
        self.metadata = details.metadata
        self.violations = details.violations
        self.retry_delay = details.retry_delay
        self.request_id = details.request_id
        self.idempotency_key = details.idempotency_key

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.reason else self.message


class Unreachable(FrontrowError):
    """No Frontrow service answered: the connection failed, or something else is at the address."""


class TokenSourceFailed(FrontrowError):
    """The token source raised an error, or returned no token. The error is the `__cause__`. The next
    call calls the source again.
    """


class MalformedMetadata(Exception):
    """The metadata of an error lack a value that its reason has in the schema, or have one that is
    malformed.
    """


def text_of(details: ErrorDetails, key: str) -> str:
    """A value of an error's metadata that is a text."""
    value = details.metadata.get(key)
    if not value:
        raise MalformedMetadata(key)
    return value


def integer_of(details: ErrorDetails, key: str) -> int:
    """A value of an error's metadata that is a whole number."""
    try:
        return int(text_of(details, key))
    except ValueError:
        raise MalformedMetadata(key) from None


def instant_of(details: ErrorDetails, key: str) -> datetime:
    """A value of an error's metadata that is an instant."""
    try:
        instant = datetime.fromisoformat(text_of(details, key))
    except ValueError:
        raise MalformedMetadata(key) from None
    if instant.tzinfo is None:
        raise MalformedMetadata(key)
    return instant
