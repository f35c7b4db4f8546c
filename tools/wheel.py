# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The extension's wheel."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from .environment import ROOT, SOURCE, Environment, for_demo

DIST = ROOT / "dist"


def run(_args: Sequence[str]) -> int:
    """`dev.py build`."""
    print(build(for_demo(), DIST).relative_to(ROOT))
    return 0


def build(venv: Environment, folder: Path, source: Path = SOURCE) -> Path:
    """Build the wheel into a folder and return its path. Nothing but setuptools and wheel is needed, no network."""
    shutil.rmtree(source / "build", ignore_errors=True)  # setuptools would pack what lies there from before
    for old in folder.glob("communication_identity-*.whl"):
        old.unlink()
    venv.pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    return next(folder.glob("communication_identity-*.whl"))


def version(source: Path = SOURCE) -> str:
    """The version that setup.py states."""
    match = re.search(r'^VERSION = "(.+)"$', (source / "setup.py").read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise ValueError("setup.py states no VERSION")
    return match.group(1)
