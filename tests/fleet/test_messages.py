# SPDX-License-Identifier: MIT
"""What a command over many resources says: in the order of the resources, the same thing once, and only advice that
helps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from armsim import Armsim, Fault
from in_process import InProcessAz, Input, Run
from scenes import AI, READER_ID, block, has, line, writes

Prepare = Callable[[Armsim, str], object]
AGAIN = "Run the same command again; what is done is skipped."
ONLY_FAILED = "To retry, run the command again with only the IDs of the resources that failed."


def apps(sim: Armsim, count: int, **identity: Any) -> list[str]:
    """Resources, the last one first."""
    return [sim.state.add_resource(f"app{number}", "rg", **identity) for number in range(count, 0, -1)]


def run(az: InProcessAz, verb: str, ids: list[str], *words: str) -> Run:
    """A run without a terminal."""
    return az.captured(line(verb, *words, "--ids", *ids), Input())


def gone(sim: Armsim, app: str) -> None:
    sim.state.delete_resource(app)


def locked(sim: Armsim, app: str) -> None:
    sim.state.lock_scope(app)


def failing(**fault: Any) -> Prepare:
    return lambda sim, app: sim.add_fault(Fault(method="PATCH", path=f"{app[-4:]}$", times=99, **fault))


@pytest.mark.parametrize(("prepare", "helps"), [
    (locked, False), (gone, False), (failing(status=403, code="AuthorizationFailed"), False),
    (failing(status=400, code="BadRequest"), False), (failing(status=503, code="ServerBusy"), True),
    (failing(kind="reset"), True)])
@pytest.mark.parametrize(("verb", "advice"), [("assign", AGAIN), ("remove", ONLY_FAILED)])
def test_a_second_run_is_advised_where_it_can_help(in_process: InProcessAz, sim: Armsim, verb: str, advice: str,
                                                   prepare: Prepare, helps: bool) -> None:
    ids = apps(sim, 3, identity=block(system=verb == "remove"))
    prepare(sim, ids[1])
    done = run(in_process, verb, ids, "--system-assigned", *["--yes"] * (verb == "remove"))
    assert (done.exit_code, [one["id"] for one in done.json]) == (1, [ids[0], ids[2]])
    assert (advice in done.stderr) is helps
    sim.faults.all.clear()


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_typo_is_reported_once_before_the_first_write(in_process: InProcessAz, sim: Armsim, more: list[str]) -> None:
    ids = apps(sim, 51)
    sim.state.add_user_identity("myIdentity", "rg")
    sim.clear_log()
    done = run(in_process, "assign", ids, "--user-assigned", "myIdentty", *more)
    assert [one for one in done.stderr.splitlines() if "myIdentty" in one] == [
        "ERROR: 51 resources (app51, app50, app49, app48, app47 and 46 more): There is no user-assigned identity "
        "'myIdentty' in resource group 'rg'."]
    assert done.stderr.count("Did you mean 'myIdentity'?") == 1
    assert sum("userAssignedIdentities/" in one.path for one in sim.requests) == 1
    assert writes(sim) == []


def test_warnings_come_in_the_order_of_the_ids(in_process: InProcessAz, sim: Armsim) -> None:
    """And the same warning of several resources comes once."""
    ids = apps(sim, 12)
    identity = sim.state.add_user_identity("one", "rg")
    sim.state.patch_resource(ids[3], {"identity": block(identity)})
    done = run(in_process, "remove", ids, "--system-assigned", "--user-assigned", "--yes")
    assert done.stderr.splitlines()[:2] == [
        "WARNING: 12 resources (app12, app11, app10, app9, app8 and 7 more), for example: 'app12' has no "
        "system-assigned identity.",
        "WARNING: 11 resources (app12, app11, app10, app8, app7 and 6 more), for example: 'app12' has no "
        "user-assigned identity."]


@pytest.mark.parametrize(("more", "summary"), [
    ([], "3 resources lost their system-assigned identity, 2 of them their last identity; 1 role assignment became an "
         "orphan.\nResource "),
    (["--delete-role-assignments"], "3 resources lost their system-assigned identity, 2 of them their last identity; 1 "
                                    "role assignment was deleted."),
    (["--user-assigned"], "3 resources lost their system-assigned identity and 1 user-assigned identity, all of them "
                          "their last identity; 1 role assignment became an orphan."),
])
def test_a_removal_without_a_question_is_one_message(in_process: InProcessAz, sim: Armsim, more: list[str],
                                                     summary: str) -> None:
    ids = apps(sim, 3, identity=block(system=True))
    sim.state.patch_resource(ids[0], {"identity": block(sim.state.add_user_identity("one", "rg"), system=True)})
    sim.state.add_role_assignment(AI, READER_ID, sim.state.identity_of(ids[1])["principalId"])
    done = run(in_process, "remove", ids, "--system-assigned", "--yes", *more)
    assert done.exit_code == 0
    assert f"WARNING: {summary}" in done.stderr
    assert done.stderr.count("lost") == 1
    assert not any(has(sim, one)[0] for one in ids)


def test_what_needs_yes_is_one_error(in_process: InProcessAz, sim: Armsim) -> None:
    """Only the service knows that it is the last identity of two of the three."""
    identity = sim.state.add_user_identity("one", "rg")
    ids = apps(sim, 3, identity=block(identity))
    sim.state.patch_resource(ids[1], {"identity": block(identity, system=True)})
    done = run(in_process, "remove", ids, "--user-assigned", "one")
    assert [one["id"] for one in done.json] == [ids[1]]
    assert ("ERROR: 2 resources (app3, app1), for example: Removing 'one' leaves 'app3' without an identity. "
            "Can't prompt for confirmation without a terminal. Nothing was removed.\n") in done.stderr
    assert done.stderr.count("add --yes") == 1
    assert len(writes(sim)) == 1


def test_a_command_of_the_advice_names_all_resources(in_process: InProcessAz, sim: Armsim) -> None:
    """As far as it stays readable."""
    identity = sim.state.add_user_identity("one", "rg")
    ids = apps(sim, 6, identity=block(identity))
    sim.state.delete_identity(identity)
    for some in (ids[:3], ids):
        done = run(in_process, "assign", some, "--system-assigned")
        advised = some if len(some) <= 5 else some[:1]
        assert f"az communication identity remove --ids {' '.join(advised)} --user-assigned {identity}" in done.stderr


@pytest.mark.parametrize("words", [
    ["show", "--ids", "@none.txt"], ["show", "--ids=@none.txt"], ["remove", "--ids", "@none.txt", "--system-assigned"],
    ["assign", "--user-assigned", "@none.txt", "-n", "myApp", "-g", "rg"],
    ["show", "-n", "@none.txt", "-g", "rg"], ["show", "-n", "myApp", "-g", "@none.txt"], ["list", "-g", "@none.txt"],
    ["assign", "--system-assigned", "--role", "Reader", "--scope", "@none.txt", "-n", "myApp", "-g", "rg"]])
def test_a_file_that_does_not_exist_is_called_that(in_process: InProcessAz, sim: Armsim, words: list[str]) -> None:
    done = in_process.captured(line(*words), Input())
    assert (done.exit_code, sim.requests) == (1, [])
    assert "ERROR: There is no file 'none.txt'.\n" in done.stderr


def test_a_folder_is_no_file(in_process: InProcessAz, sim: Armsim, tmp_path: Path) -> None:
    done = in_process.captured(line("show", "--ids", f"@{tmp_path}"), Input())
    assert (done.exit_code, sim.requests) == (1, [])
    assert f"ERROR: Can't read the file '{tmp_path}'.\n" in done.stderr
