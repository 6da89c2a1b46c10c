"""How answers become errors, for those that the running service gives rarely."""

import pickle
import traceback
import uuid
from typing import Any, NoReturn

import grpc
import pytest
from calls import book, update
from frames import serving_pages, serving_resets, serving_successes
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from server import abort_with, fail, serving
from styles import Style

from frontrow import (
    FrontrowError,
    InsufficientTickets,
    InvalidRequest,
    Overloaded,
    RetryPolicy,
    Unreachable,
    Violation,
    new_request_id,
)


def error_of(style: Style, reason: str, metadata: dict[str, str]) -> FrontrowError:
    def refuse(_: object, context: grpc.ServicerContext) -> NoReturn:
        fail(context, grpc.StatusCode.FAILED_PRECONDITION, reason, metadata=metadata)

    with serving(BookTickets=refuse) as address, pytest.raises(FrontrowError) as caught:
        book(style.connect(address))
    return caught.value


def test_an_error_has_the_class_of_its_reason_with_typed_metadata(style: Style) -> None:
    error = error_of(style, "INSUFFICIENT_TICKETS", {"available": "3"})
    assert isinstance(error, InsufficientTickets)
    assert (error.available, error.message) == (3, "refused")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, InsufficientTickets)
    assert (copy.available, copy.code) == (3, grpc.StatusCode.FAILED_PRECONDITION)
    assert copy.idempotency_key == error.idempotency_key is not None


@pytest.mark.parametrize(
    ("reason", "name"), [("INSUFFICIENT_TICKETS", "InsufficientTickets"), ("MOON_TOO_BRIGHT", "FrontrowError")]
)
def test_a_traceback_names_the_public_class_and_the_reason(style: Style, reason: str, name: str) -> None:
    error = error_of(style, reason, {"available": "3"})
    assert traceback.format_exception_only(error) == [f"frontrow.{name}: {reason}: refused\n"]


def test_an_error_of_an_unknown_reason_keeps_the_reason_and_the_metadata(style: Style) -> None:
    error = error_of(style, "MOON_TOO_BRIGHT", {"lux": "1"})
    assert type(error) is FrontrowError
    assert (error.reason, error.metadata) == ("MOON_TOO_BRIGHT", {"lux": "1"})


@pytest.mark.parametrize("metadata", [{}, {"available": ""}, {"available": "many"}])
def test_an_error_with_malformed_metadata_keeps_its_reason_only(style: Style, metadata: dict[str, str]) -> None:
    error = error_of(style, "INSUFFICIENT_TICKETS", metadata)
    assert type(error) is FrontrowError
    assert error.reason == "INSUFFICIENT_TICKETS"


def test_an_error_has_the_invalid_fields(style: Style) -> None:
    violations = [{"field": "ticket_count", "description": "must be at least 1"}]

    def refuse(_: object, context: grpc.ServicerContext) -> NoReturn:
        fail(context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", violations=violations)

    with serving(BookTickets=refuse) as address, pytest.raises(InvalidRequest) as caught:
        book(style.connect(address))
    assert caught.value.violations == [Violation("ticket_count", "must be at least 1")]


@pytest.mark.parametrize("details", [b"\xff", b"\x1a\x02\x0a\xff"])
def test_an_error_with_malformed_details_is_one_of_another_service(style: Style, details: bytes) -> None:
    def refuse(_: object, context: grpc.ServicerContext) -> NoReturn:
        abort_with(context, grpc.StatusCode.NOT_FOUND, details)

    with serving(GetBooking=refuse) as address, pytest.raises(Unreachable, match="refused") as caught:
        style.connect(address).get_booking(1)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, grpc.StatusCode.UNKNOWN),
        (400, grpc.StatusCode.INTERNAL),
        (404, grpc.StatusCode.UNIMPLEMENTED),
    ],
)
def test_a_web_server_that_answers_by_http_2_is_unreachable(style: Style, status: int, code: grpc.StatusCode) -> None:
    with serving_pages(status) as (address, requests), pytest.raises(Unreachable, match=address) as caught:
        style.connect(address, timeout=60).get_concert(1)
    assert caught.value.code is code
    assert len(requests) == 1


def test_an_error_has_the_key_of_its_call(style: Style) -> None:
    keys: list[str] = []

    def refuse(request: Any, context: grpc.ServicerContext) -> NoReturn:
        keys.append(request.request_id)
        fail(context, grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_TICKETS", metadata={"available": "3"})

    def miss(_: object, context: grpc.ServicerContext) -> NoReturn:
        fail(context, grpc.StatusCode.NOT_FOUND, "CONCERT_NOT_FOUND")

    with serving(BookTickets=refuse, GetConcert=miss) as address:
        client = style.connect(address)
        for given in (None, "", new_request_id()):
            with pytest.raises(InsufficientTickets) as caught:
                client.book_tickets(concert_id=1, ticket_count=1, request_id=given)
            assert caught.value.idempotency_key == keys[-1]
            assert keys[-1] == given if given else uuid.UUID(keys[-1]).version == 4
        with pytest.raises(FrontrowError) as of_a_read:
            client.get_concert(1)
    assert of_a_read.value.idempotency_key is None


FOREIGN = ErrorInfo(domain="example.com", reason="OVERLOADED")
RETRY = RetryInfo(retry_delay=Duration(nanos=1_000_000))


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        (grpc.StatusCode.UNIMPLEMENTED, [], grpc.StatusCode.UNIMPLEMENTED),
        (grpc.StatusCode.UNAUTHENTICATED, [], grpc.StatusCode.UNAUTHENTICATED),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, [FOREIGN, RETRY], grpc.StatusCode.RESOURCE_EXHAUSTED),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, [RETRY], grpc.StatusCode.RESOURCE_EXHAUSTED),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, [ErrorInfo(domain="frontrow"), RETRY], grpc.StatusCode.RESOURCE_EXHAUSTED),
        (grpc.StatusCode.INTERNAL, [], grpc.StatusCode.UNAVAILABLE),
        (grpc.StatusCode.CANCELLED, [], grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_an_error_of_another_service_is_unreachable(
    style: Style, code: grpc.StatusCode, details: list[Message], expected: grpc.StatusCode
) -> None:
    attempts: list[object] = []

    def refuse(request: object, context: grpc.ServicerContext) -> NoReturn:
        attempts.append(request)
        status = Status(code=code.value[0])
        for detail in details:
            status.details.add().Pack(detail)
        abort_with(context, code, status.SerializeToString())

    # A change without a key, which is repeated only if the service wants it.
    with serving(UpdateConcert=refuse) as address, pytest.raises(Unreachable, match=address) as caught:
        update(style.connect(address))
    assert (caught.value.code, caught.value.reason, caught.value.retry_delay) == (expected, None, None)
    assert len(attempts) == 1


@pytest.mark.parametrize(("seconds", "expected"), [(9 * 10**18, 9e18), (-5, 0.0)])
def test_a_delay_may_be_of_any_length(style: Style, seconds: int, expected: float) -> None:
    def refuse(_: object, context: grpc.ServicerContext) -> NoReturn:
        status = Status(code=14)
        status.details.add().Pack(ErrorInfo(domain="frontrow", reason="OVERLOADED"))
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=seconds)))
        abort_with(context, grpc.StatusCode.UNAVAILABLE, status.SerializeToString())

    with serving(GetConcert=refuse) as address, pytest.raises(Overloaded) as caught:
        style.connect(address, retry=RetryPolicy(max_attempts=2)).get_concert(1)
    assert caught.value.retry_delay == expected


@pytest.mark.parametrize("message", [None, b"\xff"])
def test_a_success_without_a_message_of_the_schema_is_a_lost_answer(style: Style, message: bytes | None) -> None:
    with serving_successes(message) as (address, requests):
        client = style.connect(address, timeout=60, retry=RetryPolicy(max_attempts=2))
        with pytest.raises(Unreachable, match=address) as caught:
            book(client)
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
        assert len(requests) == 2
        with pytest.raises(Unreachable):
            update(client)
        assert len(requests) == 3


CANCEL, INTERNAL_ERROR, NO_ERROR = 8, 2, 0


@pytest.mark.parametrize("has_headers", [False, True])
@pytest.mark.parametrize("error", [CANCEL, INTERNAL_ERROR, NO_ERROR])
def test_a_lost_stream_is_repeated_where_that_is_safe(style: Style, error: int, has_headers: bool) -> None:
    with serving_resets(error, has_headers=has_headers) as (address, requests):
        client = style.connect(address, retry=RetryPolicy(max_attempts=2))
        with pytest.raises(Unreachable) as caught:
            book(client)
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
        assert len(requests) == 2
        with pytest.raises(Unreachable):
            update(client)
        assert len(requests) == 3
