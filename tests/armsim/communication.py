# SPDX-License-Identifier: MIT
"""communicationServices resources: documents, ETags and the write in progress. No HTTP."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .identity_rules import StoredIdentity
from .operations import Operation, timestamp
from .patch_shapes import PatchShape


class Content(NamedTuple):
    """What a write replaces, and a failed write restores."""

    location: str
    tags: dict[str, str] | None
    properties: dict[str, Any]
    identity: StoredIdentity


@dataclass
class UnderWay:
    """A write in progress."""

    before: Content
    operation: Operation
    settled: bool = False  # the resource shows the result already; the operation still runs

    @property
    def shape(self) -> PatchShape:
        """How the service answers it."""
        return self.operation.shape


@dataclass
class CommunicationResource:
    """One resource as the service keeps it. During a write, the content is already the new one."""

    subscription: str
    group: str
    name: str
    location: str
    created: float
    tags: dict[str, str] | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    identity: StoredIdentity = field(default_factory=StoredIdentity)
    modified: float = 0.0
    version: int = 0
    host: bool = False  # a new resource has no hostName until it is settled (K5)
    state: str = "Succeeded"  # how the last write ended
    write: UnderWay | None = None
    reads_to_fill: int = 0  # GETs until a PATCH is settled; 0: it is
    immutable_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def id(self) -> str:
        """The resource ID, spelled as ARM does."""
        return (f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
                f"/providers/Microsoft.Communication/communicationServices/{self.name}")

    @property
    def etag(self) -> str:
        """A quoted ETag in the recorded form; its last digits are the time of the last write (K2)."""
        return f'"{self.version:08x}-0000-0700-0000-{int(self.modified):08x}0000"'

    @property
    def content(self) -> Content:
        """The content as it is."""
        return Content(self.location, self.tags, dict(self.properties), self.identity)

    def start(self, write: UnderWay, now: float) -> None:
        """Begin a write."""
        self.write = write
        self.touch(now)

    def touch(self, when: float) -> None:
        """The resource has changed: another ETag."""
        self.modified = when
        self.version += 1

    def settle(self, when: float) -> None:
        """Show the result of the write, although its operation may still fail."""
        if self.write:
            self.write.settled = self.host = True
            self.touch(when)

    def finish(self, when: float) -> None:
        """End the write as its shape says: keep the new content or restore the old."""
        write, self.write = self.write, None
        if write is None:
            return
        shape = write.shape
        if shape.ends != "Succeeded":
            self.location, self.tags, self.properties, self.identity = write.before
        self.state = shape.state_after or ("Succeeded" if shape.ends == "ignored" else shape.ends)
        self.host = True
        if not shape.at_once:  # a PATCH that is done at once has one ETag (K14)
            self.touch(when)

    def count_read(self) -> None:
        """A GET: the values of a PATCH may be filled only after some of them."""
        if self.reads_to_fill:
            self.reads_to_fill -= 1
            self.version += self.reads_to_fill == 0

    def document(self, tenant: str) -> dict[str, Any]:
        """The JSON of an answer, keys in the recorded order (K3)."""
        write = self.write if self.write and not self.write.settled else None
        shape = write.shape if write else PatchShape(state="Succeeded" if self.write else self.state)
        if self.reads_to_fill:
            shape = PatchShape(shows="empty", state="Updating")
        shown = write.before if write and shape.shows == "old" else self.content
        pending = {"empty": set(shown.identity.users), "added-empty": set(shown.identity.users)
                   - (set(write.before.identity.users) if write else set())}.get(shape.shows, set())
        user = {"By": "armsim@example.com", "ByType": "User"}
        properties: dict[str, Any] = {} if shape.state is None else {"provisioningState": shape.state}
        if self.host:
            properties |= {"hostName": f"{self.name.lower()}.unitedstates.communication.azure.com",
                           "immutableResourceId": self.immutable_id}
        block = shown.identity.block(tenant, pending)
        return copy.deepcopy({
            "id": self.id, "name": self.name, "type": "microsoft.communication/communicationservices",
            "location": shown.location, **({} if shown.tags is None else {"tags": shown.tags}),
            "systemData": {**{f"created{key}": value for key, value in user.items()},
                           "createdAt": timestamp(self.created),
                           **{f"lastModified{key}": value for key, value in user.items()},
                           "lastModifiedAt": timestamp(self.modified)},
            **({} if block is None else {"identity": block}),
            "properties": {**properties, **shown.properties}})
