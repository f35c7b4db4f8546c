# SPDX-License-Identifier: MIT
"""Long-running operations, and the queue of what is due. No HTTP."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .patch_shapes import PatchShape


class Timeline:
    """Actions and when they are due. Running it costs nothing while none is."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Plan an action. Those of the same time keep their order."""
        heapq.heappush(self._due, (when, next(self._numbers), action))

    def run(self, now: float) -> None:
        """Do what is due by now."""
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()


@dataclass
class Operation:
    """A write that takes time, as its polling address reports it."""

    name: str
    resource_id: str
    shape: PatchShape
    started: float
    addresses: set[str] = field(default_factory=set)  # path and query, as they were given

    @property
    def done(self) -> float:
        """When it ends."""
        return self.started + self.shape.seconds

    def failure(self, now: float) -> dict[str, Any] | None:
        """The error, once an operation has failed or been canceled."""
        if now < self.done or self.shape.ends in ("Succeeded", "ignored"):
            return None
        return {"code": self.shape.code, "message": self.shape.message}

    def body(self, subscription: str, now: float) -> dict[str, Any]:
        """The answer to a poll: endTime and `properties` only at the end (K57), after a PUT no endTime (K6); A32."""
        shape, over, error = self.shape, now >= self.done, self.failure(now)
        ends = "Succeeded" if shape.ends == "ignored" else shape.ends
        body = {"id": f"/subscriptions/{subscription}/providers/Microsoft.Communication/locations/WESTUS2"
                      f"/operationStatuses/{self.name}",
                "name": self.name, "resourceId": self.resource_id, "status": ends if over else shape.running,
                "startTime": timestamp(self.started)}
        if over and shape.end_time:
            body["endTime"] = timestamp(self.done)
        if error:
            return {**body, "error": error}
        return {**body, "properties": None} if over else body


def operation_name(resource_id: str) -> str:
    """A name in the recorded form: GUID*64 hexadecimal digits of the resource (K6)."""
    return f"{uuid.uuid4()}*{hashlib.sha256(resource_id.lower().encode()).hexdigest().upper()}"


def timestamp(when: float) -> str:
    """Seconds since 1970 in ARM's form."""
    return datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "1Z"
