# SPDX-License-Identifier: MIT

"""No lost update with real processes, many at once. test_interleavings.py takes every order of steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from armsim import Armsim
from az import Az
from azext_communication_identity.model.identity import Identities, identities_of


@dataclass
class Started:
    """Processes that run at once."""

    az: Az
    processes: list[Any] = field(default_factory=list)

    def start(self, *words: str) -> None:
        self.processes.append(self.az.start(["communication", "identity", *words, "-n", "myApp", "-g", "rg"]))

    def finish(self) -> None:
        for process in self.processes:
            _, stderr = process.communicate(timeout=120)
            assert process.returncode == 0, stderr


def test_many_processes_at_once(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_user_identity(f"mi{number}", "rg") for number in range(8)]
    gone = sim.state.add_user_identity("gone", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity={
        "type": "UserAssigned", "userAssignedIdentities": {gone: {}}})
    running = Started(az)
    for identity in ids:
        running.start("assign", "--user-assigned", identity)
    running.start("assign", "--system-assigned")
    running.start("remove", "--user-assigned", gone)
    running.finish()
    has = identities_of(sim.state.identity_of(resource))
    assert has == Identities(True, has.user_assigned)
    assert sorted(has.user_assigned) == sorted(ids)


def test_many_processes_and_a_service_that_ignores_if_match(az: Az, sim: Armsim) -> None:
    sim.options.honour_if_match = False
    ids = [sim.state.add_user_identity(f"mi{number}", "rg") for number in range(8)]
    resource = sim.state.add_resource("myApp", "rg")
    running = Started(az)
    for identity in ids:
        running.start("assign", "--user-assigned", identity)
    running.finish()
    assert sorted(identities_of(sim.state.identity_of(resource)).user_assigned) == sorted(ids)
