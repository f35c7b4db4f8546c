# SPDX-License-Identifier: MIT
"""Beside Microsoft's `communication` extension, of which a stand-in is in tests/stand_in: our verbs are ours, in
command, arguments and help; all others are untouched; whichever is installed, updated or removed first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from armsim import Armsim
from az import Az, pip_environment

VERBS = ("assign", "remove", "show", "list", "check", "wait")
OURS, THEIRS = "communication-identity", "communication"


@pytest.fixture(scope="session")
def plain_help(installed: Az) -> dict[str, str]:
    """The help of our commands where only ours is installed."""
    return {verb: installed(f"communication identity {verb} -h").ok().stdout for verb in VERBS}


class Both:
    """An `az` to install the two into."""

    def __init__(self, az: Az, wheels: dict[str, Path]) -> None:
        self.az = az
        self._wheels = wheels
        self._pip = Az(az.config, az.extensions, pip_environment(), az.python)

    def add(self, name: str) -> None:
        self._pip(["extension", "add", "--source", str(self._wheels[name]), "--yes", "--upgrade"], timeout=300).ok()

    def remove(self, name: str) -> None:
        self._pip(f"extension remove --name {name}").ok()

    def check_ours(self, plain_help: dict[str, str], *verbs: str) -> None:
        for verb in verbs:
            assert self.az(f"communication identity {verb} -h").ok().stdout == plain_help[verb]
        assert self.az("communication identity show -n myApp -g rg").ok().json == {"type": "None"}

    def check_theirs(self) -> None:
        assert self.az("communication show -n x").ok().json == {"speaking": "Microsoft", "name": "x"}
        assert "Microsoft's words on the group" in self.az("communication -h").ok().stdout


@pytest.fixture
def both(installed: Az, sim: Armsim, tmp_path: Path, wheel: Path, their_wheel: Path) -> Iterator[Both]:
    sim.state.add_resource("myApp", "rg")
    shutil.copytree(installed.config, tmp_path / "config")
    az = Az(tmp_path / "config", tmp_path / "extensions", sim.env(), installed.python)
    yield Both(az, {OURS: wheel, THEIRS: their_wheel})


@pytest.mark.slow
@pytest.mark.parametrize("order", [(OURS, THEIRS), (THEIRS, OURS)], ids=["ours-first", "theirs-first"])
def test_in_either_order(both: Both, plain_help: dict[str, str], order: tuple[str, str]) -> None:
    for name in order:
        both.add(name)
    both.check_ours(plain_help, "assign", "check")  # theirs has an assign of its own, and no check
    both.check_theirs()
    for name in order:  # again, as an update does
        both.add(name)
    both.check_ours(plain_help, *VERBS)
    both.check_theirs()
    both.remove(order[0])  # which leaves the other one
    if order[0] == THEIRS:
        both.check_ours(plain_help, "assign", "check")
        assert both.az("communication show -n x").exit_code != 0
    else:
        both.check_theirs()
        assert both.az("communication identity show -n myApp").ok().json == {"speaking": "Microsoft"}
