# SPDX-License-Identifier: MIT
"""Ctrl-C and SIGTERM end a command at once, with the shell's usual code and a line that says what is left open: an
error where a write is under way, a warning where nothing was written.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest
from armsim import Armsim, Fault
from az import Az

HANG = 20.0  # seconds that the server keeps an answer; the command must be gone long before


@pytest.fixture(autouse=True)
def _in_the_foreground() -> Iterator[None]:
    """A shell has what it runs in the background ignore Ctrl-C, and that is passed on to every process below."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Arrival:
    """Tells when the server has got a request that it doesn't answer yet."""

    def __init__(self, sim: Armsim, method: str, count: int = 1, path: str = "communicationServices/") -> None:
        self.arrived = threading.Event()
        self.release = threading.Event()
        self._left = count
        self._method = method
        self._clock_sleep = sim.clock.sleep
        sim.add_fault(Fault(method=method, path=path, kind="delay", delay=HANG, times=10**6))
        sim.clock.sleep = self._hold  # type: ignore[method-assign,assignment]  # wait for the test, not for the time

    def _hold(self, _seconds: float) -> None:
        self._left -= 1
        if self._left == 0:
            self.arrived.set()
        self.release.wait(HANG)


def interrupt(process: subprocess.Popen[str], arrival: Arrival, number: int) -> tuple[int, str]:
    if not arrival.arrived.wait(60):
        process.kill()
        raise AssertionError(f"no request came; the command said: {process.communicate()[1]}")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=10)
    arrival.release.set()
    return process.returncode, stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_single_resource(az: Az, sim: Armsim, monkeypatch: pytest.MonkeyPatch, method: str, number: int,
                           code: int) -> None:
    monkeypatch.setattr(sim.clock, "sleep", sim.clock.sleep)  # put back at the end
    resource = sim.state.add_resource("myApp", "rg")
    arrival = Arrival(sim, method)
    process = az.start("communication identity assign --system-assigned -n myApp -g rg")
    exit_code, stderr = interrupt(process, arrival, number)
    assert exit_code == code
    assert stderr == ("WARNING: Interrupted.\n" if method == "GET" else
                      "ERROR: Interrupted.\nThe service may have made the change to 'myApp'.\nTo see its current "
                      f"identities, run:\naz communication identity show --ids {resource}\n")


@pytest.mark.parametrize(("method", "path"), [
    ("PATCH", "communicationServices/"), ("DELETE", "roleAssignments/")])
def test_role_assignments_that_are_left(az: Az, sim: Armsim, monkeypatch: pytest.MonkeyPatch, method: str, path: str
                                        ) -> None:
    """Once the identity is gone, nothing else knows its principal."""
    monkeypatch.setattr(sim.clock, "sleep", sim.clock.sleep)
    resource = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
    assignment = sim.state.add_role_assignment("/subscriptions/00000000-0000-0000-0000-000000000001",
                                               "acdd72a7-3385-48ef-bd42-f606fba81ae7",
                                               sim.state.identity_of(resource)["principalId"])
    arrival = Arrival(sim, method, path=path)
    process = az.start("communication identity remove -n myApp -g rg --system-assigned --delete-role-assignments --yes "
                       "--only-show-errors")
    exit_code, stderr = interrupt(process, arrival, signal.SIGINT)
    assert exit_code == 130
    assert f"run:\naz role assignment delete --ids {assignment}\n" in stderr
    assert f"az communication identity show --ids {resource}\n" in stderr
    assert "command again" not in stderr
    assert not any(bad in stderr for bad in ("Traceback", "asyncio", "never retrieved"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_many_resources(az: Az, sim: Armsim, monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> None:
    monkeypatch.setattr(sim.clock, "sleep", sim.clock.sleep)
    ids = [sim.state.add_resource(f"app{index}", "rg") for index in range(30)]
    arrival = Arrival(sim, "PATCH")
    process = az.start(["communication", "identity", "assign", "--system-assigned", "--ids", *ids])
    exit_code, stderr = interrupt(process, arrival, number)
    assert exit_code == code
    assert "of 30 resources done." in stderr
    assert f"az communication identity show --ids {ids[0]}\n" in stderr  # its write goes alone
    assert not any(bad in stderr for bad in ("Traceback", "asyncio", "never retrieved"))
