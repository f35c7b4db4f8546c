# SPDX-License-Identifier: MIT
"""What a flow awaits: requests to ARM, sleeps, and the user's answer to a question. Pure: a flow is a coroutine that
knows no I/O, no clock and no event loop. Whoever runs it receives these values, and sends back what comes of them:

    Request          an Answer, or NoAnswer if none came
    Sleep            nothing
    PollDelay        nothing, when it's time to poll an operation again
    OperationEnded   nothing
    Ask              nothing, when the user has agreed

Each request has a class; arm/client.py turns it into a call of an SDK. Get, Put, Delete and Query are sent raw;
`_call_raw` in arm/client.py says why.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar, Union

from .answers import Answer, NoAnswer, Reply, is_transient
from .resource_id import IdentityId, ResourceId

T = TypeVar("T")

TIMEOUT = 60.0  # seconds until a request without an answer is abandoned
LONGEST_THROTTLE = 900.0  # seconds that one request waits while a service throttles it
# Pauses, in seconds, before a read is retried after a broken connection, a failure of the service or garbage.
BACKOFF = (0.8, 1.6, 3.2)
MOST_PAGES, MOST_EMPTY = 10_000, 100  # of a list; empty ones in a row


class _Awaited(Generic[T]):  # pylint: disable=too-few-public-methods  # it is awaited
    """What a flow awaits: it is handed to whoever runs the flow, who sends back a T."""

    def __await__(self) -> Generator[Any, T, T]:
        return (yield self)


@dataclass(frozen=True)
class Request(_Awaited[Reply]):
    """One request to ARM. `kind`: which of ARM's token buckets it counts against. `operations`: the attribute of an
    SDK's client that has the method for it; if empty, it is sent raw, with `method`. `is_shared`: one answer serves all
    flows of a command that send the same request. `timeout`: seconds until it's abandoned. `patience`: seconds to wait
    while ARM throttles it.
    """

    kind: ClassVar[str] = "read"
    operations: ClassVar[str] = ""
    method: ClassVar[str] = "GET"
    is_shared: ClassVar[bool] = False
    timeout = TIMEOUT
    patience = LONGEST_THROTTLE

    @property
    def path(self) -> str:
        """What it asks for, as errors need it: a path, or an address that the service gave."""
        raise NotImplementedError

    def unusable(self, reason: str) -> RequestError:
        """The error for an answer that is of no use, and would be the same after a retry."""
        return RequestError(self, NoAnswer(reason, permanent=True))


@dataclass(frozen=True)
class OneRequest(Request):
    """A request for one resource or identity."""

    resource: ResourceId | IdentityId

    @property
    def path(self) -> str:
        """The resource ID."""
        return self.resource.id


@dataclass(frozen=True)
class GetResource(OneRequest):
    """Read a resource."""

    operations = "communication_services"
    patience: float = LONGEST_THROTTLE


@dataclass(frozen=True)
class UpdateIdentity(OneRequest):
    """Change the identity block of a resource (PATCH). `etag`: for If-Match."""

    kind = "write"
    operations = "communication_services"
    body: Mapping[str, Any]
    etag: str | None = None


@dataclass(frozen=True)
class GetUserAssignedIdentity(OneRequest):
    """Read a user-assigned identity."""

    operations = "user_assigned_identities"
    is_shared = True
    api_version: str


@dataclass(frozen=True)
class ListRequest(Request):
    """List all of one type in a subscription, or in a group. `next_page`: the address that the last page gave."""

    type: ClassVar[str]
    subscription: str
    group: str | None = None
    next_page: str = ""

    @property
    def path(self) -> str:
        """The scope, and what is listed."""
        group = f"/resourceGroups/{self.group}" if self.group else ""
        return f"/subscriptions/{self.subscription}{group}/providers/{self.type}"


class ListResources(ListRequest):
    """List the resources of Communication Services."""

    operations = "communication_services"
    type = "Microsoft.Communication/communicationServices"


class ListUserAssignedIdentities(ListRequest):
    """List the user-assigned identities."""

    operations = "user_assigned_identities"
    is_shared = True
    type = "Microsoft.ManagedIdentity/userAssignedIdentities"
    api_version: ClassVar[str] = "2023-01-31"


@dataclass(frozen=True)
class Query(Request):
    """Ask Azure Resource Graph (POST, which changes nothing)."""

    kind = "query"
    method = "POST"
    path = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
    body: Mapping[str, Any]


@dataclass(frozen=True)
class _AddressRequest(Request):
    """A request for a path with its query, or for an address that the service gave."""

    address: str

    @property
    def path(self) -> str:
        return self.address


@dataclass(frozen=True)
class Get(_AddressRequest):
    """Read something."""

    timeout: float = TIMEOUT
    patience: float = LONGEST_THROTTLE


class SharedGet(Get):
    """Read something that several resources of a command look up."""

    is_shared = True


@dataclass(frozen=True)
class Put(_AddressRequest):
    """Create something."""

    kind = "write"
    method = "PUT"
    body: Mapping[str, Any]


class Delete(_AddressRequest):
    """Delete something."""

    kind = "delete"
    method = "DELETE"


@dataclass(frozen=True)
class Sleep(_Awaited[None]):
    """Wait for `seconds`. `why` completes "Waiting for …"."""

    seconds: float
    why: str


@dataclass(frozen=True)
class PollDelay(_Awaited[None]):
    """Wait until it's time to poll an operation that has been running since `since`, and was polled `polls` times.
    `at_least`: the seconds that the service asks for. `own_operation`: whether this flow's write started it.
    """

    since: float
    polls: int
    at_least: float | None
    why: str = "the operation to finish"
    own_operation: bool = True


@dataclass(frozen=True)
class OperationEnded(_Awaited[None]):
    """The operation that this flow's write started is over, after `seconds`: others may take as long."""

    seconds: float


@dataclass(frozen=True)
class Ask(_Awaited[None]):
    """Everything is checked: go on if the user agrees to `what`. The runner asks once, for all flows; a no ends all."""

    what: Any


Step = Union[Request, Sleep, PollDelay, OperationEnded, Ask]
Flow = Coroutine[Step, Any, T]


class RequestError(Exception):
    """The service refused a request, or gave no usable answer."""

    def __init__(self, request: Request, reply: Reply) -> None:
        super().__init__(reply.reason if isinstance(reply, NoAnswer) else f"status {reply.status}")
        self.request = request
        self.reply = reply


async def read(request: Request, retries: int = len(BACKOFF)) -> Answer:
    """Send a request that changes nothing, and retry until the answer is a JSON object. Raises RequestError."""
    for pause in (*BACKOFF[:retries], None):
        reply: Reply = await request
        if isinstance(reply, Answer) and reply.ok:
            if isinstance(reply.body, dict):
                return reply
            reply = NoAnswer("The service's response is not a JSON object.", at=reply.at)
        if pause is None or not is_transient(reply):
            break
        await Sleep(max(pause, min(reply.retry_after or 0.0, TIMEOUT)), "the service to answer again")
    raise RequestError(request, reply)


async def pages(request: Request, keep: Callable[[dict[str, Any]], T], within: float | None = None) -> list[T]:
    """What `keep` returns for each item of an ARM list, one GET a page. `within`: read each page once, and all in so
    many seconds. Raises RequestError, also if the answer isn't a list or the list never ends.
    """
    items: list[T] = []
    seen = {request.path}
    empty = 0  # pages in a row
    started: float | None = None
    while True:
        answer = await read(request, len(BACKOFF) if within is None else 0)
        started = answer.at if started is None else started
        value, following = answer.body.get("value"), answer.body.get("nextLink")
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise request.unusable("The service's list has no 'value'.")
        items += map(keep, value)
        if not following:
            return items
        if not isinstance(following, str) or following in seen:
            raise request.unusable("The service's list links back to a page that was already read.")
        empty = 0 if value else empty + 1
        refuse_endless(request, "The service's list", len(seen), empty)
        if within is not None and answer.at - started > within:
            raise request.unusable("The service's list is too long to wait for.")
        seen.add(following)
        request = (replace(request, next_page=following) if isinstance(request, ListRequest) else
                   replace(request, address=following))  # type: ignore[call-arg]  # all others that list are a Get


def refuse_endless(request: Request, what: str, count: int, empty: int) -> None:
    """Raise RequestError if a list is still going on after `count` pages, the last `empty` of them empty."""
    last = f", and the last {empty} were empty" if empty > MOST_EMPTY else ""
    if last or count >= MOST_PAGES:
        raise request.unusable(f"{what} has no end: {count:,} pages were read{last}.")
