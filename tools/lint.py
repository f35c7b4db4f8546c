# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py lint`: every check that needs no server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from .environment import ROOT, SOURCE, WORK, Environment, for_tests
from .environment import run as run_command
from .wheel import stated

AZDEV = ROOT.parent / "shared" / "azdev" / "azdev"  # runs azdev without internet; only in the workplace
PACKAGE = SOURCE / "azext_communication_identity"


def run(_args: Sequence[str]) -> int:
    """Run all; the exit code is 0 only if all pass."""
    venv = for_tests()
    failed = [name for name, command in _checks(venv) if _fails(venv, name, command)]
    failed += _audit(venv)
    print("lint: " + (f"failed: {', '.join(failed)}" if failed else "all passed"))
    return 1 if failed else 0


def _checks(venv: Environment) -> list[tuple[str, list[str]]]:
    checks = [
        ("ruff", [venv.python, "-m", "ruff", "check", "."]),
        ("mypy", [venv.python, "-m", "mypy", "--strict", "--exclude", "tests", str(PACKAGE)]),
    ]
    if AZDEV.exists():
        checks += [(f"azdev {what}", [venv.python, str(AZDEV), what, "communication_identity"])
                   for what in ("linter", "style")]
        checks.append(("azdev test", [venv.python, str(AZDEV), "test", "communication_identity", "--series",
                                      "--discover"]))
    else:
        print("azdev is skipped: ../shared/azdev is only in the workplace.")
    return checks


def _fails(venv: Environment, name: str, command: list[str]) -> bool:
    print(f"== {name}", flush=True)
    env = {"VIRTUAL_ENV": str(venv.folder), "PATH": f"{venv.scripts}{os.pathsep}{os.environ['PATH']}",
           "AZURE_CONFIG_DIR": str(WORK / "azdev-config")}  # azdev runs az, and asks it for its settings
    return run_command(command, env=env, check=False) != 0


def _audit(venv: Environment) -> list[str]:
    """Known vulnerabilities in what the wheel installs; skipped with a word where their list can't be reached."""
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
