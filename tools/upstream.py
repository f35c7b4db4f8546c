# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py upstream`: the tree that a pull request to Azure/azure-cli-extensions would have."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from .command_line import parser
from .environment import ROOT, SOURCE, ensure
from .environment import run as run_command

NAME = "communication-identity"
OUR_HEADER = ("# Copyright (c) the communication-identity developers. All rights reserved.\n"
              "# Licensed under the MIT License. See LICENSE in the project root for license information.\n")
# scripts/ci/verify_license.py there looks for these words.
THEIR_HEADER = ("# Copyright (c) Microsoft Corporation. All rights reserved.\n"
                "# Licensed under the MIT License. See License.txt in the project root for license information.\n")
OUR_AUTHOR = '    author="the communication-identity developers",\n'
THEIR_AUTHOR = ('    author="Microsoft Corporation",\n    author_email="azpycli@microsoft.com",\n'
                f'    url="https://github.com/Azure/azure-cli-extensions/tree/main/src/{NAME}",\n')
SERVICE = {"Command": "az communication", "AzureServiceName": "Communication Services",
           "URL": "https://learn.microsoft.com/azure/communication-services"}
# scripts/ci/test_index.py there accepts only wheels that this version of `wheel` wrote.
BUILD_TOOLS = ("setuptools==70.0.0", "wheel==0.30.0")
LEFT_OUT = ("build", "*.egg-info", "__pycache__", "*.pyc")

TO_DECIDE = f"""
Only the maintainers of Azure/azure-cli-extensions can decide the following:
  - The extension 'communication' there publishes 'az communication identity assign', 'remove', 'show' and 'wait', too.
    Two extensions of the index can't publish the same command. Either these commands move into 'communication', or
    they leave it when '{NAME}' is published.
  - Who owns src/{NAME}. CODEOWNERS names the account that you specified.
  - The copyright header and the author: these files have Microsoft's, as their checks require."""


def run(args: Sequence[str]) -> int:
    """Write the tree, build a wheel from it if asked, and say what is left to decide."""
    command = parser("upstream", "Write the files of a pull request to Azure/azure-cli-extensions into a folder. In a "
                                 "checkout of that repository,\nentries are added to its src/service_name.json and "
                                 ".github/CODEOWNERS.")
    command.add_argument("folder", type=Path, metavar="DIR", help="the folder, or a checkout of the repository")
    command.add_argument("--owner", required=True, help="the GitHub account for CODEOWNERS, such as @me")
    command.add_argument("--wheel", action="store_true",
                         help="also build the wheel into DIR/dist with the build tools that their index check requires")
    parsed = command.parse_args(args)
    for path in write(parsed.folder, parsed.owner):
        print(path)
    if parsed.wheel:
        print(build_wheel(parsed.folder))
    print(TO_DECIDE)
    return 0


def write(folder: Path, owner: str) -> list[Path]:
    """Write the tree; return what was written."""
    target = folder / "src" / NAME
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for path in target.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(_replaced(text, OUR_HEADER, THEIR_HEADER, path) if text else text, encoding="utf-8")
    setup = target / "setup.py"
    setup.write_text(_replaced(setup.read_text(encoding="utf-8"), OUR_AUTHOR, THEIR_AUTHOR, setup), encoding="utf-8")
    shutil.copy(ROOT / "LICENSE", target / "LICENSE")
    return [target, _add_service(folder / "src" / "service_name.json"),
            _add_owner(folder / ".github" / "CODEOWNERS", owner)]


def build_wheel(folder: Path) -> Path:
    """The wheel as the repository's own pipeline would build it."""
    venv = ensure(ROOT / ".venv-upstream", BUILD_TOOLS, [])
    run_command([venv.python, "setup.py", "--quiet", "bdist_wheel", "--dist-dir", str((folder / "dist").resolve())],
                cwd=folder / "src" / NAME, quiet=True)
    for made in ("build", "communication_identity.egg-info"):
        shutil.rmtree(folder / "src" / NAME / made, ignore_errors=True)
    return next((folder / "dist").glob("*.whl"))


def _add_service(path: Path) -> Path:
    """service_name.json has an entry for each top-level command; theirs may have this one already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    services = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    if all(one["Command"] != SERVICE["Command"] for one in services):
        path.write_text(json.dumps([*services, SERVICE], indent=2) + "\n", encoding="utf-8")
    return path


def _add_owner(path: Path, owner: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if not re.search(rf"^/src/{NAME}/ ", text, re.MULTILINE):
        path.write_text(f"{text.rstrip()}\n\n/src/{NAME}/ {owner}\n".lstrip(), encoding="utf-8")
    return path


def _replaced(text: str, old: str, new: str, path: Path) -> str:
    if old not in text:
        raise ValueError(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path} doesn't hold:\n{old}")
    return text.replace(old, new)
