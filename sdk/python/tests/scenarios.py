"""The scenarios of sdk/scenarios.yaml, one function for each. Those about troubles are in `troubles`."""

import functools
from datetime import datetime

import grpc
import pytest
from play import Cast, at_most, bookings_of, new_user, until

from frontrow import (
    AlreadyCancelled,
    BookingNotFound,
    BookingNotOpen,
    BookingStatus,
    ConcertNotFound,
    DeadlineExceeded,
    HoldExpired,
    InsufficientTickets,
    NotBookingOwner,
    UserLimitExceeded,
    new_request_id,
)


def book(cast: Cast) -> None:
    client, figures = cast.client, cast.figures
    concert_id = cast.stage.concert(total_tickets=figures["total_tickets"])
    user_id = new_user()
    booking = client.book_tickets(concert_id=concert_id, user_id=user_id, ticket_count=figures["tickets"])
    assert (booking.concert_id, booking.user_id) == (concert_id, user_id)
    assert booking.ticket_count == figures["tickets"]
    assert booking.total_price == figures["total_price"]
    assert BookingStatus.Name(booking.status) == figures["status"]
    assert client.get_booking(booking.id) == booking
    assert client.get_concert(concert_id).available_tickets == figures["left"]


def repeat_after_a_lost_answer(cast: Cast) -> None:
    client, stage = cast.client, cast.stage
    for request_id in (new_request_id(), None):
        user_id = new_user()
        order = functools.partial(
            client.book_tickets,
            concert_id=stage.concert(),
            user_id=user_id,
            ticket_count=cast.figures["tickets"],
            request_id=request_id,
        )
        earlier = stage.cuts()
        stage.cut_next_answer()
        booking = order()
        assert stage.cuts() == earlier + 1
        assert bookings_of(client, user_id) == [booking] * cast.figures["bookings"]
        if request_id:
            assert order() == booking


def sold_out(cast: Cast) -> None:
    figures = cast.figures
    concert_id = cast.stage.concert(total_tickets=figures["total_tickets"])
    with pytest.raises(InsufficientTickets) as caught:
        cast.client.book_tickets(concert_id=concert_id, user_id=new_user(), ticket_count=figures["tickets"])
    assert caught.value.reason == figures["error"]
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert caught.value.available == figures["metadata"]["available"]
    assert caught.value.request_id


def closed(cast: Cast) -> None:
    concert_id = cast.stage.concert(window="closed")
    with pytest.raises(BookingNotOpen) as caught:
        cast.client.book_tickets(concert_id=concert_id, user_id=new_user(), ticket_count=cast.figures["tickets"])
    error = caught.value
    assert error.reason == cast.figures["error"]
    assert error.closes_at == datetime.fromisoformat(cast.figures["metadata"]["closes_at"])
    assert error.opens_at < error.closes_at < error.now


def not_found(cast: Cast) -> None:
    with pytest.raises(ConcertNotFound) as no_concert:
        cast.client.get_concert(cast.figures["id"])
    assert no_concert.value.reason == cast.figures["concert_error"]
    with pytest.raises(BookingNotFound) as no_booking:
        cast.client.get_booking(cast.figures["id"])
    assert no_booking.value.reason == cast.figures["booking_error"]


def wrong_owner(cast: Cast) -> None:
    booking = cast.client.book_tickets(
        concert_id=cast.stage.concert(), user_id=new_user(), ticket_count=cast.figures["tickets"]
    )
    with pytest.raises(NotBookingOwner) as caught:
        cast.client.cancel_booking(booking.id, user_id=new_user())
    assert caught.value.reason == cast.figures["error"]


def cancel_twice(cast: Cast) -> None:
    booking = cast.client.book_tickets(
        concert_id=cast.stage.concert(), user_id=new_user(), ticket_count=cast.figures["tickets"]
    )
    cancel = functools.partial(cast.client.cancel_booking, booking.id, user_id=booking.user_id)
    request_id = new_request_id()
    for _ in range(2):
        assert BookingStatus.Name(cancel(request_id=request_id).status) == cast.figures["status"]
    with pytest.raises(AlreadyCancelled) as caught:
        cancel()
    assert caught.value.reason == cast.figures["error"]


def hold_and_confirm(cast: Cast) -> None:
    client, figures = cast.client, cast.figures
    concert_id = cast.stage.concert(total_tickets=figures["total_tickets"])
    earlier = cast.stage.requests("plain")
    with client.hold(concert_id=concert_id, user_id=new_user(), ticket_count=figures["tickets"]) as hold:
        assert hold.booking.status == BookingStatus.BOOKING_STATUS_HELD
        confirmed = hold.confirm(payment_reference=figures["payment_reference"])
    assert cast.stage.requests("plain") - earlier == figures["requests"]
    booking = client.get_booking(confirmed.id)
    assert BookingStatus.Name(booking.status) == figures["status"]
    assert booking.payment_reference == figures["payment_reference"]
    assert client.get_concert(concert_id).available_tickets == figures["left"]


def hold_and_expire(cast: Cast) -> None:
    client, figures = cast.client, cast.figures
    concert_id = cast.stage.concert(total_tickets=figures["total_tickets"])
    with client.hold(
        concert_id=concert_id,
        user_id=new_user(),
        ticket_count=figures["tickets"],
        ttl_seconds=figures["ttl_seconds"],
    ) as hold:
        until(
            lambda: client.get_booking(hold.booking.id),
            lambda booking: BookingStatus.Name(booking.status) == figures["status"],
        )
        with pytest.raises(HoldExpired) as caught:
            hold.confirm()
    assert caught.value.reason == figures["error"]
    assert caught.value.available == figures["metadata"]["available"]


def release_on_error(cast: Cast) -> None:
    client, figures = cast.client, cast.figures
    concert_id = cast.stage.concert(total_tickets=figures["total_tickets"])

    class PaymentRefused(Exception):
        pass

    with (
        pytest.raises(PaymentRefused),
        client.hold(concert_id=concert_id, user_id=new_user(), ticket_count=figures["tickets"]) as hold,
    ):
        held = hold.booking
        raise PaymentRefused
    assert BookingStatus.Name(client.get_booking(held.id).status) == figures["status"]
    assert client.get_concert(concert_id).available_tickets == figures["left"]

    with (
        pytest.raises(PaymentRefused),
        client.hold(concert_id=concert_id, user_id=new_user(), ticket_count=figures["tickets"]) as hold,
    ):
        other = cast.style.connect(cast.addresses.plain)
        other.confirm_hold(hold.booking.id, user_id=hold.booking.user_id)
        raise PaymentRefused


def per_user_limit(cast: Cast) -> None:
    figures = cast.figures
    concert_id = cast.stage.concert(max_tickets_per_user=figures["max_tickets_per_user"])
    book_tickets = functools.partial(cast.client.book_tickets, concert_id=concert_id, user_id=new_user())
    book_tickets(ticket_count=figures["first"])
    with pytest.raises(UserLimitExceeded) as caught:
        book_tickets(ticket_count=figures["second"])
    error = caught.value
    assert error.reason == figures["error"]
    assert {"limit": error.limit, "booked": error.booked, "held": error.held} == figures["metadata"]


def page_through_250_concerts(cast: Cast) -> None:
    client, stage, figures = cast.client, cast.stage, cast.figures
    ids, artist = stage.concerts(count=figures["concerts"])
    page_size = figures["page_size"]
    earlier = stage.requests("plain")
    found = []
    for concert in client.concerts(artist=artist, page_size=page_size):
        found.append(concert.id)
        if len(found) in (1, page_size):
            assert stage.requests("plain") - earlier == 1
    assert found == ids
    assert stage.requests("plain") - earlier == figures["requests"]

    concert_id, user_id, page_size = ids[0], new_user(), figures["bookings_page_size"]
    made = [
        client.book_tickets(concert_id=concert_id, user_id=user_id, ticket_count=1) for _ in range(figures["bookings"])
    ]
    made.reverse()
    assert list(client.user_bookings(user_id=user_id, page_size=page_size)) == made
    assert list(client.concert_bookings(concert_id, page_size=page_size)) == made


def deadline(cast: Cast) -> None:
    client, stage, figures = cast.client, cast.stage, cast.figures
    concert_id, user_id = stage.concert(), new_user()
    order = functools.partial(
        client.book_tickets,
        concert_id=concert_id,
        user_id=user_id,
        ticket_count=figures["tickets"],
        request_id=new_request_id(),
    )
    stage.lock(concert_id)
    with at_most(figures["at_most_seconds"]), pytest.raises(DeadlineExceeded) as caught:
        order(timeout=figures["timeout_seconds"])
    assert caught.value.reason == figures["error"]
    stage.unlock(concert_id)
    booking = order()
    assert bookings_of(client, user_id) == [booking] * figures["bookings"]
