"""Both clients, for every test that takes a `style`."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from styles import Asyncio, Style, Threads


@pytest.fixture(params=[Threads, Asyncio])
def style(request: pytest.FixtureRequest) -> Iterator[Style]:
    with ExitStack() as stack:
        # A test waits long for what must come: the machine may be slow.
        yield request.param(stack, timeout=60, attempt_timeout=60)
