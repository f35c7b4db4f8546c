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
FOLDERS = (ROOT / "tests" / "unit", ROOT / "tests" / "simulated", SOURCE / NAME / "tests" / "latest")
TREE = WORK / "mutation"  # a copy, flat as mutmut wants it; the checkout isn't touched
# Tests that run elsewhere: in processes of their own, in the checkout. Or for too long.
ELSEWHERE = re.compile(r"subprocess|__file__|testsdk|^(from|import) (az|tools|benchmarks|golden)\b|ACS_FUZZ|"
                       r"^def \w+\([^)]*\b(az|installed|shared|wheel):", re.MULTILINE)
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
pytest_add_cli_args_test_selection = ["-m", "full or not slow and not timing", "-k", "not stops_midway", "tests"]
use_git_change_detection = false
"""

# Each change is tried in a process of its own: the login of the first one serves all, and nothing is installed.
INSTALLED = f"""

@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, sim_server: Armsim) -> Az:
    login, folder = Path({str(TREE / "login")!r}), tmp_path_factory.mktemp("az") / "config"
    sim_server.reset()
    sim_server.state.add_subscription(*OTHER_SUBSCRIPTION)
    if not login.is_dir():
        Az(login, login / "none", sim_server.env()).log_in(sim_server.url)
        (login / "url").write_text(sim_server.url)
    shutil.copytree(login, folder)
    clouds = folder / "clouds.config"
    clouds.write_text(clouds.read_text().replace((login / "url").read_text(), sim_server.url))
    return Az(folder, folder / "none", sim_server.env())
"""


def run(args: Sequence[str]) -> int:
    """Make the tree, run mutmut there, list the survivors."""
    command = parser("mutate", f"Change the code of {', '.join(MUTATED)} in small ways, one at a time, and run the "
                               f"unit tests and the simulated ones on each change.\nFails if they notice less than "
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
    without = shutil.ignore_patterns("__pycache__", "latest")
    shutil.copytree(SOURCE / NAME, TREE / NAME, ignore=without)
    shutil.copytree(ROOT / "tests" / "armsim", TREE / "tests" / "armsim", ignore=without)
    for path in (ROOT / "tests").glob("*.py"):
        shutil.copy(path, TREE / "tests")
    with (TREE / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(INSTALLED)
    for path in (path for folder in FOLDERS for path in folder.glob("test_*.py") if runs_here(path)):
        shutil.copy(path, TREE / "tests" / f"test_{path.parent.name}_{path.name[5:]}")
    shutil.copytree(next(SOURCE.glob("*.egg-info")), TREE / "communication_identity.egg-info")
    (TREE / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")


def runs_here(test: Path) -> bool:
    """Whether a test runs what is mutated, in the test's own process."""
    text = test.read_text(encoding="utf-8")
    ours = re.search(rf"{NAME}\.({'|'.join(MUTATED)})\b|in_process", text)
    return bool(ours) and not ELSEWHERE.search(text)


def mutmut(venv: Environment, *words: str) -> None:
    """Run mutmut in the tree."""
    env = {"AZURE_EXTENSION_DEV_SOURCES": str(TREE / "mutants"), "AZURE_EXTENSION_DIR": str(WORK / "no-extensions"),
           "AZURE_CONFIG_DIR": str(WORK / "test-config"), "AZURE_CORE_COLLECT_TELEMETRY": "no"}
    run_command([str(venv.scripts / "mutmut"), *words], cwd=TREE, env=env,
                quiet=not sys.stdout.isatty())  # it draws a bar


def output(venv: Environment, *words: str) -> str:
    """What mutmut prints."""
    return captured([str(venv.scripts / "mutmut"), *words], cwd=TREE)
