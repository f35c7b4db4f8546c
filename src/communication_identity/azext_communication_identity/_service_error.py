# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What an error of Azure Resource Manager says, as plain data. Shapes as recorded: {"error": {"code", "message"}},
and without the "error" around it (Private DNS, 412).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError


@dataclass(frozen=True)
class ServiceError:
    """One error answer. `path`: the path of the request, unescaped; `info`: ARM's additionalInfo."""

    status: int
    code: str
    message: str
    path: str
    info: list[dict[str, Any]] = field(default_factory=list)

    def part(self, name: str) -> str | None:
        """The segment that follows `name` in the path of the request, e.g. the group after "resourceGroups"."""
        match = re.search(rf"/{name}/([^/]+)", self.path, re.IGNORECASE)
        return match.group(1) if match else None

    def quoted(self, before: str) -> str | None:
        """The text in single quotes that follows the words `before` in the message."""
        match = re.search(rf"{before}\s*'([^']*)'", self.message)
        return match.group(1) if match else None


def service_error(error: HttpResponseError) -> ServiceError:
    """Read an HttpResponseError. Code and message are empty where the body isn't an ARM error."""
    response: Any = error.response
    body = _json(response.text()) if response is not None else {}
    wrapped = body.get("error")
    inner = wrapped if isinstance(wrapped, dict) else body
    return ServiceError(status=error.status_code or 0,
                        code=str(inner.get("code") or ""),
                        message=str(inner.get("message") or ""),
                        path=unquote(urlsplit(response.request.url).path) if response is not None else "",
                        info=[item for item in inner.get("additionalInfo") or [] if isinstance(item, dict)])


def _json(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
