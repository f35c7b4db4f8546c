# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The documents can't drift: their commands run, their links lead somewhere, and what they list is all there is."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from armsim import Armsim
from az import ROOT, SOURCE, Az

from tools.wheel import stated

PACKAGE = SOURCE / "azext_communication_identity"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if blocks(one, "bash")], ids=lambda path: path.name)
def test_every_shell_block_runs(az: Az, sim: Armsim, tmp_path: Path, document: Path) -> None:
    sim.state.add_resource("myApp", "myResourceGroup", tags={"team": "chat"})
    wrapper = tmp_path / "bin" / "az"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(az.command([]))} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    script = "set -euo pipefail\n" + "\n".join(blocks(document, "bash"))
    env = {**az.environment(), "PATH": f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=env, cwd=tmp_path, text=True, capture_output=True, timeout=300,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    assert sim.requests


def test_python_blocks_type_check(tmp_path: Path) -> None:
    found = [block for document in DOCUMENTS for block in blocks(document, "python")]
    assert found
    for number, block in enumerate(found):
        path = tmp_path / f"block{number}.py"
        path.write_text(block, encoding="utf-8")
        done = subprocess.run([sys.executable, "-m", "mypy", "--strict", str(path)], text=True, capture_output=True,
                              timeout=300, check=False)
        assert done.returncode == 0, done.stdout
        subprocess.run([sys.executable, str(path)], timeout=60, check=True)  # at least it imports


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_the_architecture_names_every_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+\.py)`", text, re.MULTILINE))
    assert listed == {path.name for path in PACKAGE.glob("*.py")}


def test_the_tests_that_readme_names_exist() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    for name in re.findall(r"`(test_\w+?)(?:\.py)?`", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert f"def {name}(" in code or (ROOT / "tests" / f"{name}.py").exists(), name


def test_version_history_and_licence_are_in_step() -> None:
    first = re.search(r"^(\d\S+)\n\++$", (SOURCE / "HISTORY.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert first
    assert first.group(1) == stated("VERSION")
    for path in [ROOT / "dev.py", *ROOT.glob("tools/*.py"), *SOURCE.rglob("*.py"), *ROOT.glob("tests/**/*.py")]:
        if "build" not in path.parts:
            assert "Licensed under the MIT License" in path.read_text(encoding="utf-8")[:500], path
