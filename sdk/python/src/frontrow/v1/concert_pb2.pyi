import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Concert(_message.Message):
    __slots__ = ("id", "name", "artist", "venue", "concert_date", "total_tickets", "available_tickets", "price", "currency_code", "booking_start_time", "booking_end_time", "version", "created_at", "updated_at", "held_tickets", "max_tickets_per_user", "requires_payment")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARTIST_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    CONCERT_DATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TICKETS_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_TICKETS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_CODE_FIELD_NUMBER: _ClassVar[int]
    BOOKING_START_TIME_FIELD_NUMBER: _ClassVar[int]
    BOOKING_END_TIME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    HELD_TICKETS_FIELD_NUMBER: _ClassVar[int]
    MAX_TICKETS_PER_USER_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_PAYMENT_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    artist: str
    venue: str
    concert_date: _timestamp_pb2.Timestamp
    total_tickets: int
    available_tickets: int
    price: float
    currency_code: str
    booking_start_time: _timestamp_pb2.Timestamp
    booking_end_time: _timestamp_pb2.Timestamp
    version: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    held_tickets: int
    max_tickets_per_user: int
    requires_payment: bool
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., artist: _Optional[str] = ..., venue: _Optional[str] = ..., concert_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_tickets: _Optional[int] = ..., available_tickets: _Optional[int] = ..., price: _Optional[float] = ..., currency_code: _Optional[str] = ..., booking_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., booking_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., held_tickets: _Optional[int] = ..., max_tickets_per_user: _Optional[int] = ..., requires_payment: _Optional[bool] = ...) -> None: ...
