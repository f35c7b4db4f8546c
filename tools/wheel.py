# SPDX-License-Identifier: MIT
"""`dev.py build`: the extension's wheel, with or without the SDK inside. The same source gives the same bytes."""

from __future__ import annotations

import ast
import base64
import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .command_line import parser
from .environment import ROOT, SOURCE, WORK, for_demo, run_command

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
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "source"  # setuptools leaves files behind, and would pack those of the time before
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
        run_command([python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir",
                     temporary, str(copy)], quiet=True)
        built = next(Path(temporary).glob("*.whl"))
        return _pack(_unpacked(built), folder / built.name)


def build_offline(python: str, folder: Path) -> Path:
    """The same with the SDK's files inside, in the place where pip would put them beside the extension: azure-cli adds
    the extension's `azure/mgmt` to the namespace. Its version says `+offline`, and it depends on nothing.
    """
    sdk = _unpacked(download_sdk(python))
    with tempfile.TemporaryDirectory() as temporary:
        wheel = build(python, Path(temporary))
        files = _unpacked(wheel)
    files |= {name: text for name, text in sdk.items()  # what a synchronous client imports
              if name.startswith(SDK_PACKAGE) and not name.startswith(f"{SDK_PACKAGE}aio/")}
    files[f"{SDK_PACKAGE}LICENSE"] = next(text for name, text in sdk.items() if name.endswith(".dist-info/LICENSE"))
    version = stated("VERSION")
    metadata = next(name for name in files if name.endswith(".dist-info/METADATA"))
    lines = [line for line in files[metadata].decode().splitlines(keepends=True)
             if not line.lower().startswith(("requires-dist:", "dynamic: requires-dist"))]
    lines[lines.index(f"Version: {version}\n")] = f"Version: {version}+offline\n"
    files[metadata] = "".join(lines).encode()
    info = metadata.split("/")[0]
    files = {name.replace(info, info.replace(version, f"{version}+offline")): text for name, text in files.items()}
    return _pack(files, folder / wheel.name.replace(version, f"{version}+offline"))


def download_sdk(python: str) -> Path:
    """The SDK's wheel, from .work or from the package index, checked."""
    kept = WORK / "sdk"
    if not list(kept.glob("*.whl")):
        run_command([python, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(kept), SDK],
                    quiet=True)
    wheel = next(kept.glob("*.whl"))
    if sha256(wheel.read_bytes()).hex() != SDK_SHA256:
        raise ValueError(f"{wheel} isn't the {SDK} that is known here; delete it to download it again")
    return wheel


def _unpacked(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


def _pack(files: Mapping[str, bytes], wheel: Path) -> Path:
    """Write a wheel: in order, of one date, with the same permissions, and not compressed, since compression differs
    between versions of zlib.
    """
    hashes = {name: base64.urlsafe_b64encode(sha256(text)).decode().rstrip("=") for name, text in files.items()}
    info = next(name for name in files if name.endswith(".dist-info/METADATA")).split("/")[0]
    record = [f"{name},sha256={hashes[name]},{len(files[name])}\n" for name in sorted(files)] + [f"{info}/RECORD,,\n"]
    wheel.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**dict(sorted(files.items())), f"{info}/RECORD": "".join(record).encode()}.items():
            entry = zipfile.ZipInfo(name)  # of 1980-01-01
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # as on Linux, wherever it is built
            archive.writestr(entry, text)
    return wheel


def sha256(content: bytes) -> bytes:
    """The SHA-256 of what a file holds."""
    return hashlib.sha256(content).digest()


def stated(name: str) -> Any:
    """What setup.py states as the constant of that name, such as VERSION or DEPENDENCIES."""
    tree = ast.parse((SOURCE / "setup.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise ValueError(f"setup.py states no {name}")
