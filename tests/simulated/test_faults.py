# SPDX-License-Identifier: MIT
"""What breaks at a write, and what someone else changes meanwhile: the end is success or one clear error.
test_fault_table.py has every fault at every request of every command.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from armsim import Armsim, Fault
from azure.cli.core.azclierror import AzCLIError
from fault_kinds import FAULTS, FOREVER
from in_process import InProcessAz

APP = ["-n", "myApp", "-g", "rg"]
SYSTEM = "SystemAssigned"


@dataclass(frozen=True)
class Command:
    """A command, the requests it makes, and the identity types before and after it."""

    words: tuple[str, ...]
    methods: tuple[str, ...]
    before: str
    after: str


COMMANDS = {
    "assign": Command(("assign", "--system-assigned", *APP), ("GET", "PATCH"), "None", SYSTEM),
    "remove": Command(("remove", "--system-assigned", "--yes", *APP), ("GET", "PATCH"), SYSTEM, "None"),
    "show": Command(("show", *APP), ("GET",), SYSTEM, SYSTEM),
    "list": Command(("list", "-g", "rg"), ("GET",), SYSTEM, SYSTEM),
    "check": Command(("check", *APP), ("GET",), SYSTEM, SYSTEM),
    "wait": Command(("wait", "--exists", *APP), ("GET",), SYSTEM, SYSTEM),
}


def identity_type(sim: Armsim, resource: str) -> str:
    return str((sim.state.identity_of(resource) or {"type": "None"})["type"])


# A service that says yes and does nothing is no passing fault (see the next test), nor is a 409 of an unknown kind.
@pytest.mark.parametrize("fault", [fault for fault in FAULTS
                                   if fault not in ("ignored", "empty-no-effect", "status-409")])
def test_a_passing_fault_of_the_write_ends_in_success(in_process: InProcessAz, sim: Armsim, fault: str) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", **FAULTS[fault]))
    run = in_process(["communication", "identity", *COMMANDS["assign"].words])
    assert run.exit_code == 0, run.error
    assert run.json["principalId"] == sim.state.identity_of(resource)["principalId"]


def test_a_yes_without_the_deed_shows_wanted_and_found(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", kind="ignore"))
    run = in_process(["communication", "identity", *COMMANDS["assign"].words])
    assert run.exit_code == 1
    assert "Wanted: the system-assigned identity\nFound:  no identity" in str(run.error)
    assert in_process.clock.time <= 60


@pytest.mark.parametrize(("fault", "asked"), [("throttled", 7), ("identity-throttled", 9)])
def test_a_429_is_never_retried_too_soon_and_ends(in_process: InProcessAz, sim: Armsim, fault: str, asked: int) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", times=FOREVER, **FAULTS[fault]))
    run = in_process(["communication", "identity", *COMMANDS["assign"].words])
    writes = [request.at for request in sim.requests if request.method == "PATCH"]
    pauses = [later - earlier for earlier, later in pairwise(writes)]
    assert min(pauses) >= asked
    assert len({round(pause, 3) for pause in pauses}) > 1  # jitter
    assert 850 <= sum(pauses) <= 1.25 * 900 + 30
    assert f"seconds of waiting, it asks for a wait of {asked} seconds" in str(run.error)


def test_a_412_although_nobody_came_first_leads_to_one_write_without_if_match(in_process: InProcessAz,
                                                                              sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", status=412, code="PreconditionFailed"))
    assert in_process(["communication", "identity", *COMMANDS["assign"].words]).exit_code == 0
    writes = [request for request in sim.requests if request.method == "PATCH"]
    assert [bool(write.header("If-Match")) for write in writes] == [True, False]
    assert identity_type(sim, resource) == SYSTEM


def test_a_real_412_reads_and_computes_again(in_process: InProcessAz, sim: Armsim) -> None:
    one, two = (sim.state.add_user_identity(name, "rg") for name in ("one", "two"))
    resource = sim.state.add_resource("myApp", "rg")
    real = sim.state.patch_resource

    def someone_comes_first(resource_id: str, body: Any, if_match: str | None = None) -> Any:
        sim.state.patch_resource = real  # type: ignore[method-assign]  # once only
        real(resource_id, {"identity": {"type": "UserAssigned", "userAssignedIdentities": {one: {}}}})
        return real(resource_id, body, if_match)

    sim.state.patch_resource = someone_comes_first  # type: ignore[method-assign]  # between the GET and the PATCH
    run = in_process(["communication", "identity", "assign", "--user-assigned", "two", *APP])
    assert run.exit_code == 0
    assert list(sim.state.identity_of(resource)["userAssignedIdentities"]) == [one, two]
    assert sim.requests[-1].body["identity"]["userAssignedIdentities"] == {one: {}, two: {}}


def test_what_someone_else_removes_meanwhile_is_named(in_process: InProcessAz, sim: Armsim,
                                                      caplog: pytest.LogCaptureFixture) -> None:
    kept, added = (sim.state.add_user_identity(name, "rg") for name in ("kept", "added"))
    sim.options.patch_fill_after = 2
    resource = sim.state.add_resource("myApp", "rg", identity={
        "type": "UserAssigned", "userAssignedIdentities": {kept: {}}})
    real = sim.state.get_resource

    def someone_removes(resource_id: str) -> Any:
        if sim.requests and any(request.method == "PATCH" for request in sim.requests):
            sim.state.get_resource = real  # type: ignore[method-assign]  # once only
            sim.state.patch_resource(resource_id, {"identity": {
                "type": "UserAssigned", "userAssignedIdentities": {kept: None}}})
        return real(resource_id)

    sim.state.get_resource = someone_removes  # type: ignore[method-assign]  # between the PATCH and the next GET
    with caplog.at_level("WARNING"):
        run = in_process(["communication", "identity", "assign", "--user-assigned", "added", *APP])
    assert run.exit_code == 0, run.error
    assert list(run.json["userAssignedIdentities"]) == [added] == list(
        sim.state.identity_of(resource)["userAssignedIdentities"])
    assert f"someone else removed '{kept}' from 'myApp'." in caplog.text


@pytest.mark.parametrize("words", [command.words for command in COMMANDS.values()], ids=list(COMMANDS))
def test_token_endpoint_down(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch,
                             words: tuple[str, ...]) -> None:
    sim.state.add_resource("myApp", "rg")
    for key in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT"):
        monkeypatch.setenv(key, "http://127.0.0.1:9/msi/token")  # the port of "discard", where nobody listens
    run = in_process(["communication", "identity", *words])
    assert run.exit_code == 1
    assert isinstance(run.error, AzCLIError), repr(run.error)
    assert sim.requests == []


@pytest.mark.parametrize("words", [command.words for command in COMMANDS.values()], ids=list(COMMANDS))
def test_tls_failure(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch,
                     words: tuple[str, ...]) -> None:
    import certifi
    sim.state.add_resource("myApp", "rg")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    run = in_process(["communication", "identity", *words])
    assert run.exit_code == 1
    assert isinstance(run.error, AzCLIError), repr(run.error)
    assert "certificate" in str(run.error).lower()


@pytest.mark.parametrize("words", [command.words for command in COMMANDS.values()], ids=list(COMMANDS))
def test_dns_failure(in_process: InProcessAz, sim: Armsim, words: tuple[str, ...]) -> None:
    clouds = in_process.config / "clouds.config"
    clouds.write_text(clouds.read_text(encoding="utf-8").replace(sim.url, "https://armsim.invalid"), encoding="utf-8")
    run = in_process(["communication", "identity", *words])
    assert run.exit_code == 1
    assert isinstance(run.error, AzCLIError), repr(run.error)
    assert "No usable response from the service" in str(run.error)
    assert len(str(run.error).splitlines()) == 1
