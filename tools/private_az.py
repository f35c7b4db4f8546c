# SPDX-License-Identifier: MIT
"""An `az` apart from the user's own: its own configuration and extensions, talking to a local server."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .environment import ROOT, CommandFailedError, Environment
from .wheel import build

sys.path.insert(0, str(ROOT / "tests"))

from az import Az, add_extension  # noqa: E402  # the tests' own helper; standard library only, as this is


@dataclass(frozen=True)
class Session:
    """A running server, and an `az` that has the extension and is logged in there."""

    az: Az
    server: dict[str, Any]  # what `python -m armsim` says: url, ca_file, env, subscription, tenant


@contextmanager
def session(venv: Environment, *server_args: str) -> Iterator[Session]:
    """Install the extension from its wheel, start the server, log in; stop the server at the end."""
    with private_folder() as folder, armsim(venv, *server_args) as server:
        az = Az(folder / "config", install_extension(venv, folder), server["env"], venv.python)
        az.log_in(server["url"])
        yield Session(az, server)


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for configuration and extensions, gone at the end. Not in the checkout: azdev would take an extension
    that is installed below it for its source.
    """
    with tempfile.TemporaryDirectory(prefix="communication-identity-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def install_extension(venv: Environment, folder: Path) -> Path:
    """Build the wheel and install it into a folder of its own; return that folder."""
    wheel = build(venv.python, folder)
    print("Installing the extension …", flush=True)
    return add_extension(wheel, folder, venv.python)


@contextmanager
def armsim(venv: Environment, *args: str) -> Iterator[dict[str, Any]]:
    """Run the local Azure Resource Manager; yields what it says of itself."""
    # In a session of its own: whatever ends this process, a closed window too, the server is told to clean up first.
    process = subprocess.Popen([venv.python, "-m", "armsim", *args], cwd=ROOT / "tests", text=True,
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise CommandFailedError(["armsim", *args], process.wait(10))
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(10)
