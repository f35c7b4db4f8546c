# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py release`: the wheel, its SHA-256, and an index in azure-cli's format, ready for any web server."""

from __future__ import annotations

import argparse
import hashlib
import json
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path
from typing import Any

from .environment import for_demo
from .wheel import DIST, build

NAME = "communication-identity"


def run(args: Sequence[str]) -> int:
    """Build and write the index. `--url`: where the folder will be served; azure-cli takes absolute addresses only."""
    parser = argparse.ArgumentParser(prog="dev.py release")
    parser.add_argument("--url", default="http://localhost:8000", help="address of the folder (default: %(default)s)")
    parsed = parser.parse_args(args)
    wheel = build(for_demo().python, DIST)
    digest = sha256(wheel)
    (DIST / f"{wheel.name}.sha256").write_text(f"{digest}  {wheel.name}\n", encoding="utf-8")
    (DIST / "index.json").write_text(json.dumps(index([wheel], parsed.url), indent=2) + "\n", encoding="utf-8")
    print(f"dist/{wheel.name}\ndist/index.json, for {parsed.url}\nsha256 {digest}")
    print(f"To install from there:\n  az config set extension.index_url={parsed.url}/index.json\n"
          f"  az extension add --name {NAME}")
    return 0


def index(wheels: Sequence[Path], url: str) -> dict[str, Any]:
    """The index of these wheels, oldest first, as azure-cli reads it."""
    return {"formatVersion": "1", "extensions": {NAME: [
        {"downloadUrl": f"{url.rstrip('/')}/{wheel.name}", "filename": wheel.name, "metadata": metadata(wheel),
         "sha256Digest": sha256(wheel)} for wheel in wheels]}}


def metadata(wheel: Path) -> dict[str, Any]:
    """What the index says of a wheel: from its METADATA and its azext_metadata.json."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        text = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
        azext = json.loads(archive.read(next(name for name in names if name.endswith("azext_metadata.json"))))
    fields = Parser().parsestr(text)
    return {**azext, "name": fields["Name"], "version": fields["Version"], "summary": fields["Summary"],
            "license": fields["License"], "metadata_version": fields["Metadata-Version"],
            "classifiers": fields.get_all("Classifier"),
            "run_requires": [{"requires": fields.get_all("Requires-Dist")}]}


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
