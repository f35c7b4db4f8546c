# SPDX-License-Identifier: MIT
"""Which addresses get a token, and who asks for it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from azext_communication_identity.arm.client import Arm, _policies
from azure.cli.core.azclierror import AuthenticationError, AzureResponseError, UnauthorizedError
from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest
from requests.exceptions import ConnectionError as NoConnection


def is_arms(address: str, arm: str = "https://management.azure.com/") -> bool:
    """Whether the client takes the address for one of ARM's."""
    cloud = SimpleNamespace(endpoints=SimpleNamespace(resource_manager=arm))
    return Arm(SimpleNamespace(cloud=cloud))._belongs_to_arm(address)


@pytest.mark.parametrize("address", ["https://management.azure.com:443/x", "https://management.azure.com/x",
                                     "https://westus.management.azure.com:443/x", "https://management.azure.com:/x"])
@pytest.mark.parametrize("arm", ["https://management.azure.com", "https://management.azure.com:443/"])
def test_the_default_port_may_be_spelled_out(address: str, arm: str) -> None:
    assert is_arms(address, arm)


@pytest.mark.parametrize("address", ["https://management.azure.com:80/x", "https://management.azure.com:0/x",
                                     "http://management.azure.com:443/x", "http://management.azure.com/x",
                                     "https://management.azure.com:8443/x", "https://user@management.azure.com:443/x",
                                     "https://@management.azure.com/x"])
def test_no_other_port_scheme_or_user(address: str) -> None:
    assert not is_arms(address)


def test_a_port_of_its_own_must_be_the_same() -> None:
    assert is_arms("https://arm.local:8443/x", "https://arm.local:8443")
    assert not is_arms("https://arm.local/x", "https://arm.local:8443")
    assert not is_arms("https://arm.local:443/x", "https://arm.local:8443")


# ---- imports ---------------------------------------------------------------------------------------------------------

CLIENT_FIRST = """
import sys
from azext_communication_identity.arm import client

arm = client.Arm(None)
client.logins = lambda _: []
client._make_client = lambda *_: sys.exit("azure.core.exceptions" in sys.modules or not arm._lock.locked())
arm.send(client.Request("GET", "/x"), "a subscription")
"""


def test_one_thread_makes_the_client_and_imports_azure_core() -> None:
    """Python hands a thread a module that another one has half imported where waiting for it could be a deadlock."""
    assert subprocess.run([sys.executable, "-c", CLIENT_FIRST], check=False).returncode == 0


# ---- the token -------------------------------------------------------------------------------------------------------

class Transport:
    """Answers every request with 200."""

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send(self, request: Any, **_: Any) -> Any:
        return SimpleNamespace(status_code=200, request=request)


class Credential(SansIOHTTPPolicy):  # type: ignore[type-arg]  # azure-core 1.28 takes none at run time
    """Fetches a token, as azure-core's policy does, until it has one: each time with the next outcome."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.asked = 0
        self.has_token = False

    def on_request(self, request: Any) -> None:
        if self.has_token:
            return
        self.asked += 1
        time.sleep(0.2)
        outcome = self.outcomes.pop(0)
        if outcome is not None:
            raise outcome
        self.has_token = True


def send_all(pipeline: Any, number: int) -> list[Exception | None]:
    """Send requests at the same time. Returns their failures."""
    failures: list[Exception | None] = []
    start = threading.Barrier(number)

    def send() -> None:
        start.wait(10)
        try:
            pipeline.run(HttpRequest("GET", "https://management.azure.com/x"))
            failures.append(None)
        except (AuthenticationError, AzureResponseError, UnauthorizedError, NoConnection) as error:
            failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return failures


def pipeline_with(credential: Credential) -> Any:
    policies = _policies()
    return Pipeline(Transport(), [policies["retry_policy"], credential,  # type: ignore[arg-type]  # as much as it needs
                                  *policies["per_retry_policies"]])


@pytest.mark.parametrize(("error", "said", "way_on"), [
    (AuthenticationError("No.", recommendation="az login"), "No.", ["az login"]),
    (AzureResponseError("Failed to connect to MSI.", "Try again."), "Failed to connect to MSI.", ["Try again."]),
    (KeyError("access_token"), "Azure CLI couldn't get a token: the login service's response has none, and names no "
     "reason.", ["To log in again, run:\naz login"]),
])
def test_a_login_that_fails_is_asked_once(error: Exception, said: str, way_on: list[str]) -> None:
    credential = Credential(error)
    pipeline = pipeline_with(credential)
    failures = [*send_all(pipeline, 5), *send_all(pipeline, 5)]
    assert [(str(one), one.recommendations) for one in failures] == [(said, way_on)] * 10  # type: ignore[union-attr]
    assert len({id(one) for one in failures}) == 10
    assert len({type(one) for one in failures}) == 1
    assert credential.asked == 1


def test_a_broken_connection_to_the_login_service_is_tried_again_but_not_by_each_request() -> None:
    credential = Credential(NoConnection("reset"), None)
    pipeline = pipeline_with(credential)
    assert [str(one) for one in send_all(pipeline, 5)] == ["reset"] * 5
    assert credential.asked == 1
    assert send_all(pipeline, 5) == [None] * 5
    assert credential.asked == 2
