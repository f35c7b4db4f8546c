# SPDX-License-Identifier: MIT
"""`dev.py test`: the tests, and how much of the extension they run."""

from __future__ import annotations

from collections.abc import Sequence

from .command_line import parser
from .environment import ROOT, WORK, Environment, apart_from_the_users_own, for_tests, run_command

# On two processors, a third worker fills in while others wait for a process or a clock. The files stay in their order,
# so that the short ones of tests/unit come last and all workers end at the same time.
WORKERS = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
ALONE = ("-n", "--numprocesses", "--pdb", "-s", "--collect-only")  # what pytest-xdist can't do, or is told otherwise
MINIMUM = 95  # percent of the extension's lines and branches that the whole suite runs


def run(args: Sequence[str]) -> int:
    """Run the tests that pytest's own arguments select, or all."""
    command = parser("test", "Run all tests, or those that the arguments of pytest select. Unless these name files or "
                             "folders, several\nprocesses share the tests. For example: python3 dev.py test -m \"not "
                             "slow\"")
    command.add_argument("--coverage", action="store_true",
                         help=f"measure line and branch coverage, including the az processes, without the tests of "
                              f"speed; with the whole suite, fail below {MINIMUM}%%")
    parsed, words = command.parse_known_args(args)
    venv = for_tests()
    if parsed.coverage:
        return _with_coverage(venv, words)
    return run_command([venv.python, "-m", "pytest", *with_workers(words)], env=apart_from_the_users_own(), check=False)


def with_workers(words: Sequence[str]) -> list[str]:
    """The words for pytest, with those that start several processes unless only some files are wanted."""
    alone = any(word.startswith(ALONE) or (ROOT / word.split("::")[0]).exists() for word in words)
    return [*words] if alone else [*WORKERS, *words]


def _with_coverage(venv: Environment, words: Sequence[str]) -> int:
    coverage = [venv.python, "-m", "coverage"]
    (WORK / "coverage").mkdir(parents=True, exist_ok=True)  # pyproject.toml puts the data there
    run_command([*coverage, "erase"])
    env = {**apart_from_the_users_own(), "COVERAGE_RCFILE": str(ROOT / "pyproject.toml")}
    tests = run_command([*coverage, "run", "-m", "pytest", *with_workers(["-m", "not timing", *words])], env=env,
                        check=False)
    run_command([*coverage, "combine", "--quiet"], check=False)
    minimum = ["--fail-under", str(MINIMUM)] if not words else []
    return run_command([*coverage, "report", *minimum], check=False) or tests
