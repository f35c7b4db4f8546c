# SPDX-License-Identifier: MIT
"""Policies that evaluate a write outside of Azure: the token that proves it (K51 to K53). No HTTP."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from . import errors
from .authorization import within

HEADER = "x-ms-policy-external-evaluations"


@dataclass(frozen=True)
class Write:
    """A request that writes: its method, its path and query, and its body."""

    method: str
    url: str
    content: Any

    @property
    def scope(self) -> str:
        """What it writes to; for a role assignment, what that belongs to."""
        path = unquote(urlsplit(self.url).path)
        at = path.lower().rfind("/providers/microsoft.authorization/roleassignments/")
        return path[:at] if at >= 0 else path


@dataclass
class PolicyTokens:
    """The policies that ask for a token, the tokens, and the change references that came with them."""

    policies: dict[tuple[str, str], bool] = field(default_factory=dict)  # scope and name: whether it needs a reference
    change_references: list[str | None] = field(default_factory=list)
    _tokens: dict[str, tuple[Write, bool]] = field(default_factory=dict)

    def require(self, scope: str, assignment: str, change_reference: bool) -> None:
        """Refuse writes without a token at a scope and below."""
        self.policies[scope, assignment] = change_reference

    def acquire(self, body: dict[str, Any]) -> dict[str, Any]:
        """A token for an operation. Raises ValueError where the content isn't the JSON object that the write sends."""
        operation = body["operation"]
        content = operation.get("content")
        if content is not None and not isinstance(content, dict):
            raise ValueError(f"operation.content must be a JSON object, not {type(content).__name__}")
        url = urlsplit(operation["uri"])
        write = Write(operation["httpMethod"], f"{url.path}?{url.query}", content)
        token = "PoP " + base64.urlsafe_b64encode(json.dumps({"id": str(uuid.uuid4())}).encode()).decode()
        self._tokens[token] = (write, bool(body.get("changeReference")))
        self.change_references.append(body.get("changeReference"))
        return {"result": "Succeeded", "token": token, "tokenId": str(uuid.uuid4())}

    def check(self, write: Write, token: str | None) -> None:
        """Let a write pass, or raise ArmError 403. Raises ValueError where the token is for another request (K53); it
        is good for one (A29).
        """
        known = self._tokens.pop(token or "", None)
        if token and known is None:
            raise ValueError("unknown policy token, or one that was used already")
        if known and known[0] != write:
            raise ValueError(f"the policy token is for {known[0]}, not for {write}")
        for (scope, assignment), reference in self.policies.items():
            if within(write.scope, scope) and (known is None or reference and not known[1]):
                name = unquote(urlsplit(write.url).path).rsplit("/", 1)[-1]
                raise errors.policy_token_missing(name, scope, assignment, reference)
