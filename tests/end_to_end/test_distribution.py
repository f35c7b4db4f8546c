# SPDX-License-Identifier: MIT
"""What is released: wheels, SBOMs, checksums, and what the checks of Azure/azure-cli-extensions ask of an extension."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from az import ROOT, SOURCE
from azdev.operations.extensions.util import get_ext_metadata

from tools import release
from tools.environment import Environment
from tools.wheel import build, build_offline, stated

PACKAGE = SOURCE / "azext_communication_identity"
IN_THEIR_ENVIRONMENT = {*sys.stdlib_module_names, "azure", "knack", "pytest", "azext_communication_identity"}


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_offline(sys.executable, tmp_path_factory.mktemp("offline"))


def test_two_builds_are_the_same_bytes(wheel: Path, offline: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "source"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"),
                    copy_function=shutil.copyfile)  # of another date, in another folder
    for path in copy.rglob("*.py"):
        path.chmod(0o600)
    assert build(sys.executable, tmp_path / "again", copy).read_bytes() == wheel.read_bytes()
    assert build_offline(sys.executable, tmp_path / "again").read_bytes() == offline.read_bytes()


@pytest.mark.parametrize("kind", ["wheel", "offline"])
def test_what_record_says_of_each_file_is_true(kind: str, request: pytest.FixtureRequest) -> None:
    with zipfile.ZipFile(request.getfixturevalue(kind)) as archive:
        record = next(name for name in archive.namelist() if name.endswith("/RECORD"))
        rows = [line.rsplit(",", 2) for line in archive.read(record).decode().splitlines()]
        assert [name for name, *_ in rows] == archive.namelist()
        for name, hashed, size in rows[:-1]:
            content = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            assert (hashed, size) == (f"sha256={digest}", str(len(content)))


def test_the_root_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source / "src" / SOURCE.name, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    for name in ("setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    for command in (["wheel", "--wheel-dir", str(tmp_path / "built")], ["install", "--target", str(tmp_path / "to")]):
        subprocess.run([sys.executable, "-m", "pip", *command, "--no-deps", "--no-build-isolation", str(source)],
                       capture_output=True, check=True)
    (built,) = (tmp_path / "built").iterdir()
    assert built.name == wheel.name
    with zipfile.ZipFile(built) as ours, zipfile.ZipFile(wheel) as theirs:
        assert {name: ours.read(name) for name in ours.namelist() if not name.endswith("RECORD")} == {
            name: theirs.read(name) for name in theirs.namelist() if not name.endswith("RECORD")}
    assert (tmp_path / "to" / "azext_communication_identity" / "azext_metadata.json").is_file()
    assert not list(source.glob("*.egg-info"))  # azdev and azure-cli would take the root for the extension


def test_paths_of_the_offline_wheel_fit_into_those_of_windows(offline: Path) -> None:
    assert max(map(len, zipfile.ZipFile(offline).namelist())) < 200  # of 260, with the extension folder


@pytest.mark.slow
def test_nothing_that_the_wheel_installs_has_to_be_compiled(tmp_path: Path) -> None:
    """Every package has a wheel for any machine, 32-bit ones too."""
    report = tmp_path / "report.json"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed",
                    "--target", str(tmp_path / "to"), "--only-binary=:all:", "--platform", "any", "--abi", "none",
                    "--implementation", "py", "--python-version", "3.9", "--report", str(report),
                    *stated("DEPENDENCIES")], capture_output=True, check=True)
    found = [one["download_info"]["url"] for one in json.loads(report.read_text(encoding="utf-8"))["install"]]
    assert len(found) > 5
    assert [url for url in found if not url.endswith("-none-any.whl")] == []


@pytest.mark.slow
def test_a_release_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    release.make(Environment(Path(sys.prefix)), folder, "https://example.com/az/")
    name = f"communication_identity-{stated('VERSION')}"
    wheels = [f"{name}-py3-none-any.whl", f"{name}+offline-py3-none-any.whl"]
    assert {path.name for path in folder.iterdir()} == {
        *wheels, *(f"{wheel}.cdx.json" for wheel in wheels), "index.json", release.SUMS, "NEWS.md"}
    sums = dict(line.split("  ")[::-1] for line in (folder / release.SUMS).read_text(encoding="utf-8").splitlines())
    assert set(sums) == {path.name for path in folder.iterdir()} - {release.SUMS, "NEWS.md"}
    assert sums == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sums}
    for wheel, version in zip(wheels, (stated("VERSION"), f"{stated('VERSION')}+offline"), strict=True):
        sbom = json.loads((folder / f"{wheel}.cdx.json").read_text(encoding="utf-8"))
        assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
        components = {one["name"]: one["version"] for one in sbom["components"]}
        assert components["communication-identity"] == version
        assert components["azure-mgmt-communication"] == "2.1.0"
        assert ("azure-core" in components) is (version == stated("VERSION"))
        assert str(tmp_path) not in json.dumps(sbom)  # nothing of the machine that made it
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    (entry,) = index["extensions"][release.NAME]
    assert entry["downloadUrl"] == f"https://example.com/az/{wheels[0]}"


def test_azdev_reads_our_own_wheel(wheel: Path, tmp_path: Path) -> None:
    metadata = get_ext_metadata(str(tmp_path), str(wheel), release.NAME)
    assert (metadata["name"], metadata["version"]) == (release.NAME, stated("VERSION"))
    assert metadata["azext.isPreview"] is True


def test_a_beta_is_a_preview() -> None:
    metadata = json.loads((PACKAGE / "azext_metadata.json").read_text(encoding="utf-8"))
    assert metadata.get("azext.isPreview", False) is ("b" in stated("VERSION"))


def test_the_changelog_begins_with_this_version() -> None:
    lines = (SOURCE / "HISTORY.rst").read_text(encoding="utf-8").splitlines()
    assert lines[lines.index("Release History") + 3] == stated("VERSION")


def test_no_address_that_is_not_the_publishers() -> None:
    setup = (SOURCE / "setup.py").read_text(encoding="utf-8").replace("such as https://github.com/OWNER/REPOSITORY", "")
    assert set(re.findall(r"https?://[^\s\"]+", setup)) <= {stated("URL")}


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
