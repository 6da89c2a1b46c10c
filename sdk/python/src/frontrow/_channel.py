"""The address of a client as the target of a channel."""

import re
from urllib.parse import urlsplit

#: A service that has restarted is called again within 2 s, and an attempt to connect is given up after
#: 4 s. A connection is given up when the other side has not acknowledged data for 4 s, or a ping after
#: 20 s of silence: by default the operating system notices after many minutes that it is gone.
CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 4_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 4_000),
)

_ORIGIN = re.compile(r"https?://[^\s/?#@\\]+/?", re.IGNORECASE)


def parse_address(address: str) -> tuple[str, bool]:
    """The target of a channel for this URL, and whether the connection is encrypted. Raises
    ValueError unless it is a URL with http or https, without a path, a query or a user.
    """
    try:
        # urlsplit alone drops blanks, and does not tell an empty query from none.
        url = urlsplit(address if _ORIGIN.fullmatch(address) else "")
        host, port = url.hostname, url.port
    except ValueError:
        host, port = None, None
    if not host or port == 0:
        # The address may have a password.
        raise ValueError("the address must be a URL with http or https, without a path, a query or a user")
    is_encrypted = url.scheme == "https"
    authority = f"[{host}]" if ":" in host else host
    return f"dns:///{authority}:{port or (443 if is_encrypted else 80)}", is_encrypted
