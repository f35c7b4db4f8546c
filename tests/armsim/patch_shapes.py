# SPDX-License-Identifier: MIT
"""How a service answers a PATCH, and what it shows until the operation ends: recorded shapes (K16), shapes that ARM's
rules allow, and failures. Two of the recorded services run on ProviderHub, as Microsoft.Communication does (K1):
LoadTestService and NetworkCloud.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

ASYNC, LOCATION = "Azure-AsyncOperation", "Location"


@dataclass(frozen=True)
class PatchShape:
    """One way to answer. The default is that of K14 and A1: 200 with the whole resource, done at once."""

    status: int = 200
    headers: tuple[str, ...] = ()  # of Azure-AsyncOperation and Location
    body: Literal["resource", "null", "empty"] = "resource"
    seconds: float = 0.0  # until the operation ends; 0: before the answer
    settles: float | None = None  # until the resource shows the result; None: until the operation ends
    # The block meanwhile. empty: every value of the map is {} (K10); added-empty: those of the added identities (K60).
    shows: Literal["old", "empty", "added-empty", "filled"] = "filled"
    state: str | None = "Succeeded"  # provisioningState meanwhile; None: no such property
    ends: Literal["Succeeded", "Failed", "Canceled", "ignored"] = "Succeeded"  # ignored: Succeeded without the change
    state_after: str | None = None  # provisioningState after the end; None: as `ends`
    code: str = "OperationFailed"  # of an operation that fails or is canceled
    message: str = "The operation didn't finish."
    running: str = "Accepted"  # the operation's status until the end
    end_time: bool = True  # whether the operation's end has endTime (K57; after a PUT it has none, K6)
    # Where Location leads. status: where Azure-AsyncOperation does (K57); resource and nothing: to 202 until
    # the end, then 200 with the resource or 204.
    location: Literal["status", "resource", "nothing"] = "status"
    # What a poll gets. missing: 404; html: 200 with a page; no-status: 200 with JSON that has no status.
    address: Literal["good", "missing", "html", "no-status"] = "good"
    retry_after: int | None = None  # on the answer of the PATCH
    poll_retry_after: int | None = None  # on the polls until the end
    accepts_writes: bool = False  # a second write meanwhile: 409 (A7), or accepted, which finishes the first change

    @property
    def at_once(self) -> bool:
        """Whether the write has ended before the answer."""
        return self.finishes <= 0

    @property
    def finishes(self) -> float:
        """Seconds until the resource accepts the next write."""
        return self.seconds if self.settles is None or self.ends != "Succeeded" else self.settles


_BOTH = (ASYNC, LOCATION)
_PROVIDER_HUB = PatchShape(202, _BOTH, "null", 12.0, shows="old", state="Updating")

# Recorded. Where the answer shows no resource, `shows` and `state` are assumed (A31).
SHAPES = {
    "automation": PatchShape(state=None),  # K62
    "communication": PatchShape(),  # K14; with identity A1
    "container-app": PatchShape(202, _BOTH, "empty", 20.0, shows="old", state="Updating",  # K59
                                running="InProgress", location="resource"),
    "container-app-environment": PatchShape(202, (LOCATION,), "empty", 20.0, shows="old", state="Updating",  # K58
                                            location="resource"),
    "database-account": PatchShape(200, _BOTH, "resource", 30.0, shows="old", state="Updating",  # K60
                                   running="Enqueued", location="resource"),
    "event-grid": PatchShape(201, (ASYNC,), "resource", 10.0, shows="empty", state="Updating",  # K61
                             running="InProgress"),
    "hybrid-machine": PatchShape(200, (), "resource", 10.0, shows="filled", state="Updating"),  # K60
    "kusto": PatchShape(202, _BOTH, "resource", 60.0, shows="empty", state="Accepted", running="Running",  # K59
                        location="resource"),
    "load-test": _PROVIDER_HUB,  # K57
    "machine-learning": PatchShape(202, _BOTH, "empty", 30.0, shows="empty", state="Updating",  # K59
                                   running="InProgress", location="resource"),
    "signalr": PatchShape(202, _BOTH, "empty", 30.0, shows="filled", state="Updating", running="Running",  # K59
                          location="resource"),
    "spring": PatchShape(202, _BOTH, "resource", 20.0, shows="old", state="Updating", running="Running",  # K59
                         location="resource"),
    "virtual-machine": PatchShape(200, (ASYNC,), "resource", 30.0, shows="added-empty", state="Updating",  # K60
                                  running="InProgress"),
}

# Not recorded, but ARM's rules or an older specification allow them (K34, K63, K64; A33).
ALLOWED = {
    "201 with an operation": PatchShape(201, (ASYNC,), "resource", 12.0, shows="empty", state="Updating"),
    "202 and no address": PatchShape(202, (), "null", 12.0, shows="old", state="Updating"),
    "202 and Azure-AsyncOperation": PatchShape(202, (ASYNC,), "null", 12.0, shows="empty", state="Updating"),
    # The address that ProviderHub gives as Location (K57) answers 200 from the start, with the operation's status.
    "202 and a Location of the status": PatchShape(202, (LOCATION,), "null", 12.0, shows="old", state="Updating"),
    "202 and a Location of the resource": PatchShape(202, (LOCATION,), "null", 12.0, shows="old", state="Updating",
                                                     location="resource"),
    "202 and a Location of nothing": PatchShape(202, (LOCATION,), "empty", 12.0, shows="empty", state="Updating",
                                                location="nothing"),
    "204 at once": PatchShape(204, (), "empty"),
    "204 and Azure-AsyncOperation": PatchShape(204, (ASYNC,), "empty", 12.0, shows="old", state="Updating"),
    "200 with null": PatchShape(200, (), "null"),
    "200 and nothing": PatchShape(200, (), "empty"),
    "200, Location and done": PatchShape(200, (LOCATION,), "resource", location="resource"),
    "Retry-After": replace(_PROVIDER_HUB, retry_after=5, poll_retry_after=5),
    "the resource settles before the operation": PatchShape(202, (ASYNC,), "null", 60.0, 12.0, "empty", "Accepted",
                                                            end_time=False),  # as a PUT (A25)
    "the operation ends before the resource": PatchShape(202, _BOTH, "null", 12.0, 20.0, "old", "Updating"),
    "the resource shows it late": PatchShape(202, _BOTH, "null", 12.0, 20.0, "old", "Succeeded"),
    "the resource looks done": PatchShape(202, _BOTH, "null", 12.0, shows="filled"),
    "the address is missing": replace(_PROVIDER_HUB, address="missing"),
    "the address gives a page": replace(_PROVIDER_HUB, address="html"),
    "the address has no status": replace(_PROVIDER_HUB, address="no-status"),
}

# The change doesn't happen (A32).
FAILURES = {
    "failed": replace(_PROVIDER_HUB, ends="Failed"),
    "canceled": replace(_PROVIDER_HUB, ends="Canceled", code="OperationCanceled", message="Someone canceled it."),
    "failed, 200": PatchShape(200, (ASYNC,), "resource", 12.0, shows="filled", state="Updating", ends="Failed"),
    "failed, by Location": PatchShape(202, (LOCATION,), "empty", 12.0, shows="old", state="Updating", ends="Failed",
                                      location="resource"),
    "failed, no address": PatchShape(202, (), "null", 12.0, shows="filled", state="Updating", ends="Failed"),
    "failed after looking done": PatchShape(200, (ASYNC,), "resource", 12.0, shows="filled", ends="Failed",
                                            state_after="Succeeded"),
    "ignored": replace(_PROVIDER_HUB, ends="ignored"),
    "ignored at once": PatchShape(200, (), "resource", shows="old", ends="ignored"),
    "ignored, 204": PatchShape(204, (), "empty", shows="old", ends="ignored"),
}
