# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py build`: the extension's wheel, with or without the SDK inside."""

from __future__ import annotations

import ast
import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .command_line import parser
from .environment import ROOT, SOURCE, WORK, for_demo
from .environment import run as run_command

DIST = ROOT / "dist"
# The SDK that the offline wheel carries: the version that DEPENDENCIES in setup.py allow, as the package index has it.
SDK = "azure-mgmt-communication==2.1.0"
SDK_SHA256 = "c9d57252f0061cbd5e57b4215f51e9139ba8b2a5c0cdc389ee0f85dc0f9913a8"
SDK_PACKAGE = "azure/mgmt/communication/"


def run(args: Sequence[str]) -> int:
    """Build into dist/."""
    command = parser("build", "Build the extension's wheel into dist/.")
    command.add_argument("--offline", action="store_true",
                         help="put the SDK (azure-mgmt-communication) into the wheel, so that `az extension add "
                              "--source` needs no network; the build itself downloads the SDK once")
    parsed = command.parse_args(args)
    python = for_demo().python
    print((build_offline(python, DIST) if parsed.offline else build(python, DIST)).relative_to(ROOT))
    return 0


def build(python: str, folder: Path, source: Path = SOURCE) -> Path:
    """Build a wheel into a folder and return its path. `python` has setuptools and wheel; no network is needed."""
    shutil.rmtree(source / "build", ignore_errors=True)  # setuptools would pack what lies there from before
    with tempfile.TemporaryDirectory() as temporary:
        run_command([python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir",
                     temporary, str(source)], quiet=True)
        return _move(Path(temporary), folder)


def build_offline(python: str, folder: Path) -> Path:
    """The same with the SDK's files inside, in the place where pip would put them beside the extension: azure-cli adds
    the extension's `azure/mgmt` to the namespace. Its version says `+offline`, and it depends on nothing.
    """
    sdk = _download_sdk(python)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        run_command([python, "-m", "wheel", "unpack", "--dest", temporary, str(build(python, work))], quiet=True)
        unpacked = next(path for path in work.iterdir() if path.is_dir())
        _add_sdk(sdk, unpacked)
        _rename(unpacked)
        packed = work / "packed"
        packed.mkdir()
        run_command([python, "-m", "wheel", "pack", "--dest-dir", str(packed), str(unpacked)], quiet=True)
        return _move(packed, folder)


def _download_sdk(python: str) -> Path:
    """The SDK's wheel, from .work or from the package index, checked."""
    kept = WORK / "sdk"
    if not list(kept.glob("*.whl")):
        run_command([python, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(kept), SDK],
                    quiet=True)
    wheel = next(kept.glob("*.whl"))
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SDK_SHA256:
        raise ValueError(f"{wheel} isn't the {SDK} that is known here; delete it to download it again")
    return wheel


def _add_sdk(sdk: Path, unpacked: Path) -> None:
    """Copy what a synchronous client imports, and the licence."""
    with zipfile.ZipFile(sdk) as archive:
        for name in archive.namelist():
            if name.startswith(SDK_PACKAGE) and not name.startswith(f"{SDK_PACKAGE}aio/"):
                archive.extract(name, unpacked)
        licence = next(name for name in archive.namelist() if name.endswith(".dist-info/LICENSE"))
        (unpacked / SDK_PACKAGE / "LICENSE").write_bytes(archive.read(licence))


def _rename(unpacked: Path) -> None:
    """Let the metadata say `+offline`, and that nothing is needed."""
    info = next(unpacked.glob("*.dist-info"))
    version = stated("VERSION")
    metadata = info / "METADATA"
    lines = metadata.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [line for line in lines if not line.lower().startswith(("requires-dist:", "dynamic: requires-dist"))]
    lines[lines.index(f"Version: {version}\n")] = f"Version: {version}+offline\n"
    metadata.write_text("".join(lines), encoding="utf-8")
    info.rename(info.with_name(info.name.replace(version, f"{version}+offline")))


def _move(built: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    wheel = next(built.glob("*.whl"))
    return Path(shutil.move(wheel, folder / wheel.name))


def stated(name: str) -> Any:
    """What setup.py states as the constant of that name, such as VERSION or DEPENDENCIES."""
    tree = ast.parse((SOURCE / "setup.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise ValueError(f"setup.py states no {name}")
