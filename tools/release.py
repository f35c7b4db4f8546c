# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py release`: the wheel, its SHA-256, and an index in azure-cli's format, ready for any web server."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from pathlib import Path
from typing import Any

from .command_line import parser
from .environment import for_demo
from .wheel import DIST, build

NAME = "communication-identity"


def run(args: Sequence[str]) -> int:
    """Build and write the index."""
    command = parser("release", "Build the wheel, write its checksum and an index in azure-cli's format into dist/. "
                                "Any web server can serve that folder.")
    command.add_argument("--url", required=True,
                         help="the address that will serve dist/, such as https://example.com/az; it becomes part of "
                              "the index, because azure-cli accepts only absolute addresses")
    url = command.parse_args(args).url.rstrip("/")
    if not url.startswith(("https://", "http://")):
        command.error("--url must begin with https:// or http://")
    wheel = build(for_demo().python, DIST)
    digest = sha256(wheel)
    (DIST / f"{wheel.name}.sha256").write_text(f"{digest}  {wheel.name}\n", encoding="utf-8")
    (DIST / "index.json").write_text(json.dumps(index([wheel], url), indent=2) + "\n", encoding="utf-8")
    print(f"dist/{wheel.name}\ndist/index.json, for {url}\nsha256 {digest}")
    print(f"To install the extension from there, run:\n  {install_line(url)}")
    return 0


def install_line(url: str) -> str:
    """The command that installs from an index. Only this one command uses it: the setting extension.index_url would
    hide Microsoft's index.
    """
    return f"AZURE_EXTENSION_INDEX_URL={url}/index.json az extension add --name {NAME}"


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
