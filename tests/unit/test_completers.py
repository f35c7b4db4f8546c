# SPDX-License-Identifier: MIT
"""Which login the completion of a resource's identities uses."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest
from azext_communication_identity._completers import complete_assigned
from azext_communication_identity.model.answers import Answer
from azext_communication_identity.model.requests import GetResource, Request
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.runner import report

RESOURCE = ResourceId("00000000-0000-0000-0000-00000000000a", "rg", "app")
IDENTITY = (f"/subscriptions/{RESOURCE.subscription}/resourcegroups/rg/providers/Microsoft.ManagedIdentity"
            "/userAssignedIdentities/near")


def test_a_resource_is_read_with_the_login_of_its_own_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Arm:
        def __init__(self, *_: Any) -> None:
            pass

        def login_of(self, _: str) -> None:
            return None

        def send(self, request: Request, subscription: str) -> Answer:
            asked.append((request, subscription))
            return Answer(200, {"id": RESOURCE.id, "identity": {"type": "UserAssigned",
                                                                "userAssignedIdentities": {IDENTITY: {}}}})

    monkeypatch.setattr(report, "Arm", Arm)
    cmd = SimpleNamespace(cli_ctx=SimpleNamespace(data={"subscription_id": "00000000-0000-0000-0000-00000000000b"}, only_show_errors=True))
    assert complete_assigned.func(cmd, "", Namespace(resources=[[RESOURCE.id]])) == ["near"]
    assert asked == [(GetResource(RESOURCE), RESOURCE.subscription)]
