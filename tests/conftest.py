# SPDX-License-Identifier: MIT
"""Fixtures of the end-to-end tests: one armsim, one installed extension, and a fresh state for each test."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from armsim import Armsim, Clock
from armsim.openapi import shared_folder
from az import SOURCE, Az, add_extension
from filelock import FileLock  # pip-audit brings it
from hypothesis import settings
from in_process import FakeClock, InProcessAz
from scripted_arm import ScriptedArm, ScriptedAz, quick_time_outs

from tools.wheel import build

# For the CLI in this process, which reads them when it is imported; dev.py test sets them too.
os.environ.setdefault("AZURE_EXTENSION_DEV_SOURCES", str(SOURCE.parent))
os.environ.setdefault("AZURE_EXTENSION_DIR", str(SOURCE.parent.parent / ".work" / "no-extensions"))

# The same examples in every run, so that none fails by chance. ACS_FUZZ asks for more, and for others each time.
settings.register_profile("same", derandomize=True)
settings.register_profile("more", max_examples=int(os.environ.get("ACS_FUZZ", "100")), deadline=None)
settings.load_profile("more" if "ACS_FUZZ" in os.environ else "same")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: the commands would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

gc.set_threshold(20_000, 20, 50)  # azure-cli leaves much behind; seldom is cheaper

OTHER_SUBSCRIPTION = ("00000000-0000-0000-0000-000000000002", "other")  # known to the login; tests add it


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our own options."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


def pytest_configure(config: pytest.Config) -> None:
    """Any `-m` replaces the one in pyproject.toml: `-m "not slow"` must not add the thousands of full tests."""
    expression = config.option.markexpr
    if expression and "full" not in expression:
        config.option.markexpr = f"({expression}) and not full"


@pytest.fixture(scope="session")
def shared() -> Path:
    """A folder of whole recordings and OpenAPI documents beside the checkout; the tests have tables of the same."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("needs the folder of recordings, which isn't part of this repository")
    return folder


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """What `make` returns for a folder of this name: the first of the processes that share the tests makes it."""
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    done = base / f"{name}.done"
    with FileLock(base / f"{name}.lock"):
        if not done.exists():
            (base / name).mkdir()
            done.write_text(str(make(base / name)), encoding="utf-8")
    return Path(done.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, built."""
    return made_once(tmp_path_factory, "wheel", lambda folder: build(sys.executable, folder))


@pytest.fixture(scope="session")
def their_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Microsoft's `communication`, if ACS_PEER_WHEEL names its wheel; else a stand-in, built."""
    if os.environ.get("ACS_PEER_WHEEL"):
        return Path(os.environ["ACS_PEER_WHEEL"]).resolve(strict=True)
    return made_once(tmp_path_factory, "theirs", lambda folder: build(sys.executable, folder, Path(
        shutil.copytree(Path(__file__).parent / "stand_in", folder / "source"))))


class FollowingClock(Clock):
    """The server's time: the machine's, or where waiting takes no time, what the command under test has waited."""

    ahead: FakeClock | None = None
    start = 0.0

    def now(self) -> float:
        return self.start + self.ahead.time if self.ahead else super().now()

    def sleep(self, seconds: float) -> None:
        if self.ahead:
            self.ahead.time += seconds
        else:
            super().sleep(seconds)


CLOCK = FollowingClock()


@pytest.fixture(scope="session")
def sim_server() -> Iterator[Armsim]:
    """One server for all tests."""
    with Armsim(CLOCK) as sim:
        yield sim


@pytest.fixture
def sim(sim_server: Armsim) -> Iterator[Armsim]:
    """The server, empty; what it has to complain of fails the test."""
    sim_server.reset()
    yield sim_server
    sim_server.verify()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path, sim_server: Armsim) -> Az:
    """An `az` that has the extension, installed as people do, and is logged in."""
    python = os.environ.get("ACS_AZ_PYTHON", sys.executable)  # dev.py matrix: the Python of another azure-cli
    extensions = made_once(tmp_path_factory, "extension", lambda folder: add_extension(wheel, folder, python))
    az = Az(tmp_path_factory.mktemp("az") / "config", extensions, sim_server.env(), python)
    sim_server.reset()
    sim_server.state.add_subscription(*OTHER_SUBSCRIPTION)
    az.log_in(sim_server.url)
    return az


@pytest.fixture
def az(installed: Az, tmp_path: Path) -> Az:
    """An `az` of its own for a test."""
    return installed.copy(tmp_path / "azure")


@pytest.fixture
def in_process(installed: Az, sim: Armsim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcessAz:
    """The CLI in this process, logged in, with waiting that takes no time."""
    az = InProcessAz(installed.copy(tmp_path / "azure").config, sim, monkeypatch)
    monkeypatch.setattr(CLOCK, "start", CLOCK.now())
    monkeypatch.setattr(CLOCK, "ahead", az.clock)
    return az


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAz]:
    """The CLI in this process, with waiting that takes no time, against a service that answers what the test says."""
    arm = ScriptedArm(tmp_path)
    try:
        az = ScriptedAz(arm.log_in(tmp_path / "azure"), arm, monkeypatch)
        with quick_time_outs(az.clock, monkeypatch):
            yield az
        assert arm.unexpected == []
    finally:
        arm.stop()
