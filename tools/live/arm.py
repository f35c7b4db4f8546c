# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Raw requests to Azure Resource Manager, each of them kept for the recording. Any cloud; standard library only."""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException, responses
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

TIMEOUT = 120.0  # seconds for one answer
TRIES = 8  # of a request that is throttled, or of a read that got no answer
_PAUSE = 5.0  # seconds, where the service names none


class Clock(Protocol):
    """The time that waiting goes by."""

    def now(self) -> float:
        """Seconds since any moment."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class RealClock:
    """The machine's own time."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)


class NoAnswerError(Exception):
    """The connection broke, nothing came in time, or there is no token to ask with."""


@dataclass(frozen=True)
class Answer:
    """An answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def ok(self) -> bool:
        """Whether the service said yes."""
        return 200 <= self.status < 300

    @property
    def body(self) -> Any:
        """The JSON of the body; None where it is no JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def error(self) -> Mapping[str, Any]:
        """Code and message of an error, inside {"error": …} or not."""
        body = self.body if isinstance(self.body, dict) else {}
        inner = body.get("error", body)
        return inner if isinstance(inner, dict) else {}

    @property
    def code(self) -> str:
        """The code of an error; empty where there is none."""
        return str(self.error.get("code") or "")

    @property
    def block(self) -> dict[str, Any] | None:
        """The identity block of a resource."""
        found = self.body.get("identity") if isinstance(self.body, dict) else None
        return found if isinstance(found, dict) else None

    @property
    def state(self) -> str:
        """The provisioningState of a resource; empty where it says none."""
        properties = self.body.get("properties") if isinstance(self.body, dict) else None
        return str(properties.get("provisioningState") or "") if isinstance(properties, dict) else ""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer."""

    method: str
    url: str
    headers: Mapping[str, str]  # without the token
    body: Any
    answer: Answer


class Arm:
    """Sends requests to one Azure Resource Manager. `exchanges`: all of them so far."""

    def __init__(self, endpoint: str, token: Callable[[], str], clock: Clock | None = None,
                 ca_file: str | None = None) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.clock: Clock = clock or RealClock()
        self.exchanges: list[Exchange] = []
        self._new_token = token
        self.token = ""
        self._opener = _opener(ca_file or os.environ.get("REQUESTS_CA_BUNDLE"))

    def ask(self, method: str, target: str, body: Any = None, *, version: str | None = None,
            if_match: str | None = None) -> Answer:
        """The answer, after the waits that a throttled service asks for. Raises NoAnswerError."""
        for attempt in range(1, TRIES + 1):
            try:
                answer = self.send(method, target, body, version=version, if_match=if_match)
            except NoAnswerError:
                if method != "GET" or attempt == TRIES:
                    raise
                self.clock.sleep(_PAUSE)
                continue
            if answer.status != 429 or attempt == TRIES:
                break
            self.clock.sleep(pause(answer, _PAUSE))
        return answer

    def send(self, method: str, target: str, body: Any = None, *, version: str | None = None,
             if_match: str | None = None) -> Answer:
        """Send one request and keep it; `target`: a path, or the address of an operation. Raises NoAnswerError."""
        url = target if "://" in target else self.endpoint + quote(target, safe="/()!,;:@&=+$*'")
        if version:
            url += f"?api-version={version}"
        headers = {"If-Match": if_match} if if_match else {}
        self.token = self.token or self._new_token()
        answer = self._open(method, url, headers, body)
        if answer.status == 401:  # it has expired
            self.token = self._new_token()
            answer = self._open(method, url, headers, body)
        self.exchanges.append(Exchange(method, url, headers, body, answer))
        return answer

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
        if urlsplit(url).scheme != urlsplit(self.endpoint).scheme:
            raise NoAnswerError(f"{url.split('?', maxsplit=1)[0]} is not where a token may be sent")
        data = None if body is None else json.dumps(body).encode()
        request = Request(url, data, {**headers, "Content-Type": "application/json"}, method=method)  # noqa: S310  # its scheme is checked above
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return _answer(response.status, response.headers.items(), response.read())
        except HTTPError as error:
            with error:
                return _answer(error.code, error.headers.items(), error.read())
        except (URLError, HTTPException, OSError) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}") from error


def pause(answer: Answer, default: float) -> float:
    """The seconds of Retry-After, or the default."""
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isdigit() else default


def reason(status: int) -> str:
    """The standard words of a status."""
    return responses.get(status, "")


class _NoRedirects(HTTPRedirectHandler):
    """ARM doesn't redirect; a token must not follow."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(ca_file: str | None) -> OpenerDirector:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return build_opener(_NoRedirects(), HTTPSHandler(context=context))


def _answer(status: int, headers: Any, content: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers}, content.decode("utf-8", "replace"))
