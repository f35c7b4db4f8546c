# SPDX-License-Identifier: MIT
"""Requests to Azure Resource Manager, of any cloud, and writes, followed to their end. The token goes to its host and
nowhere else, whatever address an answer names. Standard library only.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPException
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

TRIES = 8  # of a request that is throttled, or that got no answer and may be sent again
PAUSE = 5.0  # seconds until the next try or poll, where the service says nothing else
LIMIT = 900.0  # seconds until a write is given up
MAP, ENDED = "userAssignedIdentities", ("succeeded", "failed", "canceled")
Block = dict[str, Any]  # an identity block; empty: there is none
Finding = tuple[bool | None, str]  # whether an assumption holds (None: that isn't settled), and what was seen


class NoAnswerError(Exception):
    """There is no answer, or none that settles the question; the message says why."""


class Answer:
    """An answer; header names are in lower case. `body`: its JSON. `code`: of an error. `pause`: the seconds of
    Retry-After. Of a resource: `block`, its identity block, and `state`, its provisioningState.
    """

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        self.status, self.text, self.ok = status, text, 200 <= status < 300
        self.headers = {name.lower(): value for name, value in headers.items()}
        try:
            self.body: Any = json.loads(text)
        except ValueError:
            self.body = None
        fields = _dict(self.body)
        self.code = str(_dict(fields.get("error", fields)).get("code") or "")
        self.block = _dict(fields.get("identity"))
        self.state = str(_dict(fields.get("properties")).get("provisioningState") or "").lower()
        retry_after = self.headers.get("retry-after", "")
        self.pause = float(retry_after) if retry_after.isdecimal() else PAUSE


class Arm:
    """Sends requests to one Azure Resource Manager. `answers`: all so far, each with its address."""

    clock: Any = SimpleNamespace(now=time.monotonic, sleep=time.sleep)  # the time that waiting goes by

    def __init__(self, endpoint: str, token: Callable[[], str]) -> None:
        self.endpoint, self.token, self._new_token = endpoint.rstrip("/").removesuffix(":443"), "", token
        self.answers: list[tuple[str, Answer]] = []
        context = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE"))  # as az does
        self._opener = OpenerDirector()  # without handlers of errors and redirects: they are answers, too
        for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(context=context)):
            self._opener.add_handler(handler)

    def address(self, named: str) -> str:
        """The address that an answer names, also a path; empty where it isn't at this host."""
        url = f"{self.endpoint}{named}" if named[:1] == "/" != named[1:2] else named
        return url if url.lower().replace(":443/", "/", 1).startswith(f"{self.endpoint.lower()}/") else ""

    def ask(self, method: str, target: str, body: Any = None, version: str = "", if_match: str = "") -> Answer:
        """The answer, after the waits that a throttled service asks for. `target`: a path, or without a version the
        address of an operation. Raises NoAnswerError.
        """
        path = quote(target, safe="/()!,;:@&=+$*'")
        url = self.address(f"{self.endpoint}{path}?api-version={version}" if version else target)
        if not url:
            raise NoAnswerError(f"{target.split('?', maxsplit=1)[0]} is not where a token may be sent")
        headers = {"If-Match": if_match} if if_match else {}
        again = (429,) if method in ("PATCH", "POST") else (429, 0)
        for left in reversed(range(TRIES)):
            self.token = self.token or self._new_token()
            answer = self._open(method, url, headers, body)
            self.answers.append((url, answer))
            if answer.status == 401 and left == TRIES - 1:  # the token has expired
                self.token = self._new_token()
            elif answer.status not in again or not left:
                break
            else:
                self.clock.sleep(answer.pause)
        if not answer.status:
            raise NoAnswerError(answer.text)
        return answer

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        request = Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)  # noqa: S310  # `ask` checked it
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with self._opener.open(request, timeout=120) as response:
                return Answer(response.status, response.headers, response.read().decode("utf-8", "replace"))
        except (HTTPException, OSError, ValueError) as error:  # ValueError: an address that can't be sent
            return Answer(0, {}, f"{type(error).__name__}: {error}")


class Write:
    """How a write goes. `operation`: Succeeded, Failed, Canceled, None (there is none), Unknown (its address doesn't
    say) or Running; `seen`: the resource meanwhile, and after how many seconds; `resource`: the resource at the end.
    """

    def __init__(self, arm: Arm, method: str, path: str, version: str, body: Any = None, if_match: str = "") -> None:
        self.arm, self.path, self.version, self.started = arm, path, version, arm.clock.now()
        self.answer = self.resource = answer = arm.ask(method, path, body, version, if_match)
        self.seen: list[tuple[float, Answer]] = []
        self.headers = [name for name in ("Azure-AsyncOperation", "Location") if name.lower() in answer.headers]
        location = answer.headers.get("location", "") if answer.status == 202 else ""  # of a 201 it may be the resource
        named = (answer.headers.get("azure-asyncoperation") or location) if answer.ok else ""
        self.where, self.seconds = arm.address(named), 0.0
        self.operation = "Running" if self.where else "Unknown" if named else "None"
        self.error = " (its address is at another host, which gets no token)" if self.operation == "Unknown" else ""

    def follow(self) -> Write:
        """Wait for the end of the operation and until the resource is settled; look at the resource meanwhile."""
        poll, settled = self.answer, False
        while not settled and self.look().seconds < LIMIT:
            polls = self.operation == "Running"
            if polls:
                poll = self.arm.ask("GET", self.where)
                self.operation, self.error = _ended(poll)
            settled = not polls and (not self.answer.ok or self.resource.state in ("", *ENDED))
            if self.operation == "Running" or not polls and not settled:
                self.seen.append((self.seconds, self.resource))
                self.arm.clock.sleep(poll.pause)
        return self

    def look(self) -> Write:
        """Read the resource."""
        self.resource = self.arm.ask("GET", self.path, version=self.version)
        self.seconds = float(self.arm.clock.now() - self.started)
        return self

    @property
    def made(self) -> bool:
        """Whether the service said yes and nothing after that said no."""
        return self.answer.ok and self.operation in ("None", "Succeeded", "Unknown")

    def words(self) -> str:
        """What happened, in a sentence."""
        answer = self.answer
        if not answer.ok:
            return f"{answer.status}: {answer.text}"
        headers = f"with {' and '.join(self.headers)}" if self.headers else "without operation headers"
        body = f"a resource that has {words(answer.block)}" if answer.body else f"the body '{answer.text}'"
        operation = "no operation" if self.operation == "None" else f"the operation: {self.operation}{self.error}"
        return (f"{answer.status} {headers}, {body}; {operation}; done after {self.seconds:.0f} s; "
                f"the resource then has {words(self.resource.block)}")

    def must(self) -> Write:
        """Itself. Raises NoAnswerError where it was not made."""
        if not self.made:
            raise NoAnswerError(f"A write was not made: {self.words()}")
        return self

    def has(self, *wanted: str, system: bool = False) -> bool:
        """Whether the write was accepted and made what was wanted."""
        return self.made and kinds(self.resource.block) == kinds(block_of(*wanted, system=system))

    def done(self, *wanted: str, system: bool = False) -> Finding:
        """Whether the write was accepted and made what was wanted, and what it did."""
        return self.has(*wanted, system=system), self.words()

    def refused(self, status: int, code: str = "") -> Finding:
        """Whether the write was refused with this status and code."""
        return self.answer.status == status and code in ("", self.answer.code), self.words()


def _ended(poll: Answer) -> tuple[str, str]:
    """The state of an operation by the answer to a poll, and its error."""
    status = str(poll.body.get("status") or "") if isinstance(poll.body, dict) else ""
    if status.lower() in ENDED:
        return status.capitalize(), f" ({poll.body['error']})" if poll.body.get("error") else ""
    if not poll.ok:
        return "Unknown" if poll.status in (401, 403, 404, 410) else "Failed", f" ({poll.status} {poll.text})"
    return "Running" if status or poll.status == 202 else "Succeeded", ""


def users(block: Block) -> dict[str, dict[str, Any]]:
    """The user-assigned identities of a block, by lower-case ID."""
    return {key.lower(): value or {} for key, value in (block.get(MAP) or {}).items()}


def kinds(block: Block) -> tuple[bool, set[str]]:
    """What a block holds: the system-assigned identity, and the user-assigned ones by lower-case ID."""
    return "systemassigned" in str(block.get("type")).lower(), set(users(block))


def block_of(*named: str, gone: Iterable[str] = (), system: bool = False) -> Block:
    """A block for a write that names the whole state."""
    kind = ",".join(["SystemAssigned"] * system + ["UserAssigned"] * bool(named)) or "None"
    return {"type": kind, **({MAP: {**{one: {} for one in named}, **dict.fromkeys(gone)}} if named else {})}


def words(block: Block) -> str:
    """A block in short."""
    names = ", ".join(sorted(key.rsplit("/", 1)[-1] for key in users(block)))
    return f"type '{block['type']}'{names and f' and {names}'}" if block else "no identity block"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
