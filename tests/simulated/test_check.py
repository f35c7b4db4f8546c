# SPDX-License-Identifier: MIT
"""`check`: every finding, what it costs, how it ends, and that the commands it prints mend what it found."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from armsim import Armsim, Fault
from azext_communication_identity._format import check_table
from azure.cli.core.azclierror import AzCLIError
from fault_kinds import FAULTS, FOREVER
from in_process import InProcessAz, Input, Run
from scenes import APP, OTHER, READER_ID, SUB, USER, USER_ID, block, line, said, writes

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

    def grant_group(self, role: str, scope: str, age: float) -> Scene:
        """Grant a role to a group that the system-assigned identity is in."""
        self.state.add_role_assignment(scope, role, self.state.add_entra_group(self.principal()), age)
        return self

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
# What is wrong, the words of the command, the findings that aren't ok, and a part of the reason of the first of them.
CASES: list[tuple[str, Callable[[Scene], Any], tuple[str, ...], list[tuple[str, str]], str]] = [
    ("works", lambda _: None, (), [], ""),
    ("no identity", without, (), [("identity", "failed")], "'myApp' has no identity"),
    ("busy", state_is("Updating"), (), [("state", "warning")], "still running"),
    ("busy, AI", both(state_is("Updating"), lambda scene: scene.grant(USER_ID, AI)), FOR_AI, [("state", "warning")],
     "may change its identities"),
    ("failed", state_is("Failed"), (), [("state", "failed")], "ended Failed"),
    ("failed, AI", both(state_is("Failed"), lambda scene: scene.grant(USER_ID, AI)), FOR_AI, [], ""),
    ("canceled", state_is("Canceled"), (), [("state", "failed")], "ended Canceled"),
    ("gone", is_gone, (), [("identity", "failed")], "no longer exists"),
    ("created again", was_recreated, (), [("identity", "failed")], "deleted and created again"),
    ("null IDs", hide_ids(NULLS), (), [("identity", "failed")], "deleted and created again"),
    ("a null entry", hide_ids(None), (), [("identity", "failed")], "deleted and created again"),
    ("no IDs", hide_ids({}), (), [("identity", "unknown")], "doesn't show its principal ID"),
    ("no principal ID", hide_ids(None, None), (), [("identity", "unknown")], "doesn't show its principal ID"),
    ("of another tenant", of_another_tenant, (), [("identity", "failed")], f"belongs to tenant '{OTHER}'"),
    ("isolated", is_isolated, (), [("restrictions", "warning")], "only to resources in its own region"),
    ("for others", lambda scene: setattr(scene.state.identities[ONE.lower()], "providers", ("Microsoft.Compute",)), (),
     [("restrictions", "warning")], "only to resources of Microsoft.Compute (assignmentRestrictions). The service may "
     "refuse it (inferred)"),
    ("identity hidden", hidden(MSI_READ, ONE), (), [("identity", "unknown")], MSI_READ),
    ("unknown type", typed("SystemAssigned, Other"), (), [("identity", "unknown")], "the type 'SystemAssigned, Other'"),
    # ---- Azure AI
    ("AI works", grants(USER_ID, AI), FOR_AI, [], ""),
    ("AI, on the group", grants(USER_ID, RG_AI), FOR_AI, [], ""),
    ("AI, in any casing", grants(USER_ID, AI.upper()), (*FOR_AI[:3], AI.lower()), [], ""),
    ("AI, no system-assigned identity", lambda scene: without(scene, users=1), FOR_AI, [("identity", "failed")],
     "no other identity is used (inferred)"),
    ("AI, role of the user-assigned identity", grants(USER_ID, AI, identity=ONE), FOR_AI, [("access", "failed")],
     f"doesn't have the role '{USER}'"),
    ("AI, no principal ID", hide_ids(None, None), FOR_AI, [("identity", "unknown")], "doesn't show its principal ID"),
    ("AI, unknown type", typed("Other"), FOR_AI, [("identity", "unknown")], "the type 'Other'"),
    ("AI, no role", lambda _: None, FOR_AI, [("access", "failed")], "on 'accounts/myAI' or above"),
    ("AI, Owner", grants(OWNER_ID, AI), FOR_AI, [("access", "failed")], f"doesn't have the role '{USER}'"),
    ("AI, new", grants(USER_ID, AI, age=60.0), FOR_AI, [("access", "warning")], "Wait, then check again"),
    ("AI, through a group", lambda scene: scene.grant_group(USER_ID, AI, SETTLED), FOR_AI, [], ""),
    ("AI, new through a group", lambda scene: scene.grant_group(USER_ID, AI, 7200.0), FOR_AI, [("access", "warning")],
     "through the group"),
    ("AI, speech only", grants(SPEECH_ID, AI), FOR_AI, [("access", "unknown")], "reported as not enough"),
    ("AI, parts", lambda scene: scene.grant(SPEECH_ID, AI).grant(OPENAI_ID, AI), FOR_AI, [("access", "unknown")],
     "isn't documented"),
    ("AI, another role that covers all", lambda scene: scene.grant(
        scene.state.add_role("All AI", data_actions=("Microsoft.CognitiveServices/*",)), AI), FOR_AI, [], ""),
    ("AI, condition", grants(USER_ID, AI, condition="@Resource[x] StringEquals 'y'"), FOR_AI, [("access", "unknown")],
     "only under a condition"),
    ("AI, denied", denies(data_actions=("*",)), FOR_AI, [("access", "failed")], "A deny assignment takes away"),
    ("AI, denied to others", denies(data_actions=("*",), to=(OTHER,)), FOR_AI, [], ""),
    ("AI, denied in part", denies(data_actions=(SPEECH,), at=AI), FOR_AI, [("access", "failed")], "takes away"),
    ("AI, may be denied", lambda scene: denies(data_actions=("*",), to=(scene.state.add_entra_group(OTHER),))(scene),
     FOR_AI, [("access", "unknown")], "a deny assignment may apply"),
    ("AI, assignments hidden", hidden(ASSIGNMENTS_READ, AI), FOR_AI, [("access", "unknown")],
     ASSIGNMENTS_READ),
    ("AI, definition hidden", both(grants(USER_ID, AI), hidden(DEFINITIONS_READ, AI)), FOR_AI,
     [("access", "unknown")], DEFINITIONS_READ),
    ("AI, denies hidden", both(grants(USER_ID, AI), hidden(DENIES_READ, AI)), FOR_AI,
     [("access", "unknown")], DENIES_READ),
    ("AI, account hidden", both(grants(USER_ID, AI), hidden(
        "Microsoft.CognitiveServices/accounts/read", AI)), FOR_AI, [("target", "unknown")],
     "Microsoft.CognitiveServices/accounts/read"),
    ("AI, not there", lambda scene: scene.state.targets.clear(), FOR_AI, [("target", "failed")],
     "There is no 'accounts/myAI'."),
    ("AI, deleted", lambda scene: scene.state.delete_target(AI), FOR_AI, [("target", "failed")], "can be recovered"),
    ("AI, deleted, and the list is hidden", both(lambda scene: scene.state.delete_target(AI), hidden(
        "Microsoft.CognitiveServices/deletedAccounts/read", f"/subscriptions/{SUB}")), FOR_AI, [("target", "failed")],
     "There is no 'accounts/myAI'."),
    ("AI, no answer", lambda scene: scene.grant(USER_ID, AI).answer("/myAI", lambda one: one.update(id="/x"), {}),
     FOR_AI, [("target", "unknown")], "is not the resource"),
    ("AI, creating", ai(state="Creating"), FOR_AI, [("target", "failed")], "provisioningState is Creating"),
    ("AI, multi-service", ai(kind="CognitiveServices"), FOR_AI, [], ""),
    ("AI, OpenAI", ai(kind="OpenAI"), FOR_AI, [("kind", "warning")], "only for message analysis"),
    ("AI, speech", ai(kind="SpeechServices"), FOR_AI, [("kind", "unknown")], "isn't documented to work"),
    ("AI, face", ai(kind="Face"), FOR_AI, [("kind", "failed")], "only multi-service accounts work"),
    ("AI, no subdomain", ai(subdomain=None), FOR_AI, [("subdomain", "failed")], "no custom subdomain"),
    ("AI, public access unset", ai(public_network_access=None), FOR_AI, [], ""),
    ("AI, closed", ai(public_network_access="Disabled"), FOR_AI, [("network", "failed")], "(inferred)"),
    ("AI, perimeter", ai(public_network_access="SecuredByPerimeter"), FOR_AI, [("network", "unknown")], "perimeter"),
    ("AI, rules", ai(network_acls=RULES), FOR_AI, [("network", "failed")], "block all public networks"),
    ("AI, rules with addresses", ai(network_acls={**RULES, "ipRules": [{"value": "1.2.3.4"}]}), FOR_AI,
     [("network", "unknown")], "no list (reported)"),
    # ---- recording
    ("recording works", grants(BLOB_ID, DATA), (*RECORDING, DATA), [], ""),
    ("recording, container", grants(BLOB_ID, CONTAINER), (*RECORDING, CONTAINER), [], ""),
    ("recording, owner of blobs", grants(BLOB_OWNER_ID, DATA), (*RECORDING, DATA), [], ""),
    ("recording, only one container", grants(BLOB_ID, CONTAINER), (*RECORDING, DATA), [("access", "failed")],
     "on 'containers/calls': that doesn't reach 'storageAccounts/data'"),
    ("recording, Owner", grants(OWNER_ID, DATA), (*RECORDING, DATA), [("access", "failed")], "doesn't have the role"),
    ("recording, no add", lambda scene: scene.grant(scene.state.add_role("Writer", data_actions=(
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",)), DATA), (*RECORDING, DATA),
     [("access", "unknown")], "a part of the data actions that write blobs"),
    ("recording, no container", grants(BLOB_ID, DATA), (*RECORDING, f"{CONTAINER}2"), [("target", "failed")],
     "There is no 'containers/calls2'."),
    ("recording, no account", lambda scene: scene.state.delete_target(DATA), (*RECORDING, CONTAINER),
     [("target", "failed")], "There is no 'storageAccounts/data'."),
    ("recording, files", storage(kind="FileStorage"), (*RECORDING, DATA), [("kind", "failed")], "can't hold blobs"),
    ("recording, another kind", storage(kind="New"), (*RECORDING, DATA), [("kind", "unknown")], "isn't known"),
    ("recording, closed", storage(public_network_access="Disabled"), (*RECORDING, DATA), [("network", "failed")],
     "(reported)"),
    ("recording, rules", storage(network_acls=RULES), (*RECORDING, CONTAINER), [("network", "failed")], "block all"),
    ("recording, rules for resources", storage(network_acls={**RULES, "resourceAccessRules": [{}]}), (*RECORDING, DATA),
     [("network", "unknown")], "no list"),
    # ---- roles
    ("role", READERS, READER, [], ""),
    ("role, inside another", lambda scene: scene.grant(OWNER_ID, RG_AI).grant(OWNER_ID, RG_AI, ONE), READER, [], ""),
    ("role, of one", grants(READER_ID, RG_AI), READER, [("access", "failed")], "doesn't have the role 'Reader'"),
    ("role, no identity", without, READER, [("identity", "failed")], "has no identity"),
    ("role, of one that is gone", both(READERS, is_gone), READER, [("identity", "failed")], "no longer exists"),
    ("role, of one that was created again", both(READERS, was_recreated), READER, [("identity", "failed")],
     "created again"),
    ("role, of one that can't be read", both(READERS, hidden(MSI_READ, ONE)), READER, [("identity", "unknown")],
     MSI_READ),
    ("role, restricted", both(READERS, is_isolated), READER, [], ""),
    ("role, definition hidden", both(READERS, hidden(DEFINITIONS_READ, RG_AI)),
     ("--role", READER_ID, "--scope", RG_AI), [("access", "unknown")] * 2, DEFINITIONS_READ),
    ("role, at a management group", lambda scene: scene.grant(READER_ID, scene.state.add_management_group(
        "mg", f"/subscriptions/{SUB}")).grant(READER_ID, "/providers/Microsoft.Management/managementGroups/mg", ONE),
     ("--role", "Reader", "--scope", "/providers/Microsoft.Management/managementGroups/mg"), [], ""),
]


@pytest.mark.parametrize(("prepare", "words", "expected", "reason"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])
def test_every_finding_and_what_mends_it(in_process: InProcessAz, sim: Armsim, prepare: Callable[[Scene], Any],
                                         words: tuple[str, ...], expected: list[tuple[str, str]], reason: str) -> None:
    prepare(Scene(sim))
    run = check(in_process, *words)
    assert problems(run.json) == expected
    statuses = [status for _, status in expected]
    assert run.json["status"] == next((one for one in ("failed", "unknown", "warning") if one in statuses), "ok")
    assert run.exit_code == (1 if {"failed", "unknown"} & set(statuses) else 0)
    if expected:
        assert reason in next(one["reason"] for one in run.json["findings"] if one["status"] != "ok")
    assert writes(sim) == []
    fixes = [command for one in run.json["findings"] for command in one.get("fix", "").splitlines()]
    if fixes:
        mend(in_process, sim, fixes)
        assert problems(check(in_process, *words).json) == [one for one in expected if one not in MENDED]


# What has a command that mends it.
MENDED = [("identity", "failed"), ("access", "failed"), ("access", "unknown"), ("subdomain", "failed")]


def mend(az: InProcessAz, sim: Armsim, commands: list[str]) -> None:
    """Run commands as a script does, and let two days pass."""
    for command in commands:
        run = az.captured(shlex.split(command)[1:], Input())
        assert run.exit_code == 0, f"{command}\n{run.stderr}"
    for assignment in sim.state.authorization.assignments.values() if commands else ():
        sim.state.authorization.date(assignment["id"], sim.clock.now() - SETTLED)


# Failures whose mending is for somebody to decide: who opens a network, recovers an account or lifts a denial.
NOT_MENDED = {"failed", "canceled", "of another tenant", "AI, denied", "AI, denied in part", "AI, not there",
              "AI, deleted", "AI, deleted, and the list is hidden", "AI, creating", "AI, face", "AI, closed",
              "AI, rules", "recording, no container", "recording, no account", "recording, files",
              "recording, closed", "recording, rules"}


def test_every_other_failure_has_a_fix(in_process: InProcessAz, sim: Armsim) -> None:
    unmended = set()
    for name, prepare, words, expected, _ in CASES:
        if "failed" in [status for _, status in expected]:
            sim.reset()
            prepare(Scene(sim))
            if not any("fix" in one for one in check(in_process, *words).json["findings"]):
                unmended.add(name)
    assert unmended == NOT_MENDED


def test_several_broken_identities_are_mended_together(in_process: InProcessAz, sim: Armsim) -> None:
    scene = Scene(sim, system=False, users=2)
    three = sim.state.add_user_identity("three", "ids")
    without_system = block(ONE, TWO, three)
    sim.state.add_resource("myApp", "rg", identity=without_system)
    sim.state.recreate_user_identity(ONE)
    for identity in (TWO, three):
        sim.state.delete_identity(identity)
    for words in ((), READER):
        run = check(in_process, *words)
        assert [one["identity"].rsplit("/", 1)[-1] for one in run.json["findings"] if one["status"] == "failed"] == [
            "two", "three", "one"]
    mend(in_process, sim, [command for one in run.json["findings"] for command in one.get("fix", "").splitlines()])
    assert check(in_process).json["status"] == check(in_process, *READER).json["status"] == "ok"
    assert scene.state.identity_of(APP_ID)["type"] == "UserAssigned"


def test_all_identities_gone(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim, system=False, users=2)
    for identity in (ONE, TWO):
        sim.state.delete_identity(identity)
    for words in ((), READER):
        run = check(in_process, *words)
        assert problems(run.json) == [("identity", "failed")] * 2
    mend(in_process, sim, [command for one in run.json["findings"] for command in one.get("fix", "").splitlines()])
    assert check(in_process).json["status"] == check(in_process, *READER).json["status"] == "ok"


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "ignored"])
def test_a_read_that_fails_never_makes_it_ok(in_process: InProcessAz, sim: Armsim, fault: str) -> None:
    """Whichever read fails, and however: the same result after a retry, "unknown", or an error."""
    access = ["roleAssignments", "roleDefinitions", "denyAssignments"]
    for words, paths in ((FOR_AI, ["/myApp$", "/accounts/myAI$", *access]), (READER, ["/myApp$", "/one$", *access]),
                         ((), ["/myApp$", "/one$"])):
        for path, times in itertools.product(paths, (1, FOREVER)):
            sim.reset()
            READERS(Scene(sim).grant(USER_ID, AI))
            sim.add_fault(Fault(method="GET", path=path, times=times, **FAULTS[fault]))
            run = check(in_process, *words)
            if run.output:
                assert (run.exit_code, run.json["status"]) in ((0, "ok"), (1, "unknown"), (1, "failed"))
                assert run.json["status"] == "ok" or [one for one in run.json["findings"] if one["status"] == "unknown"]
            else:
                assert (path, isinstance(run.error, AzCLIError)) == ("/myApp$", True)
            assert run.exit_code == 1 or times == 1, path
            assert sim.faults.all[0].used


# ---- other tenants ---------------------------------------------------------------------------------------------------


def know_tenants(az: InProcessAz, **tenants: str | None) -> None:
    """Let the CLI's profile say which tenant the first and the second subscription belong to; None: it isn't there."""
    path = az.config / "azureProfile.json"
    profile = json.loads(path.read_text("utf-8-sig"))
    for name, subscription in (("first", SUB), ("second", OTHER)):
        for one in [one for one in profile["subscriptions"] if one["id"] == subscription and name in tenants]:
            one["homeTenantId"] = tenants[name]
            if tenants[name] is None:
                profile["subscriptions"].remove(one)
    path.write_text(json.dumps(profile), "utf-8")


def test_a_login_that_manages_for_another_tenant_sees_no_assignments(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim)
    know_tenants(in_process, first=sim.state.manage_for_another_tenant())
    for words in (FOR_AI, READER):
        run = check(in_process, *words)
        assert (run.exit_code, set(problems(run.json))) == (1, {("access", "unknown")})
        assert "Azure Lighthouse" in run.output
        assert "fix" not in run.output
    assert not [request for request in sim.requests if "Authorization" in request.path]
    assert check(in_process).json["status"] == "ok"


@pytest.mark.parametrize(("tenant", "expected", "requests"), [
    ("00000000-0000-0000-0000-00000000000a", [], 5), (OTHER, [("tenant", "failed")], 1),
    (None, [("tenant", "unknown")], 5)])
def test_a_target_in_another_subscription(in_process: InProcessAz, sim: Armsim, tenant: str | None,
                                          expected: list[tuple[str, str]], requests: int) -> None:
    scene = Scene(sim)
    sim.state.add_subscription(OTHER, "other")
    know_tenants(in_process, second=tenant)
    there = sim.state.add_ai_account("theirs", "ai", subscription=OTHER)
    scene.grant(USER_ID, there)
    run = check(in_process, "--for", "azure-ai", "--scope", there)
    assert problems(run.json) == expected
    assert len(sim.requests) == requests


# ---- what it costs ---------------------------------------------------------------------------------------------------


def count(az: InProcessAz, sim: Armsim, *words: str) -> int:
    sim.clear_log()
    check(az, *words)
    assert {request.method for request in sim.requests} == {"GET"}
    return len(sim.requests)


@pytest.mark.parametrize("users", [0, 1, 2])
def test_health_is_one_get_and_one_for_each_user_assigned_identity(in_process: InProcessAz, sim: Armsim, users: int
                                                                   ) -> None:
    Scene(sim, users=users)
    assert count(in_process, sim) == 1 + users


@pytest.mark.parametrize(("versions", "used"), [
    ({"2023-01-31"}, "2023-01-31"), ({"2023-01-31", "2024-11-30"}, "2024-11-30"), (None, "2026-05-31")])
def test_the_newest_version_that_the_cloud_knows(in_process: InProcessAz, sim: Armsim, versions: set[str] | None,
                                                 used: str) -> None:
    Scene(sim)
    sim.options.identity_versions = frozenset(versions) if versions else None
    assert check(in_process).json["status"] == "ok"
    assert sim.requests[-1].query["api-version"] == used


def test_a_purpose_takes_eight_requests_at_most(in_process: InProcessAz, sim: Armsim) -> None:
    scene = Scene(sim)
    assert count(in_process, sim, *FOR_AI) == 3  # nothing granted: the resource, the target, the assignments
    scene.grant(USER_ID, AI)
    assert count(in_process, sim, *FOR_AI) == 5
    assert count(in_process, sim, *RECORDING, CONTAINER) == 4
    scene.grant(BLOB_ID, DATA)
    assert count(in_process, sim, *RECORDING, CONTAINER) == 6
    for role in (BLOB_OWNER_ID, READER_ID, OWNER_ID, USER_ID, SPEECH_ID):
        scene.grant(role, f"/subscriptions/{SUB}")
        assert count(in_process, sim, *RECORDING, CONTAINER) <= 8
    assert count(in_process, sim, *FOR_AI) <= 8
    scene.state.delete_target(AI)
    assert count(in_process, sim, *FOR_AI) == 3  # it may have been deleted


@pytest.mark.parametrize("identity", [None, ONE])
@pytest.mark.parametrize("role", ["Reader", READER_ID, "Custom"])
@pytest.mark.parametrize("held", [(), (READER_ID,), (OWNER_ID,), (READER_ID, OWNER_ID), (OWNER_ID, SPEECH_ID, BLOB_ID)])
def test_a_role_takes_four_requests_at_most(in_process: InProcessAz, sim: Armsim, identity: str | None, role: str,
                                            held: tuple[str, ...]) -> None:
    scene = Scene(sim, system=identity is None, users=identity is not None)
    sim.state.add_role("Custom", actions=("Microsoft.Storage/*/read",))
    for guid in held:
        scene.grant(guid, AI, identity)
    assert count(in_process, sim, "--role", role, "--scope", AI) <= 1 + 4
    assert (check(in_process, "--role", role, "--scope", AI).exit_code == 0) == bool({OWNER_ID, READER_ID} & set(held))


def test_several_scopes_and_roles_are_judged_one_by_one(in_process: InProcessAz, sim: Armsim) -> None:
    scene = Scene(sim, users=0).grant(READER_ID, AI).grant(BLOB_ID, DATA)
    run = check(in_process, "--role", "Reader", "--role", BLOB_ID, "--scope", AI, DATA)
    assert [(one["scope"], one["status"]) for one in run.json["findings"]] == [
        (AI, "ok"), (DATA, "failed"), (AI, "failed"), (DATA, "ok")]
    assert len(sim.requests) <= 1 + 4 * 4
    scene.grant(USER_ID, f"/subscriptions/{SUB}")
    other = sim.state.add_ai_account("other", "ai", kind="Face")
    run = check(in_process, *FOR_AI, other)
    assert [(one["check"], one["scope"]) for one in run.json["findings"] if one["status"] == "failed"] == [
        ("kind", other)]
    assert [one["scope"] for one in run.json["findings"] if one["check"] == "access"] == [AI, other]


def test_a_missing_identity_is_mended_only_where_targets_are(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim, system=False)
    run = check(in_process, *FOR_AI, f"{AI}2")
    fix = run.json["findings"][0]["fix"]
    assert problems(run.json) == [("identity", "failed"), ("target", "failed")]
    assert (AI in shlex.split(fix), f"{AI}2" in fix) == (True, False)


# ---- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "part", "exit_code"), [
    (["--for", "azure-ai"], "--for requires --scope.", 1),
    (["--role", "Reader"], "--role requires --scope.", 1),
    (["--scope", AI], "--scope requires --role or --for.", 1),
    ([*FOR_AI, "--role", "Reader"], "--for can't be used with --role.", 1),
    (["--for", "azure-ai", "--scope", DATA], "is not the ID of an Azure AI account, which --for azure-ai requires.", 1),
    (["--for", "azure-ai", "--scope", f"{AI}/projects/x"], "is not the ID of an Azure AI account", 1),
    (["--for", "recording", "--scope", AI], "is not the ID of a storage account or one of its blob containers", 1),
    (["--for", "recording", "--scope", RG_AI], "az storage account list", 1),
    (["--for", "recording", "--scope", f"{DATA}/blobServices/default"], "is not the ID of a storage account", 1),
    (["--role", "Reader", "--scope", "ai"], "is not a valid scope", 1),
    (["--role", "/x", "--scope", AI], "is not a valid name or ID of a role", 1),
    (["--role", "Cognitive", "Services", "User", "--scope", AI], 'Quote a name that contains spaces', 1),
    (["--for", "chat", "--scope", AI], "chat", 2)])
def test_wrong_input_is_refused_before_any_call(in_process: InProcessAz, sim: Armsim, words: list[str], part: str,
                                                exit_code: int) -> None:
    run = check(in_process, *words)
    assert (run.exit_code, run.output) == (exit_code, "")
    assert part in run.stderr
    assert sim.requests == []


def test_a_resource_that_is_not_there(in_process: InProcessAz, sim: Armsim) -> None:
    run = check(in_process)
    assert (run.exit_code, run.output) == (3, "")
    assert "There is no " in run.stderr


def test_an_unknown_role_is_an_error_that_names_near_ones(in_process: InProcessAz, sim: Armsim) -> None:
    for held in (READER_ID, OWNER_ID):
        Scene(sim).grant(held, AI)
        run = check(in_process, "--role", "Cognitive Service User", "--scope", AI)
        assert (run.exit_code, run.output) == (1, "")
        assert f"Did you mean one of these?\n{USER}\n" in said(run.error)


@pytest.mark.parametrize(("prepare", "words", "expected"), [
    (lambda _: None, (), ""), (state_is("Updating"), (), ""), (state_is("Failed"), (), "1 check failed."),
    (hidden(MSI_READ, ONE), (), "1 check is unknown."),
    (both(hidden(MSI_READ, ONE), state_is("Failed")), (), "1 check failed, 1 is unknown."),
    (lambda _: None, READER, "2 checks failed."),
    (hidden(ASSIGNMENTS_READ, RG_AI), READER, "2 checks are unknown."),
    (both(hidden(ASSIGNMENTS_READ, RG_AI), is_gone), READER,
     "1 check failed, 1 is unknown.")])
def test_the_last_line(in_process: InProcessAz, sim: Armsim, prepare: Callable[[Scene], Any], words: tuple[str, ...],
                       expected: str) -> None:
    prepare(Scene(sim))
    run = check(in_process, *words)
    assert run.stderr == (f"ERROR: {expected}\n" if expected else "")
    assert (run.exit_code, run.json["status"] in ("failed", "unknown")) == ((1, True) if expected else (0, False))


def test_a_failed_check_fails_no_later_command(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim)
    assert check(in_process, *READER).exit_code == 1
    assert check(in_process).exit_code == 0


# ---- many resources --------------------------------------------------------------------------------------------------


def test_a_fleet(in_process: InProcessAz, sim: Armsim) -> None:
    scene = Scene(sim)
    ids = [sim.state.add_resource(f"app{number}", "rg", identity=block(ONE)) for number in range(1000)]
    sim.state.add_resource("app7", "rg")
    run = check(in_process, resource=("--ids", *ids))
    assert (run.exit_code, len(run.json)) == (1, 1000)
    assert [one["id"] for one in run.json if one["status"] != "ok"] == [ids[7]]
    assert run.stderr.endswith("ERROR: 1 check failed.\n")
    assert len(sim.requests) == 1001  # the identity that they share is read once
    rows = check_table(run.json)
    assert list(rows[0]) == ["Resource", "Status", "Check", "Identity", "Reason"]
    assert (rows[0]["Resource"], rows[0]["Status"], rows[1]["Status"]) == ("app7", "failed", "ok")
    mend(in_process, sim, [run.json[7]["findings"][1]["fix"]])
    assert check(in_process, resource=("--ids", ids[7], scene.sim.state.resources[APP_ID.lower()].id)).exit_code == 0


def test_one_failure_neither_stops_nor_hides_the_others(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim)
    run = check(in_process, resource=("--ids", APP_ID, f"{APP_ID}2"))
    assert (run.exit_code, [one["id"] for one in run.json]) == (1, [APP_ID])
    assert "1 of 2 resources failed; 1 succeeded." in run.stderr


def test_no_resources_are_no_problem(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch) -> None:
    words = line("check", "--ids", "@-")
    monkeypatch.setattr("sys.argv", ["az", *words])
    run = in_process.captured(words, Input(""))
    assert (run.exit_code, run.json, sim.requests) == (0, [], [])


# ---- output ----------------------------------------------------------------------------------------------------------


def test_the_table(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim).grant(USER_ID, AI, age=60.0)
    sim.state.change_target(AI, subdomain=None)
    run = check(in_process, *FOR_AI, "--output", "table")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "2026-11-27 12:00 UTC", run.output)
    assert text.rstrip("\n") == TABLE.strip("\n")
    assert run.exit_code == 1


TABLE = """
Status    Check      Identity         Reason
--------  ---------  ---------------  --------------------------------------------------------------
failed    subdomain                   'myAI' has no custom subdomain, which Microsoft Entra tokens
                                      require. Once set, it can't be changed.
warning   access     system-assigned  It has the role 'Cognitive Services User' on 'accounts/myAI',
                                      which may take until 2026-11-27 12:00 UTC to work everywhere.
                                      Wait, then check again.
ok        identity   system-assigned  'myApp' has a system-assigned identity.
ok        target                      'myAI' exists. Its provisioningState is Succeeded.
ok        kind                        'myAI' is of the kind AIServices, which works (inferred: it is
                                      the successor of CognitiveServices).
ok        network                     'myAI' can be reached from all networks.
"""


def test_a_table_is_at_most_100_columns_wide(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim)
    sim.state.deny(ASSIGNMENTS_READ, AI)
    run = check(in_process, *FOR_AI, "--output", "table")
    assert 80 < max(map(len, run.output.splitlines())) <= 100
    assert ASSIGNMENTS_READ in re.sub(r"\s", "", run.output)


def test_the_fixes_alone(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim, users=2)
    run = check(in_process, *READER, "--query", "findings[].fix", "--output", "tsv")
    commands = [" ".join(shlex.split(command)[:4]) for command in run.output.splitlines()]
    assert commands == ["az role assignment create"] * 3
