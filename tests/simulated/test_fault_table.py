# SPDX-License-Identifier: MIT
"""Every request of every command with its options, every fault, every shape of a PATCH: a sample of the combinations,
the same each time. Success prints what is true; a failure is one clear error and loses nothing; a second run
gets there.
`python3 dev.py test tests/simulated/test_fault_table.py -m full` tries the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from armsim import ALLOWED, SHAPES, Armsim, Fault
from azure.cli.core.azclierror import AzCLIError
from fault_kinds import FAULTS, FOREVER
from in_process import InProcessAz, Run
from scenes import AI, APP, ELSEWHERE, OTHER, READER_ID, USER, USER_ID, block, granted, has, line, said

LONGEST = 100.0  # seconds, longer than any operation
STRANGER = "00000000-0000-0000-0000-0000000000ff"


@dataclass(frozen=True)
class Command:
    """A command, whether the resource has the system-assigned identity before, and the requests it makes when all goes
    well, each as a method and a part of the path.
    """

    words: tuple[str, ...]
    system: bool
    requests: tuple[tuple[str, str], ...]


READ, WRITE = ("GET", "communicationServices/myApp$"), ("PATCH", "myApp")
ROLE, HELD, GRANT = ("GET", "roleDefinitions"), ("GET", "roleAssignments"), ("PUT", "roleAssignments")
LIST, QUERY, IDENTITY = ("GET", "communicationServices$"), ("POST", "ResourceGraph"), ("GET", "userAssignedIdentities/")
COMMANDS = {
    "assign": Command(("assign", *APP, "--system-assigned", "--user-assigned", "two"), False, (READ, WRITE)),
    "assign --role": Command(("assign", *APP, "--system-assigned", "--role", USER, "--scope", AI, ELSEWHERE), False,
                             (READ, WRITE, ROLE, HELD, GRANT)),
    "assign --dry-run": Command(("assign", *APP, "--system-assigned", "--user-assigned", "two", "--dry-run"), False,
                                (READ, IDENTITY)),
    "assign --no-wait": Command(("assign", *APP, "--system-assigned", "--no-wait"), False, (READ, WRITE)),
    "remove": Command(("remove", *APP, "--system-assigned"), True, (READ, WRITE, HELD)),
    "remove --user-assigned": Command(("remove", *APP, "--user-assigned", "--yes"), True, (READ, WRITE)),
    "remove --delete-role-assignments": Command(
        ("remove", *APP, "--system-assigned", "--delete-role-assignments"), True,
        (READ, WRITE, HELD, QUERY, ("DELETE", "roleAssignments"))),
    "remove --dry-run": Command(("remove", *APP, "--system-assigned", "--delete-role-assignments", "--dry-run"), True,
                                (READ, HELD, QUERY, IDENTITY)),
    "show": Command(("show", *APP), True, (READ,)),
    "show --roles": Command(("show", *APP, "--roles"), True, (READ, HELD, QUERY)),
    "list": Command(("list", "-g", "rg"), True, (LIST,)),
    "list --user-assigned": Command(("list", "--user-assigned", "one"), True, (LIST,)),
    "list --all-subscriptions": Command(("list", "--all-subscriptions", "--user-assigned", "one"), True, (QUERY,)),
    "check": Command(("check", *APP), True, (READ, IDENTITY)),
    "wait": Command(("wait", *APP, "--custom", "identity.type", "--interval", "1"), True, (READ,)),
}
ALL_SHAPES = {**SHAPES, **ALLOWED}
CASES = [(name, request, fault, times, nth)
         for name, command in COMMANDS.items() for request in command.requests for fault in FAULTS
         for times, nth in ((1, 1), (FOREVER, 1), (1, 2), (FOREVER, 2))
         if fault != "ignored" or request == WRITE]
CHOSEN = range(2, len(CASES), 29)  # has every request, and every fault once and forever: a test says so


def test_the_sample_has_every_request_and_every_fault() -> None:
    chosen = [CASES[number] for number in CHOSEN]
    assert {case[:2] for case in chosen} == {case[:2] for case in CASES}
    assert {case[2:4] for case in chosen} == {case[2:4] for case in CASES}


def scene(sim: Armsim, system: bool) -> str:
    sim.state.add_subscription(OTHER, "other")
    one, _ = (sim.state.add_user_identity(name, "rg") for name in ("one", "two"))
    resource = sim.state.add_resource("myApp", "rg", identity=block(one, system=system))
    sim.state.add_role_assignment(AI, USER_ID, STRANGER)
    if system:
        for scope in (AI, ELSEWHERE):
            sim.state.add_role_assignment(scope, READER_ID, sim.state.identity_of(resource)["principalId"])
    return resource


def masked(value: str) -> str:
    """Output without the IDs that differ from run to run."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "GUID", value)


def test_the_requests_are_those_that_are_made(in_process: InProcessAz, sim: Armsim) -> None:
    for name, command in COMMANDS.items():
        sim.reset()
        scene(sim, command.system)
        assert in_process(line(*command.words)).exit_code == 0, name
        for method, path in command.requests:
            assert any(one.method == method and re.search(path, one.path, re.IGNORECASE) for one in sim.requests), (
                name, method, path)


Ending = tuple[Run, Any, int]


@pytest.fixture(scope="module")
def endings() -> dict[tuple[str, str], Ending]:
    """How commands end when all goes well, by command and shape, for all tests of this file."""
    return {}


def honest(in_process: InProcessAz, sim: Armsim, command: Command, shape: str) -> Ending:
    """How the command ends when all goes well: its run, what the resource has, and who holds roles."""
    sim.reset()
    sim.options.patch = ALL_SHAPES[shape]
    resource = scene(sim, command.system)
    run = in_process(line(*command.words))
    assert run.exit_code == 0, run.error
    in_process.clock.time += LONGEST
    return run, has(sim, resource), len(granted(sim))


@pytest.mark.parametrize("case", [
    pytest.param(number, marks=[pytest.mark.full] * (number not in CHOSEN),
                 id=f"{name} {' '.join(request)} {fault} {times} {nth}")
    for number, (name, request, fault, times, nth) in enumerate(CASES)])
def test_a_fault(in_process: InProcessAz, sim: Armsim, endings: dict[tuple[str, str], Ending], case: int) -> None:
    name, (method, path), fault, times, nth = CASES[case]
    command, shape = COMMANDS[name], sorted(ALL_SHAPES)[case % len(ALL_SHAPES)]
    key = (name, shape if WRITE in command.requests else "")
    if key not in endings:
        endings[key] = honest(in_process, sim, command, shape)
    good, after, roles_after = endings[key]
    sim.reset()
    sim.options.patch = ALL_SHAPES[shape]
    resource = scene(sim, command.system)
    before, roles_before = has(sim, resource), len(granted(sim))
    sim.add_fault(Fault(method=method, path=path, times=times, nth=nth, **FAULTS[fault]))
    run = in_process(line(*command.words))
    hit = bool(sim.faults.all[0].used)
    sim.faults.all.clear()
    in_process.clock.time += LONGEST
    now = has(sim, resource)
    assert now in (before, after)
    assert (AI, USER_ID, STRANGER) in granted(sim)
    if now[0] and command.system:
        assert len(granted(sim)) == roles_before  # a live identity keeps its access
    if run.exit_code == 0:
        assert run.error is None
        # What is optional may be left out; what --no-wait has only begun may come to nothing.
        if not (hit and path in ("ResourceGraph", "roleAssignments", "userAssignedIdentities/")
                or "--no-wait" in command.words):  # which prints what it knows by then
            assert masked(run.output) == masked(good.output)
        assert now == after or "--no-wait" in command.words
    else:
        assert isinstance(run.error, AzCLIError), repr(run.error)
        assert hit
        text = said(run.error)
        assert "None'" not in text
        assert "<html>" not in text
    again = in_process(line(*command.words))
    assert again.exit_code == 0, again.error
    in_process.clock.time += LONGEST
    assert has(sim, resource) == after
    assert len(granted(sim)) == roles_after or "--delete-role-assignments" in command.words
