# SPDX-License-Identifier: MIT
"""docs/benchmarks.md says what was measured last, and Microsoft's extension can be measured beside ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from armsim import Armsim
from az import Az, add_extension

from benchmarks import fleets, one_command
from benchmarks.measuring import Setting
from benchmarks.report import BEGIN, END, missed, report, write_into
from tools.bench import PARTS
from tools.environment import ROOT

RESULTS = ROOT / "benchmarks" / "results"


def published() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))}


def test_the_document_says_what_was_measured(tmp_path: Path) -> None:
    assert set(published()) <= set(PARTS)
    document = tmp_path / "benchmarks.md"
    document.write_bytes((ROOT / "docs" / "benchmarks.md").read_bytes())
    write_into(document, report(published()))
    assert document.read_text(encoding="utf-8") == (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_what_was_measured_is_within_the_bounds() -> None:
    assert missed(published()) == []


def test_every_bound_is_checked() -> None:
    data = published()
    for fleet in data["fleets"]["fleets"].values():
        fleet["seconds"] *= 2
        fleet["gets"] += 10
        fleet["memory"] += 1000
        fleet["granted"].pop()
    commands = data["one_command"]
    for name in one_command.OURS:
        for run in commands["runs"][name]:
            run["seconds"] *= 2
            run["memory"] += 1000
    commands["command table"] = [1.0]
    without_ratio = sum(fleets.FLEETS[name].limit is None for name in data["fleets"]["fleets"])
    assert len(missed(data)) == 4 * len(data["fleets"]["fleets"]) - without_ratio + 2 * len(one_command.OURS) + 1


def test_the_parts_that_the_command_line_names_exist() -> None:
    assert all((ROOT / "benchmarks" / f"{part}.py").is_file() for part in PARTS)


def test_the_report_replaces_what_stands_between_the_marks(tmp_path: Path) -> None:
    document = tmp_path / "x.md"
    document.write_text(f"before\n{BEGIN}old\n{END}\nafter\n", encoding="utf-8")
    write_into(document, "new")
    assert document.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


@pytest.fixture
def setting(az: Az, sim: Armsim, their_wheel: Path, tmp_path: Path) -> Setting:
    """Two runs of each, and the stand-in for Microsoft's extension."""
    theirs = Az(tmp_path / "their-config", add_extension(their_wheel, tmp_path / "theirs", az.python), sim.env())
    theirs.log_in(sim.url)
    return Setting(az, sim, theirs, runs=2)


@pytest.mark.slow
def test_microsofts_extension_is_measured_when_its_wheel_is_given(setting: Setting,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(one_command.OURS) - {"show", "show -h"}:  # the others show as much
        monkeypatch.delitem(one_command.OURS, name)
    data = {"one_command": one_command.measure(setting)}
    assert {len(runs) for runs in data["one_command"]["runs"].values()} == {2}
    tables = report(data)
    for name in ("| Microsoft's show |", "| Microsoft's show -h |"):
        assert name in tables
