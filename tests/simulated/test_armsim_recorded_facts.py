# SPDX-License-Identifier: MIT
"""What the recordings tell, as tables: armsim against the real service where the recordings themselves aren't there.

identity: Azure/azure-cli-extensions a218f7f0, src/communication, test_communication_identity.yaml (live 2023-12-15).
scenario: the same 07a10904, test_communication_scenario.yaml (2023-05-26). powershell: Azure/azure-powershell b7ee16ad,
src/Communication, Update-AzCommunicationService.Recording.json (2024-07-18). load: Azure/azure-cli-extensions 3177bb19,
src/load, test_load_scenarios.yaml (2025-04-30).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from armsim import SHAPES, ArmState, DirectClient, ManualClock
from armsim.patch_shapes import ASYNC, LOCATION

OLD, VERSION = "?api-version=2023-04-01-preview", "?api-version=2025-09-01"
SPELLED = "SystemAssigned, UserAssigned"  # by the service


class Service:
    """A client, and answers in short."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.state = ArmState(self.clock)
        self.client = DirectClient(self.state)
        self.mi = self.state.add_user_identity("managedIdentity", "g")
        self.app = (f"/subscriptions/{self.state.SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Communication"
                    "/communicationServices/app")

    def __call__(self, method: str, url: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
        answer = self.client(method, url, body)
        assert self.client.wire.violations == []
        return answer.status, answer.headers, json.loads(answer.body) if answer.body else ""

    def poll(self, address: str) -> tuple[int, str]:
        status, _, body = self("GET", address)
        assert body["id"].endswith(body["name"])
        return status, body["status"]


@pytest.fixture
def service() -> Service:
    return Service()


def short(block: dict[str, Any] | None) -> str:
    """A block as "type: principal's keys of the map", such as "SystemAssigned + tenant: {}"."""
    if block is None:
        return "no block"
    values = ["filled" if value else "{}" for value in block.get("userAssignedIdentities", {}).values()]
    assert all(set(value) in (set(), {"clientId", "principalId"}) for value in
               block.get("userAssignedIdentities", {}).values())
    assert ("principalId" in block) is ("tenantId" in block) is block["type"].startswith("SystemAssigned")
    return ": ".join([block["type"], *values])


def test_identity_recording_puts(service: Service) -> None:
    """Five writes of the CLI, each a PUT: 201, three polls Accepted 30 seconds apart, then Succeeded, then a GET."""
    user: dict[str, Any] = {"userAssignedIdentities": {service.mi: {}}}
    principals: list[Any] = []
    for sent, answered, read in (
        ({"type": "SystemAssigned"}, "SystemAssigned", "SystemAssigned"),
        ({"type": "None"}, "None", "None"),
        ({"type": "SystemAssigned"}, "SystemAssigned", "SystemAssigned"),
        ({"type": "SystemAssigned,UserAssigned", **user}, f"{SPELLED}: {{}}", f"{SPELLED}: filled"),
        ({"type": "UserAssigned", **user}, "UserAssigned: {}", "UserAssigned: filled"),
    ):
        status, headers, body = service("PUT", service.app + OLD, {
            "location": "global", "properties": {"dataLocation": "unitedstates"}, "identity": sent})
        assert (status, short(body["identity"]), body["properties"]["provisioningState"]) == (201, answered, "Accepted")
        assert ("hostName" in body["properties"]) is bool(principals)  # a new resource has none yet
        assert (ASYNC in headers, LOCATION in headers, headers["x-ms-providerhub-traffic"]) == (True, False, "True")
        polls = []
        for wait in (0, 31, 30, 31):
            service.clock.sleep(wait)
            polls.append(service.poll(headers[ASYNC]))
        assert polls == [(200, "Accepted")] * 3 + [(200, "Succeeded")]
        over = service("GET", headers[ASYNC])[2]
        assert (over["properties"], "endTime" in over) == (None, False)
        status, _, body = service("GET", service.app + OLD)
        assert (status, short(body["identity"]), body["properties"]["provisioningState"]) == (200, read, "Succeeded")
        assert body["properties"]["hostName"]
        principals.append(body["identity"].get("principalId"))
    assert principals[0] != principals[2]  # removed and added: another principal
    assert principals[2] == principals[3]
    assert list(body) == ["id", "name", "type", "location", "systemData", "identity", "properties"]
    assert body["type"] == "microsoft.communication/communicationservices"
    assert "/resourcegroups/" in next(iter(body["identity"]["userAssignedIdentities"]))  # as az identity create prints


def test_scenario_recording_a_patch_of_tags_and_a_delete(service: Service) -> None:
    service.state.add_resource("app", "g")
    status, headers, body = service("PATCH", service.app + OLD, {"tags": {"newTag": "newVal"}})
    assert (status, body["tags"], body["properties"]["provisioningState"]) == (200, {"newTag": "newVal"}, "Succeeded")
    assert list(body) == ["id", "name", "type", "location", "tags", "systemData", "properties"]
    assert {ASYNC, LOCATION} & set(headers) == set()
    status, headers, body = service("DELETE", service.app + OLD)
    assert (status, body) == (202, None)
    assert "/operationStatuses/" in headers[LOCATION]
    polls = []
    for wait in (0, 30, 30, 30):
        service.clock.sleep(wait)
        polls.append([service.poll(headers[name]) for name in (ASYNC, LOCATION)])
    assert polls == [[(202, "Deleting")] * 2] * 3 + [[(200, "Succeeded")] * 2]


def test_powershell_recording_two_patches(service: Service) -> None:
    service.state.add_resource("app", "g")
    tags = {"ExampleKey1": "ExampleValue1", "ExampleKey2": "ExampleValue2"}
    domain = service.app.replace("communicationServices/app", "emailServices/mail/domains/AzureManagedDomain")
    sent = {"tags": tags, "properties": {"linkedDomains": [domain]}}
    status, headers, body = service("PATCH", service.app + OLD, sent)
    assert (status, body["tags"], body["properties"]["linkedDomains"]) == (200, tags, [domain])
    assert "identity" not in body
    assert {"Cache-Control": "no-cache", "Request-Context": "appId=", "x-ms-providerhub-traffic": "True"}.items() <= (
        headers.items())
    again = service("GET", service.app + OLD)
    assert (again[2], again[1]["ETag"]) == (body, headers["ETag"])  # the change is there at once
    service.clock.sleep(6)
    assert service("PATCH", service.app + OLD, {"tags": tags})[1]["ETag"] != headers["ETag"]
    assert service("GET", service.app + OLD)[2]["properties"]["linkedDomains"] == [domain]


@pytest.mark.parametrize(("before", "sent", "after"), [
    ({"type": "SystemAssigned"}, {"type": "None"}, "None"),
    ({"type": "UserAssigned", "userAssignedIdentities": "kept"}, {"type": "SystemAssigned,UserAssigned"},
     f"{SPELLED}: filled"),
])
def test_load_recording_patches_with_an_identity(service: Service, before: Any, sent: Any, after: str) -> None:
    """LoadTestService, on ProviderHub: 202 with null, Accepted, then Succeeded 11 to 13 seconds after the start."""
    if "userAssignedIdentities" in before:
        before = {**before, "userAssignedIdentities": {service.mi: {}}}
    service.state.add_resource("app", "g", identity=before)
    service.state.options.patch = SHAPES["load-test"]
    status, headers, body = service("PATCH", service.app + VERSION, {"identity": sent})
    assert (status, body) == (202, None)
    assert {ASYNC, LOCATION, "ETag", "mise-correlation-id", "x-ms-operation-identifier"} <= set(headers)
    assert headers["x-ms-providerhub-traffic"] == "True"
    assert headers[ASYNC].split("?")[0] == headers[LOCATION].split("?")[0]
    assert 3200 < len(headers[ASYNC]) - len("https://armsim") + len("https://management.azure.com") < 3300
    assert service.poll(headers[ASYNC]) == (200, "Accepted")
    service.clock.sleep(31)
    over = service("GET", headers[ASYNC])[2]
    assert list(over) == ["id", "name", "resourceId", "status", "startTime", "endTime", "properties"]
    assert (over["status"], over["properties"]) == ("Succeeded", None)
    start, end = (float(over[key][17:19]) + 60 * float(over[key][14:16]) for key in ("startTime", "endTime"))
    assert 11 <= end - start <= 13
    body = service("GET", service.app + VERSION)[2]
    assert (short(body["identity"]), body["properties"]["provisioningState"]) == (after, "Succeeded")
