# SPDX-License-Identifier: MIT
"""Requests to Azure Resource Manager, of any cloud. The token goes to its host and nowhere else, whatever address an
answer names. Standard library only.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import quote
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

TRIES = 8  # of a request that is throttled, or that got no answer and may be sent again
PAUSE = 5.0  # seconds until the next try or poll, where the service says nothing else
ENDED = ("succeeded", "failed", "canceled")


class Clock:
    """The time that waiting goes by."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


class NoAnswerError(Exception):
    """There is no answer, or none that settles the question; the message says why."""


class Answer:
    """An answer; header names are in lower case. `body`: its JSON. `code`, `message`: of an error. `pause`: the seconds
    of Retry-After. Of a resource: `block`, its identity block, and `state`, its provisioningState.
    """

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        self.status, self.text, self.ok = status, text, 200 <= status < 300
        self.headers = {name.lower(): value for name, value in headers.items()}
        try:
            self.body: Any = json.loads(text)
        except ValueError:
            self.body = None
        fields = _dict(self.body)
        error = _dict(fields.get("error", fields))
        self.code, self.message = str(error.get("code") or ""), str(error.get("message") or "")
        self.block = _dict(fields.get("identity"))
        self.state = str(_dict(fields.get("properties")).get("provisioningState") or "").lower()
        retry_after = self.headers.get("retry-after", "")
        self.pause = float(retry_after) if retry_after.isdecimal() else PAUSE


class Arm:
    """Sends requests to one Azure Resource Manager. `answers`: all so far, each with its address."""

    def __init__(self, endpoint: str, token: Callable[[], str], clock: Any = None) -> None:
        self.endpoint, self.token, self._new_token = endpoint.rstrip("/").removesuffix(":443"), "", token
        self.clock = clock or Clock()
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
        renewed = False
        for left in reversed(range(TRIES)):
            self.token = self.token or self._new_token()
            try:
                answer = self._open(method, url, headers, body)
            except NoAnswerError:
                if method in ("PATCH", "POST") or not left:
                    raise
                self.clock.sleep(PAUSE)
                continue
            self.answers.append((url, answer))
            if answer.status == 401 and not renewed:  # the token has expired
                self.token, renewed = self._new_token(), True
            elif answer.status != 429 or not left:
                break
            else:
                self.clock.sleep(answer.pause)
        return answer

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        request = Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)  # noqa: S310  # `ask` checked it
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with self._opener.open(request, timeout=120) as response:
                return Answer(response.status, response.headers, response.read().decode("utf-8", "replace"))
        except (HTTPException, OSError, ValueError) as error:  # ValueError: an address that can't be sent
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
