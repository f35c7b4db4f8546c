# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""communicationServices resources: documents, ETags and operations that settle with time. No HTTP."""

from __future__ import annotations

import copy
import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .identity_rules import StoredIdentity


@dataclass
class Operation:
    """A running PUT or DELETE: until `resource_done` the resource shows Accepted, until `done` the operation does."""

    name: str
    resource_id: str
    running: str  # Accepted or Deleting (K4, K8)
    started: float
    resource_done: float
    done: float

    def body(self, subscription: str, now: float) -> dict[str, Any]:
        """The answer to a poll (K6: no endTime, `properties` only at the end)."""
        over = now >= self.done
        body = {"id": f"/subscriptions/{subscription}/providers/Microsoft.Communication/locations/WESTUS2"
                      f"/operationStatuses/{self.name}",
                "name": self.name, "resourceId": self.resource_id, "status": "Succeeded" if over else self.running,
                "startTime": timestamp(self.started)}
        return {**body, "properties": None} if over else body


@dataclass
class CommunicationResource:
    """One resource as the service keeps it."""

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
    operation: Operation | None = None
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

    def settle(self, now: float) -> None:
        """Let what has to happen by now happen."""
        if self.operation and self.operation.running == "Accepted" and now >= self.operation.resource_done:
            self.modified = self.operation.resource_done
            self.operation = None
            self.host = True
            self.version += 1

    def count_read(self) -> None:
        """A GET: the values of a PATCH may be filled only after some of them."""
        if self.reads_to_fill:
            self.reads_to_fill -= 1
            self.version += self.reads_to_fill == 0

    def document(self, tenant: str) -> dict[str, Any]:
        """The JSON of an answer, keys in the recorded order (K3)."""
        busy = self.operation is not None or self.reads_to_fill > 0
        user = {"By": "armsim@example.com", "ByType": "User"}
        properties: dict[str, Any] = {"provisioningState": "Succeeded"}
        if busy:
            properties["provisioningState"] = self.operation.running if self.operation else "Updating"
        if self.host:
            properties |= {"hostName": f"{self.name.lower()}.unitedstates.communication.azure.com",
                           "immutableResourceId": self.immutable_id}
        block = self.identity.block(tenant, filled=not busy)
        return copy.deepcopy({
            "id": self.id, "name": self.name, "type": "microsoft.communication/communicationservices",
            "location": self.location, **({} if self.tags is None else {"tags": self.tags}),
            "systemData": {**{f"created{key}": value for key, value in user.items()},
                           "createdAt": timestamp(self.created),
                           **{f"lastModified{key}": value for key, value in user.items()},
                           "lastModifiedAt": timestamp(self.modified)},
            **({} if block is None else {"identity": block}),
            "properties": {**properties, **self.properties}})


def operation_name(resource_id: str) -> str:
    """A name in the recorded form: GUID*64 hexadecimal digits of the resource (K6)."""
    return f"{uuid.uuid4()}*{hashlib.sha256(resource_id.lower().encode()).hexdigest().upper()}"


def timestamp(when: float) -> str:
    """Seconds since 1970 in ARM's form."""
    return datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "1Z"
