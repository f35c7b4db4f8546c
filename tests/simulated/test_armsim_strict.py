# SPDX-License-Identifier: MIT
"""armsim is strict: what no client of ARM may send fails the test that sent it."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from armsim import Armsim, Fault, ManualClock, Throttle, openapi

APP = "/subscriptions/{}/resourceGroups/g/providers/Microsoft.Communication/communicationServices/app"


class Client:
    """Sends requests to a server of its own."""

    def __init__(self, sim: Armsim) -> None:
        self.sim = sim
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = sim.ca_file
        self.app = APP.format(sim.state.SUBSCRIPTION)

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, self.sim.url + path, json=body, timeout=10)


@pytest.fixture
def client() -> Iterator[Client]:
    with Armsim(ManualClock()) as sim:
        sim.state.add_resource("app", "g")
        yield Client(sim)


def test_a_proper_session_passes(client: Client) -> None:
    assert client("GET", f"{client.app}?api-version=2023-04-01").status_code == 200
    assert client("PATCH", f"{client.app}?api-version=2025-09-01",
                  {"identity": {"type": "SystemAssigned"}}).status_code == 200
    client.sim.verify()


@pytest.mark.parametrize(("method", "path", "complaint"), [
    ("GET", "{app}", "no api-version"),
    ("GET", "{app}?api-version=2019-01-01", "unknown api-version 2019-01-01"),
    ("GET", "{app}/domains?api-version=2023-04-01", "unknown route"),
    ("POST", "{app}?api-version=2023-04-01", "unknown route"),
    ("GET", "/elsewhere?api-version=2023-04-01", "unknown route"),
    ("GET", "{app}%2f..?api-version=2023-04-01", "malformed path"),
])
def test_violations_fail_the_test(client: Client, method: str, path: str, complaint: str) -> None:
    client(method, path.format(app=client.app))
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        client.sim.verify()


@pytest.fixture(params=["official", "by hand"])
def schema(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The official documents, and the rules that stand in for them where their folder isn't there."""
    if request.param == "official":
        request.getfixturevalue("shared")
    else:
        monkeypatch.setattr(openapi, "shared_folder", lambda: None)
    openapi._validator.cache_clear()
    yield
    openapi._validator.cache_clear()


@pytest.mark.usefixtures("schema")
@pytest.mark.parametrize("body", [
    {"identity": {}}, {"identity": {"type": 1}}, {"identity": {"type": "Both"}}, {"tags": {"a": 1}},
    {"identity": {"type": "UserAssigned", "userAssignedIdentities": {"a": "b"}}},
    {"properties": {"disableLocalAuth": "yes"}}, {"properties": {"linkedDomains": "a"}},
])
def test_the_official_schema_is_kept(client: Client, body: dict[str, Any]) -> None:
    client("PATCH", f"{client.app}?api-version=2025-09-01", body)
    with pytest.raises(AssertionError, match="the official schema refuses"):
        client.sim.verify()


@pytest.mark.usefixtures("schema")
@pytest.mark.parametrize("body", [
    {}, {"tags": {"a": "b"}}, {"identity": {"type": "SystemAssigned, UserAssigned"}},
    {"identity": {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {"a": {}, "b": None}}},
    {"properties": {"disableLocalAuth": True, "publicNetworkAccess": "Disabled", "linkedDomains": []}},
])
def test_the_official_schema_takes(client: Client, body: dict[str, Any]) -> None:
    assert openapi.complaints("update", "communication", "2025-09-01", body) == []


def test_a_fault_that_never_happened_fails_the_test(client: Client) -> None:
    client.sim.add_fault(Fault(method="DELETE"))
    with pytest.raises(AssertionError, match="unused fault"):
        client.sim.verify()


@pytest.mark.parametrize(("kind", "effect"), [("status", False), ("raw", False), ("reset-before", False),
                                              ("reset-after", True), ("truncate", True), ("empty", True),
                                              ("empty-no-effect", False), ("ignore", False), ("delay", True)])
def test_faults(client: Client, kind: Any, effect: bool) -> None:
    client.sim.add_fault(Fault(method="PATCH", kind=kind, status=502))
    broken = kind.startswith("reset") or kind == "truncate"
    try:
        answer = client("PATCH", f"{client.app}?api-version=2023-04-01", {"identity": {"type": "SystemAssigned"}})
    except requests.RequestException:
        assert broken
    else:
        assert not broken
        assert answer.status_code == (502 if kind in ("status", "raw") else 200)
    assert (client.sim.state.identity_of(client.app) is not None) is effect
    client.sim.verify()


@pytest.mark.parametrize(("kind", "effect"), [("stall", False), ("stall-after", True)])
def test_a_request_that_is_never_answered(client: Client, kind: Any, effect: bool) -> None:
    client.sim.add_fault(Fault(method="PATCH", kind=kind))
    body = json.dumps({"identity": {"type": "SystemAssigned"}}).encode()
    context = ssl.create_default_context(cafile=client.sim.ca_file)
    port = int(client.sim.url.rsplit(":", 1)[-1])
    with socket.create_connection(("localhost", port)) as plain, context.wrap_socket(
            plain, server_hostname="localhost") as connection:
        connection.sendall(f"PATCH {client.app}?api-version=2025-09-01 HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                           f"application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        connection.settimeout(2.0)
        with pytest.raises(TimeoutError):
            connection.recv(1)  # neither an answer nor the end
        assert (client.sim.state.identity_of(client.app) is not None) is effect
    assert [request.fault for request in client.sim.requests] == [kind]
    assert client("GET", f"{client.app}?api-version=2025-09-01").status_code == 200
    client.sim.verify()


def test_the_token_bucket(client: Client) -> None:
    client.sim.options.throttle = Throttle(read=(2, 0.5))
    path = f"{client.app}?api-version=2023-04-01"
    assert [client("GET", path).status_code for _ in range(3)] == [200, 200, 429]
    refused = client("GET", path)
    assert refused.headers["Retry-After"] == "2"
    assert refused.json()["error"]["code"] == "SubscriptionRequestsThrottled"
    client.sim.clock.sleep(2)
    assert client("GET", path).status_code == 200


def test_pages(client: Client) -> None:
    client.sim.options.page_size = 2
    for number in range(4):
        client.sim.state.add_resource(f"more{number}", "g")
    found, path = [], f"{client.app.rsplit('/', 1)[0]}?api-version=2023-04-01"
    while path:
        page = client("GET", path).json()
        found += [item["name"] for item in page["value"]]
        path = page.get("nextLink", "").removeprefix(client.sim.url)
    assert found == ["app", "more0", "more1", "more2", "more3"]
    client.sim.verify()


def test_delete(client: Client) -> None:
    path = f"{client.app}?api-version=2023-04-01"
    answer = client("DELETE", path)
    assert (answer.status_code, answer.json()) == (202, None)
    client.sim.clock.sleep(100)
    assert client("GET", path).json()["error"]["code"] == "ResourceNotFound"
    assert client("DELETE", path).status_code == 204
    poll = answer.headers["Azure-AsyncOperation"].removeprefix(client.sim.url)
    assert client("GET", poll).json()["status"] == "Succeeded"
