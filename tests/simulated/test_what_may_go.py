# SPDX-License-Identifier: MIT
"""A removal whose role assignments can't all be found, or that nobody agreed to, removes nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from in_process import Input
from scripted_arm import FAILURES, Reply, ScriptedAz
from scripted_scenes import ID, PRINCIPAL, assignment, resource

DELETE = ("remove", "-n", "myApp", "-g", "rg", "--system-assigned", "--delete-role-assignments", "--yes")
HERE, THERE = assignment(1), assignment(2)
ROW = {"id": THERE["id"], **THERE["properties"]}
COMPLETE = Reply(200, {"data": [ROW], "resultTruncated": "false"}, {"x-ms-tenant-subscription-limit-hit": "false"})


def block(**identity: Any) -> Reply:
    return Reply(200, {"id": ID + "myApp", "identity": identity, "properties": {"provisioningState": "Succeeded"}})


@pytest.mark.parametrize("principal", [{}, {"principalId": None}, {"principalId": 7}, {"principalId": "x' or '1"},
                                       {"principalId": ""}])
def test_a_principal_that_is_not_shown(scripted: ScriptedAz, principal: dict[str, Any]) -> None:
    scripted.arm.on("GET", ID, block(type="SystemAssigned", **principal))
    run = scripted.run(*DELETE, "--only-show-errors")
    assert run.exit_code == 1
    assert "Nothing was removed." in run.stderr
    assert "omit --delete-role-assignments" in run.stderr
    assert [one.method for one in scripted.arm.seen] == ["GET"]
    run = scripted.run("remove", "-n", "myApp", "-g", "rg", "--system-assigned", "--dry-run")
    assert run.exit_code == 0
    assert "its role assignments can't be looked up" in run.stderr


@pytest.mark.parametrize("answer", [
    Reply(200, {"data": [ROW], "resultTruncated": "true"}), Reply(200, {"data": [ROW], "resultTruncated": True}),
    Reply(200, {"data": [ROW]}, {"x-ms-tenant-subscription-limit-hit": "true"}), Reply(200, {"data": None}),
    Reply(200, {"data": [ROW], "$skipToken": 1}), *FAILURES.values()])
@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_assignments_that_cannot_all_be_found(scripted: ScriptedAz, answer: Reply, dry_run: tuple[str, ...]) -> None:
    scripted.arm.on("GET", ID, block(type="SystemAssigned", principalId=PRINCIPAL))
    scripted.arm.on("GET", "roleAssignments", Reply(200, {"value": [HERE]}))
    scripted.arm.on("POST", "ResourceGraph", answer)
    run = scripted.run(*DELETE, *dry_run, "--only-show-errors")
    assert run.exit_code == 1
    assert "Nothing was removed." in run.stderr
    assert "omit --delete-role-assignments" in run.stderr
    assert scripted.arm.sent("PATCH", "DELETE") == []


@pytest.mark.parametrize("answer", [Reply(200, {}), Reply(200, {"value": [HERE], "nextLink": 1}), *FAILURES.values()])
def test_assignments_of_the_own_subscription_that_cannot_all_be_found(scripted: ScriptedAz, answer: Reply) -> None:
    scripted.arm.on("GET", ID, block(type="SystemAssigned", principalId=PRINCIPAL))
    scripted.arm.on("GET", "roleAssignments", answer)
    scripted.arm.on("POST", "ResourceGraph", COMPLETE)
    run = scripted.run(*DELETE, "--only-show-errors")
    assert run.exit_code == 1
    assert "Nothing was removed." in run.stderr
    assert "omit --delete-role-assignments" in run.stderr
    assert scripted.arm.sent("PATCH", "DELETE") == []


def test_both_lists_count(scripted: ScriptedAz) -> None:
    scripted.arm.on("GET", ID, resource("myApp", PRINCIPAL), resource("myApp"))
    scripted.arm.on("PATCH", ID, resource("myApp"))
    scripted.arm.on("GET", "roleAssignments", Reply(200, {"value": [HERE]}))
    scripted.arm.on("POST", "ResourceGraph", COMPLETE)
    scripted.arm.on("DELETE", "roleAssignments", Reply(204))
    assert scripted.run(*DELETE).exit_code == 0
    assert sorted(scripted.arm.sent("DELETE")) == sorted(f"DELETE {one['id']}" for one in (HERE, THERE))


IDS = [f"{ID}app{number}" for number in range(401)]


@pytest.mark.parametrize("what", [("--system-assigned",), ("--user-assigned",), ("--user-assigned", "[]")])
@pytest.mark.parametrize("source", ["typed", "file", "input", "one"])
def test_without_a_terminal_ids_need_yes(scripted: ScriptedAz, tmp_path: Path, source: str, what: tuple[str, ...]
                                         ) -> None:
    text = "\n".join(IDS)
    (tmp_path / "401.txt").write_text(text)
    words = {"typed": IDS[:3], "file": [f"@{tmp_path / '401.txt'}"], "input": ["@-"], "one": IDS[:1]}[source]
    run = scripted.run("remove", *what, "--ids", *words, stdin=Input(text))
    assert run.exit_code != 0
    assert "--yes" in run.stderr
    assert "--dry-run" in run.stderr
    assert scripted.arm.seen == []


@pytest.mark.parametrize("source", ["file", "one"])
def test_the_last_identity_needs_yes_too(scripted: ScriptedAz, tmp_path: Path, source: str) -> None:
    """Only the resource shows that none is left."""
    user = f"{ID[:ID.index('/providers')]}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
    (tmp_path / "ids.txt").write_text("\n".join(IDS[:2]))
    for one in IDS[:2]:
        scripted.arm.on("GET", one, Reply(200, {"id": one, "identity": {
            "type": "UserAssigned", "userAssignedIdentities": {user: {"clientId": "c", "principalId": PRINCIPAL}}}}))
    words = [f"@{tmp_path / 'ids.txt'}"] if source == "file" else IDS[:1]
    run = scripted.run("remove", "--user-assigned", user, "--ids", *words)
    assert run.exit_code == 1
    assert "--yes" in run.stderr
    assert scripted.arm.sent("PATCH") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_question_means_no(scripted: ScriptedAz, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    import knack.prompting

    def interrupted(*_: Any, **__: Any) -> bool:
        os.kill(os.getpid(), number)
        return True

    monkeypatch.setattr(knack.prompting, "prompt_y_n", interrupted)
    scripted.arm.on("GET", ID, resource("myApp", PRINCIPAL))
    scripted.arm.on("GET", "roleAssignments", Reply(200, {"value": []}))
    run = scripted.run("remove", "-n", "myApp", "-g", "rg", "--system-assigned", stdin=Input(terminal=True))
    assert run.exit_code == 1
    assert "Nothing was removed." in run.stderr
    assert scripted.arm.sent("PATCH") == []


MALFORMED = [{**THERE["properties"], "scope": None}, {**THERE["properties"], "roleDefinitionId": 7},
             {**THERE["properties"], "principalId": None}, {"principalId": PRINCIPAL.upper()}]


@pytest.mark.parametrize("where", ["ARM", "Resource Graph"])
@pytest.mark.parametrize("row", [
    *({"id": THERE["id"], "properties": one} for one in MALFORMED), {**THERE, "id": None},
    {**THERE, "id": f"{THERE['id']}/more"}, {"id": THERE["id"]}, {"id": THERE["id"], "properties": None}])
def test_a_role_assignment_that_makes_no_sense_is_an_incomplete_list(scripted: ScriptedAz, row: dict[str, Any],
                                                                     where: str) -> None:
    scripted.arm.on("GET", ID, block(type="SystemAssigned", principalId=PRINCIPAL))
    scripted.arm.on("GET", "roleAssignments", Reply(200, {"value": [HERE, *([row] if where == "ARM" else [])]}))
    flat = {"id": row["id"], **(row.get("properties") or {})}
    scripted.arm.on("POST", "ResourceGraph", Reply(200, {"data": [flat] if where == "Resource Graph" else []}))
    run = scripted.run(*DELETE, "--only-show-errors")
    assert run.exit_code == 1
    assert "a role assignment that can't be read" in run.stderr
    assert scripted.arm.sent("PATCH", "DELETE") == []


def test_what_makes_no_sense_of_another_principal_does_not_matter(scripted: ScriptedAz) -> None:
    odd = {"id": None, "properties": {**HERE["properties"], "principalId": "2" + PRINCIPAL[1:]}}
    scripted.arm.on("GET", ID, block(type="SystemAssigned", principalId=PRINCIPAL))
    scripted.arm.on("GET", "roleAssignments", Reply(200, {"value": [odd]}))
    scripted.arm.on("POST", "ResourceGraph", COMPLETE)
    run = scripted.run(*DELETE[:-1], "--dry-run")
    assert [one["id"] for one in run.json["roleAssignments"]] == [THERE["id"]]
