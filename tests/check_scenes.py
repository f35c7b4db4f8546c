# SPDX-License-Identifier: MIT
"""What tests of `check` set up, in few words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

from armsim import Armsim, Fault
from in_process import InProcessAz, Input, Run
from scenes import APP, OTHER, READER_ID, SUB, USER_ID, block, line

APP_ID = f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Communication/communicationServices/myApp"
RG_AI = f"/subscriptions/{SUB}/resourceGroups/ai"
AI = f"{RG_AI}/providers/Microsoft.CognitiveServices/accounts/myAI"
DATA = f"{RG_AI}/providers/Microsoft.Storage/storageAccounts/data"
CONTAINER = f"{DATA}/blobServices/default/containers/calls"
ONE, TWO = (f"/subscriptions/{SUB}/resourcegroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
            for name in ("one", "two"))
FOR_AI = ("--for", "azure-ai", "--scope", AI)
RECORDING = ("--for", "recording", "--scope")
READER = ("--role", "Reader", "--scope", RG_AI)
SPEECH_ID = "f2dc8367-1007-4938-bd23-fe263f013447"
BLOB_ID = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
BLOB_OWNER_ID = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
OWNER_ID = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
OPENAI_ID = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"
SETTLED = 2 * 86400.0  # seconds: nothing about an assignment of this age is new
SPEECH = "Microsoft.CognitiveServices/accounts/SpeechServices/*"
MSI_READ = "Microsoft.ManagedIdentity/userAssignedIdentities/read"
ASSIGNMENTS_READ = "Microsoft.Authorization/roleAssignments/read"
DEFINITIONS_READ = "Microsoft.Authorization/roleDefinitions/read"
DENIES_READ = "Microsoft.Authorization/denyAssignments/read"


class Scene:
    """myApp with its system-assigned identity and the user-assigned identity "one", an Azure AI account, and a storage
    account with a container.
    """

    def __init__(self, sim: Armsim, *, system: bool = True, users: int = 1) -> None:
        self.sim, self.state = sim, sim.state
        for name in ("one", "two"):
            self.state.add_user_identity(name, "ids")
        self.state.add_ai_account("myAI", "ai")
        self.state.add_storage_account("data", "ai", "calls", "chats")
        self.state.add_resource("myApp", "rg", identity=block(*(ONE, TWO)[:users], system=system))

    def principal(self, identity: str | None = None) -> str:
        """The principal ID that the resource holds for an identity."""
        held = self.state.identity_of(APP_ID)
        return str(held["userAssignedIdentities"][identity]["principalId"] if identity else held["principalId"])

    def grant(self, role: str, scope: str, identity: str | None = None, **more: Any) -> Scene:
        """Grant a role, a while ago."""
        self.state.add_role_assignment(scope, role, self.principal(identity), **{"age": SETTLED, **more})
        return self

    def grant_group(self, role: str, scope: str, age: float) -> str:
        """Grant a role to a group that the system-assigned identity is in; return the group's ID."""
        group = self.state.add_entra_group(self.principal())
        self.state.add_role_assignment(scope, role, group, age)
        return group

    def answer(self, path: str, change: Callable[[dict[str, Any]], Any], document: dict[str, Any]) -> Scene:
        """Answer the next GET of a path with a changed document."""
        change(document)
        self.sim.add_fault(Fault("GET", f"(?i){path}$", kind="raw", status=200, body=json.dumps(document),
                                 content_type="application/json"))
        return self


def check(az: InProcessAz, *words: str, resource: tuple[str, ...] = tuple(APP)) -> Run:
    return az.captured(line("check", *resource, *words), Input())


def problems(result: dict[str, Any]) -> list[tuple[str, str]]:
    """The check and the status of each finding that isn't ok."""
    return [(one["check"], one["status"]) for one in result["findings"] if one["status"] != "ok"]


def state_is(state: str) -> Callable[[Scene], Any]:
    return lambda scene: setattr(scene.state.resources[APP_ID.lower()], "state", state)


def of_another_tenant(scene: Scene) -> None:
    identity = scene.state.get_identity(SUB, "ids", "one", "2026-05-31")
    scene.answer("/one", lambda document: document["properties"].update(tenantId=OTHER), identity)


def before_a_transfer(scene: Scene) -> None:
    """The system-assigned identity belongs to the tenant that the subscription was transferred from."""
    scene.answer("/myApp", lambda document: document["identity"].update(tenantId=OTHER),
                 scene.state.get_resource(APP_ID)[0])


def typed(kind: str) -> Callable[[Scene], Any]:
    return lambda scene: scene.answer("/myApp", lambda document: document["identity"].update(type=kind),
                                      scene.state.get_resource(APP_ID)[0])


def without(scene: Scene, system: bool = False, users: int = 0) -> None:
    scene.state.add_resource("myApp", "rg", identity=block(*(ONE, TWO)[:users], system=system))


def both(*steps: Callable[[Scene], Any]) -> Callable[[Scene], Any]:
    return lambda scene: [step(scene) for step in steps]


def hidden(action: str, scope: str) -> Callable[[Scene], Any]:
    return lambda scene: scene.state.deny(action, scope)


def ai(**properties: Any) -> Callable[[Scene], Any]:
    return both(grants(USER_ID, AI), lambda scene: scene.state.change_target(AI, **properties))


def storage(**properties: Any) -> Callable[[Scene], Any]:
    return both(grants(BLOB_ID, DATA), lambda scene: scene.state.change_target(DATA, **properties))


def denies(**more: Any) -> Callable[[Scene], Any]:
    def deny(scene: Scene) -> None:
        scene.grant(USER_ID, AI)
        scene.state.add_deny_assignment(more.pop("at", RG_AI), *more.pop("to", ()), **more)
    return deny


def hide_ids(shown: Any, identity: str | None = ONE) -> Callable[[Scene], Any]:
    return lambda scene: scene.state.hide_ids(APP_ID, scene.principal(identity), shown)


def grants(role: str, scope: str, **more: Any) -> Callable[[Scene], Any]:
    return lambda scene: scene.grant(role, scope, **more)


def is_gone(scene: Scene) -> None:
    scene.state.delete_identity(ONE)


def was_recreated(scene: Scene) -> None:
    scene.state.recreate_user_identity(ONE)


def is_isolated(scene: Scene) -> None:
    scene.state.identities[ONE.lower()].isolation_scope = "Regional"


READERS = both(grants(READER_ID, RG_AI), grants(READER_ID, RG_AI, identity=ONE))
NULLS = {"clientId": None, "principalId": None}
RULES = {"defaultAction": "Deny"}


def mend(az: InProcessAz, sim: Armsim, commands: list[str]) -> None:
    """Run commands as a script does, and let two days pass."""
    for command in commands:
        run = az.captured(shlex.split(command)[1:], Input())
        assert run.exit_code == 0, f"{command}\n{run.stderr}"
    for assignment in sim.state.authorization.assignments.values() if commands else ():
        sim.state.authorization.date(assignment["id"], sim.clock.now() - SETTLED)
