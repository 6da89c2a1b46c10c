"""Calls whose arguments do not matter."""

from datetime import UTC, datetime

from frontrow import Booking, Client, Concert


def book(client: Client) -> Booking:
    """A change with a key."""
    return client.book_tickets(concert_id=1, user_id="nora", ticket_count=1)


def update(client: Client) -> Concert:
    """A change without one."""
    now = datetime.now(UTC)
    return client.update_concert(
        1,
        version=1,
        name="Moonlight",
        artist="The Larks",
        venue="Old Mill",
        concert_date=now,
        total_tickets=1,
        price=1,
        currency_code="EUR",
        booking_start_time=now,
        booking_end_time=now,
    )
