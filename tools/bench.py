# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py bench`: how long commands take, next to core's own; a fleet; a long list."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import options

from .environment import BENCH_REQUIREMENTS, ensure, for_demo
from .environment import run as run_command
from .private_az import install_extension, private_folder


def run(args: Sequence[str]) -> int:
    """Install the extension from its wheel and measure."""
    options.parse(list(args))
    venv = ensure(for_demo().folder, [], [BENCH_REQUIREMENTS], stamp="bench")
    with private_folder() as folder:
        return run_command([venv.python, "-m", "benchmarks", "--folder", str(folder),
                            "--extensions", str(install_extension(venv, folder)), *args], check=False)
