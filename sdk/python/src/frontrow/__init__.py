"""A client for Frontrow, a concert ticket reservation service."""

import inspect

from . import _errors_gen
from ._aio import AsyncClient, AsyncTokenSource
from ._error import ErrorDetails, FrontrowError, TokenSourceFailed, Unreachable, Violation
from ._errors_gen import *
from ._hold import AsyncHold, Hold
from ._requests import new_request_id
from ._retry import RetryPolicy
from ._sync import Client, TokenSource
from .v1.booking_pb2 import Booking, BookingStatus
from .v1.booking_service_pb2 import GetUserBookingsResponse, ListConcertBookingsResponse
from .v1.concert_pb2 import Concert
from .v1.concert_service_pb2 import ListConcertsResponse

__all__ = [
    "AsyncClient",
    "AsyncHold",
    "AsyncTokenSource",
    "Booking",
    "BookingStatus",
    "Client",
    "Concert",
    "ErrorDetails",
    "FrontrowError",
    "GetUserBookingsResponse",
    "Hold",
    "ListConcertBookingsResponse",
    "ListConcertsResponse",
    "RetryPolicy",
    "TokenSource",
    "TokenSourceFailed",
    "Unreachable",
    "Violation",
    "new_request_id",
]
__all__ += _errors_gen.__all__

# Tracebacks and help name what is public by the package, and not by its private modules.
for _name in __all__:
    _value = globals()[_name]
    if (inspect.isclass(_value) or inspect.isfunction(_value)) and _value.__module__.startswith(f"{__name__}._"):
        _value.__module__ = __name__
