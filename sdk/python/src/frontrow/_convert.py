"""gRPC's errors as those of this package."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from ._error import ErrorDetails, FrontrowError, MalformedMetadata, Unreachable, Violation
from ._errors_gen import ERRORS_BY_REASON

#: The domain of the google.rpc.ErrorInfo of Frontrow's errors.
_DOMAIN = "frontrow"

#: Frontrow's errors have a reason. Another one with such a code is that of a stream: HTTP/2 ends one with
#: CANCEL or INTERNAL_ERROR.
_LOST_STREAM = (grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)

#: How gRPC describes the answer of a web server, such as a gateway. That with the status 400 is INTERNAL, too.
_WEB_ANSWER = re.compile(r"http2 header with status: \d")

_Detail = TypeVar("_Detail", bound=Message)
_Metadata = Iterable[tuple[str, str | bytes]] | None


class _Failure(Protocol):
    """What the errors of both kinds of channels have."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def initial_metadata(self) -> _Metadata: ...
    def trailing_metadata(self) -> _Metadata: ...


class NoAnswer(grpc.RpcError):
    """An attempt without an answer of which the channel raised no error."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return str(self)

    def initial_metadata(self) -> tuple[()]:
        return ()

    trailing_metadata = initial_metadata


def to_frontrow_error(thrown: grpc.RpcError, address: str, idempotency_key: str | None) -> FrontrowError:
    """Turns what a channel raised into an error of this package."""
    failure = cast(_Failure, thrown)
    metadata = dict([*(failure.initial_metadata() or ()), *(failure.trailing_metadata() or ())])
    status = _status_of(metadata)
    request_id = metadata.get("x-request-id")
    details = ErrorDetails(
        code=failure.code(),
        message=failure.details() or "",
        violations=[
            Violation(violation.field, violation.description)
            for detail in _details_of(status, BadRequest)
            for violation in detail.field_violations
        ],
        request_id=request_id if isinstance(request_id, str) else None,
        idempotency_key=idempotency_key,
    )
    for info in _details_of(status, ErrorInfo):
        if info.domain == _DOMAIN and info.reason:
            retry_delay = next(map(_seconds_of, _details_of(status, RetryInfo)), None)
            return _with_reason(
                replace(details, reason=info.reason, metadata=dict(info.metadata), retry_delay=retry_delay)
            )
    if details.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        message = f"the service at {address} did not answer in time: {details.message}"
        return _with_reason(replace(details, reason=details.code.name, message=message))
    is_lost = details.code in _LOST_STREAM and not _WEB_ANSWER.search(details.message)
    code = grpc.StatusCode.UNAVAILABLE if is_lost else details.code
    message = f"no Frontrow service answers at {address}: {details.message}"
    return Unreachable(replace(details, code=code, message=message))


def _seconds_of(info: RetryInfo) -> float:
    # A timedelta does not hold all durations.
    return max(0.0, info.retry_delay.seconds + info.retry_delay.nanos / 1e9)


def _with_reason(details: ErrorDetails) -> FrontrowError:
    """An error of its reason's class. One with an unknown reason, or without the reason's metadata,
    is a FrontrowError.
    """
    try:
        return ERRORS_BY_REASON.get(details.reason or "", FrontrowError)(details)
    except MalformedMetadata:
        return FrontrowError(details)


def _status_of(metadata: dict[str, str | bytes]) -> Status:
    value = metadata.get("grpc-status-details-bin")
    try:
        return Status.FromString(value) if isinstance(value, bytes) else Status()
    except DecodeError:
        return Status()


def _details_of(status: Status, detail_type: type[_Detail]) -> list[_Detail]:
    found = []
    for packed in status.details:
        detail = detail_type()
        with suppress(DecodeError):
            if packed.Unpack(detail):
                found.append(detail)
    return found
