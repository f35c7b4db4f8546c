# SPDX-License-Identifier: MIT
"""Requests to Azure Resource Manager, each of them kept for the recording. Any cloud; standard library only.

The token goes to Azure Resource Manager's own host and nowhere else, whatever address an answer names.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPErrorProcessor, HTTPSHandler, Request, build_opener

TIMEOUT = 120.0  # seconds for one answer
TRIES = 8  # of a request that is throttled, or of a read that got no answer
_PAUSE = 5.0  # seconds, where the service names none


class Clock:
    """The time that waiting goes by."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


class NoAnswerError(Exception):
    """The connection broke, nothing came in time, or there is no token, or no host that may see it."""


class Answer:
    """An answer; header names are in lower case. `body`: its JSON. `code`: of an error. Of a resource: `block`, its
    identity block, and `state`, its provisioningState.
    """

    def __init__(self, status: int, headers: Any, text: str) -> None:
        self.status, self.text, self.ok = status, text, 200 <= status < 300
        self.headers: dict[str, str] = {name.lower(): value for name, value in headers.items()}
        try:
            self.body: Any = json.loads(text)
        except ValueError:
            self.body = None
        fields = self.body if isinstance(self.body, dict) else {}
        error, identity, properties = fields.get("error", fields), fields.get("identity"), fields.get("properties")
        self.error: dict[str, Any] = error if isinstance(error, dict) else {}
        self.code = str(self.error.get("code") or "")
        self.block: dict[str, Any] | None = identity if isinstance(identity, dict) else None
        self.state = str(properties.get("provisioningState") or "") if isinstance(properties, dict) else ""

    def pause(self, default: float) -> float:
        """The seconds of Retry-After, or the default."""
        value = self.headers.get("retry-after", "")
        return float(value) if value.isdecimal() else default


class Exchange(NamedTuple):
    """A request, without the token, and its answer."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    answer: Answer


class Arm:
    """Sends requests to one Azure Resource Manager. `exchanges`: all of them so far."""

    def __init__(self, endpoint: str, token: Callable[[], str], clock: Any = None, ca_file: str | None = None) -> None:
        self.endpoint, self.token, self._new_token = endpoint.rstrip("/"), "", token
        self.clock = clock or Clock()
        self.exchanges: list[Exchange] = []
        context = ssl.create_default_context()
        if ca_file := ca_file or os.environ.get("REQUESTS_CA_BUNDLE"):
            context.load_verify_locations(ca_file)
        self._opener = build_opener(_AnyAnswer(), HTTPSHandler(context=context))

    def address(self, address: str) -> str | None:
        """An address that an answer names, also a relative one; None where it isn't at this host."""
        try:
            url = address if "://" in address else urljoin(f"{self.endpoint}/", address)
            return url if _origin(url) == _origin(self.endpoint) else None
        except ValueError:
            return None

    def ask(self, method: str, target: str, body: Any = None, version: str = "", if_match: str = "") -> Answer:
        """The answer, after the waits that a throttled service asks for. `target`: a path, or without a version the
        address of an operation. Raises NoAnswerError.
        """
        path = quote(target, safe="/()!,;:@&=+$*'")
        url = self.address(f"{self.endpoint}{path}?api-version={version}" if version else target)
        if url is None:
            raise NoAnswerError(f"{target.split('?', maxsplit=1)[0]} is not where a token may be sent")
        headers = {"If-Match": if_match} if if_match else {}
        for last in [False] * (TRIES - 1) + [True]:
            try:
                self.token = self.token or self._new_token()
                answer = self._open(method, url, headers, body)
                if answer.status == 401:  # it has expired
                    self.token = self._new_token()
                    answer = self._open(method, url, headers, body)
            except NoAnswerError:
                if method != "GET" or last:
                    raise
                self.clock.sleep(_PAUSE)
                continue
            self.exchanges.append(Exchange(method, url, headers, body, answer))
            if answer.status != 429 or last:
                break
            self.clock.sleep(answer.pause(_PAUSE))
        return answer

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        request = Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)  # noqa: S310  # `ask` checked it
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return Answer(response.status, response.headers, response.read().decode("utf-8", "replace"))
        except (HTTPException, OSError, ValueError) as error:  # ValueError: an address that can't be sent
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error


def _origin(url: str) -> tuple[str, str]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")


class _AnyAnswer(HTTPErrorProcessor):
    """Errors are answers, too; and ARM doesn't redirect: a token must not follow."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response
