# SPDX-License-Identifier: MIT
"""What `dev.py live` makes, changes and deletes."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from .arm import LIMIT, MAP, Answer, Arm, Block, NoAnswerError, Write, block_of, kinds

VERSION = "2023-04-01"  # of Microsoft.Communication; what the extension sends
MSI_VERSION, AUTHORIZATION_VERSION, RESOURCES_VERSION = "2023-01-31", "2022-04-01", "2021-04-01"
READER = "providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"  # the built-in role
LATE = 180.0  # seconds that a change may need to show, or an operation that was broken off to end
T = TypeVar("T")


class Scene:
    """One resource and three user-assigned identities in a resource group that was there before."""

    created: Write  # the PUT
    first: Write  # the first PATCH
    takes_patch = True  # unless the first PATCH shows that it doesn't
    lag = 0  # seconds from the end of a PATCH until the resource shows it

    def __init__(self, arm: Arm, subscription: str, group: str) -> None:
        self.arm, self.subscription, self.group = arm, subscription, group
        self.name = f"live-{secrets.token_hex(4)}"
        self.resource = (f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Communication"
                         f"/communicationServices/{self.name}")
        self.one, self.two, self.three = self.users = [self.identity(which) for which in ("one", "two", "three")]
        self.made: dict[str, str] = {}  # ID: API version; noted before the request is sent
        self.row: dict[str, Any] = {}  # of Resource Graph

    def identity(self, which: str) -> str:
        """The ID of a user-assigned identity, in the casing of `az identity create`: resourcegroups in lower case."""
        return (f"/subscriptions/{self.subscription}/resourcegroups/{self.group}/providers/Microsoft.ManagedIdentity"
                f"/userAssignedIdentities/{self.name}-{which}")

    def look(self, path: str) -> Answer:
        """A read of something in the subscription."""
        return self.arm.ask("GET", f"/subscriptions/{self.subscription}/{path}", version=RESOURCES_VERSION)

    def check(self) -> None:
        """Find the location. Raises NoAnswerError where the group or a registration is missing."""
        for namespace in ("Microsoft.Communication", "Microsoft.ManagedIdentity"):
            answer = self.look(f"providers/{namespace}")
            if not answer.ok or answer.body.get("registrationState") != "Registered":
                raise NoAnswerError(f"{namespace} isn't registered in this subscription {answer.code}. To register it, "
                                    f"run: az provider register --namespace {namespace} --wait")
        answer = self.look(f"resourcegroups/{self.group}")
        if not answer.ok:
            raise NoAnswerError(f"The resource group {self.group} can't be read: {answer.code}. To create one, run: "
                                f"az group create --name {self.group} --location westeurope")
        self.location = str(answer.body["location"])

    def make(self) -> None:
        """Make everything. Raises NoAnswerError where the service refuses."""
        for identity in self.users:
            self.make_identity(identity)
        self.made[self.resource] = VERSION
        self.created = self.write("PUT", self.put_body(block_of())).must()

    def make_identity(self, identity: str, version: str = MSI_VERSION, **properties: str) -> Answer:
        """Make a user-assigned identity. Raises NoAnswerError where the service refuses."""
        self.made[identity] = version
        body = {"location": self.location, **({"properties": properties} if properties else {})}
        return self.write("PUT", body, version, path=identity).must().answer

    def put_body(self, block: Block) -> dict[str, Any]:
        """The body of a PUT."""
        return {"location": "global", "tags": {"made-by": "dev.py live"},
                "properties": {"dataLocation": "unitedstates"}, **({"identity": block} if block else {})}

    def get(self, version: str = VERSION) -> Answer:
        """The resource now."""
        return self.arm.ask("GET", self.resource, version=version)

    def begin(self, method: str, body: Any, version: str = VERSION, if_match: str = "", path: str = "") -> Write:
        """Send a write, and don't wait."""
        if method == "PATCH" and not self.takes_patch:
            raise NoAnswerError("The service makes no PATCH with identity")
        return Write(self.arm, method, path or self.resource, version, body, if_match)

    def write(self, method: str, body: Any, version: str = VERSION, if_match: str = "", path: str = "") -> Write:
        """Write, and wait; again while an operation that was begun before has not ended yet."""
        return self.until(lambda: self.begin(method, body, version, if_match, path).follow(),
                          lambda one: one.answer.status not in (409, 500, 502, 503, 504))[0]

    def patch(self, block: Block, version: str = VERSION, if_match: str = "") -> Write:
        """PATCH the identity block, and wait."""
        outcome = self.write("PATCH", {"identity": block}, version, if_match)
        if self.lag and outcome.made:
            self.arm.clock.sleep(2 * self.lag)
            outcome.look()
        return outcome

    def until(self, ask: Callable[[], T], good: Callable[[T], bool], limit: float = LATE) -> tuple[T, int]:
        """Ask until the answer is good, or too late: the last answer, and the seconds that it took."""
        started = self.arm.clock.now()
        while not good(answer := ask()) and self.arm.clock.now() - started < limit:
            self.arm.clock.sleep(5)
        return answer, int(self.arm.clock.now() - started)

    def bring(self, *named: str, system: bool = False) -> Scene:
        """Bring the resource to these identities, by PATCH or else by PUT: questions are asked of a known state."""
        wanted, current = kinds(block_of(*named, system=system)), self.get().block
        if kinds(current) == wanted:
            return self
        keys = {key.lower(): key for key in current.get(MAP) or {}}
        gone = [key for lower, key in keys.items() if lower not in wanted[1]]
        block = block_of(*(keys.get(one.lower(), one) for one in named), gone=gone, system=system)
        if self.takes_patch and self.patch(block).has(*named, system=system):
            return self
        outcome = self.write("PUT", self.put_body(block_of(*named, system=system))).must()
        if not outcome.has(*named, system=system):
            raise NoAnswerError(f"The resource can't be brought to the question's starting state: {outcome.words()}")
        return self

    def grant(self) -> tuple[str, int]:
        """Grant Reader on the resource to its system-assigned identity: the assignment's ID, the seconds it took."""
        made = f"{self.resource}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        body = {"properties": {"roleDefinitionId": f"/subscriptions/{self.subscription}/{READER}",
                               "principalId": self.get().block["principalId"], "principalType": "ServicePrincipal"}}
        self.made[made] = AUTHORIZATION_VERSION
        outcome, seconds = self.until(lambda: self.write("PUT", body, AUTHORIZATION_VERSION, path=made),
                                      lambda one: one.answer.code != "PrincipalNotFound", LIMIT)
        return outcome.must().path, seconds

    def delete(self, made: str) -> None:
        """Delete one. Raises NoAnswerError where it isn't gone then."""
        outcome = self.write("DELETE", None, self.made[made], path=made)
        if 404 not in (outcome.answer.status, outcome.resource.status) and outcome.must().operation == "Unknown":
            raise NoAnswerError(f"{made} may not be deleted: {outcome.words()}")
        del self.made[made]
