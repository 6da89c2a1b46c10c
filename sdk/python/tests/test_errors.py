"""How answers become errors, for those that the running service gives rarely."""

import pickle
from typing import NoReturn

import grpc
import pytest
from server import abort_with, fail, serving, serving_pages
from styles import Style

from frontrow import FrontrowError, InsufficientTickets, InvalidRequest, Unreachable, Violation


def error_of(style: Style, reason: str, metadata: dict[str, str]) -> FrontrowError:
    def refuse(_: object, context: grpc.ServicerContext) -> NoReturn:
        fail(context, grpc.StatusCode.FAILED_PRECONDITION, reason, metadata=metadata)

    with serving(BookTickets=refuse) as address, pytest.raises(FrontrowError) as caught:
        style.connect(address).book_tickets(concert_id=1, user_id="nora", ticket_count=1)
    return caught.value


def test_an_error_has_the_class_of_its_reason_with_typed_metadata(style: Style) -> None:
    error = error_of(style, "INSUFFICIENT_TICKETS", {"available": "3"})
    assert isinstance(error, InsufficientTickets)
    assert (error.available, error.message, str(error)) == (3, "refused", "refused")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, InsufficientTickets)
    assert (copy.available, copy.code) == (3, grpc.StatusCode.FAILED_PRECONDITION)


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
        style.connect(address).book_tickets(concert_id=1, user_id="nora", ticket_count=1)
    assert caught.value.violations == [Violation("ticket_count", "must be at least 1")]


@pytest.mark.parametrize("details", [b"\xff", b"\x1a\x02\x0a\xff"])
def test_an_error_with_malformed_details_has_its_code_and_message(style: Style, details: bytes) -> None:
    def refuse(_: object, context: grpc.ServicerContext) -> NoReturn:
        abort_with(context, grpc.StatusCode.NOT_FOUND, details)

    with serving(GetBooking=refuse) as address, pytest.raises(FrontrowError) as caught:
        style.connect(address).get_booking(1)
    assert (caught.value.code, caught.value.message) == (grpc.StatusCode.NOT_FOUND, "refused")


@pytest.mark.parametrize("status", [200, 404])
def test_a_web_server_that_answers_by_http_2_is_unreachable(style: Style, status: int) -> None:
    with serving_pages(status) as address, pytest.raises(Unreachable, match=address):
        style.connect(address).get_concert(1)
