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
from .environment import ROOT, SOURCE, WORK, Environment, captured, for_tests
from .environment import run as run_command

NAME = "azext_communication_identity"
MUTATED = tuple(folder for folder in ("model", "arm", "runner") if (SOURCE / NAME / folder).is_dir())
TESTS = (ROOT / "tests" / "unit", ROOT / "tests" / "simulated", SOURCE / NAME / "tests" / "latest")
TREE = WORK / "mutation"  # a copy, flat as mutmut wants it; the checkout isn't touched
SLOW = {"az", "in_process", "conftest", "tools", "benchmarks"}  # modules with which a test runs azure-cli
# Fixtures of conftest.py, other processes, files of the checkout: none of them is where the tests run.
ELSEWHERE = re.compile(r"^def \w+\([^)]*\b(az|in_process|installed|sim|shared|wheel):|subprocess|__file__|testsdk",
                       re.MULTILINE)
SURVIVORS = WORK / "survivors.txt"
MINIMUM = 95  # percent of the mutants that the tests notice
NOTICED = ("killed", "timeout", "caught by type check")

SETTINGS = f"""\
[tool.pytest.ini_options]
pythonpath = [".", "tests"]
addopts = ["--import-mode=importlib", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
timeout = 60

[tool.mutmut]
source_paths = ["{NAME}"]
only_mutate = {[f"{NAME}/{folder}/*" for folder in MUTATED]}
pytest_add_cli_args_test_selection = ["tests"]
use_git_change_detection = false
"""


def run(args: Sequence[str]) -> int:
    """Make the tree, run mutmut there, list the survivors."""
    command = parser("mutate", f"Change the code of {', '.join(MUTATED)} in small ways, one at a time, and run the "
                               f"tests that need no azure-cli on each change.\nFails if they notice less than "
                               f"{MINIMUM} % of the changes. Writes the others to {SURVIVORS.relative_to(ROOT)}.")
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
    without = shutil.ignore_patterns("tests", "__pycache__")
    shutil.copytree(SOURCE / NAME, TREE / NAME, ignore=without)
    shutil.copytree(ROOT / "tests" / "armsim", TREE / "tests" / "armsim", ignore=without)
    helpers = [path for path in (ROOT / "tests").glob("*.py") if path.stem not in SLOW]
    tests = [path for folder in TESTS for path in sorted(folder.glob("test_*.py"))]
    tests = [path for path in tests if re.search(rf"{NAME}\.({'|'.join(MUTATED)})\b", path.read_text(encoding="utf-8"))]
    for path in (path for path in [*helpers, *tests] if needs_no_azure_cli(path)):
        shutil.copy(path, TREE / "tests")
    (TREE / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")


def needs_no_azure_cli(path: Path) -> bool:
    """Whether a test or a helper of tests, and the helpers that it imports, run neither azure-cli nor a process."""
    text = path.read_text(encoding="utf-8")
    imported = {name.split(".")[0] for name in re.findall(r"^\s*(?:from|import) ([\w.]+)", text, re.MULTILINE)}
    helpers = [ROOT / "tests" / f"{name}.py" for name in imported - SLOW if (ROOT / "tests" / f"{name}.py").is_file()]
    return (not imported & SLOW and not ELSEWHERE.search(text)
            and all(needs_no_azure_cli(helper) for helper in helpers))


def mutmut(venv: Environment, *words: str) -> None:
    """Run mutmut in the tree."""
    run_command([str(venv.scripts / "mutmut"), *words], cwd=TREE, quiet=not sys.stdout.isatty())  # it draws a bar


def output(venv: Environment, *words: str) -> str:
    """What mutmut prints."""
    return captured([str(venv.scripts / "mutmut"), *words], cwd=TREE)
