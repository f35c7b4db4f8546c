# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py lint`: every check that needs no server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from . import prose
from .command_line import parser
from .environment import BENCH_REQUIREMENTS, ROOT, SOURCE, WORK, Environment, captured, ensure, for_tests
from .environment import run as run_command
from .wheel import stated

# A program that runs azdev without internet, if one lies beside the checkout.
AZDEV = next(ROOT.parent.glob("*/azdev/azdev"), ROOT / "azdev")
PACKAGE = SOURCE / "azext_communication_identity"
TYPED = (str(PACKAGE), "dev.py", "tools", "benchmarks", "tests", "docs/draw_progress.py", "docs/draw_terminal.py")
SPELLED = (".py", ".md", ".rst", ".txt", ".toml", ".yml")


def run(args: Sequence[str]) -> int:
    """Run all; the exit code is 0 only if all pass."""
    command = parser("lint", "Run all checks that need no server: style, types, layers, spelling, prose, workflows, "
                             "azdev, known vulnerabilities.")
    command.add_argument("--fast", action="store_true", help="only those that take a few seconds")
    parsed = command.parse_args(args)
    venv = ensure(for_tests().folder, [], [BENCH_REQUIREMENTS], stamp="bench")  # mypy reads matplotlib's types
    checks = _fast(venv) if parsed.fast else [*_fast(venv), *_thorough(venv)]
    failed = [name for name, words in checks if _fails(venv, name, words)]
    failed += _phrases()
    if not parsed.fast:
        failed += _audit(venv)
    print("lint: " + (f"failed: {', '.join(failed)}" if failed else "all passed"))
    return 1 if failed else 0


def _fast(venv: Environment) -> list[tuple[str, list[str]]]:
    program = venv.scripts
    return [
        ("ruff", [venv.python, "-m", "ruff", "check", "."]),
        ("layers", [str(program / "lint-imports"), "--no-cache"]),
        ("spelling", [str(program / "codespell"), *_tracked(*SPELLED)]),
        ("prose", [str(program / "proselint"), "check", "--config", str(ROOT / "tools" / "proselint.json"),
                   str(prose.extract())]),
        ("workflows", [str(program / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows",
                       *_tracked("workflows/ci.yml")]),
        ("dependabot", [str(program / "check-jsonschema"), "--builtin-schema", "vendor.dependabot",
                        *_tracked("dependabot.yml")]),
        ("Python 3.9", [str(program / "vermin"), "--target=3.9-", "--violations", "--no-tips", str(PACKAGE)]),
    ]


def _thorough(venv: Environment) -> list[tuple[str, list[str]]]:
    checks = [
        ("mypy", [venv.python, "-m", "mypy", *TYPED]),
        ("upstream's pylint", [venv.python, "-m", "pylint", "--rcfile", str(ROOT / "tools" / "upstream.pylintrc"),
                               str(PACKAGE)]),
    ]
    if AZDEV.exists():
        checks += [(f"azdev {what}", [venv.python, str(AZDEV), what, "communication_identity"])
                   for what in ("linter", "style")]
        checks.append(("azdev test", [venv.python, str(AZDEV), "test", "communication_identity", "--series",
                                      "--discover"]))
    else:
        print("azdev is skipped: it isn't set up on this machine.")
    return checks


def _tracked(*endings: str) -> list[str]:
    return [name for name in captured(["git", "ls-files"]).splitlines()
            if name.endswith(endings) and (ROOT / name).exists()]


def _fails(venv: Environment, name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    env = {"VIRTUAL_ENV": str(venv.folder), "PATH": f"{venv.scripts}{os.pathsep}{os.environ['PATH']}",
           "PYTHONPATH": str(SOURCE),
           "AZURE_CONFIG_DIR": str(WORK / "azdev-config")}  # azdev runs az, and asks it for its settings
    return run_command(command, env=env, check=False) != 0


def _phrases() -> list[str]:
    """Phrases that aren't idiomatic English."""
    print("== phrases", flush=True)
    found = prose.unidiomatic()
    print("\n".join(found) or "none found")
    return ["phrases"] if found else []


def _audit(venv: Environment) -> list[str]:
    """Known vulnerabilities in what the wheel installs; skipped, and said so, where their list can't be reached."""
    print("== pip-audit", flush=True)
    listed = WORK / "audited.txt"
    listed.parent.mkdir(exist_ok=True)
    listed.write_text("\n".join(stated("DEPENDENCIES")) + "\n", encoding="utf-8")
    done = subprocess.run([venv.python, "-m", "pip_audit", "--requirement", str(listed), "--progress-spinner", "off"],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr[-500:])
    if done.returncode == 0:
        return []
    if "Name" in done.stdout and "Fix Versions" in done.stdout:
        return ["pip-audit"]
    print("pip-audit is skipped: the list of vulnerabilities can't be reached from here.")
    return []
