# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""dev.py: standard library only, and the simulation that it leaves running."""

from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys

import pytest
from az import ROOT

from tools.environment import Environment
from tools.main import COMMANDS
from tools.simulate import bash_lines, powershell_lines

TOOLS = [ROOT / "dev.py", *sorted((ROOT / "tools").glob("*.py"))]


@pytest.mark.parametrize("path", TOOLS, ids=lambda path: path.name)
def test_standard_library_only(path: object) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]  # pytest gives objects
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"tools", "az", ""}
    assert not foreign  # tests/az.py is our own, and of the standard library


def test_every_command_is_described() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "dev.py"), "--help"], text=True, capture_output=True, check=True)
    for name, (_, text) in COMMANDS.items():
        assert name in done.stdout
        assert text in done.stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"dev.py {name}" in readme for name in COMMANDS)


def test_an_unknown_command() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "dev.py"), "nothing"], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 2
    assert "invalid choice" in done.stderr


def test_lines_to_paste() -> None:
    venv = Environment(ROOT / ".venv")
    assert bash_lines(venv, {"A": "b"}).splitlines()[0] == "export A='b'"
    assert powershell_lines(venv, {"A": "b"}).splitlines()[0] == "$env:A = 'b'"


def test_sim_runs_until_it_is_stopped() -> None:
    process = subprocess.Popen([sys.executable, str(ROOT / "dev.py"), "sim"], text=True, stdout=subprocess.PIPE,
                               stdin=subprocess.DEVNULL)
    lines = []
    assert process.stdout
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C stops" in line:
            break
    exports = dict(re.findall(r"export (\w+)='([^']*)'", "".join(lines)))
    assert {"REQUESTS_CA_BUNDLE", "AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR"} <= set(exports)
    script = "".join(line for line in lines if line.startswith("export"))
    tried = subprocess.run(["bash", "-ec", script + "az communication identity show -n myApp -g myResourceGroup"],
                           text=True, capture_output=True, check=True)
    assert '"type": "None"' in tried.stdout
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
