# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""dev.py: standard library only, and the simulation that it leaves running."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from az import ROOT

from tools import environment, matrix, prose
from tools.environment import CommandFailedError, Environment
from tools.main import COMMANDS, available
from tools.simulate import bash_lines, powershell_lines

TOOLS = [ROOT / "dev.py", *sorted((ROOT / "tools").glob("*.py"))]


def dev(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(ROOT / "dev.py"), *args], text=True, capture_output=True, check=False,
                          timeout=60)


@pytest.mark.parametrize("path", TOOLS, ids=lambda path: str(path.name))
def test_standard_library_only(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"tools", "az", "benchmarks", ""}
    assert not foreign  # tests/az.py and benchmarks/options.py are our own, and of the standard library


@pytest.mark.parametrize("args", [(), ("--help",), ("-h",)])
def test_help(args: tuple[str, ...]) -> None:
    done = dev(*args)
    assert done.returncode == 0
    for name, text in available().items():
        assert f"  {name} " in done.stdout
        assert text in done.stdout


@pytest.mark.parametrize("name", available())
def test_every_command_has_help_that_runs_nothing(name: str) -> None:
    done = dev(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: dev.py {name}")
    assert "Installing" not in done.stdout


@pytest.mark.parametrize("name", sorted(set(available()) - {"test"}))
def test_unknown_options_are_errors(name: str) -> None:
    done = dev(name, "--nothing")
    assert done.returncode == 2
    assert "--nothing" in done.stderr or "required" in done.stderr


def test_an_unknown_command() -> None:
    done = dev("nothing")
    assert done.returncode == 2
    assert "unknown command 'nothing'" in done.stderr


def test_the_readme_or_the_guide_for_contributors_names_every_command() -> None:
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    assert [name for name in COMMANDS if f"dev.py {name}" not in text] == []


def test_pip_is_quiet_unless_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    venv = Environment(Path(sys.prefix))
    venv.pip("--version")
    assert capfd.readouterr().out == ""
    with pytest.raises(CommandFailedError):
        venv.pip("no-such-command")
    assert "no-such-command" in capfd.readouterr().out


def test_azure_cli_finds_the_extension_in_its_source_whatever_pip_leaves(tmp_path: Path) -> None:
    source = tmp_path / "extensions" / "communication_identity"
    shutil.copytree(environment.SOURCE, source, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    environment.write_egg_info(Environment(Path(sys.prefix)), source)
    listed = subprocess.run([sys.executable, "-m", "azure.cli", "extension", "list", "--query", "[].name"],
                            env={**os.environ, "AZURE_EXTENSION_DEV_SOURCES": str(source.parent),
                                 "AZURE_CONFIG_DIR": str(tmp_path), "AZURE_EXTENSION_DIR": str(tmp_path / "none")},
                            text=True, capture_output=True, check=True)
    assert json.loads(listed.stdout) == ["communication_identity"]


def test_matrix_needs_its_pythons(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(matrix, "find_python", lambda _version: None)
    assert matrix.run(["between"]) == 1
    assert "Failed: there is no Python 3.10" in capsys.readouterr().out
    assert matrix.run(["between", "--skip-missing"]) == 0


def test_release_has_no_address_of_its_own() -> None:
    done = dev("release")
    assert done.returncode == 2
    assert "--url" in done.stderr


def test_phrases_that_are_not_idiomatic_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "A lock forbids to change the resource."
    monkeypatch.setattr(prose, "texts", lambda: iter([(ROOT / "x.md", text)]))
    assert prose.unidiomatic() == ["x.md:1: 'forbids to' isn't idiomatic"]


def test_everything_installed_for_tests_is_pinned() -> None:
    pinned = environment.CONSTRAINTS.read_text(encoding="utf-8")
    for path in (environment.TEST_REQUIREMENTS, environment.ARMSIM_REQUIREMENTS, environment.BENCH_REQUIREMENTS):
        for line in path.read_text(encoding="utf-8").splitlines():
            name = re.split(r"[\s<>=#]", line)[0]
            assert not name or name == "pyyaml" or f"\n{name}==" in pinned, name  # azure-cli brings pyyaml


def test_lines_to_paste() -> None:
    venv = Environment(ROOT / ".venv")
    assert bash_lines(venv, {"A": "b"}).splitlines()[0] == "export A='b'"
    assert powershell_lines(venv, {"A": "b"}).splitlines()[0] == "$env:A = 'b'"


@pytest.mark.slow
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
