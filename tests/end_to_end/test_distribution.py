# SPDX-License-Identifier: MIT

"""What the checks of Azure/azure-cli-extensions ask of an extension, and the tree that `dev.py upstream` writes."""

from __future__ import annotations

import ast
import json
import sys
import zipfile
from pathlib import Path

import pytest
from az import ROOT, SOURCE
from azdev.operations.extensions.util import get_ext_metadata

from tools import upstream
from tools.wheel import stated

PACKAGE = SOURCE / "azext_communication_identity"
IN_THEIR_ENVIRONMENT = {*sys.stdlib_module_names, "azure", "knack", "pytest", "azext_communication_identity"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("upstream")
    (folder / "src").mkdir()
    (folder / ".github").mkdir()
    (folder / "src" / "service_name.json").write_text('[{"Command": "az x", "AzureServiceName": "X", "URL": ""}]',
                                                      encoding="utf-8")
    (folder / ".github" / "CODEOWNERS").write_text("/src/x/ @x\n", encoding="utf-8")
    for _ in range(2):  # a second run changes nothing
        upstream.write(folder, "@me")
    return folder


def test_every_file_has_their_header(tree: Path) -> None:
    words = "Copyright (c) Microsoft Corporation. All rights reserved. Licensed under the MIT License. " \
            "See License.txt in the project root for license information."
    files = list(tree.rglob("*.py"))
    assert len(files) > 10
    for path in files:
        text = path.read_text(encoding="utf-8").replace("\n#", "")  # as scripts/ci/verify_license.py reads it
        assert not text or words in text, path


def test_the_folder_and_the_entries(tree: Path) -> None:
    assert f"src/{upstream.NAME}\"" in (tree / "src" / upstream.NAME / "setup.py").read_text(encoding="utf-8")
    services = json.loads((tree / "src" / "service_name.json").read_text(encoding="utf-8"))
    assert [one["Command"] for one in services] == ["az x", "az communication"]
    owners = (tree / ".github" / "CODEOWNERS").read_text(encoding="utf-8")
    assert owners == f"/src/x/ @x\n\n/src/{upstream.NAME}/ @me\n"


@pytest.mark.slow
def test_their_index_check_reads_the_wheel(tree: Path) -> None:
    wheel = upstream.build_wheel(tree)
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/metadata.json"))
        metadata = json.loads(archive.read(name))
    assert metadata["generator"] == "bdist_wheel (0.30.0)"
    assert (metadata["name"], metadata["version"]) == (upstream.NAME, stated("VERSION"))
    assert wheel.name.endswith("-py3-none-any.whl")


def test_azdev_reads_our_own_wheel(wheel: Path, tmp_path: Path) -> None:
    metadata = get_ext_metadata(str(tmp_path), str(wheel), upstream.NAME)
    assert (metadata["name"], metadata["version"]) == (upstream.NAME, stated("VERSION"))
    assert metadata["azext.isPreview"] is True


def test_a_beta_is_a_preview() -> None:
    metadata = json.loads((PACKAGE / "azext_metadata.json").read_text(encoding="utf-8"))
    assert metadata.get("azext.isPreview", False) is ("b" in stated("VERSION"))


def test_the_changelog_begins_with_this_version() -> None:
    lines = (SOURCE / "HISTORY.rst").read_text(encoding="utf-8").splitlines()
    assert lines[lines.index("Release History") + 3] == stated("VERSION")


def test_no_address_that_is_not_the_projects() -> None:
    setup = (SOURCE / "setup.py").read_text(encoding="utf-8")
    assert "example" not in setup
    assert "http" not in setup


@pytest.mark.parametrize("path", sorted((PACKAGE / "tests").rglob("*.py")), ids=lambda path: path.name)
def test_what_azdev_test_runs_needs_nothing_more(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    assert {name.split(".")[0] for name in names} <= IN_THEIR_ENVIRONMENT


def test_scenario_tests_have_no_annotations() -> None:
    """azure-cli-testsdk 0.3.0 reads their arguments with inspect.getargspec, which refuses annotations on 3.10."""
    for path in sorted((PACKAGE / "tests").rglob("test_*_scenario.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                assert not any(argument.annotation for argument in node.args.args), node.name
                assert node.returns is None, node.name


def test_the_oldest_python_is_the_oldest_clis() -> None:
    assert 'python_requires=">=3.9"' in (SOURCE / "setup.py").read_text(encoding="utf-8")
    assert "Programming Language :: Python :: 3.9" in stated("CLASSIFIERS")
    assert '"src/**" = "py39"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
