# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py mutate`: mutation testing of the pure code. mutmut changes model/ in small ways, one at a time; a change that
no unit test notices is a survivor.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .command_line import parser
from .environment import ROOT, SOURCE, WORK, Environment, captured, for_tests
from .environment import run as run_command

NAME = "azext_communication_identity"
TESTS = (ROOT / "tests" / "unit", ROOT / "tests" / "simulated", SOURCE / NAME / "tests" / "latest")
TREE = WORK / "mutation"  # a copy, flat as mutmut wants it; the checkout isn't touched
HELPERS = ("life.py",)  # of the tests, as pure as they are
# Modules that tests of model/ may drive too: the lives that are built on it, without I/O.
LIVES = tuple(f"{NAME}.{one}" for one in ("model", "arm.access", "actions.reading"))
SURVIVORS = WORK / "survivors.txt"
MINIMUM = 90  # percent of the mutants that the tests notice
NOTICED = ("killed", "timeout", "caught by type check")

SETTINGS = f"""\
[tool.pytest.ini_options]
pythonpath = [".", "tests"]
addopts = ["--import-mode=importlib", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
timeout = 60

[tool.mutmut]
source_paths = ["{NAME}"]
only_mutate = ["{NAME}/model/*"]
pytest_add_cli_args_test_selection = ["tests"]
use_git_change_detection = false
"""


def run(args: Sequence[str]) -> int:
    """Make the tree, run mutmut there, list the survivors."""
    command = parser("mutate", "Change the code of model/ in small ways, one at a time, and run the unit tests of "
                               f"model/ on each change.\nFails if they notice less than {MINIMUM} % of the "
                               f"changes. Writes the changes that they don't notice to\n{SURVIVORS.relative_to(ROOT)}.")
    command.add_argument("modules", nargs="*", metavar="MODULE",
                         help="modules of model/, such as identity (default: all)")
    command.add_argument("--children", type=int, default=2, help="processes at a time (default: %(default)s)")
    parsed = command.parse_args(args)
    venv = for_tests()
    _make_tree()
    selected = [f"{NAME}.model.{module}*" for module in parsed.modules]
    mutmut(venv, "run", "--max-children", str(parsed.children), *selected)
    states = dict(re.findall(r"^\s*(\S+): (.+)$", output(venv, "results", "--all", "true"), re.MULTILINE))
    return report(venv, {name: state for name, state in states.items() if state != "not checked"})


def report(venv: Environment, states: dict[str, str]) -> int:
    """Print how many were noticed, write down the others."""
    counted = Counter(states.values())
    survivors = sorted(name for name, state in states.items() if state not in NOTICED)
    SURVIVORS.write_text("\n".join(f"# {states[name]}\n{output(venv, 'show', name)}" for name in survivors),
                         encoding="utf-8")
    noticed = 100 * (len(states) - len(survivors)) / len(states) if states else 0.0
    print(", ".join(f"{number} {state}" for state, number in counted.most_common()))
    print(f"{noticed:.1f} % of {len(states)} changes noticed, at least {MINIMUM} % required; "
          f"survivors in {SURVIVORS.relative_to(ROOT)}")
    return 0 if noticed >= MINIMUM else 1


def _make_tree() -> None:
    shutil.rmtree(TREE, ignore_errors=True)
    shutil.copytree(SOURCE / NAME, TREE / NAME, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    shutil.copytree(ROOT / "tests" / "armsim", TREE / "tests" / "armsim", ignore=shutil.ignore_patterns("__pycache__"))
    for helper in HELPERS:
        shutil.copy(ROOT / "tests" / helper, TREE / "tests")
    for path in (path for folder in TESTS for path in sorted(folder.glob("test_*.py"))):
        if knows_only_model(path):
            shutil.copy(path, TREE / "tests")
    (TREE / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")


def knows_only_model(test: Path) -> bool:
    """Whether a test imports nothing of ours but model/, lives, the simulation's state and pure helpers."""
    pure = {Path(helper).stem for helper in HELPERS} | {"armsim"}
    helpers = {path.stem for path in (ROOT / "tests").iterdir()} | {"tools", "benchmarks"}
    imported = re.findall(r"^\s*(?:from|import) ([\w.]+)", test.read_text(encoding="utf-8"), re.MULTILINE)
    ours = [name for name in imported if name.split(".")[0] in {NAME, *helpers} - pure]
    return bool(ours) and all(name.startswith(LIVES) for name in ours)


def mutmut(venv: Environment, *words: str) -> None:
    """Run mutmut in the tree."""
    run_command([str(venv.scripts / "mutmut"), *words], cwd=TREE, quiet=not sys.stdout.isatty())  # it draws a bar


def output(venv: Environment, *words: str) -> str:
    """What mutmut prints."""
    return captured([str(venv.scripts / "mutmut"), *words], cwd=TREE)
