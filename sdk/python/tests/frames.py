"""Servers of HTTP/2 that no gRPC server can be: their frames are written by hand."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING = 0, 1, 3, 4, 6
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4

#: Entries of HPACK's static table.
_STATUSES = {200: b"\x88", 400: b"\x8c", 404: b"\x8d"}
_GRPC = b"\x0f\x10\x10application/grpc"
#: A header whose name is no entry.
_OK = b"\x00\x0bgrpc-status\x010"

#: The address of a server, and the streams that it has answered.
Served = tuple[str, list[int]]


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def serving_pages(status: int) -> AbstractContextManager[Served]:
    """Answers as a web server does."""

    def answer(stream: int) -> bytes:
        headers = _frame(_HEADERS, _END_HEADERS, stream, _STATUSES[status])
        return headers + _frame(_DATA, _END_STREAM, stream, b"<h1>A page</h1>")

    return _serving(answer)


def serving_successes(message: bytes | None) -> AbstractContextManager[Served]:
    """Answers with the code OK, with or without a message."""

    def answer(stream: int) -> bytes:
        headers = _frame(_HEADERS, _END_HEADERS, stream, _STATUSES[200] + _GRPC)
        data = b"" if message is None else _frame(_DATA, 0, stream, struct.pack(">BI", 0, len(message)) + message)
        return headers + data + _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, _OK)

    return _serving(answer)


def serving_resets(error: int, *, has_headers: bool) -> AbstractContextManager[Served]:
    """Resets all streams, some after the headers of a response."""

    def answer(stream: int) -> bytes:
        headers = _frame(_HEADERS, _END_HEADERS, stream, _STATUSES[200] + _GRPC) if has_headers else b""
        return headers + _frame(_RST_STREAM, 0, stream, struct.pack(">I", error))

    return _serving(answer)


@contextmanager
def _serving(answer: Callable[[int], bytes]) -> Iterator[Served]:
    """Serves one connection after the other. `answer` returns the frames of a response."""
    streams: list[int] = []

    def serve() -> None:
        # The end of the listener, or of a connection.
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, connection.makefile("rb") as received, suppress(struct.error):
                    received.read(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
                    connection.sendall(_frame(_SETTINGS, 0, 0, b""))
                    while True:
                        length, kind, flags, stream = struct.unpack(">IBBI", b"\0" + received.read(9))
                        payload = received.read(length)
                        if kind in (_SETTINGS, _PING) and not flags & _ACK:
                            connection.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
                        if kind == _DATA and flags & _END_STREAM:
                            streams.append(stream)
                            connection.sendall(answer(stream))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", streams
