# SPDX-License-Identifier: MIT
"""Virtual environments: created when missing, and kept when they already have the requested packages."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".work"  # everything that dev.py makes, but for the virtual environments
SOURCE = ROOT / "src" / "communication_identity"
ARMSIM_REQUIREMENTS = ROOT / "tests" / "armsim" / "requirements.txt"
TEST_REQUIREMENTS = ROOT / "tests" / "requirements.txt"
BENCH_REQUIREMENTS = ROOT / "benchmarks" / "requirements.txt"
REQUIREMENTS = (ARMSIM_REQUIREMENTS, TEST_REQUIREMENTS, BENCH_REQUIREMENTS)
CONSTRAINTS = ROOT / "constraints.txt"  # `dev.py constraints` writes it


class CommandFailedError(Exception):
    """A command ended with an exit code other than 0."""

    def __init__(self, command: Sequence[str], exit_code: int) -> None:
        super().__init__(f"Failed with exit code {exit_code}: {' '.join(command)}")
        self.exit_code = exit_code


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def scripts(self) -> Path:
        """The folder of its programs."""
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    @property
    def python(self) -> str:
        """Its Python."""
        return str(self.scripts / "python")

    def pip(self, *args: str) -> None:
        """Run its pip. What pip says is shown only if it fails."""
        run_command([self.python, "-m", "pip", "--disable-pip-version-check", *args], quiet=True)


def for_demo() -> Environment:
    """The environment with azure-cli and the local Azure Resource Manager."""
    return ensure(ROOT / ".venv", ["azure-cli", "setuptools", "wheel"], [ARMSIM_REQUIREMENTS])


def for_tests() -> Environment:
    """The same, with all that the tests and the linters need, and the extension as an editable install."""
    venv = ensure(for_demo().folder, ["--no-build-isolation", "-e", str(SOURCE)], [TEST_REQUIREMENTS],
                  stamp="tests", watched=[SOURCE / "setup.py"])
    write_egg_info(venv, SOURCE)
    return venv


def write_egg_info(venv: Environment, source: Path) -> None:
    """Write the .egg-info folder by which azure-cli finds an extension under AZURE_EXTENSION_DEV_SOURCES. pip 25.3 and
    later leave none.
    """
    written = [path.stat().st_mtime for path in source.glob("*.egg-info/PKG-INFO")]
    if not written or max(written) < (source / "setup.py").stat().st_mtime:
        run_command([venv.python, "setup.py", "egg_info"], cwd=source, quiet=True)


def ensure(folder: Path, packages: Sequence[str], requirements: Sequence[Path], *, stamp: str = "base",
           python: str = sys.executable, watched: Sequence[Path] = ()) -> Environment:
    """An environment with these packages. A stamp in it says what was installed, so that a second run is quick. What
    tests and tools need is pinned in constraints.txt; versions of azure-cli are not.
    """
    venv = Environment(folder)
    constrained = bool(requirements)
    watched = [*watched, CONSTRAINTS] if constrained else watched
    text = "\n".join([*packages, *(path.read_text(encoding="utf-8") for path in (*requirements, *watched))])
    digest = hashlib.sha256(text.encode()).hexdigest()
    stamp_file = folder / f".stamp-{stamp}"
    if stamp_file.is_file() and stamp_file.read_text(encoding="utf-8") == digest:
        return venv
    started = time.monotonic()
    if not Path(venv.python).exists() and not Path(f"{venv.python}.exe").exists():
        print(f"Creating {folder.name} …", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        run_command([python, "-m", "venv", str(folder)])
    print(f"Installing packages into {folder.name}; this takes a minute or two the first time …", flush=True)
    files = [word for path in requirements for word in ("-r", str(path))]
    venv.pip("install", *(["-c", str(CONSTRAINTS)] if constrained else []), *packages, *files)
    stamp_file.write_text(digest, encoding="utf-8")
    print(f"Done in {time.monotonic() - started:.0f} seconds.", flush=True)
    return venv


def find_python(version: str) -> str | None:
    """A Python of that version: this one, pyenv's, or the one on the PATH."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    candidates = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    name = f"python{version}"
    return str(candidates[-1]) if candidates else shutil.which(name) or shutil.which(name.replace(".", ""))  # Windows


def apart_from_the_users_own() -> dict[str, str]:
    """Variables with which azure-cli, in the tests' own process, stays away from ~/.azure and finds the extension."""
    return {"AZURE_CONFIG_DIR": str(WORK / "test-config"), "AZURE_EXTENSION_DIR": str(WORK / "no-extensions"),
            "AZURE_EXTENSION_DEV_SOURCES": str(SOURCE.parent), "AZURE_CORE_COLLECT_TELEMETRY": "no"}


def run_command(command: Sequence[str], *, env: Mapping[str, str] | None = None, check: bool = True,
        cwd: Path | None = None, quiet: bool = False) -> int:
    """Run a command in the checkout; return its exit code, or raise CommandFailedError if `check`. `quiet`: show what
    it prints only if it fails.
    """
    sys.stdout.flush()
    done = subprocess.run(list(command), cwd=cwd or ROOT, env={**os.environ, **(env or {})}, check=False, text=True,
                          stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT if quiet else None)
    if quiet and done.returncode:
        print(done.stdout, flush=True)
    if check and done.returncode:
        raise CommandFailedError(command, done.returncode)
    return done.returncode


def captured(command: Sequence[str], cwd: Path = ROOT) -> str:
    """Run a command and return what it prints to standard output."""
    return subprocess.run(list(command), cwd=cwd, stdout=subprocess.PIPE, text=True, check=True).stdout
