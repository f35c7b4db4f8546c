# SPDX-License-Identifier: MIT
"""`dev.py mutate`: mutation testing. mutmut changes model/, arm/ and runner/ in small ways, one at a time; a change
that no test notices is a survivor.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .command_line import parser
from .environment import ROOT, SOURCE, WORK, Environment, captured, for_tests, run_command

NAME = "azext_communication_identity"
MUTATED = tuple(folder for folder in ("model", "arm", "runner") if (SOURCE / NAME / folder).is_dir())
TESTS = ROOT / "tests" / "unit"  # those of tests/simulated would notice a little more, and take hours
TREE = WORK / "mutation"  # a copy, flat as mutmut wants it; the checkout isn't touched
SURVIVORS = WORK / "survivors.txt"
MINIMUM = 95  # percent of the mutants that the tests notice
NOTICED = ("killed", "timeout", "caught by type check")

SETTINGS = f"""\
[tool.pytest.ini_options]
pythonpath = [".", "tests", {str(ROOT)!r}]
addopts = ["--import-mode=importlib", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
markers = ["slow", "timing", "full"]
timeout = 60

[tool.mutmut]
source_paths = ["{NAME}"]
only_mutate = {[f"{NAME}/{folder}/*" for folder in MUTATED]}
also_copy = ["communication_identity.egg-info"]
pytest_add_cli_args_test_selection = ["-m", "not slow and not timing", "tests"]
use_git_change_detection = false
"""


def run(args: Sequence[str]) -> int:
    """Make the tree, run mutmut there, list the survivors."""
    command = parser("mutate", f"Change the code of {', '.join(MUTATED)} in small ways, one at a time, and run the "
                               f"unit tests on each change.\nFails if they notice less than {MINIMUM} % of the "
                               f"changes. Writes the others to {SURVIVORS.relative_to(ROOT)}.")
    command.add_argument("modules", nargs="*", metavar="MODULE", help="modules, such as arm.errors (default: all)")
    command.add_argument("--children", type=int, default=2, help="processes at a time (default: %(default)s)")
    parsed = command.parse_args(args)
    venv = for_tests()
    _make_tree()
    selected = [f"{NAME}.{module}*" for module in parsed.modules]
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
    without = shutil.ignore_patterns("__pycache__", "latest")
    shutil.copytree(SOURCE / NAME, TREE / NAME, ignore=without)
    shutil.copytree(ROOT / "tests" / "armsim", TREE / "tests" / "armsim", ignore=without)
    for path in (ROOT / "tests").glob("*.py"):
        shutil.copy(path, TREE / "tests")
    for path in filter(runs_here, TESTS.glob("test_*.py")):
        shutil.copy(path, TREE / "tests")
    shutil.copytree(next(SOURCE.glob("*.egg-info")), TREE / "communication_identity.egg-info")
    (TREE / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")


def runs_here(test: Path) -> bool:
    """Whether a test runs what is mutated, and doesn't look at the checkout in its place."""
    text = test.read_text(encoding="utf-8")
    ours = re.search(rf"{NAME}\.({'|'.join(MUTATED)})\b|in_process", text)
    return bool(ours) and "__file__" not in text


def mutmut(venv: Environment, *words: str) -> None:
    """Run mutmut in the tree."""
    env = {"AZURE_EXTENSION_DEV_SOURCES": str(TREE / "mutants"), "AZURE_EXTENSION_DIR": str(WORK / "no-extensions"),
           "AZURE_CONFIG_DIR": str(WORK / "test-config"), "AZURE_CORE_COLLECT_TELEMETRY": "no"}
    run_command([str(venv.scripts / "mutmut"), *words], cwd=TREE, env=env,
                quiet=not sys.stdout.isatty())  # it draws a bar


def output(venv: Environment, *words: str) -> str:
    """What mutmut prints."""
    return captured([str(venv.scripts / "mutmut"), *words], cwd=TREE)
