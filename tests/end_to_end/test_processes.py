# SPDX-License-Identifier: MIT
"""Many at once, in real processes: no update is lost, and nothing locks up. test_interleavings.py takes every order of
steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from armsim import Armsim
from az import Az
from azext_communication_identity.model.identities import Identities, identities_of


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
    sim.options.honor_if_match = False
    ids = [sim.state.add_user_identity(f"mi{number}", "rg") for number in range(5)]
    resource = sim.state.add_resource("myApp", "rg")
    running = Started(az)
    for identity in ids:
        running.start("assign", "--user-assigned", identity)
    running.finish()
    assert sorted(identities_of(sim.state.identity_of(resource)).user_assigned) == sorted(ids)


# Imports what the command imports only when its first requests are under way, in as many threads at once.
@pytest.mark.slow
@pytest.mark.parametrize("attempt", [0, *(pytest.param(attempt, marks=pytest.mark.full) for attempt in (1, 2))])
def test_a_fresh_interpreter_with_64_requests_at_once_does_not_lock_up(az: Az, sim: Armsim, attempt: int) -> None:
    ids = [sim.state.add_resource(f"app{attempt}{number:02}", "rg") for number in range(64)]
    sim.options.patch_seconds = 0.5
    az(["communication", "identity", "assign", "--system-assigned", "--ids", *ids, "-o", "none"],
       env={"PYTHONPYCACHEPREFIX": str(az.config / "empty")}, timeout=120).ok()  # nothing compiled: imports take longer
    assert [one for one in ids if sim.state.identity_of(one) is None] == []
