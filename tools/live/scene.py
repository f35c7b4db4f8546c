# SPDX-License-Identifier: MIT
"""What `dev.py live` makes, and how it all goes away again."""

from __future__ import annotations

import secrets
import uuid
from typing import Any, TypeVar

from .arm import Answer, Arm, NoAnswerError
from .sanitise import OUR_TAG
from .writing import LIMIT, Outcome, State, block_of, kinds, state, users

VERSION = "2023-04-01"  # of Microsoft.Communication; what the extension sends
MSI_VERSION = "2023-01-31"
AUTHORIZATION_VERSION = "2022-04-01"
RESOURCES_VERSION = "2021-04-01"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"  # the built-in role
_DELETE = {"communicationservices": "az resource delete --ids", "userassignedidentities": "az identity delete --ids",
           "roleassignments": "az role assignment delete --ids"}
_DELETE_TRIES = 12  # while an operation that was broken off is still running
_DELETE_PAUSE = 10.0
S = TypeVar("S", bound="Scene")
_LATE = 60.0  # seconds after the end of an operation until it is taken for ended


class CannotAskError(Exception):
    """A question can't be put, or got no answer that settles it; the message says why."""


class Scene:
    """One resource and three user-assigned identities in a resource group that was there before."""

    def __init__(self, arm: Arm, subscription: str, group: str) -> None:
        self.arm, self.subscription, self.group = arm, subscription, group
        self.name = f"live-{secrets.token_hex(4)}"
        self.resource = (f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Communication"
                         f"/communicationServices/{self.name}")
        self.one, self.two, self.three = self.users = [self.identity(which) for which in ("one", "two", "three")]
        self.location = ""
        self.made: dict[str, str] = {}  # ID: API version; noted before the request is sent
        self.created: Outcome | None = None  # the PUT
        self.first: Outcome | None = None  # the first PATCH
        self.takes_patch = True  # unless the first PATCH shows that it doesn't
        self.lag = 0.0  # seconds from the end of a PATCH until the resource shows it

    def identity(self, which: str) -> str:
        """The ID of a user-assigned identity, in the casing of `az identity create`: resourcegroups in lower case."""
        return (f"/subscriptions/{self.subscription}/resourcegroups/{self.group}/providers/Microsoft.ManagedIdentity"
                f"/userAssignedIdentities/{self.name}-{which}")

    def look(self, path: str) -> Answer:
        """A read of something in the subscription."""
        return self.arm.ask("GET", f"/subscriptions/{self.subscription}/{path}", version=RESOURCES_VERSION)

    def check(self) -> Scene:
        """Find the location. Raises CannotAskError where the group or a registration is missing."""
        for namespace in ("Microsoft.Communication", "Microsoft.ManagedIdentity"):
            answer = self.look(f"providers/{namespace}")
            registered = answer.body.get("registrationState") if answer.ok else answer.code
            if registered != "Registered":
                raise CannotAskError(f"{namespace} is {registered} in this subscription. To register it, run: "
                                     f"az provider register --namespace {namespace} --wait")
        answer = self.look(f"resourcegroups/{self.group}")
        if not answer.ok:
            raise CannotAskError(f"The resource group {self.group} can't be read: {answer.code}. To create one, run: "
                                 f"az group create --name {self.group} --location westeurope")
        self.location = str(answer.body["location"])
        return self

    def make(self) -> None:
        """Make everything. Raises CannotAskError where the service refuses."""
        for identity in self.users:
            self.make_identity(identity)
        self.made[self.resource] = VERSION
        self.created = self.write("PUT", self.put_body(block_of()))
        _expect(self.created.answer, self.resource)

    def make_identity(self, identity: str, version: str = MSI_VERSION, **properties: str) -> Answer:
        """Make a user-assigned identity. Raises CannotAskError where the service refuses."""
        self.made[identity] = version
        body = {"location": self.location, "properties": properties} if properties else {"location": self.location}
        return _expect(self.arm.ask("PUT", identity, body, version), identity)

    @staticmethod
    def put_body(block: dict[str, Any] | None) -> dict[str, Any]:
        """The body of a PUT."""
        return {"location": "global", "tags": {OUR_TAG: "dev.py live"}, "properties": {"dataLocation": "unitedstates"},
                **({"identity": block} if block else {})}

    def get(self, version: str = VERSION) -> Answer:
        """The resource now."""
        return self.arm.ask("GET", self.resource, version=version)

    def begin(self, method: str, body: Any, version: str = VERSION, if_match: str = "") -> Outcome:
        """Send a write, and don't wait."""
        if method == "PATCH":
            self.need_patch()
        return Outcome(self.arm, method, self.resource, version, body, if_match)

    def need_patch(self) -> None:
        """Raise CannotAskError where no PATCH with identity is ever made."""
        if not self.takes_patch:
            raise CannotAskError("The service makes no PATCH with identity")

    def write(self, method: str, body: Any, version: str = VERSION, if_match: str = "") -> Outcome:
        """Write, and wait; again for some time where an operation that was begun before has not ended yet."""
        started = self.arm.clock.now()
        while True:
            outcome = self.begin(method, body, version, if_match).follow()
            if outcome.answer.status != 409 or self.arm.clock.now() - started > _LATE:
                return outcome
            self.arm.clock.sleep(5)

    def patch(self, block: dict[str, Any], version: str = VERSION, if_match: str = "") -> Outcome:
        """PATCH the identity block, and wait."""
        outcome = self.write("PATCH", {"identity": block}, version, if_match)
        if self.lag and outcome.made:
            self.arm.clock.sleep(2 * self.lag)
            outcome.resource = self.get()
        return outcome

    def first_patch(self, wanted: State) -> Outcome:
        """The first PATCH of all: remember whether the service makes it, and how late the resource shows it."""
        self.first = self.patch(block_of(system=True))
        started = self.arm.clock.now()
        lag = 0.0
        while self.first.made and not self.first.has(wanted) and lag < _LATE:
            self.arm.clock.sleep(2)
            self.first.resource, lag = self.get(), self.arm.clock.now() - started
        self.takes_patch = self.first.has(wanted)
        self.lag = lag if self.takes_patch else 0.0
        return self.first

    def bring(self: S, *named: str, system: bool = False) -> S:
        """Bring the resource to these identities, by PATCH or, where that doesn't do it, by PUT. Raises CannotAskError.

        A question begins with it, so that each is asked of a known state.
        """
        wanted, current = state(*named, system=system), self.get().block
        if kinds(current) == wanted:
            return self
        keys = {key.lower(): key for key in users(current)}
        gone = [key for lower, key in keys.items() if lower not in wanted[1]]
        kept = [keys.get(one.lower(), one) for one in named]
        if self.takes_patch and kinds(self.patch(block_of(*kept, gone=gone, system=system)).block) == wanted:
            return self
        outcome = self.write("PUT", self.put_body(block_of(*named, system=system)))
        if kinds(outcome.block) != wanted:
            raise CannotAskError(f"The resource can't be brought to the question's starting state: {outcome.words()}")
        return self

    def principal(self) -> str:
        """The principal of the system-assigned identity."""
        return str((self.get().block or {}).get("principalId"))

    def grant(self) -> tuple[str, float]:
        """Grant the role Reader on the resource to its system-assigned identity: the ID of the role assignment, and
        the seconds until the directory knew the identity. Raises CannotAskError where that is refused.
        """
        made = f"{self.resource}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        role = f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
        body = {"properties": {"roleDefinitionId": role, "principalId": self.principal(),
                               "principalType": "ServicePrincipal"}}
        self.made[made], started = AUTHORIZATION_VERSION, self.arm.clock.now()
        while True:
            answer, seconds = self.arm.ask("PUT", made, body, AUTHORIZATION_VERSION), self.arm.clock.now() - started
            if answer.ok:
                return made, seconds
            if answer.code != "PrincipalNotFound" or seconds > LIMIT:
                del self.made[made]
                raise CannotAskError(f"The role can't be granted: {answer.status} {answer.code}")
            self.arm.clock.sleep(5)

    def delete(self, made: str) -> bool:
        """Delete one; whether it is gone."""
        for _ in range(_DELETE_TRIES):
            try:
                outcome = Outcome(self.arm, "DELETE", made, self.made[made])
                if outcome.answer.ok and "/roleAssignments/" not in made:
                    outcome.follow()
            except NoAnswerError:
                self.arm.clock.sleep(_DELETE_PAUSE)
                continue
            missing = outcome.resource is not None and outcome.resource.status == 404
            if outcome.answer.status == 404 or outcome.made and (missing or outcome.operation != "Unknown"):
                del self.made[made]
                return True
            if outcome.answer.status not in (409, 429, 500, 502, 503, 504):
                break
            self.arm.clock.sleep(_DELETE_PAUSE)
        return False

    def delete_commands(self) -> list[str]:
        """The commands that delete what is there still, the last first."""
        return [f'{_DELETE[made.split("/")[-2].lower()]} "{made}"' for made in reversed(self.made)]


def _expect(answer: Answer, what: str) -> Answer:
    if not answer.ok:
        raise CannotAskError(f"{what.rsplit('/', 1)[-1]} can't be created: {answer.status} {answer.code} "
                             f"{answer.error.get('message', '')}")
    return answer
