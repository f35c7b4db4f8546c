# SPDX-License-Identifier: MIT
"""`dev.py lint`: every check that needs no server. What can't run here is named in the last line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .command_line import parser
from .environment import BENCH_REQUIREMENTS, ROOT, SOURCE, WORK, Environment, captured, ensure, for_tests, run_command
from .wheel import stated

PACKAGE = SOURCE / "azext_communication_identity"
TYPED = (str(PACKAGE), "dev.py", "setup.py", "tools", "benchmarks", "tests", "docs/draw_terminal.py")
SPELLED = (".py", ".md", ".rst", ".txt", ".toml", ".yml")


def run(args: Sequence[str]) -> int:
    """Run all; the exit code is 0 only if none fails."""
    command = parser("lint", "Run all checks that need no server: style, types, layers, spelling, workflows, azdev, "
                             "known vulnerabilities.\nazdev runs if 'azdev setup' was run for this environment, or if "
                             "the variable AZDEV names a program that runs it.")
    command.add_argument("--fast", action="store_true", help="only those that take a few seconds")
    parsed = command.parse_args(args)
    venv = ensure(for_tests().folder, [], [BENCH_REQUIREMENTS], stamp="bench")  # mypy reads matplotlib's types
    checks = _fast(venv) if parsed.fast else [*_fast(venv), *_thorough(venv)]
    failed = [name for name, words in checks if _fails(venv, name, words)]
    skipped = []
    if not parsed.fast:
        vulnerable, unaudited = audit(venv.python, stated("DEPENDENCIES"))
        failed += [f"pip-audit of {name}" for name in vulnerable]
        skipped += [f"pip-audit of {name}" for name in unaudited]
        skipped += [] if azdev(venv) else ["azdev (it isn't set up: see 'dev.py lint --help')"]
    print(summary(failed, skipped))
    return 1 if failed else 0


def summary(failed: Sequence[str], skipped: Sequence[str]) -> str:
    """The last line."""
    said = [f"skipped: {', '.join(skipped)}"] if skipped else []
    said.append(f"failed: {', '.join(failed)}" if failed else "all others passed" if skipped else "all passed")
    return f"lint: {'; '.join(said)}"


def _fast(venv: Environment) -> list[tuple[str, list[str]]]:
    program = venv.scripts
    schema = [str(program / "check-jsonschema"), "--builtin-schema"]
    return [
        ("ruff", [venv.python, "-m", "ruff", "check", "."]),
        ("layers", [str(program / "lint-imports"), "--no-cache"]),
        ("spelling", [str(program / "codespell"), *_tracked(*SPELLED)]),
        ("workflows", [*schema, "vendor.github-workflows", *_tracked(".yml", under=".github/workflows/")]),
        ("dependabot", [*schema, "vendor.dependabot", *_tracked("dependabot.yml")]),
        ("zizmor", [str(program / "zizmor"), "--offline", "--no-progress", ".github"]),
        ("Python 3.9", [str(program / "vermin"), "--target=3.9-", "--violations", "--no-tips", str(PACKAGE)]),
    ]


def _thorough(venv: Environment) -> list[tuple[str, list[str]]]:
    program = azdev(venv)
    return [("mypy", [venv.python, "-m", "mypy", *TYPED])] + [
        (f"azdev {words[0]}", [venv.python, program, *words, "communication_identity"])
        for words in (["style"], ["linter"], ["test", "--series", "--discover"]) if program]


def azdev(venv: Environment) -> str | None:
    """The program that runs azdev here."""
    if "AZDEV" in os.environ:
        return os.environ["AZDEV"]
    home = Path(os.environ.get("AZDEV_CONFIG_DIR") or Path.home() / ".azdev")  # where 'azdev setup' writes
    is_set_up = (home / "env_config" / venv.folder.relative_to(venv.folder.anchor) / "config").is_file()
    return str(venv.scripts / "azdev") if is_set_up else None


def _tracked(*endings: str, under: str = "") -> list[str]:
    return [name for name in captured(["git", "ls-files"]).splitlines()
            if name.startswith(under) and name.endswith(endings) and (ROOT / name).exists()]


def _fails(venv: Environment, name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    env = {"VIRTUAL_ENV": str(venv.folder), "PATH": f"{venv.scripts}{os.pathsep}{os.environ['PATH']}",
           "PYTHONPATH": str(SOURCE), "AZURE_EXTENSION_DEV_SOURCES": str(SOURCE.parent),
           "AZURE_CONFIG_DIR": str(WORK / "azdev-config")}  # azdev runs az, and asks it for its settings
    return run_command(command, env=env, check=False) != 0


def audit(python: str, dependencies: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of what the wheel installs: the packages with known vulnerabilities, and those that couldn't be audited: all of
    them where the list of vulnerabilities can't be reached.
    """
    print("== pip-audit", flush=True)
    listed = WORK / "audited.txt"
    listed.parent.mkdir(exist_ok=True)
    listed.write_text("\n".join(dependencies) + "\n", encoding="utf-8")
    done = subprocess.run([python, "-m", "pip_audit", "--requirement", str(listed), "--progress-spinner", "off",
                           "--format", "json"], cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stderr[-500:])
    found = json.loads(done.stdout)["dependencies"] if done.stdout.startswith("{") else []
    for one in found:
        print(one["name"], one.get("skip_reason") or one.get("vulns") or "no known vulnerabilities")
    audited = [one for one in found if "skip_reason" not in one]
    unaudited = [one["name"] for one in found if one not in audited] if audited else ["every package"]
    return [one["name"] for one in audited if one["vulns"]], unaudited
