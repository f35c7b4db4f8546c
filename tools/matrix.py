# SPDX-License-Identifier: MIT
"""`dev.py matrix`: the end-to-end tests with the real `az` of other versions and other Pythons."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from . import environment
from .command_line import parser
from .record import SCENARIOS

# What the tests' own process drives: these run `az` as a process, whatever its version.
END = "tests/end_to_end"
TESTS = (*(f"{END}/test_{name}.py" for name in ("commands", "roles", "interrupts", "install", "beside", "docs",
                                                "processes")), "tests/fleet/test_fleet.py")

# What the scenario tests need beside azure-cli, from the package index. azdev's tests need pytest < 9.
UPSTREAM = ("azure-cli-testsdk", "msrestazure", "pytest<9", "azure-mgmt-communication~=2.1.0")

# The oldest CLI goes with the oldest azure-core and azure-mgmt-core that the SDK allows: pip would take newer ones than
# its installers shipped.
OLDEST = ("azure-cli==2.67.0", ("azure-core==1.28.0", "azure-mgmt-core==1.3.2"))


@dataclass(frozen=True)
class Cell:
    """One combination."""

    name: str
    python: str
    azure_cli: str
    pinned: tuple[str, ...] = ()
    scenarios: bool = False  # whether its own process runs the scenario tests too, as upstream's checks do


NEWEST = ("3.14", "3.13", "3.12", "3.11", "3.10")
CELLS = (
    *(Cell(f"oldest-python{python}", python, *OLDEST) for python in ("3.9", "3.10", "3.11", "3.12")),
    Cell("between", "3.10", "azure-cli==2.77.0", scenarios=True),
    *(Cell(f"newest-python{python}", python, "azure-cli") for python in NEWEST),
)
# The newest Python of this machine.
ALIASES = {"newest": f"newest-python{next(filter(environment.find_python, NEWEST), NEWEST[0])}"}


def run(args: Sequence[str]) -> int:
    """Run every cell, or those named."""
    command = parser("matrix", "Run the end-to-end tests with other versions of azure-cli and Python.\n\nCells:\n"
                     + "\n".join(f"  {cell.name:18} {cell.azure_cli}, Python {cell.python}" for cell in CELLS)
                     + "\n  newest             azure-cli, on the newest Python of this machine")
    command.add_argument("cells", nargs="*", metavar="CELL", help="the cells to run (default: all)")
    command.add_argument("--skip-missing", action="store_true",
                         help="skip the cells whose Python isn't installed on this machine, instead of failing")
    command.add_argument("--tests", nargs="+", metavar="TEST", default=list(TESTS),
                         help="the tests to run, in pytest's syntax (default: all that run az as a process)")
    parsed = command.parse_args(args)
    chosen = [ALIASES.get(name, name) for name in parsed.cells]
    unknown = set(chosen) - {cell.name for cell in CELLS}
    if unknown:
        command.error(f"unknown cell: {', '.join(sorted(unknown))}")
    failed = [cell.name for cell in CELLS if (not chosen or cell.name in chosen)
              and not _passes(cell, parsed.tests, parsed.skip_missing)]
    print("matrix: " + (f"failed: {', '.join(failed)}" if failed else "all passed"))
    return 1 if failed else 0


def _passes(cell: Cell, selected: Sequence[str], skip_missing: bool) -> bool:
    print(f"== {cell.name}: {cell.azure_cli}, Python {cell.python}", flush=True)
    python = environment.find_python(cell.python)
    if python is None:
        print(f"{'Skipped' if skip_missing else 'Failed'}: there is no Python {cell.python} on this machine.")
        return skip_missing
    tests = environment.for_tests()
    try:
        az = _install(cell, python)
    except environment.CommandFailedError as error:
        print(error)
        return False
    env = {**environment.apart_from_the_users_own(), "ACS_AZ_PYTHON": az.python}
    passed = environment.run_command([tests.python, "-m", "pytest", "-q", *selected], env=env, check=False) == 0
    return passed and (not cell.scenarios or _scenarios_pass(az))


def _scenarios_pass(az: environment.Environment) -> bool:
    az.pip("install", *UPSTREAM)
    env = {**environment.apart_from_the_users_own(), "PYTHONPATH": str(environment.SOURCE)}
    words = [az.python, "-m", "pytest", "-q", "-c", os.devnull, str(SCENARIOS)]
    return environment.run_command(words, env=env, check=False) == 0


def _install(cell: Cell, python: str) -> environment.Environment:
    # In two steps: newer packages that the CLI drags in ask for a newer azure-core, which they don't need here.
    venv = environment.ensure(environment.ROOT / f".venv-{cell.name}", [cell.azure_cli, "setuptools", "wheel"], [],
                              python=python)
    if cell.pinned:
        venv.pip("install", "--no-deps", *cell.pinned)
    return venv

