"""The clients that play the scenarios: each scenario is written once, in the style of threads."""

import asyncio
import inspect
import signal
import sys
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from typing import Any, TypeVar, cast

import pytest

from frontrow import AsyncClient, AsyncHold, Client

Value = TypeVar("Value")
Target = TypeVar("Target")


class Style(ABC):
    """A way to call the service."""

    #: As the table of results names it.
    language: str

    def __init__(self, defaults: dict[str, Any]) -> None:
        """`defaults` are options of all clients."""
        self._defaults = defaults

    @abstractmethod
    def connect(self, address: str, **options: Any) -> Client:
        """Makes a client, or what can be used like one."""

    @abstractmethod
    def cancel(self, client: Target, call: Callable[[Target], object], when: Callable[[], object]) -> None:
        """Begins a call, cancels it once `when` has returned, and checks that it ends as usual in this style."""


class Threads(Style):
    """The client for threads. An exception of a signal's handler, such as KeyboardInterrupt, cancels calls."""

    language = "Python"

    def __init__(self, stack: ExitStack, **defaults: Any) -> None:
        super().__init__(defaults)
        self._stack = stack

    def connect(self, address: str, **options: Any) -> Client:
        return self._stack.enter_context(Client(address, **{**self._defaults, **options}))

    def cancel(self, client: Target, call: Callable[[Target], object], when: Callable[[], object]) -> None:
        class CustomerLeft(Exception):
            pass

        def leave(*_: object) -> None:
            raise CustomerLeft

        def leave_then() -> None:
            when()
            # While grpcio starts a call, nothing can cancel it: it ends by its deadline.
            while not is_waiting(main_thread):
                time.sleep(0)
            signal.pthread_kill(main_thread, signal.SIGUSR1)

        main_thread = threading.main_thread().ident or 0
        previous = signal.signal(signal.SIGUSR1, leave)
        thread = threading.Thread(target=leave_then)
        thread.start()
        with pytest.raises(CustomerLeft) as caught:
            call(client)
        # Its traceback keeps the call alive, which must end nevertheless.
        self._left = caught.value
        thread.join()
        signal.signal(signal.SIGUSR1, previous)


def is_waiting(thread: int) -> bool:
    """Whether a thread waits for the result of a call."""
    frames = traceback.extract_stack(sys._current_frames()[thread])
    return any(frame.name == "result" and "grpc" in frame.filename for frame in frames)


class Asyncio(Style):
    """The client for asyncio."""

    language = "Python asyncio"

    def __init__(self, stack: ExitStack, **defaults: Any) -> None:
        super().__init__(defaults)
        self._stack = stack
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        stack.callback(self._loop.close)
        stack.callback(thread.join)
        stack.callback(self._loop.call_soon_threadsafe, self._loop.stop)

    def connect(self, address: str, **options: Any) -> Client:
        client = AsyncClient(address, **{**self._defaults, **options})
        self._stack.callback(lambda: self._run(client.close()))
        return cast(Client, Blocking(client, self._run))

    def cancel(self, client: Target, call: Callable[[Target], object], when: Callable[[], object]) -> None:
        async def is_cancelled() -> bool:
            task = asyncio.ensure_future(cast("Coroutine[Any, Any, object]", call(cast(Any, client).target)))
            await asyncio.to_thread(when)
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()

        assert self._run(is_cancelled())

    def _run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=120)


class Blocking:
    """Something of asyncio as threads use it: its coroutines are run to their ends."""

    def __init__(self, target: object, run: Callable[[Any], Any]) -> None:
        self.target = target
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return self._block(getattr(self.target, name))

    def _block(self, value: Any) -> Any:
        if inspect.iscoroutine(value):
            return self._block(self._run(value))
        if isinstance(value, AsyncIterator):
            return self._iterate(value)
        if isinstance(value, AbstractAsyncContextManager):
            return self._scope(value)
        if isinstance(value, AsyncHold):
            return Blocking(value, self._run)
        if inspect.isroutine(value):
            return lambda *args, **options: self._block(value(*args, **options))
        return value

    def _iterate(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := self._run(_next(items, end))) is not end:
            yield item

    @contextmanager
    def _scope(self, scope: AbstractAsyncContextManager[Any]) -> Iterator[Any]:
        value = self._block(self._run(cast(Any, scope.__aenter__())))
        try:
            yield value
        except BaseException as error:
            if not self._run(cast(Any, scope.__aexit__(type(error), error, error.__traceback__))):
                raise
        else:
            self._run(cast(Any, scope.__aexit__(None, None, None)))


async def _next(items: AsyncIterator[Any], end: object) -> object:
    return await anext(items, end)
