"""The address of a client as the target of a channel."""

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


def parse_address(address: str) -> tuple[str, bool]:
    """The target of a channel for this URL, and whether the connection is encrypted. Raises
    ValueError unless it is a URL with http or https and without a path.
    """
    try:
        url = urlsplit(address)
        port = url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        raise _refused(address) from None
    rest = (url.username, url.password, url.path.removesuffix("/"), url.query, url.fragment)
    if url.scheme not in ("http", "https") or not url.hostname or any(rest):
        raise _refused(address)
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"dns:///{host}:{port}", url.scheme == "https"


def _refused(address: str) -> ValueError:
    return ValueError(f"the address must be a URL with http or https and without a path: {address}")
