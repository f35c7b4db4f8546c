# SPDX-License-Identifier: MIT
"""A user-assigned identity that was deleted and created again under its name: the resource holds the old principal."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_arm import FAILURES, Reply, ScriptedAz, error
from scripted_scenes import ID, PRINCIPAL, SCOPE, found, holding, identity

OTHER = "22222222-2222-2222-2222-222222222222"
OLD: dict[str, Any] = {"another principal": {"clientId": OTHER, "principalId": OTHER},
                       "null": None, "principal null": {"clientId": OTHER, "principalId": None}}
FINE: dict[str, Any] = {"settling": {}, "the same": {"clientId": PRINCIPAL, "principalId": PRINCIPAL},
                        "the same in capitals": {"clientId": PRINCIPAL, "principalId": PRINCIPAL.upper()}}
ASSIGN = ("assign", "-n", "myApp", "-g", "rg", "--user-assigned", "one")
ROLE = ("--role", "Cognitive Services User", "--scope", SCOPE)
DEFINITION = Reply(200, {"value": [{
    "id": "/providers/Microsoft.Authorization/roleDefinitions/a97b65f3-24c7-4388-baec-2e87135dc908",
    "properties": {"roleName": "Cognitive Services User"}}]})
MEND = "\n".join(f"az communication identity {verb} --ids {ID}myApp --user-assigned {identity()}{yes}"
                 for verb, yes in (("remove", " --yes"), ("assign", "")))


def scene(az: ScriptedAz, entry: Any, look_up: Reply) -> None:
    az.arm.on("GET", "userAssignedIdentities/one", look_up)
    az.arm.on("GET", ID, holding({identity(): entry}))
    az.arm.on("GET", "roleDefinitions", DEFINITION)
    az.arm.on("GET", "roleAssignments", Reply(200, {"value": []}))


@pytest.mark.parametrize("entry", OLD)
@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--no-wait",)])
def test_a_warning_with_the_commands_that_mend_it(scripted: ScriptedAz, entry: str, more: tuple[str, ...]) -> None:
    scene(scripted, OLD[entry], found())
    run = scripted.run(*ASSIGN, *more)
    assert run.exit_code == 0
    assert "was deleted and created again" in run.stderr
    assert MEND in run.stderr
    assert scripted.arm.sent("PATCH", "PUT") == []


@pytest.mark.parametrize("entry", OLD)
@pytest.mark.parametrize("more", [(), ("--dry-run",), ("--only-show-errors",)])
def test_no_role_goes_to_the_old_principal(scripted: ScriptedAz, entry: str, more: tuple[str, ...]) -> None:
    scene(scripted, OLD[entry], found())
    run = scripted.run(*ASSIGN, *ROLE, *more)
    assert run.exit_code == 1
    assert "was deleted and created again" in run.stderr
    assert MEND in run.stderr
    assert scripted.arm.sent("PATCH", "PUT") == []


@pytest.mark.parametrize("entry", FINE)
def test_nothing_is_said_of_one_that_is_the_same(scripted: ScriptedAz, entry: str) -> None:
    scene(scripted, FINE[entry], found())
    run = scripted.run(*ASSIGN)
    assert run.exit_code == 0
    assert run.stderr == ""
    assert len(scripted.arm.seen) == 2


@pytest.mark.parametrize("kind", FAILURES)
def test_one_that_cannot_be_looked_up(scripted: ScriptedAz, kind: str) -> None:
    """A warning only where a role depends on it."""
    scene(scripted, FINE["the same"], FAILURES[kind])
    scripted.arm.on("PUT", "roleAssignments", lambda seen: Reply(201, {
        "id": seen.path.partition("?")[0], "properties": {**seen.body["properties"], "scope": SCOPE}}))
    run = scripted.run(*ASSIGN)
    assert (run.exit_code, run.stderr) == (0, "")
    run = scripted.run(*ASSIGN, *ROLE)
    assert run.exit_code == 0
    assert "Can't check whether" in run.stderr
    assert len(scripted.arm.sent("PUT")) == 1


def test_a_new_one_beside_an_old_one_is_assigned(scripted: ScriptedAz) -> None:
    """The warning is of the old one; the new one still works."""
    both = {identity(): OLD["another principal"], identity("two"): FINE["the same"]}
    scene(scripted, OLD["another principal"], found())
    scripted.arm.on("GET", ID, holding({identity(): OLD["another principal"]}), holding(both))
    scripted.arm.on("PATCH", ID, holding(both))
    run = scripted.run(*ASSIGN, "two")
    assert run.exit_code == 0
    assert run.stderr.count("was deleted and created again") == 1
    assert len(scripted.arm.sent("PATCH")) == 1


def test_in_a_fleet_each_identity_is_looked_up_once(scripted: ScriptedAz) -> None:
    scripted.arm.on("GET", "userAssignedIdentities/one", found())
    for name in ("a", "b", "c"):
        scripted.arm.on("GET", ID + name, holding({identity(): OLD["another principal"]}, name))
    run = scripted.run("assign", "--user-assigned", identity(), "--ids", *(ID + name for name in "abc"))
    assert run.exit_code == 0
    assert "3 resources (a, b, c)" in run.stderr
    assert run.stderr.count("was deleted and created again") == 1
    assert sum("userAssignedIdentities" in one.path for one in scripted.arm.seen) == 1


def test_one_that_is_gone_is_an_error(scripted: ScriptedAz) -> None:
    scene(scripted, FINE["the same"], Reply(404, error("ResourceNotFound", "It was not found.")))
    run = scripted.run(*ASSIGN)
    assert run.exit_code == 3
    assert f"az communication identity remove --ids {ID}myApp --user-assigned {identity()}" in run.stderr
    assert scripted.arm.sent("PATCH", "PUT") == []
