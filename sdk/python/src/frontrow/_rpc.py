"""How a method is written once, and called by both clients.

A method with `@rpc` returns an `Intent`. Accessed on a client of threads, it sends the intent and
returns the response. On a client of asyncio, it returns a coroutine that does so.
"""

import copy
import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

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


class rpc(Generic[P, Response]):
    """A method of the service."""

    def __init__(self, prepare: Prepare[P, Response]) -> None:
        self.prepare = prepare

    @overload
    def __get__(self, caller: None, owner: type) -> Prepare[P, Response]: ...
    @overload
    def __get__(self, caller: SyncCaller, owner: type) -> Callable[P, Response]: ...
    @overload
    def __get__(self, caller: AsyncCaller, owner: type) -> Callable[P, Coroutine[Any, Any, Response]]: ...
    def __get__(self, caller: SyncCaller | AsyncCaller | None, owner: type) -> Any:
        if caller is None:
            return self.prepare
        return bind(self.prepare, caller, caller._call)


class _Page(Protocol):
    next_page_token: str


Page = TypeVar("Page", bound=_Page)


class pages(Generic[P, Page, Item]):
    """An iterator over the items of all pages. A page is fetched when its first item is needed."""

    def __init__(self, method: rpc[P, Page], items: Callable[[Page], Sequence[Item]]) -> None:
        self._prepare = method.prepare
        self._items = items

    @overload
    def __get__(self, caller: None, owner: type) -> Prepare[P, Page]: ...
    @overload
    def __get__(self, caller: SyncCaller, owner: type) -> Callable[P, Iterator[Item]]: ...
    @overload
    def __get__(self, caller: AsyncCaller, owner: type) -> Callable[P, AsyncIterator[Item]]: ...
    def __get__(self, caller: SyncCaller | AsyncCaller | None, owner: type) -> Any:
        if caller is None:
            return self._prepare
        if isinstance(caller, SyncCaller):
            return bind(self._prepare, caller, functools.partial(self._iterate, caller))
        return bind(self._prepare, caller, functools.partial(self._iterate_async, caller))

    def _iterate(self, caller: SyncCaller, intent: Intent[Page]) -> Iterator[Item]:
        next_intent: Intent[Page] | None = intent
        while next_intent:
            page = caller._call(next_intent)
            yield from self._items(page)
            next_intent = _next_page(next_intent, page)

    async def _iterate_async(self, caller: AsyncCaller, intent: Intent[Page]) -> AsyncIterator[Item]:
        next_intent: Intent[Page] | None = intent
        while next_intent:
            page = await caller._call(next_intent)
            for item in self._items(page):
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


def bind(prepare: Callable[..., Intent[Any]], caller: object, send: Callable[[Intent[Any]], Any]) -> Callable[..., Any]:
    """The method of a caller that prepares an intent and sends it."""

    @functools.wraps(prepare)
    def method(caller: object, *args: Any, **options: Any) -> Any:
        return send(prepare(caller, *args, **options))

    # Bound, so that its signature has no `self`.
    return MethodType(method, caller)
