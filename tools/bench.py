# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py bench`: how long one command takes, next to core's own."""

from __future__ import annotations

from collections.abc import Sequence

from .environment import ROOT, WORK, for_demo
from .environment import run as run_command
from .private_az import install_extension, private_folder


def run(args: Sequence[str]) -> int:
    """Install the extension from its wheel and measure. `--runs N`."""
    venv = for_demo()
    WORK.mkdir(exist_ok=True)
    with private_folder() as folder:
        return run_command([venv.python, str(ROOT / "benchmarks" / "one_command.py"),
                            "--config", str(folder / "config"), "--extensions", str(install_extension(venv, folder)),
                            "--json", str(WORK / "one_command.json"), *args])
