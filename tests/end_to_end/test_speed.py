# SPDX-License-Identifier: MIT
"""What a command costs beside the service's own time: what it imports, how long the command table takes, memory. How
long whole commands take is measured by dev.py bench: a test on a busy machine can't tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from armsim import Armsim
from az import Az
from completing import complete

from benchmarks.measuring import run
from benchmarks.one_command import MEMORY_LIMIT, TABLE_LIMIT, command_table_seconds
from tools.environment import ROOT

WATCH = ROOT / "tests" / "watch_imports.py"


class Watched(Az):
    """An `az` that notes its imports."""

    def __init__(self, az: Az, out: Path) -> None:
        super().__init__(az.config, az.extensions, az.environment(), az.python)
        self._out = out

    def command(self, args: str | Sequence[str]) -> list[str]:
        python, _, _, *words = super().command(args)
        return [python, str(WATCH), str(self._out), *words]

    def imported(self) -> list[str]:
        """What the last run imported, and who asked for it."""
        return self._out.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def watched(az: Az, tmp_path: Path) -> Watched:
    return Watched(az, tmp_path / "imports.txt")


@pytest.mark.parametrize("verb", ["assign", "remove", "show", "list", "check", "wait"])
def test_help_imports_no_sdk(watched: Watched, verb: str) -> None:
    watched("-h")  # core looks for updates below a help text, once a day
    watched(f"communication identity {verb} -h").ok()
    assert watched.imported() == []


def test_completion_of_flags_imports_no_sdk(watched: Watched) -> None:
    assert "--system-assigned" in complete(watched, "az communication identity assign --sys")
    assert watched.imported() == []


@pytest.mark.parametrize("line", [
    "-h",
    "assign -n myApp -g rg",
    "assign -n my!App -g rg --system-assigned",
    "assign -n myApp -g rg --user-assigned ''",
    "assign -n myApp -g rg --system-assigned --role Reader --scope nowhere",
    "remove --ids nonsense --system-assigned",
    "show -n myApp",
    "list --all-subscriptions -g rg",
    "wait -n myApp -g rg",
])
def test_wrong_input_has_us_import_no_sdk(watched: Watched, sim: Armsim, line: str) -> None:
    """Core itself imports some: to print any error at all, and to look for updates below the help of a group."""
    watched(f"communication identity {line}")
    assert [one for one in watched.imported() if one.endswith("ours")] == []
    assert not sim.requests


def test_the_watch_sees_what_is_imported(watched: Watched, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    watched("communication identity show -n myApp -g rg").ok()
    assert "azure.mgmt ours" in watched.imported()


@pytest.mark.timing
def test_the_command_table_loads_in_no_time(az: Az) -> None:
    """By the CLI's own watch; the best of several, since whatever else the machine does only adds to it."""
    seconds = [command_table_seconds(az) for _ in range(7)]
    assert min(seconds) < TABLE_LIMIT


@pytest.mark.parametrize("command", ["show", "assign --system-assigned", "remove --system-assigned --yes"])
def test_memory(az: Az, sim: Armsim, command: str) -> None:
    sim.state.add_user_identity("mi", "rg")
    kind = {"type": "SystemAssigned"} if command.startswith("remove") else None
    sim.state.add_resource("myApp", "rg", identity=kind)
    core = run(az, "identity show -n mi -g rg").memory
    assert 10 < core < 200  # else the measure is wrong
    assert run(az, f"communication identity {command} -n myApp -g rg").memory < core + MEMORY_LIMIT


@pytest.mark.parametrize("command", ["list", "list --all-subscriptions"])
def test_memory_of_a_long_list_grows_with_its_output_only(az: Az, sim: Armsim, command: str) -> None:
    """2,000 resources with 10 kB of tags each: the pages hold 20 MB that the output doesn't."""
    memory = []
    for tags in (None, {str(number): "x" * 200 for number in range(50)}):
        sim.reset()
        for number in range(2000):
            sim.state.add_resource(f"app{number:04}", "rg", tags=tags)
        memory.append(run(az, f"communication identity {command} --query [].id -o tsv").memory)
    small, large = memory
    assert large < small + 10  # MiB: a page of 100, as bytes, as text and as objects
