# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The extension's wheel."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .environment import ROOT, SOURCE, for_demo
from .environment import run as run_command

DIST = ROOT / "dist"


def run(_args: Sequence[str]) -> int:
    """`dev.py build`."""
    print(build(for_demo().python, DIST).relative_to(ROOT))
    return 0


def build(python: str, folder: Path, source: Path = SOURCE) -> Path:
    """Build a wheel into a folder, which then holds no other, and return its path. `python` has setuptools and wheel;
    no network is needed.
    """
    shutil.rmtree(source / "build", ignore_errors=True)  # setuptools would pack what lies there from before
    for old in folder.glob("*.whl"):
        old.unlink()
    run_command([python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir",
                 str(folder), str(source)])
    return next(folder.glob("*.whl"))


def stated(name: str) -> Any:
    """What setup.py states as the constant of that name, such as VERSION or DEPENDENCIES."""
    tree = ast.parse((SOURCE / "setup.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise ValueError(f"setup.py states no {name}")
