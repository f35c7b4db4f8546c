# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Which addresses get a token."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from azext_communication_identity.arm.client import Arm


def is_arms(address: str, arm: str = "https://management.azure.com/") -> bool:
    """Whether the client takes the address for one of ARM's."""
    cloud = SimpleNamespace(endpoints=SimpleNamespace(resource_manager=arm))
    return Arm(SimpleNamespace(cloud=cloud))._is_arms(address)


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
