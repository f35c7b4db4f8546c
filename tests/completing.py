# SPDX-License-Identifier: MIT
"""What a shell is offered where the Tab key is pressed."""

from __future__ import annotations

import os
import subprocess

from az import Az


def complete(az: Az, line: str) -> list[str]:
    """What the shell is offered, asked for as argcomplete's shell code asks: through file descriptors 8 and 9."""
    read, write = os.pipe()
    script = f'exec 8>&{write} 9>/dev/null; exec "$0" "$@"'
    env = az.environment({"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line,
                          "COMP_POINT": str(len(line)), "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
                          "ARGCOMPLETE_USE_TEMPFILES": ""})
    subprocess.run(["bash", "-c", script, *az.command([])], env=env, pass_fds=[write], timeout=60, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as offered:
        return [word.strip().strip("\"'") for word in offered.read().split("\n") if word.strip()]
