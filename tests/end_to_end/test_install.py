# SPDX-License-Identifier: MIT
"""Installing: by name from an index over HTTP, updating, removing, and what it puts on disk."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import shutil
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from armsim import Armsim
from az import SOURCE, Az, pip_environment

from tools.release import NAME, index, install_line
from tools.wheel import SDK_PACKAGE, build, build_offline, stated

OLDER = "0.9.0"
VERSION = stated("VERSION")

# What `az extension add` puts on disk, and why.
ON_DISK = {
    "azext_communication_identity": "the extension",
    "communication_identity": "its metadata (.dist-info), and the wheel itself, which azure-cli keeps",
    "azure": "the SDK azure-mgmt-communication, and the namespace it lives in",
    "azure_mgmt_communication": "metadata of the SDK",
    "azure_common": "the SDK needs it",
    "azure_core": "the SDK needs it; the CLI's own copy wins when it runs",
    "azure_mgmt_core": "the SDK needs it; the CLI's own copy wins",
    "isodate": "the SDK reads times with it",
    **dict.fromkeys(("requests", "certifi", "charset_normalizer", "idna", "urllib3", "typing_extensions"),
                    "azure-core needs it; the CLI's own copy wins"),
    "bin": "programs of those packages",
}


class Server:
    """A folder on a web server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        handler = functools.partial(_Quiet, directory=str(folder))
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def publish(self, *wheels: Path) -> None:
        (self.folder / "index.json").write_text(json.dumps(index(list(wheels), self.url)), encoding="utf-8")

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def older_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same extension, as if it were an older version."""
    folder = tmp_path_factory.mktemp("older")
    source = folder / "source"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
    setup = source / "setup.py"
    setup.write_text(re.sub(r'^VERSION = ".*"$', f'VERSION = "{OLDER}"', setup.read_text(encoding="utf-8"),
                            flags=re.MULTILINE), encoding="utf-8")
    return build(sys.executable, folder, source)


@pytest.fixture
def server(tmp_path: Path, wheel: Path, older_wheel: Path) -> Iterator[Server]:
    folder = tmp_path / "web"
    folder.mkdir()
    for path in (wheel, older_wheel):
        shutil.copy(path, folder)
    running = Server(folder)
    yield running
    running.stop()


# The test's own environment has the SDK, and azure-cli prefers that one: here only an extension's copy is found.
ONLY_THE_EXTENSIONS_SDK = """
import sys
from importlib.machinery import PathFinder

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "azure.mgmt.communication":
            spec = PathFinder.find_spec(name, [entry for entry in path if "site-packages" not in entry])
            if spec is None:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)
            return spec

sys.meta_path.insert(0, Finder())
"""


@pytest.fixture
def fresh(installed: Az, tmp_path: Path, server: Server) -> Az:
    """An `az` without extensions, that knows the index."""
    az = Az(tmp_path / "config", tmp_path / "extensions", pip_environment(), installed.python)
    az(["config", "set", f"extension.index_url={server.url}/index.json"]).ok()
    return az


def versions(az: Az) -> dict[str, str]:
    return {one["name"]: one["version"] for one in az("extension list").ok().json}


@pytest.mark.slow
def test_add_by_name_update_and_remove(fresh: Az, server: Server, wheel: Path, older_wheel: Path) -> None:
    server.publish(older_wheel)
    assert [one["name"] for one in fresh("extension list-available").ok().json] == [NAME]
    fresh(f"extension add --name {NAME} --allow-preview true --yes", timeout=300).ok()
    assert versions(fresh) == {NAME: OLDER}
    server.publish(older_wheel, wheel)
    listed = fresh(f"extension list-versions --name {NAME}").ok().json
    assert [one["version"].split()[0] for one in listed] == [OLDER, VERSION]
    fresh(f"extension update --name {NAME} --allow-preview true", timeout=300).ok()
    assert versions(fresh) == {NAME: VERSION}
    assert "az communication identity assign" in fresh("communication identity assign -h").ok().stdout
    fresh(f"extension remove --name {NAME}").ok()
    assert versions(fresh) == {}
    assert not (fresh.extensions / NAME).exists()
    assert fresh("communication identity show -h").exit_code != 0


def test_the_line_that_release_prints(fresh: Az, server: Server, wheel: Path, tmp_path: Path) -> None:
    server.publish(wheel)
    setting, *words = shlex.split(install_line(server.url))
    key, address = setting.split("=")
    az = Az(tmp_path / "other-config", tmp_path / "other-extensions", pip_environment(), fresh.python)
    az([*words[1:], "--yes"], env={key: address}, timeout=300).ok()
    assert versions(az) == {NAME: VERSION}
    assert "index_url" not in (az.config / "config").read_text(encoding="utf-8")


@pytest.mark.slow
def test_offline(installed: Az, sim: Armsim, tmp_path: Path) -> None:
    wheel = build_offline(sys.executable, tmp_path)
    az = Az(tmp_path / "config", tmp_path / "extensions",
            {**sim.env(), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull,
             "PYTHONPATH": str(tmp_path)}, installed.python)
    az(["extension", "add", "--source", str(wheel), "--yes"], timeout=300).ok()
    assert versions(az) == {NAME: f"{VERSION}+offline"}
    folder = az.extensions / NAME
    assert {path.name for path in folder.iterdir() if path.suffix not in (".dist-info", ".whl")} - {"__pycache__"} == {
        "azext_communication_identity", "azure"}
    assert "MIT License" in (folder / SDK_PACKAGE / "LICENSE").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 3_000_000
    (tmp_path / "sitecustomize.py").write_text(ONLY_THE_EXTENSIONS_SDK, encoding="utf-8")
    sim.state.add_resource("myApp", "myResourceGroup")
    az.log_in(sim.url)
    done = az("communication identity assign -n myApp -g myResourceGroup --system-assigned")
    assert done.ok().json["type"] == "SystemAssigned"
    shutil.rmtree(folder / "azure")  # to show that it was this copy that served
    with pytest.raises(AssertionError, match=r"No module named 'azure\.mgmt\.communication'"):
        az("communication identity show -n myApp -g myResourceGroup")


def test_a_wrong_checksum_is_refused(fresh: Az, server: Server, wheel: Path) -> None:
    server.publish(wheel)
    path = server.folder / "index.json"
    path.write_text(re.sub(r'("sha256Digest": ")[0-9a-f]{8}', r"\g<1>00000000", path.read_text(encoding="utf-8")),
                    encoding="utf-8")
    done = fresh(f"extension add --name {NAME} --allow-preview true --yes", timeout=300)
    assert done.exit_code != 0
    assert "checksum" in done.stderr.lower()
    assert versions(fresh) == {}


def test_what_is_on_disk_has_a_reason(installed: Az) -> None:
    found = {re.sub(r"(-[\d.b]+(\.post\d+)?(\.dist-info|-py3-none-any\.whl)|\.py)$", "", path.name)
             for path in (installed.extensions / NAME).iterdir() if path.name != "__pycache__"}
    assert found <= set(ON_DISK)
    assert {"azext_communication_identity", "communication_identity", "azure"} <= found


def test_the_wheel_holds_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if "/tests/" in name]
    assert "azext_communication_identity/azext_metadata.json" in names


# Notes each address that a process looks up or connects to.
WATCH_CONNECTIONS = """
import os, sys

def note(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        host, port = args[1][:2] if event == "socket.connect" else args[:2]
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(f"{host} {port}\\n")

sys.addaudithook(note)
"""


def test_nothing_is_fetched_at_run_time_but_from_arm_and_the_login(az: Az, sim: Armsim, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH_CONNECTIONS, encoding="utf-8")
    connections = tmp_path / "connections"
    sim.state.add_user_identity("mi", "rg")
    scope = sim.state.add_resource("myApp", "rg")
    for words in ("assign -n myApp -g rg --system-assigned --user-assigned mi", "show -n myApp -g rg --roles",
                  f"assign -n myApp -g rg --system-assigned --role Reader --scope {scope}", "list",
                  "list --all-subscriptions", "wait -n myApp -g rg --exists",
                  "remove -n myApp -g rg --user-assigned mi"):
        az(f"communication identity {words}",
           env={"PYTHONPATH": str(tmp_path), "CONNECTIONS": str(connections)}).ok()
    allowed = {urlsplit(address).netloc.split(":")[-1] for address in (sim.url, sim.env()["IDENTITY_ENDPOINT"])}
    found = {tuple(line.split()) for line in connections.read_text(encoding="utf-8").splitlines()}
    assert {port for _, port in found} == allowed
    assert {host for host, _ in found} <= {"localhost", "127.0.0.1", "::1"}
