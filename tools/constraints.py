# SPDX-License-Identifier: MIT
"""`dev.py constraints`: the versions of all that tests and tools install, in constraints.txt."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from . import environment
from .command_line import parser

OLDEST = "3.10"  # the oldest Python that dev.py runs on: what is chosen for it installs on newer ones too
BASE = ("azure-cli", "setuptools", "wheel")
HEAD = """\
# Versions of what the tests and the tools install. `python3 dev.py constraints` writes this file.
# azure-cli and what it depends on are not pinned: the tests run with the newest, and `dev.py matrix` with older ones.
"""


def run(args: Sequence[str]) -> int:
    """Ask pip what it would install, and write that down."""
    parser("constraints", "Write constraints.txt: the newest versions of the packages that tests and tools need, as "
                          f"pip chooses them on Python {OLDEST}.").parse_args(args)
    python = environment.find_python(OLDEST)
    if python is None:
        raise environment.CommandFailedError([f"python{OLDEST}"], 127)
    venv = environment.ensure(environment.ROOT / ".venv-constraints", ["pip>=25"], [], python=python)
    files = [f"--requirement={path}" for path in environment.REQUIREMENTS]
    clis = resolve(venv, *BASE)
    pinned = {name: version for name, version in resolve(venv, *BASE, *files).items() if name not in clis}
    lines = [f"{name}=={pinned[name]}\n" for name in sorted(pinned)]
    environment.CONSTRAINTS.write_text(HEAD + "".join(lines), encoding="utf-8")
    print(f"{environment.CONSTRAINTS.name}: {len(pinned)} packages")
    return 0


def resolve(venv: environment.Environment, *words: str) -> dict[str, str]:
    """What pip would install for these, by normalized name."""
    report = environment.captured([venv.python, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed",
                       "--report", "-", *words])
    metadata = [one["metadata"] for one in json.loads(report)["install"]]
    return {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in metadata}
