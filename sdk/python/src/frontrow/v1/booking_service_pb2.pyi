import datetime

from frontrow.v1 import booking_pb2 as _booking_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetBookingRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class GetUserBookingsRequest(_message.Message):
    __slots__ = ("user_id", "page_size", "page_token", "statuses")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    page_size: int
    page_token: str
    statuses: _containers.RepeatedScalarFieldContainer[_booking_pb2.BookingStatus]
    def __init__(self, user_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_booking_pb2.BookingStatus, str]]] = ...) -> None: ...

class GetUserBookingsResponse(_message.Message):
    __slots__ = ("bookings", "next_page_token")
    BOOKINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    bookings: _containers.RepeatedCompositeFieldContainer[_booking_pb2.Booking]
    next_page_token: str
    def __init__(self, bookings: _Optional[_Iterable[_Union[_booking_pb2.Booking, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class BookTicketsRequest(_message.Message):
    __slots__ = ("request_id", "concert_id", "user_id", "ticket_count")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONCERT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TICKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    concert_id: int
    user_id: str
    ticket_count: int
    def __init__(self, request_id: _Optional[str] = ..., concert_id: _Optional[int] = ..., user_id: _Optional[str] = ..., ticket_count: _Optional[int] = ...) -> None: ...

class CancelBookingRequest(_message.Message):
    __slots__ = ("request_id", "id", "user_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    id: int
    user_id: str
    def __init__(self, request_id: _Optional[str] = ..., id: _Optional[int] = ..., user_id: _Optional[str] = ...) -> None: ...

class ListConcertBookingsRequest(_message.Message):
    __slots__ = ("concert_id", "page_size", "page_token", "statuses")
    CONCERT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    concert_id: int
    page_size: int
    page_token: str
    statuses: _containers.RepeatedScalarFieldContainer[_booking_pb2.BookingStatus]
    def __init__(self, concert_id: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_booking_pb2.BookingStatus, str]]] = ...) -> None: ...

class ListConcertBookingsResponse(_message.Message):
    __slots__ = ("bookings", "next_page_token")
    BOOKINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    bookings: _containers.RepeatedCompositeFieldContainer[_booking_pb2.Booking]
    next_page_token: str
    def __init__(self, bookings: _Optional[_Iterable[_Union[_booking_pb2.Booking, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class HoldTicketsRequest(_message.Message):
    __slots__ = ("request_id", "concert_id", "user_id", "ticket_count", "ttl")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONCERT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TICKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    concert_id: int
    user_id: str
    ticket_count: int
    ttl: _duration_pb2.Duration
    def __init__(self, request_id: _Optional[str] = ..., concert_id: _Optional[int] = ..., user_id: _Optional[str] = ..., ticket_count: _Optional[int] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ConfirmHoldRequest(_message.Message):
    __slots__ = ("id", "user_id", "ticket_count", "payment_reference", "accept_late")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TICKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_LATE_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: str
    ticket_count: int
    payment_reference: str
    accept_late: bool
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[str] = ..., ticket_count: _Optional[int] = ..., payment_reference: _Optional[str] = ..., accept_late: _Optional[bool] = ...) -> None: ...

class ReleaseHoldRequest(_message.Message):
    __slots__ = ("id", "user_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: str
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[str] = ...) -> None: ...

class ExtendHoldRequest(_message.Message):
    __slots__ = ("id", "user_id", "ttl")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: str
    ttl: _duration_pb2.Duration
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[str] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
