# SPDX-License-Identifier: MIT
"""Bodies that stop midway or that nobody can read, and logins without a token: one clear error, and no wait twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from armsim import Armsim, Fault
from armsim.http_types import Answer
from azext_communication_identity.model.requests import Request
from azure.cli.core.azclierror import AuthenticationError, AzCLIError, UnauthorizedError
from in_process import InProcessAz
from scenes import APP, line, said

ASSIGN, SHOW = line("assign", *APP, "--system-assigned"), line("show", *APP)
RESOURCES = "communicationServices"


@pytest.mark.parametrize("status", [200, 400, 409])
@pytest.mark.parametrize(("words", "method", "most"), [(SHOW, "GET", 1), (ASSIGN, "PATCH", 2)])
def test_a_body_that_stops_midway_is_not_waited_for_again(in_process: InProcessAz, sim: Armsim, status: int,
                                                          words: list[str], method: str, most: int,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Request, "timeout", 0.4)
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method=method, path=RESOURCES, kind="stall-midway", status=status, times=10**6,
                        body=json.dumps({"id": "x"}), content_type="application/json"))
    run = in_process(words)
    assert isinstance(run.error, AzCLIError)
    assert "timed out" in str(run.error)
    assert sum(request.method == method for request in sim.requests) <= most


@pytest.mark.parametrize(("kind", "body", "shown"), [
    ("application/json", b'{"error": {"code": "X\xff", "message": "\xff"}}', "(X\ufffd) \ufffd"),
    ("text/html", "<html>Zugriff verweigert f\u00fcr</html>".encode("latin-1"), "status"),
    ("text/plain", b"[" * 200_000, "status"),
    ("application/json; charset=hex", b'{"error": {"code": "X", "message": "y"}}', "(X) y"),
    ("application/xml", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "status"),
], ids=["no UTF-8", "HTML", "nested without end", "a codec that is none", "XML"])
@pytest.mark.parametrize("status", [400, 403, 409])
def test_an_error_in_a_body_that_nobody_can_read(in_process: InProcessAz, sim: Armsim, kind: str, body: bytes,
                                                 shown: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.wire, "answer", lambda _: Answer(status, body, {"Content-Type": kind}))
    run = in_process(SHOW)
    assert isinstance(run.error, AzCLIError), repr(run.error)
    assert (f"status {status}" if shown == "status" else shown) in str(run.error)


@pytest.mark.parametrize(("kind", "body"), [
    ("text/plain", b"[" * 200_000), ("text/plain", b'{"id": "\xff"}'), ("application/json; charset=hex", b"{}"),
    ("text/plain; charset=hex", b"{}"),
], ids=["nested without end", "no UTF-8", "JSON in a codec that is none", "text in a codec that is none"])
def test_a_body_that_nobody_can_read(in_process: InProcessAz, sim: Armsim, kind: str, body: bytes,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.wire, "answer", lambda _: Answer(200, body, {"Content-Type": kind}))
    assert "No usable response from the service" in str(in_process(SHOW).error)


NO_REASON = "the login service returned none, and gave no reason."
TOKENS = {"500": (500, b'{"error": "x"}', NO_REASON), "page": (200, b"<html>", "Expecting value: line 1"),
          "empty": (200, b"", "Expecting value: line 1"), "list": (200, b"[]", NO_REASON),
          "400": (400, b'{"error": "invalid_request", "error_description": "Identity not found"}', NO_REASON),
          "known": (400, b'{"statusCode": 400, "message": "No identity."}', "400, No identity."),
          "null": (200, b"null", NO_REASON), "half": (200, b'{"access_token": "x", "expires_on": "soon"}', "invalid")}


@pytest.mark.parametrize("name", TOKENS)
def test_a_login_without_a_token(in_process: InProcessAz, sim: Armsim, name: str,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    status, body, reason = TOKENS[name]
    real = sim.answer

    def answer(request: Any, *more: Any) -> Answer:
        return Answer(status, body) if request.path == "/msi/token" else real(request, *more)
    monkeypatch.setattr(sim, "answer", answer)
    run = in_process(SHOW)
    assert isinstance(run.error, (UnauthorizedError, AuthenticationError)), repr(run.error)
    assert reason in str(run.error)
    assert "az login" in said(run.error)
    assert "None" not in said(run.error)
    run = in_process(line("show", "--ids", *(sim.state.add_resource(one, "rg") for one in ("a", "b"))))
    assert "2 of 2 resources failed" in str(run.error)
    assert sim.requests == []


def test_a_login_that_fails_is_asked_once_for_many_resources(in_process: InProcessAz, sim: Armsim,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = sim.answer

    def answer(request: Any, *more: Any) -> Answer:
        if request.path != "/msi/token":
            return real(request, *more)
        asked.append(request)
        return Answer(400, b'{"error": "invalid_request", "error_description": "Identity not found"}')
    monkeypatch.setattr(sim, "answer", answer)
    run = in_process(line("show", "--ids", *(sim.state.add_resource(f"app{one}", "rg") for one in range(20))))
    assert "20 of 20 resources failed" in str(run.error)
    assert len(asked) == 1
