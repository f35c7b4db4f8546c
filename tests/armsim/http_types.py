# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""A request and an answer, as plain data between server, wire and faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any


@dataclass
class Request:
    """A request as it came, and what became of it."""

    method: str
    path: str  # unescaped
    query: dict[str, str]
    headers: Message
    body: Any = None  # parsed JSON
    at: float = 0.0  # seconds of the clock
    status: int = 0
    fault: str | None = None
    raw_path: str = ""

    def header(self, name: str) -> str | None:
        """A header, by its name in any case."""
        value = self.headers.get(name)
        return None if value is None else str(value)


@dataclass
class Answer:
    """An answer to send."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(body, separators=(",", ":")).encode(),
                  {"Content-Type": "application/json; charset=utf-8", **(headers or {})})
