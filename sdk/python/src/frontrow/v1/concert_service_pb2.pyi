import datetime

from frontrow.v1 import concert_pb2 as _concert_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetConcertRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class ListConcertsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "artist", "venue", "name", "date_from", "date_to", "available_only", "booking_open_only")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATE_FROM_FIELD_NUMBER: _ClassVar[int]
    DATE_TO_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_ONLY_FIELD_NUMBER: _ClassVar[int]
    BOOKING_OPEN_ONLY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    artist: str
    venue: str
    name: str
    date_from: _timestamp_pb2.Timestamp
    date_to: _timestamp_pb2.Timestamp
    available_only: bool
    booking_open_only: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., artist: _Optional[str] = ..., venue: _Optional[str] = ..., name: _Optional[str] = ..., date_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., date_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., available_only: _Optional[bool] = ..., booking_open_only: _Optional[bool] = ...) -> None: ...

class ListConcertsResponse(_message.Message):
    __slots__ = ("concerts", "next_page_token")
    CONCERTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    concerts: _containers.RepeatedCompositeFieldContainer[_concert_pb2.Concert]
    next_page_token: str
    def __init__(self, concerts: _Optional[_Iterable[_Union[_concert_pb2.Concert, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateConcertRequest(_message.Message):
    __slots__ = ("request_id", "name", "artist", "venue", "concert_date", "total_tickets", "price", "currency_code", "booking_start_time", "booking_end_time", "max_tickets_per_user", "requires_payment")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    CONCERT_DATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TICKETS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    BOOKING_START_TIME_FIELD_NUMBER: _ClassVar[int]
    BOOKING_END_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_TICKETS_PER_USER_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_PAYMENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    artist: str
    venue: str
    concert_date: _timestamp_pb2.Timestamp
    total_tickets: int
    price: float
    currency_code: str
    booking_start_time: _timestamp_pb2.Timestamp
    booking_end_time: _timestamp_pb2.Timestamp
    max_tickets_per_user: int
    requires_payment: bool
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., artist: _Optional[str] = ..., venue: _Optional[str] = ..., concert_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_tickets: _Optional[int] = ..., price: _Optional[float] = ..., currency_code: _Optional[str] = ..., booking_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., booking_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_tickets_per_user: _Optional[int] = ..., requires_payment: _Optional[bool] = ...) -> None: ...

class UpdateConcertRequest(_message.Message):
    __slots__ = ("id", "version", "name", "artist", "venue", "concert_date", "total_tickets", "price", "currency_code", "booking_start_time", "booking_end_time", "max_tickets_per_user", "requires_payment")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    CONCERT_DATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TICKETS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    BOOKING_START_TIME_FIELD_NUMBER: _ClassVar[int]
    BOOKING_END_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_TICKETS_PER_USER_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_PAYMENT_FIELD_NUMBER: _ClassVar[int]
    id: int
    version: int
    name: str
    artist: str
    venue: str
    concert_date: _timestamp_pb2.Timestamp
    total_tickets: int
    price: float
    currency_code: str
    booking_start_time: _timestamp_pb2.Timestamp
    booking_end_time: _timestamp_pb2.Timestamp
    max_tickets_per_user: int
    requires_payment: bool
    def __init__(self, id: _Optional[int] = ..., version: _Optional[int] = ..., name: _Optional[str] = ..., artist: _Optional[str] = ..., venue: _Optional[str] = ..., concert_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_tickets: _Optional[int] = ..., price: _Optional[float] = ..., currency_code: _Optional[str] = ..., booking_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., booking_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_tickets_per_user: _Optional[int] = ..., requires_payment: _Optional[bool] = ...) -> None: ...
