"""Plays all scenarios by both clients, on the stage that FRONTROW_STAGE names."""

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
import scenarios
import troubles
from play import Cast
from stage import ADDRESS, Stage
from styles import Asyncio, Style, Threads

stage = Stage()
listed = stage.scenarios() if ADDRESS else {}


def play_of(name: str) -> Callable[[Cast], None] | None:
    """The function of a scenario, which is named like it."""
    function = re.sub(r"\W", "_", name.lower())
    play: Callable[[Cast], None] | None = getattr(scenarios, function, None) or getattr(troubles, function, None)
    return play


plays = {name: play for name in listed if (play := play_of(name))}


@pytest.mark.skipif(not ADDRESS, reason="FRONTROW_STAGE is not set: run `npm run test:sdks`")
@pytest.mark.parametrize("make_style", [Threads, Asyncio])
@pytest.mark.parametrize("name", plays)
def test_scenario(name: str, make_style: type[Threads] | type[Asyncio]) -> None:
    started = time.monotonic()
    message = ""
    try:
        with ExitStack() as stack:
            style = make_style(stack)
            addresses = stage.addresses()
            plays[name](Cast(stage, addresses, style, style.connect(addresses.plain), listed[name]))
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        raise
    finally:
        report(style, name, time.monotonic() - started, message)


def report(style: Style, name: str, seconds: float, message: str) -> None:
    """Appends a line to the results, if they are wanted."""
    if path := os.environ.get("FRONTROW_RESULTS"):
        outcome = "failed" if message else "passed"
        line = {"language": style.language, "scenario": name, "outcome": outcome, "seconds": seconds}
        with open(path, "a", encoding="utf-8") as results:
            results.write(json.dumps({**line, "message": message}) + "\n")
