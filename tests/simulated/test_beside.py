# SPDX-License-Identifier: MIT
"""What else is on a command line, in a configuration or wrong with a machine never loses what the command does."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from scripted_arm import SUB, Reply, ScriptedAz
from scripted_scenes import ID, PRINCIPAL, holding, identity, resource


@pytest.mark.parametrize("option", [("--name", "x"), ("-n", "x"), ("-g", "other"), ("--resource-group", "other"),
                                    ("--subscription", SUB)])
@pytest.mark.parametrize("verb", [("show",), ("assign", "--system-assigned"), ("remove", "--system-assigned", "--yes"),
                                  ("wait", "--exists")])
def test_what_is_typed_beside_ids_is_ignored_with_a_warning(scripted: ScriptedAz, verb: tuple[str, ...],
                                                            option: tuple[str, ...]) -> None:
    scripted.arm.on("GET", ID, resource("myApp"))
    scripted.arm.on("PATCH", ID, resource("myApp", PRINCIPAL))
    if verb[0] == "assign":
        scripted.arm.on("GET", ID, resource("myApp"), resource("myApp", PRINCIPAL))
    run = scripted.run(*verb, "--ids", f"{ID}myApp", *option)
    assert run.exit_code == 0
    long = {"-n": "--name", "-g": "--resource-group"}.get(option[0], option[0])
    assert run.stderr.count(f"option '{long}' will be ignored due to use of '--ids'") == 1


def test_a_configured_group_is_ignored_in_silence(scripted: ScriptedAz) -> None:
    scripted.arm.on("GET", ID, resource("myApp"))
    with (scripted.config / "config").open("a") as file:
        file.write("[defaults]\ngroup = other\n")
    run = scripted.run("show", "--ids", f"{ID}myApp")
    assert (run.exit_code, run.stderr) == (0, "")


@pytest.mark.parametrize("identity_block", [
    {"type": "SystemAssigned"}, {"type": "SystemAssigned", "principalId": None},
    {"type": "UserAssigned", "userAssignedIdentities": {identity(): {}}},
    {"type": "UserAssigned", "userAssignedIdentities": {identity(): None}}])
def test_roles_of_an_identity_without_a_principal_id(scripted: ScriptedAz, identity_block: dict[str, Any]) -> None:
    scripted.arm.on("GET", ID, Reply(200, {"id": f"{ID}myApp", "identity": identity_block}))
    run = scripted.run("show", "-n", "myApp", "-g", "rg", "--roles")
    assert run.exit_code == 0
    assert "principal ID" in run.stderr
    assert run.json["roleAssignments"] == []


@pytest.mark.parametrize("words", [
    ("show", "-n", "myApp", "-g", "rg"), ("assign", "-n", "myApp", "-g", "rg", "--system-assigned"),
    ("remove", "-n", "myApp", "-g", "rg", "--system-assigned", "--yes"), ("list", "-g", "rg")])
def test_param_persist(scripted: ScriptedAz, words: tuple[str, ...], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
                       ) -> None:
    monkeypatch.chdir(tmp_path)
    assert scripted(["config", "param-persist", "on"]).exit_code == 0
    scripted.arm.on("GET", ID, resource("myApp"), resource("myApp", PRINCIPAL))
    scripted.arm.on("GET", "communicationServices?", Reply(200, {"value": []}))
    scripted.arm.on("PATCH", ID, resource("myApp", PRINCIPAL) if words[0] == "assign" else resource("myApp"))
    run = scripted.run(*words)
    assert run.exit_code == 0, run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("refused_after", [0, 1, 2])
def test_a_machine_that_refuses_threads(scripted: ScriptedAz, monkeypatch: pytest.MonkeyPatch, refused_after: int
                                        ) -> None:
    """With fewer threads a fleet is slower, not over."""
    from azext_communication_identity.runner.runner import THREAD_NAME
    start = threading.Thread.start

    def limited(self: threading.Thread) -> None:
        if self.name == THREAD_NAME and sum(one.name == THREAD_NAME for one in threading.enumerate()) >= refused_after:
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", limited)
    names = [f"app{number}" for number in range(20)]
    for name in names:
        scripted.arm.on("GET", f"{ID}{name}?", resource(name), resource(name, PRINCIPAL))
        scripted.arm.on("PATCH", f"{ID}{name}?", Reply(202))
    run = scripted.run("assign", "--system-assigned", "--ids", *(ID + name for name in names))
    assert run.exit_code == 0, run.stderr
    assert len(run.json) == 20


def test_removing_one_of_thousands_is_fast(scripted: ScriptedAz) -> None:
    """Linear: 4,000 take seconds where each is compared with each."""
    ids = {"clientId": PRINCIPAL, "principalId": PRINCIPAL}
    before = {identity(f"mi{number}"): ids for number in range(4000)}
    after = {one: ids for one in before if not one.endswith("/mi7")}
    scripted.arm.on("GET", ID, holding(before), holding(after))
    scripted.arm.on("PATCH", ID, Reply(202))
    started = time.process_time()
    run = scripted.run("remove", "-n", "myApp", "-g", "rg", "--user-assigned", "mi7")
    assert run.exit_code == 0
    assert len(run.json["userAssignedIdentities"]) == 3999
    assert time.process_time() - started < 3.0
