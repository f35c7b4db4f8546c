# SPDX-License-Identifier: MIT
"""Policy tokens in armsim, asked for by hand and by azure-cli's own commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from armsim import Armsim, ManualClock
from az import Az

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
APP = f"{GROUP}/providers/Microsoft.Communication/communicationServices/myApp?api-version=2023-04-01"
ACQUIRE = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/acquirePolicyToken?api-version=2025-11-01"
BODY = {"identity": {"type": "SystemAssigned"}}


class Client:
    """Sends requests to a server of its own, on which writes need a token."""

    def __init__(self, sim: Armsim) -> None:
        self.sim = sim

    def __call__(self, method: str, path: str, body: Any = None, token: str | None = None) -> requests.Response:
        headers = {"x-ms-policy-external-evaluations": token} if token else {}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.sim.url + path, json=body, headers=headers, timeout=10,
                                   verify=self.sim.ca_file)

    def token(self, content: Any, method: str = "PATCH", uri: str = APP, **more: Any) -> str:
        operation = {"uri": self.sim.url + uri, "httpMethod": method, "content": content}
        return str(self("POST", ACQUIRE, {"operation": operation, **more}).json().get("token"))


@pytest.fixture
def client() -> Iterator[Client]:
    with Armsim(ManualClock()) as sim:
        sim.state.add_resource("myApp", "rg")
        sim.state.require_policy_token(GROUP)
        yield Client(sim)


def test_a_write_needs_a_token_and_a_token_is_good_for_one(client: Client) -> None:
    refused = client("PATCH", APP, BODY)
    assert refused.status_code == 403
    error = refused.json()["error"]
    assert (error["code"], error["target"]) == ("RequestDisallowedByPolicy", "myApp")
    assert error["additionalInfo"][0]["info"]["missingPolicyTokenDetails"]["shouldDeny"] is True
    assert client("GET", APP).status_code == 200
    token = client.token(BODY)
    assert client("PATCH", APP, BODY, token).status_code == 200
    client.sim.verify()
    assert client("PATCH", APP, BODY, token).status_code == 403
    assert "used already" in client.sim.wire.violations[0]


@pytest.mark.parametrize(("content", "method", "uri"), [
    ({"identity": {"type": "None"}}, "PATCH", APP), (None, "PATCH", APP), (BODY, "PUT", APP),
    (BODY, "PATCH", APP.replace("myApp", "other")), (BODY, "PATCH", APP.replace("2023", "2025"))])
def test_a_token_for_another_request_is_a_violation(client: Client, content: Any, method: str, uri: str) -> None:
    assert client("PATCH", APP, BODY, client.token(content, method, uri)).status_code == 403
    with pytest.raises(AssertionError, match="policy token is for"):
        client.sim.verify()


@pytest.mark.parametrize("content", ['{"identity": {"type": "SystemAssigned"}}', "b'{}'", [BODY], 1])
def test_content_that_is_no_object_is_a_violation(client: Client, content: Any) -> None:
    client.token(content)
    with pytest.raises(AssertionError, match="must be a JSON object"):
        client.sim.verify()


def test_a_policy_can_ask_for_a_change_reference(client: Client) -> None:
    client.sim.state.require_policy_token(GROUP, "ask-for-a-change", change_reference=True)
    refused = client("PATCH", APP, BODY, client.token(BODY)).json()["error"]
    assert refused["additionalInfo"][0]["info"]["missingPolicyTokenDetails"]["isChangeReferenceRequired"] is True
    assert client("PATCH", APP, BODY, client.token(BODY, changeReference="/changes/1")).status_code == 200
    assert client.sim.state.policy_tokens.change_references == [None, "/changes/1"]


def test_a_policy_reaches_its_scope_only(client: Client) -> None:
    elsewhere = client.sim.state.add_resource("myApp", "elsewhere")
    assert client("PATCH", f"{elsewhere}?api-version=2023-04-01", BODY).status_code == 200


def test_azure_cli_gets_a_token_for_a_role_assignment(az: Az, sim: Armsim) -> None:
    sim.state.add_group("rg")
    sim.state.require_policy_token(GROUP)
    create = (f"role assignment create --role Reader --scope {GROUP} --assignee-principal-type ServicePrincipal "
              "--assignee-object-id 00000000-0000-0000-0000-0000000000aa")
    assert "RequestDisallowedByPolicy" in az(create).stderr
    if "--acquire-policy-token" not in az("role assignment create --help").stdout:
        pytest.skip("this azure-cli is older than policy tokens")
    az(f"{create} --acquire-policy-token").ok()
    assignment = next(iter(sim.state.authorization.assignments))
    az(f"role assignment delete --ids {assignment} --change-reference /changes/1").ok()
    assert sim.state.policy_tokens.change_references == [None, "/changes/1"]
