# SPDX-License-Identifier: MIT
"""`dev.py release`: all files of a release in dist/, ready for any web server: the wheel and the one that installs
offline, the SBOM of each (CycloneDX), SHA-256, an index in azure-cli's format, and what is new.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import venv
import zipfile
from collections.abc import Iterator, Sequence
from email.parser import Parser
from pathlib import Path
from typing import Any

from .command_line import parser
from .environment import ROOT, SOURCE, Environment, for_tests, run_command
from .wheel import DIST, build, build_offline, download_sdk, sha256, stated

NAME = "communication-identity"
SUMS = "SHA256SUMS"
CODEOWNERS = ROOT / ".github" / "CODEOWNERS"
GITHUB = re.compile(r"https://[^/]+/([^/]+/[^/]+)/releases/download/[^/]+")


def run(args: Sequence[str]) -> int:
    """Check, build, and say what to do next."""
    command = parser("release", "Make all files of a release in dist/: wheels, SBOMs, checksums, and an index in "
                                "azure-cli's format. Any web server\ncan serve that folder.")
    command.add_argument("--url", required=True,
                         help="the address that will serve dist/, such as https://example.com/az; it becomes part of "
                              "the index, because azure-cli accepts only absolute addresses")
    command.add_argument("--tag", help="fail unless this is the version")
    command.add_argument("--trial", action="store_true", help="only warn of what has to be set before a release")
    parsed = command.parse_args(args)
    url = parsed.url.rstrip("/")
    if not url.startswith(("https://", "http://")):
        command.error("--url must begin with https:// or http://")
    missing = list(not_ready(parsed.tag))
    for sentence in missing:
        print(f"{'Warning' if parsed.trial else 'Error'}: {sentence}")
    if missing and not parsed.trial:
        return 1
    make(for_tests(), DIST, url)
    print("\n".join(sorted(f"dist/{path.name}" for path in DIST.iterdir())))
    print(next_steps(url))
    return 0


def not_ready(tag: str | None = None) -> Iterator[str]:
    """What keeps this checkout from being released, a sentence each."""
    version = stated("VERSION")
    if tag not in (None, version):
        yield f"the tag is {tag}, but VERSION in setup.py is {version}."
    for name, pattern in (("URL", r"https://\S+"), ("AUTHOR_EMAIL", r"\S+@\S+"), ("OWNERS", r"@\S+( @\S+)*")):
        if not re.fullmatch(pattern, stated(name)):
            yield f"{name} in src/communication_identity/setup.py isn't set, or isn't as its comment shows."
    if f"* {stated('OWNERS')}" not in CODEOWNERS.read_text(encoding="utf-8").splitlines():
        yield f".github/CODEOWNERS needs the line: * {stated('OWNERS') or 'OWNERS'}"
    if not news(version):
        yield f"HISTORY.rst has no section {version}."


def make(tools: Environment, folder: Path, url: str) -> None:
    """Write everything into the folder, which is emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    wheel, offline = build(tools.python, folder), build_offline(tools.python, folder)
    write_sbom(tools, wheel, str(wheel))
    write_sbom(tools, offline, "--no-deps", str(offline), str(download_sdk(tools.python)))
    (folder / "index.json").write_text(json.dumps(index([wheel], url), indent=2) + "\n", encoding="utf-8")
    sums = [f"{digest(path)}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")
    (folder / "NEWS.md").write_text(news(stated("VERSION")), encoding="utf-8")


def write_sbom(tools: Environment, wheel: Path, *packages: str) -> None:
    """What these packages install, each component with its version and license, beside the wheel."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=False)
        alone = Environment(Path(folder))
        tools.pip("--python", alone.python, "install", *packages)
        for path in Path(folder).rglob("direct_url.json"):
            path.unlink()  # else the SBOM would name a folder of this machine
        run_command([tools.python, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--output-format",
                     "JSON", "--output-file", f"{wheel}.cdx.json", alone.python], quiet=True)


def news(version: str) -> str:
    """The section of HISTORY.rst about a version; empty if there is none."""
    history = (SOURCE / "HISTORY.rst").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(version)}\n\++\n(.*?)(?=^\S+\n\++\n|\Z)", history, re.MULTILINE | re.DOTALL)
    return f"{found[1].strip()}\n" if found else ""


def next_steps(url: str) -> str:
    """Upload, verify, install: in this order."""
    hosted = GITHUB.fullmatch(url)
    wheel = f"dist/{NAME.replace('-', '_')}-{stated('VERSION')}-py3-none-any.whl"
    attested = f"\n  gh attestation verify {wheel} --repo {hosted[1]}" if hosted else ""
    return (f"\n1. Upload all files in dist/ to {url}\n"
            f"2. To verify them after a download, run:\n  (cd dist && sha256sum --check {SUMS}){attested}\n"
            f"3. To install the extension from there, run:\n  {install_line(url)}")


def install_line(url: str) -> str:
    """The command that installs from an index. Only this one command uses it: the setting extension.index_url would
    hide Microsoft's index.
    """
    return f"AZURE_EXTENSION_INDEX_URL={url}/index.json az extension add --name {NAME}"


def index(wheels: Sequence[Path], url: str) -> dict[str, Any]:
    """The index of these wheels, oldest first, as azure-cli reads it."""
    return {"formatVersion": "1", "extensions": {NAME: [
        {"downloadUrl": f"{url.rstrip('/')}/{wheel.name}", "filename": wheel.name, "metadata": metadata(wheel),
         "sha256Digest": digest(wheel)} for wheel in wheels]}}


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


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return sha256(path.read_bytes()).hex()
