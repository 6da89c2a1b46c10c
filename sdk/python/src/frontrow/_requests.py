"""Arguments as the request messages of the schema."""

import uuid
from datetime import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp


def new_request_id() -> str:
    """Makes a key for a change: give it as `request_id` to repeat the call later."""
    return str(uuid.uuid4())


def key_of(request: Message) -> str | None:
    """The key of a change that can be repeated safely. None for a request without one."""
    return getattr(request, "request_id", None) or None


def timestamp_of(instant: datetime) -> Timestamp:
    """A datetime with a time zone as a message."""
    # Protobuf takes a datetime without a time zone for UTC, and `datetime.now()` is local time.
    if instant.utcoffset() is None:
        raise ValueError(f"the datetime must have a time zone: {instant.isoformat()}")
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp


def duration_of(seconds: float) -> Duration:
    """Seconds as a message."""
    duration = Duration()
    try:
        duration.FromNanoseconds(round(seconds * 1_000_000_000))
    except OverflowError:
        raise ValueError(f"the number of seconds is too large: {seconds}") from None
    return duration
