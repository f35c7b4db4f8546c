# SPDX-License-Identifier: MIT
"""`check`: what it costs, how it ends, other tenants, many resources, and what it prints."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from armsim import Armsim
from azext_communication_identity._format import check_table
from check_scenes import (
    AI,
    APP_ID,
    ASSIGNMENTS_READ,
    BLOB_ID,
    BLOB_OWNER_ID,
    CONTAINER,
    DATA,
    FOR_AI,
    MSI_READ,
    ONE,
    OWNER_ID,
    READER,
    RECORDING,
    RG_AI,
    SPEECH_ID,
    Scene,
    both,
    check,
    hidden,
    is_gone,
    mend,
    problems,
    state_is,
)
from in_process import InProcessAz, Input
from scenes import OTHER, READER_ID, SUB, USER, USER_ID, block, line, said

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


def test_a_subscription_that_the_cli_does_not_know(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim, system=False)
    know_tenants(in_process, first=None)
    assert check(in_process, resource=("--ids", APP_ID)).json["status"] == "ok"


def test_an_identity_that_is_known_to_be_of_another_tenant_need_not_be_readable(in_process: InProcessAz, sim: Armsim
                                                                                ) -> None:
    sim.state.add_subscription(OTHER, "other")
    far = sim.state.add_user_identity("far", "ids", OTHER)
    sim.state.add_resource("myApp", "rg", identity=block(far))
    sim.state.deny(MSI_READ, far)
    assert problems(check(in_process).json) == [("identity", "unknown")]
    know_tenants(in_process, second=OTHER)
    run = check(in_process)
    assert problems(run.json) == [("identity", "failed")]
    assert f"belongs to tenant '{OTHER}'" in run.output


def test_a_scope_of_another_tenant_has_no_command_that_cannot_work(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim).grant(READER_ID, RG_AI).grant(READER_ID, RG_AI, ONE)
    sim.state.add_subscription(OTHER, "other")
    know_tenants(in_process, second=OTHER)
    run = check(in_process, *READER, f"/subscriptions/{OTHER}")
    assert problems(run.json) == [("tenant", "failed")]
    assert "An identity works only in its own tenant." in run.output
    assert "fix" not in run.output


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
    if set(held) <= {READER_ID} and role != "Custom":  # no list of all definitions, which is long
        assert all("$filter" in one.query for one in sim.requests if one.path.endswith("/roleDefinitions"))
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


def test_a_custom_subdomain_has_no_other_letters_than_it_may_have(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim)
    target = sim.state.add_ai_account("My_AI.2", "ai", subdomain=None)
    (fix,) = [one["fix"] for one in check(in_process, "--for", "azure-ai", "--scope", target).json["findings"]
              if one["check"] == "subdomain"]
    assert fix.endswith(" --custom-domain my-ai-2")


# ---- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "part", "exit_code"), [
    (["--for", "azure-ai"], "--for requires --scope.\nTo specify the account or container on which the access", 1),
    (["--role", "Reader"], "--role requires --scope.", 1),
    (["--scope", AI], "--scope requires --role or --for.\nTo specify what to check at that scope", 1),
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


@pytest.mark.parametrize(("count", "query"), [(1, '"findings[].fix"'), (2, '"[].findings[].fix"')])
def test_a_table_tells_how_to_print_the_fixes(in_process: InProcessAz, sim: Armsim, count: int, query: str) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(count)]
    run = check(in_process, "--output", "table", resource=("--ids", *ids))
    assert f"use --query {query} --output tsv instead of" in run.stderr


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


def test_a_shared_identity_is_looked_up_once(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim).grant(READER_ID, RG_AI, ONE)
    ids = [sim.state.add_resource(f"app{number}", "rg", identity=block(ONE)) for number in range(20)]
    run = check(in_process, *READER, resource=("--ids", *ids))
    assert ({one["status"] for one in run.json}, run.exit_code) == ({"ok"}, 0)
    assert len(sim.requests) == 20 + 4


def test_one_failure_neither_stops_nor_hides_the_others(in_process: InProcessAz, sim: Armsim) -> None:
    Scene(sim)
    run = check(in_process, resource=("--ids", APP_ID, f"{APP_ID}2"))
    assert (run.exit_code, [one["id"] for one in run.json]) == (1, [APP_ID])
    assert "1 of 2 resources failed; 1 succeeded." in run.stderr
    run = check(in_process, *READER, resource=("--ids", APP_ID, f"{APP_ID}2"))
    assert run.stderr.index("2 checks failed.") < run.stderr.index("1 of 2 resources failed; 1 succeeded.")


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
