# SPDX-License-Identifier: MIT
"""Faults on order (A35): the nth request of a method and path gets something else than it asked for."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any, Literal

from .http_types import Request

Kind = Literal["status", "raw", "reset-before", "reset-after", "truncate", "empty", "empty-no-effect", "ignore",
               "delay", "stall", "stall-after", "stall-midway"]


@dataclass
class Fault:
    """What happens to the `nth` to `nth + times - 1`-th request whose method is `method` ("*": any) and whose path
    holds the regular expression `path`.

    status: an ARM error with `status`, `code`, `message`, `headers`, such as K33. raw: `status` with the text `body` of
    `content_type`. reset-before, reset-after: the connection breaks, before or after the request took effect. truncate:
    half of the answer, then the end. empty: 200 without a body, after the effect; empty-no-effect: without it. ignore:
    200 with the resource as it was. delay: the answer after `delay` seconds. stall, stall-after: no answer, before or
    after the request took effect; the connection stays open until the client hangs up. stall-midway: like raw, but only
    half of the body.
    """

    method: str = "*"
    path: str = ""
    nth: int = 1
    times: int = 1
    kind: Kind = "status"
    status: int = 503
    code: str = "ServiceUnavailable"
    message: str = "Injected by a test."
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "<html><body>Bad Gateway</body></html>"
    content_type: str = "text/html"
    delay: float = 0.0
    seen: int = 0
    used: int = 0

    @property
    def has_effect(self) -> bool:
        """Whether the request still does what it asks for."""
        return self.kind in ("reset-after", "truncate", "empty", "delay", "stall-after")

    def error_body(self) -> dict[str, Any]:
        """The body of an ARM error."""
        return {"error": {"code": self.code, "message": self.message}}


class Faults:
    """All faults of a test."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.all: list[Fault] = []

    def take(self, request: Request) -> Fault | None:
        """The fault for this request, if there is one."""
        with self._lock:
            taken = None
            for fault in self.all:
                if fault.method not in ("*", request.method) or not re.search(fault.path, request.path, re.IGNORECASE):
                    continue
                fault.seen += 1
                if taken is None and fault.nth <= fault.seen < fault.nth + fault.times:
                    fault.used += 1
                    taken = fault
            return taken

    def unused(self) -> list[Fault]:
        """The faults that never happened: their test tests nothing."""
        return [fault for fault in self.all if not fault.used]
