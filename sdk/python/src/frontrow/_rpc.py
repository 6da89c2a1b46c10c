"""How a method is written once, and called by both clients.

A method with `@rpc` returns an `Intent`. Accessed on a client of threads, it sends the intent and
returns the response. On a client of asyncio, it returns a coroutine that does so.
"""

import copy
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from types import GenericAlias, MethodType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, get_args, overload

import grpc
from google.protobuf.message import Message

from ._error import ErrorDetails, FrontrowError
from ._limits import check_positive

P = ParamSpec("P")
Response = TypeVar("Response")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Intent(Generic[Response]):
    """A call that the user wants: all of its attempts send this request."""

    request: Message
    timeout: float | None

    def __post_init__(self) -> None:
        if self.timeout is not None:
            check_positive("timeout", self.timeout)


class SyncCaller(ABC):
    """Waits for responses in the calling thread."""

    @abstractmethod
    def _call(self, intent: Intent[Response]) -> Response: ...


class AsyncCaller(ABC):
    """Waits for responses in coroutines."""

    @abstractmethod
    async def _call(self, intent: Intent[Response]) -> Response: ...


Prepare = Callable[Concatenate[Any, P], Intent[Response]]


def method_of(send: Callable[..., Any], prepare: Callable[..., Any], named: Any, returns: object) -> Any:
    """A method that prepares an intent and sends it: with the arguments of `prepare`, and with the name and
    the text of `named`.
    """

    def method(caller: object, *args: Any, **options: Any) -> Any:
        return send(caller, prepare(caller, *args, **options))

    async def method_async(caller: object, *args: Any, **options: Any) -> Any:
        return await send(caller, prepare(caller, *args, **options))

    made: Any = functools.update_wrapper(method_async if inspect.iscoroutinefunction(send) else method, named)
    made.__annotations__ = {**prepare.__annotations__, "return": returns}
    made.__signature__ = inspect.signature(prepare).replace(return_annotation=returns)
    return made


class Method:
    """A method of both kinds of callers."""

    def __init__(self, sync: Any, asynchronous: Any) -> None:
        self._sync = sync
        self._async = asynchronous

    def _of(self, caller: object, owner: type) -> Any:
        method = self._sync if issubclass(owner, SyncCaller) else self._async
        return method if caller is None else MethodType(method, caller)


def _send(caller: SyncCaller, intent: Intent[Response]) -> Response:
    return caller._call(intent)


async def _send_async(caller: AsyncCaller, intent: Intent[Response]) -> Response:
    return await caller._call(intent)


class rpc(Method, Generic[P, Response]):
    """A method of the service."""

    def __init__(self, prepare: Prepare[P, Response]) -> None:
        self.prepare = prepare
        (returns,) = get_args(prepare.__annotations__["return"])
        super().__init__(*(method_of(send, prepare, prepare, returns) for send in (_send, _send_async)))

    @overload
    def __get__(self, caller: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, caller: SyncCaller, owner: type) -> Callable[P, Response]: ...
    @overload
    def __get__(self, caller: AsyncCaller, owner: type) -> Callable[P, Coroutine[Any, Any, Response]]: ...
    def __get__(self, caller: SyncCaller | AsyncCaller | None, owner: type) -> Any:
        return self._of(caller, owner)


class _Page(Protocol):
    next_page_token: str


Page = TypeVar("Page", bound=_Page)


def pages(method: rpc[P, Page]) -> Callable[[Callable[[Any, Page], Sequence[Item]]], "_Pages[P, Page, Item]"]:
    """Makes a method that iterates over the items of all pages, of a function that returns those of one page."""
    return lambda items: _Pages(method.prepare, items)


class _Pages(Method, Generic[P, Page, Item]):
    """An iterator over the items of all pages. A page is fetched when its first item is needed."""

    def __init__(self, prepare: Prepare[P, Page], items: Callable[[Any, Page], Sequence[Item]]) -> None:
        self._items = items
        (item,) = get_args(items.__annotations__["return"])
        super().__init__(
            method_of(self._iterate, prepare, items, GenericAlias(Iterator, item)),
            method_of(self._iterate_async, prepare, items, GenericAlias(AsyncIterator, item)),
        )

    @overload
    def __get__(self, caller: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, caller: SyncCaller, owner: type) -> Callable[P, Iterator[Item]]: ...
    @overload
    def __get__(self, caller: AsyncCaller, owner: type) -> Callable[P, AsyncIterator[Item]]: ...
    def __get__(self, caller: SyncCaller | AsyncCaller | None, owner: type) -> Any:
        return self._of(caller, owner)

    def _iterate(self, caller: SyncCaller, intent: Intent[Page]) -> Iterator[Item]:
        next_intent: Intent[Page] | None = intent
        while next_intent:
            page = caller._call(next_intent)
            yield from self._items(caller, page)
            next_intent = _next_page(next_intent, page)

    async def _iterate_async(self, caller: AsyncCaller, intent: Intent[Page]) -> AsyncIterator[Item]:
        next_intent: Intent[Page] | None = intent
        while next_intent:
            page = await caller._call(next_intent)
            for item in self._items(caller, page):
                yield item
            next_intent = _next_page(next_intent, page)


def _next_page(intent: Intent[Page], page: Page) -> Intent[Page] | None:
    # A page without items is not the end.
    if not page.next_page_token:
        return None
    request = copy.deepcopy(intent.request)
    request.MergeFrom(type(request)(page_token=page.next_page_token))
    # Otherwise the iteration would not end.
    if request == intent.request:
        message = f"the page {page.next_page_token} names itself as the next one"
        raise FrontrowError(ErrorDetails(grpc.StatusCode.INTERNAL, message))
    return Intent(request, intent.timeout)
