# SPDX-License-Identifier: MIT
"""`python -m armsim --resources N`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from armsim import ArmState
from armsim.fleet import OTHER_SUBSCRIPTION, fill


def test_a_fleet_of_all_kinds_in_two_subscriptions() -> None:
    state = ArmState()
    resources = fill(state, 50)
    assert len(set(resources)) == len(state.resources) == 50
    assert Counter(one.split("/")[2] for one in resources) == {state.SUBSCRIPTION: 34, OTHER_SUBSCRIPTION: 16}
    types = Counter((state.identity_of(one) or {"type": "none"})["type"] for one in resources)
    assert types == {"none": 10, "SystemAssigned": 10, "UserAssigned": 20, "SystemAssigned, UserAssigned": 10}
    assert len(state.authorization.assignments) == 11


def test_it_is_there_when_the_server_says_so() -> None:
    process = subprocess.Popen([sys.executable, "-m", "armsim", "--resources", "7"], stdout=subprocess.PIPE, text=True,
                               cwd=Path(__file__).resolve().parents[1])
    try:
        assert process.stdout
        assert json.loads(process.stdout.readline())["url"].startswith("https://localhost:")
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 0
