"""A server whose answers a test chooses, for those that the running service gives rarely."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from frontrow.v1.booking_service_pb2_grpc import BookingServiceServicer, add_BookingServiceServicer_to_server
from frontrow.v1.concert_service_pb2_grpc import ConcertServiceServicer, add_ConcertServiceServicer_to_server

Handler = Callable[[Any, grpc.ServicerContext], object]


@contextmanager
def serving(**handlers: Handler) -> Iterator[str]:
    """Serves some methods, and yields the address."""
    server = grpc.server(ThreadPoolExecutor(4))
    for servicer, add_to_server in [
        (BookingServiceServicer(), add_BookingServiceServicer_to_server),
        (ConcertServiceServicer(), add_ConcertServiceServicer_to_server),
    ]:
        for name, handler in handlers.items():
            setattr(servicer, name, handler)
        add_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def fail(context: grpc.ServicerContext, code: grpc.StatusCode, reason: str, **details: Any) -> NoReturn:
    """Fails a call as Frontrow does. `details` are the error's metadata, violations and retry_delay."""
    status = Status(code=code.value[0], message="refused")
    status.details.add().Pack(ErrorInfo(domain="frontrow", reason=reason, metadata=details.get("metadata")))
    if violations := details.get("violations"):
        status.details.add().Pack(BadRequest(field_violations=violations))
    if (retry_delay := details.get("retry_delay")) is not None:
        delay = Duration()
        delay.FromMilliseconds(round(retry_delay * 1_000))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    abort_with(context, code, status.SerializeToString())


def abort_with(context: grpc.ServicerContext, code: grpc.StatusCode, details: bytes) -> NoReturn:
    """Fails a call with these bytes in place of a google.rpc.Status."""
    context.set_trailing_metadata((("grpc-status-details-bin", details),))
    context.abort(code, "refused")
