# SPDX-License-Identifier: MIT
"""The command line of dev.py."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import cast

from .environment import CommandFailedError

# A file in this folder for each command. Its `run` takes the arguments after the name.
COMMANDS = {
    "demo": "walk through the how-to with the real az against a simulation of Azure",
    "sim": "start the simulation and keep it running, to try az by hand",
    "test": "run the tests; everything after the options goes to pytest",
    "lint": "run all checks that need no server",
    "mutate": "change the code in small ways and see whether the tests notice",
    "matrix": "run the end-to-end tests with other versions of azure-cli and Python",
    "bench": "measure commands, a fleet and long lists, and check the bounds",
    "record": "record the scenario tests again, against the simulation",
    "live": "try the extension against a real Azure subscription",
    "picture": "draw the terminal pictures in docs/ from real runs",
    "build": "build the wheel into dist/",
    "release": "make all files of a release in dist/: wheels, checksums, SBOMs, an extension index",
    "constraints": "pin the newest versions of the packages that tests and tools use",
}
FILES = {"sim": "simulate", "build": "wheel"}  # where the file has another name
USAGE = ("usage: python3 dev.py COMMAND [OPTIONS]\n\nCommands for developers. The first run creates a virtual "
         "environment.\n\n" + "".join(f"  {name:12} {text}\n" for name, text in COMMANDS.items())
         + "\nRun 'python3 dev.py COMMAND --help' for the options of a command.")


def main(args: Sequence[str]) -> int:
    """Run a command; return its exit code."""
    if not args or args[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0
    if args[0] not in COMMANDS:
        print(f"{USAGE}\n\ndev.py: unknown command '{args[0]}'", file=sys.stderr)
        return 2
    try:
        return cast(int, importlib.import_module(f"tools.{FILES.get(args[0], args[0])}").run(args[1:]))
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
