# SPDX-License-Identifier: MIT
"""dev.py: standard library only, and the simulation that it leaves running."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from az import ROOT
from conftest import pytest_configure

from tools import environment, lint, matrix, mutate, release
from tools.environment import CommandFailedError, Environment
from tools.main import COMMANDS
from tools.simulate import bash_lines, powershell_lines
from tools.test import WORKERS, with_workers
from tools.wheel import stated

TOOLS = [ROOT / "dev.py", *sorted((ROOT / "tools").glob("*.py"))]


def dev(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(ROOT / "dev.py"), *args], text=True, capture_output=True, check=False,
                          timeout=60)


@pytest.mark.parametrize("path", TOOLS, ids=lambda path: str(path.name))
def test_standard_library_only(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"tools", "az", ""}
    assert not foreign  # tests/az.py is our own, and of the standard library


@pytest.mark.parametrize("args", [(), ("--help",), ("-h",)])
def test_help(args: tuple[str, ...]) -> None:
    done = dev(*args)
    assert done.returncode == 0
    for name, text in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert text in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_runs_nothing(name: str) -> None:
    done = dev(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: dev.py {name}")
    assert "Installing" not in done.stdout


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"test"}))
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
    monkeypatch.setattr(environment, "find_python", lambda _version: None)
    assert matrix.run(["between"]) == 1
    assert "Failed: there is no Python 3.10" in capsys.readouterr().out
    assert matrix.run(["between", "--skip-missing"]) == 0


@pytest.mark.parametrize(("words", "alone"), [
    ([], False), (["-m", "not slow"], False), (["-k", "roles", "-x"], False), (["--update-golden"], False),
    (["-k", "roles", "tests/unit"], True), (["tests/unit/test_roles.py::test_x"], True), (["-n", "2"], True),
])
def test_several_processes_share_the_tests_unless_files_are_named(words: list[str], alone: bool) -> None:
    assert with_workers(words) == [*([] if alone else WORKERS), *words]


@pytest.mark.parametrize(("expression", "kept"), [
    ("not slow", "(not slow) and not full"), ("not full", "not full"), ("slow and full", "slow and full"), ("", ""),
])
def test_no_selection_adds_the_full_tests_by_accident(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch,
                                                      expression: str, kept: str) -> None:
    monkeypatch.setattr(pytestconfig.option, "markexpr", expression)
    pytest_configure(pytestconfig)
    assert pytestconfig.option.markexpr == kept


def test_mutation_covers_each_folder_and_takes_the_tests_that_need_no_process_of_their_own() -> None:
    assert {"model", "arm"} <= set(mutate.MUTATED)
    tests = {path.name: mutate.runs_here(path) for path in (ROOT / "tests" / "unit").glob("test_*.py")}
    assert tests["test_identities.py"]
    assert tests["test_runner.py"]
    assert not tests["test_layers.py"]


SKIPPED = {"name": "x", "skip_reason": "could not be audited"}
FINE: dict[str, Any] = {"name": "y", "version": "1", "vulns": []}


@pytest.mark.parametrize(("found", "expected"), [
    ([FINE], ([], [])),
    ([{**FINE, "vulns": [{"id": "CVE-1"}]}, FINE], (["y"], [])),
    ([FINE, SKIPPED], ([], ["x"])),
    ([SKIPPED], ([], ["every package"])),
    (None, ([], ["every package"])),
], ids=["fine", "vulnerable", "one not audited", "none audited", "no answer"])
def test_an_audit_counts_only_what_it_audited(found: Any, expected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = "" if found is None else json.dumps({"dependencies": found})
    done = subprocess.CompletedProcess[str]([], int(not answer), answer, "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert lint.audit("python", ["x", "y"]) == expected


@pytest.mark.parametrize(("failed", "skipped", "last_line"), [
    ([], [], "lint: all passed"),
    (["mypy"], [], "lint: failed: mypy"),
    ([], ["azdev"], "lint: skipped: azdev; all others passed"),
    (["mypy"], ["azdev", "zizmor"], "lint: skipped: azdev, zizmor; failed: mypy"),
])
def test_lint_names_what_it_skipped_in_its_last_line(failed: list[str], skipped: list[str], last_line: str) -> None:
    assert lint.summary(failed, skipped) == last_line


def test_azdev_is_found_by_a_variable_or_where_it_was_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = Environment(tmp_path / "venv")
    monkeypatch.delenv("AZDEV", raising=False)
    monkeypatch.setenv("AZDEV_CONFIG_DIR", str(tmp_path / "config"))
    assert lint.azdev(venv) is None
    config = tmp_path / "config" / "env_config" / venv.folder.relative_to(venv.folder.anchor) / "config"
    config.parent.mkdir(parents=True)
    config.touch()
    assert lint.azdev(venv) == str(venv.scripts / "azdev")
    monkeypatch.setenv("AZDEV", "a-program")
    assert lint.azdev(venv) == "a-program"


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_permissions_are_given_to_each_job(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (.*)", text)
    assert [one for one in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []
    assert len(set(uses)) == len({one.split("@")[0] for one in uses})
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    assert [name for name, job in workflow["jobs"].items() if "permissions" not in job] == []
    assert re.findall(r"github\.com/(?!Azure/)|secrets\.", text) == []


def test_a_release_is_published_only_after_all_else_and_an_approval() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))["jobs"]
    assert [(name, job.get("needs"), job.get("environment")) for name, job in jobs.items()] == [
        ("check", None, None), ("build", "check", None), ("attest", "build", None), ("draft", "attest", None),
        ("publish", "draft", "release")]
    writing = {name: {key for key, value in job["permissions"].items() if value == "write"}
               for name, job in jobs.items()}
    assert writing == {"check": set(), "build": set(), "attest": {"attestations", "id-token"}, "draft": {"contents"},
                       "publish": {"contents"}}


def test_the_workflow_tests_every_python_that_the_matrix_has() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    cells = {cell.name for cell in matrix.CELLS}
    for job in ("newest", "oldest"):
        assert {f"{job}-python{version}" for version in jobs[job]["strategy"]["matrix"]["python"]} <= cells
    assert "3.14" in jobs["newest"]["strategy"]["matrix"]["python"]


def test_release_has_no_address_of_its_own() -> None:
    done = dev("release")
    assert done.returncode == 2
    assert "--url" in done.stderr


def test_release_says_what_has_to_be_set_first() -> None:
    done = dev("release", "--url", "https://localhost", "--tag", "0.0.1")
    assert done.returncode == 1
    assert f"Error: the tag is 0.0.1, but VERSION in setup.py is {stated('VERSION')}." in done.stdout
    if not stated("OWNERS"):
        assert "OWNERS in src/communication_identity/setup.py isn't set" in done.stdout
        assert ".github/CODEOWNERS needs the line" in done.stdout


@pytest.mark.parametrize(("url", "attested"), [
    ("https://github.com/me/acs/releases/download/1.2", "  gh attestation verify dist/communication_identity-"),
    ("https://example.com/az", None),
])
def test_release_says_to_upload_then_to_verify_then_to_install(url: str, attested: str | None) -> None:
    lines = release.next_steps(url)
    order = [lines.index(text) for text in (f"Upload all files in dist/ to {url}", "sha256sum --check SHA256SUMS",
                                            f"AZURE_EXTENSION_INDEX_URL={url}/index.json az extension add")]
    assert order == sorted(order)
    assert ("gh attestation verify" in lines) is bool(attested)
    assert not attested or (attested in lines and "--repo me/acs\n" in lines)


def test_the_news_are_the_section_of_the_version_alone() -> None:
    assert release.news(stated("VERSION")).startswith("* ")
    assert "First version" in release.news("1.0.0b1")
    assert "First version" not in release.news("1.0.0b2")
    assert release.news("0.0.0") == ""


def test_everything_installed_for_tests_is_pinned() -> None:
    pinned = environment.CONSTRAINTS.read_text(encoding="utf-8")
    for path in environment.REQUIREMENTS:
        for line in path.read_text(encoding="utf-8").splitlines():
            name = re.split(r"[\s<>=#]", line)[0]
            assert not name or name == "pyyaml" or f"\n{name}==" in pinned, name  # azure-cli brings pyyaml


def test_the_files_to_source_are_quoted() -> None:
    scripts, variables = Path("/Jo's work/bin"), {"A": "it's"}
    bash = bash_lines(scripts, variables) + 'echo "$A:${PATH%%:*}"'
    done = subprocess.run(["bash", "-euc", bash], text=True, capture_output=True, check=True)
    assert done.stdout == "it's:/Jo's work/bin\n"
    assert powershell_lines(scripts, variables).startswith(
        "$env:A = 'it''s'\n$env:PATH = '/Jo''s work/bin' + [IO.Path]::PathSeparator")


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = dev("sim", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert re.fullmatch(r"dev\.py sim: port \d+ is in use\..*\n", done.stderr)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP")
@pytest.mark.parametrize("number", [pytest.param("SIGINT", marks=pytest.mark.full), "SIGHUP"])
def test_sim_runs_until_it_is_stopped_and_leaves_nothing(number: str, tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, str(ROOT / "dev.py"), "sim", "--resources", "5"], text=True, cwd=ROOT,
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
                               env={**os.environ, "TMPDIR": str(tmp_path)})
    said = ""
    for line in process.stdout or ():
        said += line
        if "Ctrl-C stops" in line:
            break
    for part in ("myApp", "5 more resources", "user-assigned identities", "have no identity", "Then try:", "close the"):
        assert part in said
    script = re.findall(r"^  (\. \S+\.sh) ", said, re.MULTILINE)[0]
    tried = subprocess.run(["bash", "-ec", f"{script}; az communication identity show -n myApp -g myResourceGroup"],
                           text=True, capture_output=True, check=True, cwd=ROOT)
    assert '"type": "None"' in tried.stdout
    os.killpg(process.pid, getattr(signal, number))  # as a terminal does
    assert process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []
    assert not (environment.WORK / "sim.sh").exists()


@pytest.mark.slow
def test_the_demo_says_what_each_command_is_for() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "dev.py"), "demo"], text=True, capture_output=True, check=True,
                          timeout=300)
    lines = done.stdout.splitlines()
    commands = [number for number, line in enumerate(lines) if line.startswith("$ az ")]
    assert len(commands) > 8
    assert all(lines[number - 1].startswith("# ") for number in commands)
