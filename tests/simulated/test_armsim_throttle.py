# SPDX-License-Identifier: MIT
"""armsim's token buckets: one for each subscription and kind of request, by the manual clock."""

from __future__ import annotations

import pytest
from armsim import SHAPES, ArmState, DirectClient, ManualClock, Throttle
from armsim.patch_shapes import ASYNC

OTHER = "00000000-0000-0000-0000-0000000000FF"
VERSION = "?api-version=2023-04-01"
SYSTEM = {"identity": {"type": "SystemAssigned"}}


@pytest.fixture
def client() -> DirectClient:
    state = ArmState(ManualClock())
    state.add_subscription(OTHER, "other")
    state.options.throttle = Throttle(read=(3, 0.5), write=(2, 1), delete=(1, 0.25),
                                      of={OTHER.lower(): {"write": (4, 2)}, "": {"read": (1, 0.1)}})
    return DirectClient(state)


def app(client: DirectClient, subscription: str | None = None) -> str:
    return client.wire.state.add_resource("app", "g", subscription=subscription) + VERSION


def statuses(client: DirectClient, method: str, url: str, times: int) -> list[int]:
    body = SYSTEM if method == "PATCH" else None
    return [client(method, url, body).status for _ in range(times)]


def test_kinds_and_subscriptions_have_buckets_of_their_own(client: DirectClient) -> None:
    here, there = app(client), app(client, OTHER)
    assert statuses(client, "PATCH", here, 3) == [200, 200, 429]
    assert statuses(client, "GET", here, 4) == [200, 200, 200, 429]
    assert statuses(client, "PATCH", there, 5) == [200, 200, 200, 200, 429]
    assert statuses(client, "GET", there, 4) == [200, 200, 200, 429]
    assert statuses(client, "DELETE", there, 2) == [202, 429]
    assert statuses(client, "DELETE", here, 2) == [202, 429]


def test_a_bucket_refills_with_time(client: DirectClient) -> None:
    here = app(client)
    statuses(client, "GET", here, 3)
    refused = client("GET", here)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "2")
    client.wire.state.clock.sleep(1.9)
    assert client("GET", here).status == 429
    client.wire.state.clock.sleep(0.1)
    assert statuses(client, "GET", here, 2) == [200, 429]
    client.wire.state.clock.sleep(1000)
    assert statuses(client, "GET", here, 4) == [200, 200, 200, 429]


def test_polls_are_reads(client: DirectClient) -> None:
    here = app(client)
    client.wire.state.options.patch = SHAPES["load-test"]
    address = client("PATCH", here, SYSTEM).headers[ASYNC]
    assert statuses(client, "GET", address, 2) == [200, 200]
    assert statuses(client, "GET", here, 2) == [200, 429]
    assert client("GET", address).status == 429
    assert client.wire.violations == []


def test_what_a_scope_names_counts_for_its_subscription(client: DirectClient) -> None:
    assignments = "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
    scope = app(client).split("?")[0]
    assert statuses(client, "GET", scope + assignments, 4) == [200, 200, 200, 429]


def test_requests_without_a_subscription_have_the_tenant_s_bucket(client: DirectClient) -> None:
    answers = [client("GET", "/subscriptions?api-version=2022-12-01") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]
    assert answers[0].headers["x-ms-ratelimit-remaining-tenant-reads"] == "0"
    assert answers[1].headers["Retry-After"] == "10"
    assert b'"TenantRequestsThrottled"' in answers[1].body
    assert client("GET", app(client)).headers["x-ms-ratelimit-remaining-subscription-reads"] == "2"
