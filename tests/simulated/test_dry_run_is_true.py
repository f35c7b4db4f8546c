# SPDX-License-Identifier: MIT
"""What a dry run shows is what the real run makes, and what it couldn't look up is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from in_process import Run
from scripted_arm import FAILURES, SUB, Reply, ScriptedAz, Seen, error
from scripted_scenes import ID, PRINCIPAL, found, identity

IDS = {"clientId": PRINCIPAL, "principalId": PRINCIPAL}
SYSTEM = {"principalId": PRINCIPAL, "tenantId": SUB}
ONE, TWO, NEW = (identity(name) for name in ("one", "two", "new"))
BLOCKS: dict[str, dict[str, Any] | None] = {
    "absent": None, "empty": {}, "None": {"type": "None"}, "None with nulls": {
        "type": "None", "principalId": None, "userAssignedIdentities": None},
    "system": {"type": "SystemAssigned", **SYSTEM}, "a space": {
        "type": "SystemAssigned, UserAssigned", **SYSTEM, "userAssignedIdentities": {ONE: IDS}},
    "map without its type": {"type": "SystemAssigned", **SYSTEM, "userAssignedIdentities": {ONE: IDS}},
    "map and None": {"type": "None", "userAssignedIdentities": {ONE: IDS, TWO: IDS}},
    "map and no type": {"userAssignedIdentities": {ONE: IDS}},
    "settling": {"type": "UserAssigned", "userAssignedIdentities": {ONE: {}, TWO: IDS}},
    "null": {"type": "UserAssigned", "userAssignedIdentities": {ONE: None, TWO: IDS}},
    "capitals": {"type": "systemassigned,USERASSIGNED", **SYSTEM, "userAssignedIdentities": {ONE.upper(): IDS}},
    "more keys": {"type": "UserAssigned", "userAssignedIdentities": {ONE: {**IDS, "tenantId": SUB, "x": None}}},
    "no principal": {"type": "SystemAssigned"}, "unknown": {"type": "SystemAssigned, Delegated", **SYSTEM},
    "a principal without a type": SYSTEM, "a type without its map": {"type": "UserAssigned"},
    "a strange map": {"type": "UserAssigned", "userAssignedIdentities": [ONE]}}
COMMANDS: list[Sequence[str]] = [
    ("assign", "--system-assigned"), ("assign", "--user-assigned", "new"), ("assign", "--user-assigned", "one"),
    ("assign", "--system-assigned", "--user-assigned", "one", "new"), ("remove", "--system-assigned"),
    ("remove", "--user-assigned", "one"), ("remove", "--user-assigned", "[]"),
    ("remove", "--system-assigned", "--user-assigned", "[]")]


class Service:
    """One resource that keeps what a PATCH asks for, as ARM merges it."""

    def __init__(self, az: ScriptedAz, block: dict[str, Any] | None) -> None:
        self.block = block
        az.arm.on("GET", "userAssignedIdentities", lambda seen: found(
            name=seen.path.partition("?")[0].rpartition("/")[2]))
        az.arm.on("GET", "roleAssignments", Reply(200, {"value": []}))
        az.arm.on("GET", ID, lambda _: self.show())
        az.arm.on("PATCH", ID, self.change)

    def show(self) -> Reply:
        return Reply(200, {"id": f"{ID}myApp", "properties": {"provisioningState": "Succeeded"},
                           **({} if self.block is None else {"identity": self.block})})

    def change(self, seen: Seen) -> Reply:
        wanted, before = seen.body["identity"], self.block or {}
        users = {key: value for key, value in (before.get("userAssignedIdentities") or {}).items()
                 if wanted.get("userAssignedIdentities")}
        for key, value in (wanted.get("userAssignedIdentities") or {}).items():
            there = next((one for one in users if one.lower() == key.lower()), key)
            users[there] = users.get(there) or IDS
            if value is None:
                del users[there]
        self.block = {"type": wanted["type"], **(SYSTEM if "SystemAssigned" in wanted["type"] else {}),
                      **({"userAssignedIdentities": users} if users else {})}
        return self.show()


@pytest.mark.parametrize(("block", "command"), [
    (block, command) for one, block in enumerate(BLOCKS) for two, command in enumerate(COMMANDS)
    if (one + two) % 3 == 0])
def test_a_dry_run_equals_the_real_run(scripted: ScriptedAz, block: str, command: Sequence[str]) -> None:
    Service(scripted, BLOCKS[block])
    words = (*command, "-n", "myApp", "-g", "rg")
    dry = scripted.run(*words, "--dry-run")
    assert scripted.arm.sent("PATCH") == []
    real = scripted.run(*words)
    assert dry.exit_code == real.exit_code
    if dry.exit_code:
        assert [str(run.error) for run in (dry, real)] == [str(real.error)] * 2
        return
    after = real.json
    expected = known(dry.json["after"], after)
    assert expected == after
    assert dry.json["changes"] is (scripted.arm.sent("PATCH") != [])


def known(expected: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The same with what only the real run can know: the IDs of a new system-assigned identity and of settling ones."""
    users = expected.get("userAssignedIdentities")
    return {**{key: after[key] for key in ("principalId", "tenantId") if key in after}, **expected,
            **({"userAssignedIdentities": {one: ids or after["userAssignedIdentities"].get(one)
                                           for one, ids in users.items()}} if users else {})}


@pytest.mark.parametrize("kind", [*FAILURES, "404"])
def test_what_cannot_be_looked_up_is_named(scripted: ScriptedAz, kind: str) -> None:
    Service(scripted, BLOCKS["system"])
    scripted.arm.on("GET", "userAssignedIdentities/new", {**FAILURES, "404": Reply(404, "<html>proxy</html>")}[kind])
    run: Run = scripted.run("assign", "--user-assigned", "new", "-n", "myApp", "-g", "rg", "--dry-run")
    assert run.exit_code == 0
    assert run.json["unverified"] == [NEW]
    assert f"Can't check whether the user-assigned identity '{NEW}' exists" in run.stderr


def test_what_does_not_exist_is_an_error(scripted: ScriptedAz) -> None:
    Service(scripted, BLOCKS["system"])
    scripted.arm.on("GET", "userAssignedIdentities/new", Reply(404, error("ResourceNotFound")))
    scripted.arm.on("GET", "userAssignedIdentities?", Reply(200, {"value": []}))
    assert scripted.run("assign", "--user-assigned", "new", "-n", "myApp", "-g", "rg", "--dry-run").exit_code == 3
