# SPDX-License-Identifier: MIT
"""The documents can't drift: their commands run, their links lead somewhere, and what they list is all there is."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml
from armsim import Armsim, fleet
from az import ROOT, SOURCE, Az
from in_process import InProcessAz

from tools.wheel import stated

PACKAGE = SOURCE / "azext_communication_identity"
Shell = Callable[[str], "subprocess.CompletedProcess[str]"]
LAYERS = ("actions", "arm", "model", "runner")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
LANGUAGES = {"bash", "console", "json", "mermaid", "powershell", "python", "text", "yaml"}
LONG = {"service-behavior.md"}  # a page to look things up in


def blocks(document: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def scripts(document: Path) -> Iterator[str]:
    """The scripts inside the pipelines of a document, without the lines that install the extension."""
    for block in blocks(document, "yaml"):
        for step in _steps(yaml.safe_load(block)):
            script = step.get("run") or step.get("inputs", {}).get("inlineScript") or ""
            yield "\n".join(line for line in script.splitlines() if "az extension add" not in line)


def _steps(pipeline: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from pipeline.get("steps", [])
    for job in pipeline.get("jobs", {}).values():
        yield from job["steps"]


@pytest.fixture
def shell(az: Az, sim: Armsim, tmp_path: Path) -> Shell:
    """Runs a script in bash, in the subscription that `dev.py sim` starts with."""
    fleet.demo(sim.state)
    wrapper = tmp_path / "bin" / "az"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(az.command([]))} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    env = {**az.environment(), "PATH": f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"}

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-c", script], env=env, cwd=tmp_path, text=True, capture_output=True,
                              timeout=300, stdin=subprocess.DEVNULL, check=False)
    return run


@pytest.mark.slow
@pytest.mark.parametrize("document", [one for one in DOCUMENTS if (blocks(one, "bash") or blocks(one, "yaml"))
                                      and one.name != "live.md"],  # its commands need an Azure subscription
                         ids=lambda path: path.name)
def test_every_shell_block_runs(shell: Shell, sim: Armsim, document: Path) -> None:
    done = shell("\n".join(["set -euo pipefail", *blocks(document, "bash"), *scripts(document)]))
    assert done.returncode == 0, done.stderr
    assert sim.requests


def test_the_session_of_the_readme_prints_what_it_says(shell: Shell) -> None:
    (session,) = blocks(ROOT / "README.md", "console")
    steps = re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", session, re.MULTILINE)
    done = shell("\n".join(f"{command}\nprintf '\\036'" for command, _ in steps))
    printed = done.stdout.split("\036")[:-1]
    assert len(printed) == len(steps) > 4
    for (command, output), what in zip(steps, printed, strict=True):
        assert plain(what) == plain(output), command


def plain(output: str) -> str:
    """Output without what differs from run to run: principal IDs, and blanks at the ends of lines."""
    return re.sub(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "GUID", re.sub(r" +$", "", output, flags=re.M)).strip()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_page_is_short_and_says_of_each_block_what_it_is(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert len(text.split()) <= 1500 or document.name in LONG
    assert set(re.findall(r"^ *```(\w*)", text, re.MULTILINE)[::2]) <= LANGUAGES
    assert re.findall(r"^ +```", text, re.MULTILINE) == []  # such a block wouldn't run


@pytest.mark.parametrize(("words", "code"), re.findall(r"^\| .*? \| `(\w+ .*?)` \| (\d+) \|$", COMMANDS, re.MULTILINE))
def test_exit_codes(in_process: InProcessAz, sim: Armsim, words: str, code: str) -> None:
    sim.state.add_resource("myApp", "myResourceGroup")
    assert in_process(["communication", "identity", *shlex.split(words)]).exit_code == int(code)


def test_what_commands_print_follows_the_schema_of_the_page(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_user_identity("one", "rg")
    scope = sim.state.add_ai_account("myAI", "rg")
    apps = [sim.state.add_resource(name, "rg") for name in ("a", "b")]
    one, role = f"--ids {apps[0]}", f"--role Reader --scope {scope}"
    schema = json.loads("".join(blocks(ROOT / "docs" / "commands.md", "json")))
    for words, kind in [(f"assign {one} --system-assigned --dry-run {role}", "dryRun"),
                        (f"assign {one} --system-assigned --user-assigned one {role}", "block"),
                        (f"assign --ids {' '.join(apps)} --user-assigned one", "block"),
                        (f"show {one} --roles", "block"), ("list -g rg", "listed"),
                        ("list --all-subscriptions", "listed"),
                        (f"check --ids {' '.join(apps)}", "check"), (f"check {one} {role}", "check"),
                        (f"check --for azure-ai --scope {scope} {one}", "check"),
                        (f"remove --ids {' '.join(apps)} --system-assigned --user-assigned --dry-run", "dryRun"),
                        (f"remove {one} --system-assigned --yes", "block")]:
        printed = in_process(["communication", "identity", *shlex.split(words)]).json
        assert printed, words
        for item in printed if isinstance(printed, list) else [printed]:
            jsonschema.validate(item, {**schema, "$ref": f"#/$defs/{kind}"})


def test_the_messages_of_the_guide_are_those_of_the_code() -> None:
    table = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    messages = [row for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE) if row != "you read"]
    said = [text for path in PACKAGE.rglob("*.py") if "tests" not in path.parts
            for text in _texts(ast.parse(path.read_text(encoding="utf-8")))]
    assert len(messages) > 10
    for message in messages:
        assert any(message in text for text in said), message


def _texts(tree: ast.AST) -> Iterator[str]:
    """The strings of a file, with … for what is filled in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.replace("%s", "…")


@pytest.mark.parametrize(("marker", "schema"), [("jobs:", "vendor.github-workflows"),
                                                ("- task:", "vendor.azure-pipelines")])
def test_pipelines_are_valid(tmp_path: Path, marker: str, schema: str) -> None:
    (block,) = [one for one in blocks(ROOT / "docs" / "scripting.md", "yaml") if marker in one]
    path = tmp_path / "pipeline.yml"
    path.write_text(block, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--regex-variant", "nonunicode",
                           "--builtin-schema", schema, str(path)], text=True,
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [*DOCUMENTS, PACKAGE / "_help.py"], ids=lambda path: path.name)
def test_at_signs_are_quoted(path: Path) -> None:
    assert re.findall(r"--ids @\S+", path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").glob("*.svg")), ids=lambda path: path.name)
def test_pictures_have_a_title_and_load_nothing(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert re.search(r"<svg[^>]* role=\"img\"", text)
    assert re.search(r"<title>[^<]{20,}</title>", text)
    assert re.search(r"url\(['\"]?http|<image|<script|@import", text) is None
    ElementTree.fromstring(text)  # noqa: S314  # our own file; it raises unless it is well-formed


@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_the_chart_can_be_read_on_white_and_on_dark_pages(page: str) -> None:
    text = (ROOT / "docs" / "fleet.svg").read_text(encoding="utf-8")
    colors = set(re.findall(r"#[0-9a-f]{6}", text))
    assert len(colors) > 2
    for color in colors:
        light, dark = sorted((_luminance(color), _luminance(page)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, color  # what WCAG 2 asks of graphics and large text
    assert "<text" in text  # not outlines


def _luminance(color: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(color[start:start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_readme_is_short_and_names_the_wheel() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 88
    version = stated("VERSION")
    assert f"dist/communication_identity-{version}-py3-none-any.whl" in text
    assert f"/releases/download/{version}/communication_identity-{version}-py3-none-any.whl" in text
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(_commands())


def _commands() -> list[str]:
    """The commands, as commands.py registers them."""
    return re.findall(r"g\.custom_(?:show_)?command\(\"(\w+)\"", (PACKAGE / "commands.py").read_text(encoding="utf-8"))


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
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", document.read_text(encoding="utf-8")):
        page = document.parent / target if target else document
        assert page.exists(), target
        headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in map(_anchor, headings), f"{target}#{anchor}"


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_architecture_names_every_file() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    docstrings = [f"{layer}__init__.py" for layer in LAYERS]  # they hold nothing else
    listed = re.findall(r"^\| `([\w/]+\.py)`", text, re.MULTILINE)
    assert sorted(listed) == sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")
                                    if "tests" not in path.parts and path.parent.name + path.name not in docstrings)


def test_the_arrows_of_the_architecture_are_the_imports_of_the_code() -> None:
    picture = "".join(blocks(ROOT / "docs" / "architecture.md", "mermaid"))
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)$", picture, re.MULTILINE))
    assert set(re.findall(r"^ +(\w+)\[", picture, re.MULTILINE)) == {box for arrow in drawn for box in arrow}
    assert drawn == set(_imports_between_layers()) | {("arm", "azure")}


def _imports_between_layers() -> Iterator[tuple[str, str]]:
    """Who imports whom, also inside functions and by name (`commands.py`)."""
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).parts
        if parts[0] == "tests":
            continue
        here = parts[0] if len(parts) > 1 else "cli"
        text = path.read_text(encoding="utf-8")
        named = re.findall(r"_lazy\(\"(\w+)\.", text)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.level == len(parts):
                named += [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
        yield from ((here, layer if layer in LAYERS else "cli") for layer in named
                    if (layer if layer in LAYERS else "cli") != here)


def test_the_tests_that_documents_name_exist() -> None:
    files = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
             for path in (ROOT / "tests").rglob("test_*.py")}
    names = set(re.findall(r"^def (test_\w+)", "\n".join(files.values()), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for name in re.findall(r"`(test_\w+)`", text):
            assert name in names, f"{document.name}: {name}"
        for name in re.findall(r"`(tests/[\w/]+\.py)`", text):
            assert (ROOT / name).is_file(), f"{document.name}: {name}"


def test_version_history_and_license_are_in_step() -> None:
    first = re.search(r"^(\d\S+)\n\++$", (SOURCE / "HISTORY.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert first
    assert first.group(1) == stated("VERSION")
    for path in [ROOT / "dev.py", *ROOT.glob("tools/*.py"), *SOURCE.rglob("*.py"), *ROOT.glob("tests/**/*.py")]:
        if "build" not in path.parts:
            text = path.read_text(encoding="utf-8")[:500]
            assert "SPDX-License-Identifier: MIT" in text or "Licensed under the MIT License" in text, path
