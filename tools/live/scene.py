# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What `dev.py live` makes, and how it all goes away again."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .arm import Answer, Arm, NoAnswerError
from .sanitise import OUR_TAG
from .writing import Outcome, follow, kinds, write

VERSION = "2023-04-01"  # of Microsoft.Communication; what the extension sends
MSI_VERSION = "2023-01-31"
AUTHORIZATION_VERSION = "2022-04-01"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"  # the built-in role
_DELETE = {"communicationservices": "az resource delete --ids", "userassignedidentities": "az identity delete --ids",
           "roleassignments": "az role assignment delete --ids"}
_DELETE_TRIES = 12  # while an operation that was broken off is still running
_DELETE_PAUSE = 10.0
_LATE = 60.0  # seconds after the end of an operation until it is taken for ended


class CannotAskError(Exception):
    """A question can't be put, or got no answer that settles it; the message says why."""


@dataclass
class Made:
    """A resource that was made, or may have been: it is noted before the request is sent."""

    id: str
    version: str

    def delete_command(self) -> str:
        """The command that deletes it."""
        return f'{_DELETE[self.id.split("/")[-2].lower()]} "{self.id}"'


@dataclass
class Scene:
    """One resource and three user-assigned identities in a resource group that was there before."""

    arm: Arm
    subscription: str
    group: str
    suffix: str = field(default_factory=lambda: secrets.token_hex(4))
    made: list[Made] = field(default_factory=list)
    first: Outcome | None = None  # the first PATCH
    takes_patch: bool = True  # unless the first PATCH shows that it doesn't
    lag: float = 0.0  # seconds from the end of a PATCH until the resource shows it
    created: Outcome | None = None  # the PUT
    row: dict[str, Any] = field(default_factory=dict)  # of Resource Graph
    principals: list[str] = field(default_factory=list)  # system-assigned, in the order they were seen

    @property
    def name(self) -> str:
        """The name of the resource."""
        return f"live-{self.suffix}"

    @property
    def resource(self) -> str:
        """The ID of the resource."""
        return (f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.Communication"
                f"/communicationServices/{self.name}")

    def identity(self, which: str) -> str:
        """The ID of a user-assigned identity, in the casing of `az identity create`: resourcegroups in lower case."""
        return (f"/subscriptions/{self.subscription}/resourcegroups/{self.group}/providers/Microsoft.ManagedIdentity"
                f"/userAssignedIdentities/live-{self.suffix}-{which}")

    @property
    def one(self) -> str:
        """The first."""
        return self.identity("one")

    @property
    def two(self) -> str:
        """The second."""
        return self.identity("two")

    @property
    def three(self) -> str:
        """The third, which one question deletes."""
        return self.identity("three")

    # ---- making --------------------------------------------------------------------------------------------------

    def check(self) -> str:
        """The location of the group. Raises CannotAskError where the group or a registration is missing."""
        prefix = f"/subscriptions/{self.subscription}"
        for namespace in ("Microsoft.Communication", "Microsoft.ManagedIdentity"):
            answer = self.arm.ask("GET", f"{prefix}/providers/{namespace}", version="2021-04-01")
            state = answer.body.get("registrationState") if answer.ok else answer.code
            if state != "Registered":
                raise CannotAskError(f"{namespace} is {state} in this subscription. To register it, run: "
                                     f"az provider register --namespace {namespace} --wait")
        answer = self.arm.ask("GET", f"{prefix}/resourcegroups/{self.group}", version="2021-04-01")
        if not answer.ok:
            raise CannotAskError(f"The resource group {self.group} can't be read: {answer.code}. To create one, run: "
                                 f"az group create --name {self.group} --location westeurope")
        return str(answer.body["location"])

    def make(self, location: str) -> None:
        """Make everything. Raises CannotAskError where the service refuses."""
        for identity in (self.one, self.two, self.three):
            self.made.append(Made(identity, MSI_VERSION))
            _expect(self.arm.ask("PUT", identity, {"location": location}, version=MSI_VERSION), identity)
        self.made.append(Made(self.resource, VERSION))
        self.created = self.put({"type": "None"})
        _expect(self.created.answer, self.resource)

    def put(self, block: dict[str, Any]) -> Outcome:
        """PUT the resource with an identity block, and wait."""
        return self._write("PUT", self.put_body(block))

    @staticmethod
    def put_body(block: dict[str, Any]) -> dict[str, Any]:
        """The body of a PUT."""
        return {"location": "global", "tags": {OUR_TAG: "dev.py live"}, "identity": block,
                "properties": {"dataLocation": "unitedstates"}}

    # ---- what questions do ---------------------------------------------------------------------------------------

    def get(self, version: str = VERSION) -> Answer:
        """The resource now."""
        return self.arm.ask("GET", self.resource, version=version)

    def patch(self, block: dict[str, Any], *, if_match: str | None = None, version: str = VERSION) -> Outcome:
        """PATCH the identity block, and wait. Raises CannotAskError where no PATCH with identity is ever made."""
        self.needs_patch()
        outcome = self._write("PATCH", {"identity": block}, version, if_match)
        if self.lag and outcome.made:
            self.arm.clock.sleep(2 * self.lag)
            outcome.resource = self.get()
        return outcome

    def needs_patch(self) -> None:
        """Raise CannotAskError where no PATCH with identity is ever made."""
        if not self.takes_patch:
            raise CannotAskError("The service makes no PATCH with identity")

    def _write(self, method: str, body: Any, version: str = VERSION, if_match: str | None = None) -> Outcome:
        """Write; again for some time where an operation that was begun before has not ended yet."""
        started = self.arm.clock.now()
        while True:
            outcome = write(self.arm, method, self.resource, body, version, if_match)
            if outcome.answer.status != 409 or self.arm.clock.now() - started > _LATE:
                return outcome
            self.arm.clock.sleep(5)

    def wait_for(self, outcome: Outcome, wanted: tuple[bool, frozenset[str]]) -> None:
        """Wait some time for what a write made, and remember how long that took."""
        started = self.arm.clock.now()
        while outcome.made and kinds(outcome.block) != wanted and self.arm.clock.now() - started < _LATE:
            self.arm.clock.sleep(2)
            outcome.resource = self.get()
            self.lag = self.arm.clock.now() - started
        if kinds(outcome.block) != wanted:
            self.lag = 0.0

    def bring(self, *users: str, system: bool = False) -> None:
        """Bring the resource to these identities, by PATCH or, where that doesn't do it, by PUT. Raises CannotAskError.

        A question begins with it, so that each is asked of a known state.
        """
        wanted = (system, frozenset(user.lower() for user in users))
        current = self.get().block
        if kinds(current) == wanted:
            return
        keys = {key.lower(): key for key in (current or {}).get("userAssignedIdentities") or {}}
        gone = [key for lower, key in keys.items() if lower not in wanted[1]]
        kept = [keys.get(user.lower(), user) for user in users]
        outcome = self.patch(block_of(kept, gone if users else (), system=system)) if self.takes_patch else None
        if outcome is None or kinds(outcome.block) != wanted:
            outcome = self.put(block_of(users, system=system))
        if kinds(outcome.block) != wanted:
            raise CannotAskError(f"The resource can't be brought to the question's starting state: {outcome.words()}")

    # ---- deleting ------------------------------------------------------------------------------------------------

    def delete(self, made: Made) -> bool:
        """Delete one; whether it is gone."""
        for _ in range(_DELETE_TRIES):
            try:
                started = self.arm.clock.now()
                outcome = Outcome(self.arm.ask("DELETE", made.id, version=made.version))
                if outcome.answer.ok and "/roleAssignments/" not in made.id:
                    follow(self.arm, made.id, made.version, outcome, started)
            except NoAnswerError:
                self.arm.clock.sleep(_DELETE_PAUSE)
                continue
            missing = outcome.resource is not None and outcome.resource.status == 404
            if outcome.answer.status == 404 or outcome.made and (missing or outcome.operation != "Unknown"):
                self.made.remove(made)
                return True
            if outcome.answer.status not in (409, 429, 500, 502, 503, 504):
                break
            self.arm.clock.sleep(_DELETE_PAUSE)
        return False

    def delete_all(self) -> None:
        """Delete what was made, the last first; what stays in `made` could not be deleted."""
        for made in reversed(list(self.made)):
            self.delete(made)

    def grant(self, principal: str) -> tuple[Made, Answer]:
        """Ask for the role Reader on the resource for a principal."""
        name = str(uuid.uuid4())
        made = Made(f"{self.resource}/providers/Microsoft.Authorization/roleAssignments/{name}", AUTHORIZATION_VERSION)
        role = f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
        self.made.append(made)
        answer = self.arm.ask("PUT", made.id, {"properties": {
            "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"}},
            version=AUTHORIZATION_VERSION)
        if not answer.ok:
            self.made.remove(made)
        return made, answer


def block_of(users: Iterable[str], gone: Iterable[str] = (), *, system: bool = False) -> dict[str, Any]:
    """A block for a write that names the whole state."""
    users = list(users)
    named = ["SystemAssigned"] * system + ["UserAssigned"] * bool(users)
    block: dict[str, Any] = {"type": ",".join(named) or "None"}
    if users:
        block["userAssignedIdentities"] = {**{user: {} for user in users}, **dict.fromkeys(gone)}
    return block


def _expect(answer: Answer, what: str) -> None:
    if not answer.ok:
        raise CannotAskError(f"{what.rsplit('/', 1)[-1]} can't be created: {answer.status} {answer.code} "
                             f"{answer.error.get('message', '')}")
