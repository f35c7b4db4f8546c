# SPDX-License-Identifier: MIT
"""A request and an answer, as plain data between server, wire and faults."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass
class Request:
    """A request as it came, and what became of it."""

    method: str
    path: str  # unescaped
    query: dict[str, str]
    headers: Message
    body: Any = None  # parsed JSON
    at: float = 0.0  # seconds of the clock
    answered: float = 0.0  # as `at`, when the answer is ready
    status: int = 0
    fault: str | None = None
    raw_path: str = ""

    @classmethod
    def parse(cls, method: str, target: str, headers: Message, content: bytes, at: float) -> Request:
        """A request from what is on the wire. ARM takes doubled slashes: `az resource` sends them, where a type has no
        parent.
        """
        url = urlsplit(target)
        is_json = "json" in headers.get("Content-Type", "")  # older CLIs ask for tokens with a form
        return cls(method, re.sub("//+", "/", unquote(url.path)), dict(parse_qsl(url.query, keep_blank_values=True)),
                   headers, json.loads(content) if content and is_json else None, at, raw_path=target)

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
