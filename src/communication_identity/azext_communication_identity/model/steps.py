# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The steps in the life of a command, their results, and the pace of the next ones. Pure: no I/O, no clock.

A life is a generator. It yields steps and is sent their results:

    Request   an Answer, or NoAnswer if none came
    Pause     nothing
    NextPoll  nothing, when it's time to poll an operation again
    Ready     nothing, when the life may proceed to its first write

`Pace` decides when to poll an operation, and `Gate` when to send to a service that throttles. They are told the time,
in seconds.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator, Hashable, Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, Union

T = TypeVar("T")

TIMEOUT = 60.0  # seconds until a request without an answer is abandoned
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
LONGEST_THROTTLE = 900.0  # seconds that one request waits while a service throttles it
DEFAULT_THROTTLE = 5.0  # seconds to wait if a 429 names no time
# Pauses, in seconds, before a read is retried after a broken connection, a failure of the service or garbage.
BACKOFF = (0.8, 1.6, 3.2)
MOST_PAGES, MOST_EMPTY = 10_000, 100  # of a list; empty ones in a row
_MOST_DETAILS = 5  # of an error, to repeat
PASSING = (408, 500, 502, 503, 504)
# "Retry after 2 seconds." (recorded inside FailedIdentityOperation), "try again after '6' seconds." (recorded, ARM).
_SECONDS_IN_TEXT = r"(?i:(?:retry|try again) after '?(\d{1,6})'? seconds)"


class Request(NamedTuple):  # pylint: disable=too-many-instance-attributes  # what HTTP needs, and how to go about it
    """One request to ARM. `path`: a path with its query, or an address that the service gave. `body`: JSON.
    `etag`: for If-Match. `query`: a POST that changes nothing. `shared`: one answer serves all lives that send the same
    request. `optional`: don't wait longer than `timeout` seconds for the answer, not even if ARM throttles. `patience`:
    how many seconds to wait if ARM throttles.
    """

    method: str
    path: str
    body: Any = None
    etag: str | None = None
    timeout: float = TIMEOUT
    query: bool = False
    shared: bool = False
    optional: bool = False
    patience: float = LONGEST_THROTTLE

    @property
    def kind(self) -> str:
        """Which of ARM's token buckets it counts against."""
        return {"GET": "read", "DELETE": "delete"}.get(self.method, "query" if self.query else "write")


class Answer(NamedTuple):
    """An answer. `body`: its JSON; None if it has none. `headers`: names in lower case. `at`: when it came, in seconds.
    `waited`: how many seconds the request waited while ARM throttled it.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = NO_HEADERS
    text: str = ""
    at: float = 0.0
    waited: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the service said yes."""
        return 200 <= self.status < 300

    @property
    def garbled(self) -> bool:
        """Whether the body is neither an object nor null nor empty, such as a proxy's page."""
        return not isinstance(self.body, dict) and (self.body is not None or self.text.strip() not in ("", "null"))

    @property
    def retry_after(self) -> float | None:
        """The value of the header Retry-After, in seconds; None if it's absent or not understood."""
        return _seconds(self.headers.get("retry-after", ""), self.headers.get("date", ""))


class NoAnswer(NamedTuple):
    """No usable answer. `stalled`: none came in time, and a retry would take as long. `final`: none will ever come.
    `status`, `body` and so on are those of an Answer that says nothing.
    """

    reason: str
    stalled: bool = False
    final: bool = False
    at: float = 0.0
    status: int = 0
    body: None = None
    ok: bool = False
    retry_after: None = None
    garbled: bool = False


class Pause(NamedTuple):
    """Wait for `seconds`. `why` completes "Waiting for …"."""

    seconds: float
    why: str


class NextPoll(NamedTuple):
    """Wait until it's time to poll an operation that has been running since `since` and was polled `polls` times, but
    at least for the `at_least` seconds that the service asks for.
    """

    since: float
    polls: int
    at_least: float | None
    why: str = "the operation to finish"
    own_operation: bool = True  # whether this life's write started it


class Ready(NamedTuple):
    """Everything is read and checked; `what` is about to be written."""

    what: Any


Reply = Union[Answer, NoAnswer]
Step = Union[Request, Pause, NextPoll, Ready]
Life = Generator[Step, Any, T]


class RefusedError(Exception):
    """The service refused a request, or gave no usable answer."""

    def __init__(self, request: Request, reply: Reply) -> None:
        super().__init__(reply.reason if isinstance(reply, NoAnswer) else f"status {reply.status}")
        self.request = request
        self.reply = reply


def read(request: Request, tries: int = len(BACKOFF)) -> Life[Answer]:
    """Send a request that changes nothing, and retry until the answer is a JSON object. Raises RefusedError."""
    for pause in (*BACKOFF[:tries], None):
        reply: Reply = yield request
        if isinstance(reply, Answer) and reply.ok:
            if isinstance(reply.body, dict):
                return reply
            reply = NoAnswer("The service's response is not a JSON object.", at=reply.at)
        if pause is None or not passes(reply):
            break
        yield Pause(max(pause, min(reply.retry_after or 0.0, TIMEOUT)), "the service to answer again")
    raise RefusedError(request, reply)


def pages(request: Request, keep: Callable[[dict[str, Any]], T]) -> Life[list[T]]:
    """What `keep` returns for each item of an ARM list, one GET a page. Raises RefusedError, also if the answer isn't a
    list or the list never ends. The pages of an optional list are read once each, all within its timeout.
    """
    items: list[T] = []
    seen = set()
    empty = 0  # pages in a row
    started: float | None = None
    while True:
        seen.add(request.path)
        answer = yield from read(request, 0 if request.optional else len(BACKOFF))
        started = answer.at if started is None else started
        value, following = answer.body.get("value"), answer.body.get("nextLink")
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise RefusedError(request, NoAnswer("The service's list has no 'value'."))
        items += map(keep, value)
        if not following:
            return items
        if not isinstance(following, str) or following in seen:
            raise RefusedError(request, NoAnswer("The service's list links back to a page that was already read."))
        empty = 0 if value else empty + 1
        refuse_endless(request, "The service's list", len(seen), empty)
        if request.optional and answer.at - started > request.timeout:
            raise RefusedError(request, NoAnswer("The service's list is too long to wait for."))
        request = request._replace(path=following)


def refuse_endless(request: Request, what: str, count: int, empty: int) -> None:
    """Raise RefusedError if a list is still going on after `count` pages, the last `empty` of them empty."""
    last = f", and the last {empty} were empty" if empty > MOST_EMPTY else ""
    if last or count >= MOST_PAGES:
        raise RefusedError(request, NoAnswer(f"{what} has no end: {count:,} pages were read{last}."))


def passes(reply: Reply) -> bool:
    """Whether it makes sense to retry a request that changes nothing."""
    return not (reply.stalled or reply.final) if isinstance(reply, NoAnswer) else reply.status in PASSING


def seconds_asked_for(answer: Answer) -> float:
    """How long a 429 asks to wait, in seconds: the longest of its Retry-After, the time in its text and the time until
    Resource Graph's quota resets.
    """
    in_text = [float(seconds) for seconds in re.findall(_SECONDS_IN_TEXT, answer.text)]
    return max(answer.retry_after or 0.0, quota_resets_after(answer), *in_text) or DEFAULT_THROTTLE


def quota_resets_after(answer: Answer) -> float:
    """The seconds until Resource Graph grants new queries ("00:00:05"); 0 if the headers don't say."""
    match = re.fullmatch(r"(\d{1,3}):(\d\d):(\d\d)(?:\.\d+)?", answer.headers.get("x-ms-user-quota-resets-after", ""))
    if match is None:
        return 0.0
    hours, minutes, seconds = map(int, match.groups())
    return hours * 3600.0 + minutes * 60.0 + seconds


def _seconds(text: str, date: str) -> float | None:
    """Retry-After: seconds, or a date (RFC 9110), which is compared with that of the answer."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text.strip()):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - parsedate_to_datetime(date)).total_seconds())
    except (TypeError, ValueError, IndexError):  # what Python 3.9 and later raise for no date, or half of one
        return None


def error_of(reply: Reply) -> dict[str, Any]:
    """The error in an answer, with keys in lower case: the value of "error", as in ARM, or the body itself. Empty if
    there is none.
    """
    body = _lower(reply.body)
    error = body.get("error", body)
    return {"message": error} if isinstance(error, str) else _lower(error)


def error_code(reply: Reply) -> str:
    """The code of an error answer, in lower case; empty if it has none."""
    return str(error_of(reply).get("code") or "").lower()


def absent(reply: Reply) -> bool:
    """Whether ARM itself says that something doesn't exist. A proxy's page doesn't, nor does a subscription that this
    login can't see.
    """
    return (isinstance(reply, Answer) and reply.status == 404 and error_code(reply) != "subscriptionnotfound"
            and (reply.body is not None or not reply.text.strip()))


def error_words(error: Mapping[str, Any]) -> str:
    """The codes and messages of an error and of its first details, if it has them: Azure Resource Graph names the
    reason only in the details.
    """
    words: dict[str, None] = {}  # a set that keeps the order
    left = [dict(error)]
    while left and len(words) < _MOST_DETAILS:
        one = _lower(left.pop(0))
        code, message = (text_of(one.get(key)) for key in ("code", "message"))
        said = " ".join(filter(None, (f"({code})" if code else "", message)))
        words.update({said: None} if said else {})
        details = one.get("details")
        left += [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    return " ".join(words)


def text_of(value: Any) -> str:
    """A value that should be text; empty if it isn't. Half of a surrogate pair, which JSON allows, can't be printed."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _lower(value: Any) -> dict[str, Any]:
    return {str(key).lower(): part for key, part in value.items()} if isinstance(value, dict) else {}


# Recorded PATCH operations of other services last 11 to 13 seconds, PUT operations of this service 65 to 94. In seconds
# from the write: from 9 to 13, the polls are at most 1.5 s apart, and a little further apart before, so that an
# operation of 13 s takes 8.
POLL_TIMES = (0.8, 2.3, 4.3, 6.3, 8.3, 10.1, 11.6, 13.1)
LEAST_POLL_GAP = 1.0  # seconds from the answer to a poll until the next
POLL_GAP, MOST_POLL_GAP = 1.5, 10.0  # the same after POLL_TIMES
SCOUTS = 3  # operations of a fleet to poll often; how long they take tells when to poll the others
POLL_IF_UNKNOWN = 120.0  # seconds until the others are polled if no scout has finished
POLL_IF_ONE_KNOWN = 30.0  # the least number of seconds until they are polled if only some scouts have finished


class Pace:
    """When to poll the operations of a fleet, or of one resource."""

    def __init__(self) -> None:
        self._took: list[float] = []
        self._usual = 0.0  # seconds
        self._scouts: set[Hashable] = set()

    @property
    def knows(self) -> bool:
        """Whether as many operations have finished as there are scouts."""
        return 0 < len(self._scouts) <= len(self._took)

    def leads(self, who: Hashable) -> bool:
        """Whether `who` is a scout."""
        return who in self._scouts

    def due(self, who: Hashable, wait: NextPoll, now: float) -> float:
        """When `who` should poll. `now`: when the last poll, or the write, was answered. Respects the service's
        Retry-After.
        """
        if wait.own_operation and wait.polls == 0 and not self.knows and len(self._scouts) < SCOUTS:
            self._scouts.add(who)
        if not wait.own_operation or self.leads(who):
            return now + wait.at_least if wait.at_least else self._often(wait, now)
        if self.knows:  # a little late is fine, many polls are not
            due = max(wait.since + self._usual, now + 1.5 + wait.polls / 2 if wait.polls else now)
        else:
            earliest = max(POLL_IF_ONE_KNOWN, 2 * self._usual) if self._took else POLL_IF_UNKNOWN
            due = wait.since + max(earliest, 2 * (now - wait.since))
        return max(due, now + (wait.at_least or 0.0))

    def _often(self, wait: NextPoll, now: float) -> float:
        """When to poll if nothing is known from other operations. It depends on the time since the write and not on the
        number of polls, so that none are made up for after a longer wait. Scouts share the polls of a long operation.
        """
        passed = now - wait.since
        if not wait.polls:
            return max(wait.since + POLL_TIMES[0], now)
        for seconds in POLL_TIMES:
            if seconds > passed + 0.1:
                return max(wait.since + seconds, now + LEAST_POLL_GAP)
        return now + max(POLL_GAP, min(passed * max(len(self._scouts), 1) / 40, MOST_POLL_GAP))

    def learn(self, seconds: float) -> None:
        """Note how many seconds an operation took."""
        self._took = [*self._took, seconds][-20:]
        # The slowest fifth: a poll that is too early costs a request, one that is too late costs a second.
        self._usual = sorted(self._took)[len(self._took) * 4 // 5]


SLOWEST_GAP, FIRST_GAP = 1.0, 0.05  # seconds between two requests to a service that throttles


class Gate:
    """ARM's token bucket for one subscription and kind of request, as its refusals show it. After a refusal, requests
    pass one by one: faster while they are granted, slower after the next refusal.
    """

    def __init__(self) -> None:
        self.opens = self.granted_at = 0.0
        self._held_until = self._gap = 0.0
        self.queue: deque[Any] = deque()  # the requests that wait for it

    def take(self, now: float) -> None:
        """Let one request pass."""
        self.opens = max(self.opens, now) + self._gap

    def granted(self, now: float) -> None:
        """The service accepted a request."""
        self.granted_at = now
        self._gap *= 0.97

    def refused(self, now: float, seconds: float) -> None:
        """The service refused a request and asks for a wait of `seconds`."""
        if now >= self._held_until:  # otherwise it refuses a request that was already in progress
            self._gap = min(max(self._gap * 1.3, FIRST_GAP), SLOWEST_GAP)
        self._held_until = self.opens = max(self.opens, now + seconds)
