# SPDX-License-Identifier: MIT
"""A client of armsim without a server: for tests that step through requests one by one."""

from __future__ import annotations

import json
from email.message import Message
from typing import Any

from .http_types import Answer, Request
from .state import ArmState
from .wire import Wire


class DirectClient:
    """Sends requests straight to `Wire`. `wire.violations` holds what the client did wrong."""

    def __init__(self, state: ArmState) -> None:
        self.wire = Wire(state, "https://armsim")

    def __call__(self, method: str, url: str, body: Any = None, **headers: str) -> Answer:
        """Send a request; `url`: a path, or an address that an answer gave; If_Match="…" is the header If-Match."""
        message = Message()
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        content = b""
        if body is not None:
            message["Content-Type"], content = "application/json", json.dumps(body).encode()
        target = url.removeprefix(self.wire.base_url)
        return self.wire.answer(Request.parse(method, target, message, content, self.wire.state.clock.now()))
