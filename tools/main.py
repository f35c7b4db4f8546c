# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The command line of dev.py."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from . import bench, demo, environment, lint, matrix, picture, record, release, simulate, wheel

Command = Callable[[Sequence[str]], int]


def test(args: Sequence[str]) -> int:
    """Run all tests, or those that pytest's own arguments select."""
    venv = environment.for_tests()
    return environment.run([venv.python, "-m", "pytest", *args], env=environment.apart_from_the_users_own(),
                           check=False)


COMMANDS: dict[str, tuple[Command, str]] = {
    "demo": (demo.run, "walk through the how-to with the real az against a local Azure Resource Manager"),
    "sim": (simulate.run, "leave that server running, to try az by hand"),
    "test": (test, "run all tests; what follows goes to pytest"),
    "lint": (lint.run, "ruff, mypy, azdev, pip-audit"),
    "record": (record.run, "record the scenario tests again, against the local server"),
    "release": (release.run, "wheel, checksum and index.json, ready for any web server, into dist/"),
    "bench": (bench.run, "how long commands take, next to core's own; a fleet; long lists"),
    "matrix": (matrix.run, "the end-to-end tests with other versions of azure-cli and Python"),
    "picture": (picture.run, "draw docs/terminal.svg from a real run"),
    "build": (wheel.run, "build the wheel into dist/"),
}


def main(args: Sequence[str]) -> int:
    """Run a command; return its exit code."""
    listed = "\n".join(f"  {name:8} {text}" for name, (_, text) in COMMANDS.items())
    parser = argparse.ArgumentParser(prog="dev.py", formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description="The developers' commands:\n" + listed)
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="arguments of the command")
    parsed = parser.parse_args(args)
    try:
        return COMMANDS[parsed.command][0](parsed.arguments)
    except environment.CommandFailedError as error:
        print(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
