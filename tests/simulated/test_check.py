# SPDX-License-Identifier: MIT
"""`check`: every finding, and that the commands it prints mend what it found."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from armsim import Armsim, Fault
from azure.cli.core.azclierror import AzCLIError
from check_scenes import (
    AI,
    APP_ID,
    ASSIGNMENTS_READ,
    BLOB_ID,
    BLOB_OWNER_ID,
    CONTAINER,
    DATA,
    DEFINITIONS_READ,
    DENIES_READ,
    FOR_AI,
    MSI_READ,
    NULLS,
    ONE,
    OPENAI_ID,
    OWNER_ID,
    READER,
    READERS,
    RECORDING,
    RG_AI,
    RULES,
    SETTLED,
    SPEECH,
    SPEECH_ID,
    TWO,
    Scene,
    ai,
    before_a_transfer,
    both,
    check,
    denies,
    grants,
    hidden,
    hide_ids,
    is_gone,
    is_isolated,
    mend,
    of_another_tenant,
    problems,
    state_is,
    storage,
    typed,
    was_recreated,
    without,
)
from fault_kinds import FAULTS, FOREVER
from in_process import InProcessAz
from scenes import OTHER, READER_ID, SUB, USER, USER_ID, block, writes

# What is wrong, the words of the command, the findings that aren't ok, and a part of the reason of the first of them.
CASES: list[tuple[str, Callable[[Scene], Any], tuple[str, ...], list[tuple[str, str]], str]] = [
    ("works", lambda _: None, (), [], ""),
    ("no identity", without, (), [("identity", "failed")], "'myApp' has no identity"),
    ("busy", state_is("Updating"), (), [("state", "warning")], "still running"),
    ("busy, AI", both(state_is("Updating"), lambda scene: scene.grant(USER_ID, AI)), FOR_AI, [("state", "warning")],
     "may change its identities"),
    ("failed", state_is("Failed"), (), [("state", "failed")], "ended with status 'Failed'"),
    ("failed, AI", both(state_is("Failed"), lambda scene: scene.grant(USER_ID, AI)), FOR_AI, [], ""),
    ("canceled", state_is("Canceled"), (), [("state", "failed")], "ended with status 'Canceled'"),
    ("gone", is_gone, (), [("identity", "failed")], "no longer exists"),
    ("created again", was_recreated, (), [("identity", "failed")], "deleted and created again"),
    ("null IDs", hide_ids(NULLS), (), [("identity", "failed")], "deleted and created again"),
    ("a null entry", hide_ids(None), (), [("identity", "failed")], "deleted and created again"),
    ("no IDs", hide_ids({}), (), [("identity", "unknown")], "doesn't show its principal ID"),
    ("no principal ID", hide_ids(None, None), (), [("identity", "unknown")], "doesn't show its principal ID"),
    ("of another tenant", of_another_tenant, (), [("identity", "failed")], f"belongs to tenant '{OTHER}'"),
    ("of another tenant, with no other identity", both(lambda scene: without(scene, users=1), of_another_tenant), (),
     [("identity", "failed")], f"belongs to tenant '{OTHER}'"),
    ("system-assigned, of another tenant", before_a_transfer, (), [("identity", "failed")],
     f"belongs to tenant '{OTHER}'"),
    ("isolated", is_isolated, (), [("restrictions", "warning")], "only to resources in its own region"),
    ("for others", lambda scene: setattr(scene.state.identities[ONE.lower()], "providers", ("Microsoft.Compute",)), (),
     [("restrictions", "warning")], "only to resources of Microsoft.Compute (assignmentRestrictions). The service may "
     "refuse it (inferred)"),
    ("isolated and for others", both(is_isolated, lambda scene: setattr(
        scene.state.identities[ONE.lower()], "providers", ("Microsoft.Compute",))), (), [("restrictions", "warning")],
     "of Microsoft.Compute (assignmentRestrictions) and in its own region (isolationScope Regional)"),
    ("identity hidden", hidden(MSI_READ, ONE), (), [("identity", "unknown")], MSI_READ),
    ("unknown type", typed("SystemAssigned, Other"), (), [("identity", "unknown")], "the type 'SystemAssigned, Other'"),
    # ---- Azure AI
    ("AI works", grants(USER_ID, AI), FOR_AI, [], ""),
    ("AI, on the group", grants(USER_ID, RG_AI), FOR_AI, [], ""),
    ("AI, in any casing", grants(USER_ID, AI.upper()), (*FOR_AI[:3], AI.lower()), [], ""),
    ("AI, no system-assigned identity", lambda scene: without(scene, users=1), FOR_AI, [("identity", "failed")],
     "doesn't use any other identity (inferred)"),
    ("AI, role of the user-assigned identity", grants(USER_ID, AI, identity=ONE), FOR_AI, [("access", "failed")],
     f"doesn't have the role '{USER}'"),
    ("AI, no principal ID", hide_ids(None, None), FOR_AI, [("identity", "unknown")], "doesn't show its principal ID"),
    ("AI, of another tenant", both(grants(USER_ID, AI), before_a_transfer), FOR_AI, [("identity", "failed")],
     f"belongs to tenant '{OTHER}'"),
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
    ("AI, denied", denies(data_actions=("*",)), FOR_AI, [("access", "failed")], "A deny assignment blocks"),
    ("AI, new and denied", both(grants(USER_ID, AI, age=60.0), lambda scene: scene.state.add_deny_assignment(
        RG_AI, data_actions=("*",))), FOR_AI, [("access", "failed")], "A deny assignment blocks"),
    ("AI, a definition that isn't needed is hidden", lambda scene: scene.grant(USER_ID, AI).grant(OWNER_ID, AI)
     .sim.add_fault(Fault("GET", f"roleDefinitions/{OWNER_ID}", status=403)), FOR_AI, [], ""),
    ("AI, denied to others", denies(data_actions=("*",), to=(OTHER,)), FOR_AI, [], ""),
    ("AI, denied in part", denies(data_actions=(SPEECH,), at=AI), FOR_AI, [("access", "failed")], "assignment blocks"),
    ("AI, may be denied", lambda scene: denies(data_actions=("*",), to=(scene.state.add_entra_group(OTHER),))(scene),
     FOR_AI, [("access", "unknown")], "a deny assignment may apply"),
    ("AI, denied to its group", lambda scene: denies(
        data_actions=("*",), to=(scene.grant_group(USER_ID, AI, SETTLED),))(scene), FOR_AI, [("access", "failed")],
     "A deny assignment blocks"),
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
     "There is no 'accounts/myAI' in resource group 'ai'."),
    ("AI, deleted", lambda scene: scene.state.delete_target(AI), FOR_AI, [("target", "failed")], "can be recovered"),
    ("AI, another one deleted", both(lambda scene: scene.state.delete_target(scene.state.add_ai_account("other", "ai")),
                                     lambda scene: scene.state.targets.clear()), FOR_AI, [("target", "failed")],
     "There is no 'accounts/myAI' in resource group 'ai'."),
    ("AI, deleted, and the list is hidden", both(lambda scene: scene.state.delete_target(AI), hidden(
        "Microsoft.CognitiveServices/deletedAccounts/read", f"/subscriptions/{SUB}")), FOR_AI, [("target", "failed")],
     "There is no 'accounts/myAI' in resource group 'ai'."),
    ("AI, no answer", lambda scene: scene.grant(USER_ID, AI).answer("/myAI", lambda one: one.update(id="/x"), {}),
     FOR_AI, [("target", "unknown")], "is not the resource"),
    ("AI, properties hidden", both(grants(USER_ID, AI), lambda scene: scene.answer(
        "/myAI", lambda one: one.update(id=AI, kind="AIServices"), {})), FOR_AI,
     [("target", "unknown"), ("subdomain", "unknown"), ("network", "unknown")], "provisioningState is not shown"),
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
     [("network", "unknown")], "no list of addresses (reported)"),
    # ---- recording
    ("recording works", grants(BLOB_ID, DATA), (*RECORDING, DATA), [], ""),
    ("recording, container", grants(BLOB_ID, CONTAINER), (*RECORDING, CONTAINER), [], ""),
    ("recording, owner of blobs", grants(BLOB_OWNER_ID, DATA), (*RECORDING, DATA), [], ""),
    ("recording, only one container", grants(BLOB_ID, CONTAINER), (*RECORDING, DATA), [("access", "failed")],
     "on 'containers/calls', which doesn't apply to 'storageAccounts/data'"),
    ("recording, Owner", grants(OWNER_ID, DATA), (*RECORDING, DATA), [("access", "failed")], "doesn't have the role"),
    ("recording, no add", lambda scene: scene.grant(scene.state.add_role("Writer", data_actions=(
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",)), DATA), (*RECORDING, DATA),
     [("access", "unknown")], "a part of the data actions that write blobs"),
    ("recording, no container", grants(BLOB_ID, DATA), (*RECORDING, f"{CONTAINER}2"), [("target", "failed")],
     "There is no 'containers/calls2' in resource group 'ai'."),
    ("recording, deleted container", both(grants(BLOB_ID, DATA), lambda scene: scene.answer(
        "/calls", lambda one: one.update(id=CONTAINER, properties={"deleted": True}), {})), (*RECORDING, CONTAINER),
     [("target", "failed")], "'containers/calls' was deleted, and can be recovered."),
    ("recording, no account", lambda scene: scene.state.delete_target(DATA), (*RECORDING, CONTAINER),
     [("target", "failed")], "There is no 'storageAccounts/data' in resource group 'ai'."),
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
    ("role, of one of another tenant", both(READERS, before_a_transfer), READER, [("identity", "failed")],
     f"belongs to tenant '{OTHER}'"),
    ("role, restricted", both(READERS, is_isolated), READER, [], ""),
    ("role, definition hidden", both(READERS, hidden(DEFINITIONS_READ, RG_AI)),
     ("--role", READER_ID, "--scope", RG_AI), [("access", "unknown")] * 2, DEFINITIONS_READ),
    ("role, at a management group", lambda scene: scene.grant(READER_ID, scene.state.add_management_group(
        "mg", f"/subscriptions/{SUB}")).grant(READER_ID, "/providers/Microsoft.Management/managementGroups/mg", ONE),
     ("--role", "Reader", "--scope", "/providers/Microsoft.Management/managementGroups/mg"), [], ""),
    ("role, at a management group below", lambda scene: scene.grant(READER_ID, scene.state.add_management_group(
        "inner", f"/subscriptions/{SUB}")).state.add_management_group(
            "outer", "/providers/Microsoft.Management/managementGroups/inner"),
     ("--role", "Reader", "--scope", "/providers/Microsoft.Management/managementGroups/outer"),
     [("access", "failed")] * 2, "on management group 'outer' or above"),
    ("role, not on the subscription", READERS, ("--role", "Reader", "--scope", f"/subscriptions/{SUB}"),
     [("access", "failed")] * 2, f"on resource group 'ai', which doesn't apply to subscription '{SUB}'"),
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


@pytest.mark.parametrize(("role", "words", "is_inferred"), [
    (USER_ID, FOR_AI, False), ("53ca6127-db72-4b80-b1b0-d745d6d5456d", FOR_AI, True),
    (BLOB_ID, (*RECORDING, DATA), False), (BLOB_OWNER_ID, (*RECORDING, DATA), True), (OWNER_ID, READER, False)])
def test_what_is_inferred_is_said(in_process: InProcessAz, sim: Armsim, role: str, words: tuple[str, ...],
                                  is_inferred: bool) -> None:
    Scene(sim, users=0).grant(role, f"/subscriptions/{SUB}")
    found = {one["check"]: one for one in check(in_process, *words).json["findings"]}
    assert (found["access"]["status"], "(inferred: " in found["access"]["reason"]) == ("ok", is_inferred)
    assert "kind" not in found or ("inferred" in found["kind"]["reason"]) is (words == FOR_AI)


# What has a command that mends it.
MENDED = [("identity", "failed"), ("access", "failed"), ("access", "unknown"), ("subdomain", "failed")]


# Failures whose mending is for somebody to decide: who opens a network, recovers an account or lifts a denial.
NOT_MENDED = {"failed", "canceled", "of another tenant", "of another tenant, with no other identity",
              "system-assigned, of another tenant", "AI, of another tenant", "role, of one of another tenant",
              "AI, new and denied", "AI, another one deleted", "AI, denied", "AI, denied in part",
              "AI, denied to its group", "AI, not there", "AI, deleted",
              "AI, deleted, and the list is hidden", "AI, creating", "AI, face", "AI, closed",
              "AI, rules", "recording, deleted container",
              "recording, no container", "recording, no account", "recording, files",
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


ACCESS = ["roleAssignments", "roleDefinitions", "denyAssignments"]
TURNS = 5
# Which read of which check fails, and how often; each fault takes its turn with every fifth of them.
READS = [(words, path, times)
         for words, paths in ((FOR_AI, ["/myApp$", "/accounts/myAI$", *ACCESS]),
                              (READER, ["/myApp$", "/one$", *ACCESS]), ((), ["/myApp$", "/one$"]))
         for path, times in itertools.product(paths, (1, FOREVER))]


@pytest.mark.parametrize("turn", [0, *(pytest.param(turn, marks=pytest.mark.full) for turn in range(1, TURNS))])
@pytest.mark.parametrize(("number", "fault"), list(enumerate(name for name in FAULTS if name != "ignored")))
def test_a_read_that_fails_never_makes_it_ok(in_process: InProcessAz, sim: Armsim, number: int, fault: str, turn: int
                                             ) -> None:
    """Whichever read fails, and however: the same result after a retry, "unknown", or an error."""
    for words, path, times in READS[(number + turn) % TURNS::TURNS]:
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
