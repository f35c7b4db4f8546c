# SPDX-License-Identifier: MIT
"""`list --all-subscriptions`, through Resource Graph, and the fleet recipe that starts with it."""

from __future__ import annotations

import json
import re

import pytest
from armsim import Armsim, Fault
from armsim.throttle import QueryQuota
from az import Az
from conftest import OTHER_SUBSCRIPTION
from in_process import InProcessAz

LIST = "communication identity list --all-subscriptions"
QUERY = ["POST", "/providers/Microsoft.ResourceGraph/resources"]
UNREADABLE = "00000000-0000-0000-0000-000000000003"


def fill(sim: Armsim) -> list[str]:
    """A resource in each of three subscriptions, of which the login can't read the last; the IDs of the others."""
    other = sim.state.add_subscription(*OTHER_SUBSCRIPTION)
    sim.state.add_subscription(UNREADABLE, "unreadable")
    sim.state.hide_subscription(UNREADABLE)
    sim.state.add_resource("secret", "rg", subscription=UNREADABLE)
    return [sim.state.add_resource("first", "Group", identity={"type": "SystemAssigned"}),
            sim.state.add_resource("second", "Group", subscription=other)]


def test_one_query_for_all_that_can_be_read(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    done = az(LIST).ok()
    assert done.stderr == ""
    principal = sim.state.identity_of(ids[0])["principalId"]
    assert done.json == [
        {"id": ids[0], "name": "first", "resourceGroup": "Group", "subscriptionId": sim.state.SUBSCRIPTION,
         "type": "SystemAssigned", "principalId": principal, "tenantId": sim.state.TENANT},
        {"id": ids[1], "name": "second", "resourceGroup": "Group", "subscriptionId": OTHER_SUBSCRIPTION[0],
         "type": "None"}]
    assert [[request.method, request.path] for request in sim.requests] == [QUERY]
    assert "subscriptions" not in sim.requests[0].body


def test_the_table_has_the_subscription(az: Az, sim: Armsim) -> None:
    fill(sim)
    header, _, first, second = az(f"{LIST} -o table").ok().stdout.splitlines()
    assert header.split() == ["Name", "ResourceGroup", "Subscription", "Type", "PrincipalId", "UserAssigned"]
    assert first.split()[:4] == ["first", "Group", sim.state.SUBSCRIPTION, "SystemAssigned"]
    assert second.split() == ["second", "Group", OTHER_SUBSCRIPTION[0], "None"]
    assert "Subscription" not in az("communication identity list -o table").ok().stdout


def test_pages_come_as_fast_as_the_quota_allows(az: Az, sim: Armsim) -> None:
    """The real quota is 15 queries in 5 seconds; here it is 3 in 1."""
    sim.options.graph_page_size = 2
    sim.options.graph_quota = QueryQuota(queries=3, window=1.0)
    ids = [sim.state.add_resource(f"app{number:02}", "rg") for number in range(9)]
    assert [item["id"] for item in az(LIST).ok().json] == ids
    assert [request.status for request in sim.requests] == [200] * 5


def test_a_refused_query_waits_as_long_as_it_is_told(in_process: InProcessAz, sim: Armsim) -> None:
    ids = fill(sim)
    told = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:01:07"}
    sim.add_fault(Fault(method="POST", status=429, code="RateLimiting", headers=told))
    assert [item["id"] for item in in_process(LIST.split()).json] == ids
    assert 67 <= in_process.clock.time < 2 * 67


def test_a_query_is_sent_again_when_the_connection_breaks(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    sim.add_fault(Fault(method="POST", kind="reset-after"))
    assert [item["id"] for item in az(LIST).ok().json] == ids


def test_a_list_that_is_not_complete_says_so(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    sim.options.graph_limit_hit = True
    sim.options.graph_page_size = 1
    done = az(LIST).ok()
    assert [item["id"] for item in done.json] == ids
    assert done.stderr.lower().count("the list is incomplete") == 1


@pytest.mark.parametrize("beside", ["--resource-group", "--subscription"])
def test_one_and_all_exclude_each_other(az: Az, sim: Armsim, beside: str) -> None:
    value = {"--resource-group": "rg", "--subscription": sim.state.SUBSCRIPTION}[beside]
    done = az(f"{LIST} {beside} {value}")
    assert done.exit_code == 1
    assert f"--all-subscriptions can't be used with {beside}" in done.stderr
    assert "--query" in done.stderr
    assert not sim.requests


def test_a_configured_group_gives_way(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    az("configure --defaults group=elsewhere").ok()
    assert [item["id"] for item in az(LIST).ok().json] == ids


def other_tenant(az: Az) -> str:
    """Log `az` in to a second tenant, with the other subscription."""
    tenant = "00000000-0000-0000-0000-00000000000b"
    profile = az.config / "azureProfile.json"
    content = json.loads(profile.read_text(encoding="utf-8-sig"))
    for account in content["subscriptions"]:
        if account["id"] == OTHER_SUBSCRIPTION[0]:
            account["tenantId"] = tenant
    profile.write_text(json.dumps(content), encoding="utf-8")
    return tenant


def test_every_tenant_of_the_login_is_asked(az: Az, sim: Armsim) -> None:
    """armsim has one tenant and answers the same to both: each resource is in the list once all the same."""
    ids = fill(sim)
    other_tenant(az)
    assert sorted(item["id"] for item in az(LIST).ok().json) == sorted(ids)
    assert [[request.method, request.path] for request in sim.requests] == [QUERY, QUERY]


def test_a_tenant_that_does_not_answer_is_named(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    tenant = other_tenant(az)
    sim.add_fault(Fault(method="POST", nth=2, status=403, code="Forbidden", message="No."))
    done = az(LIST).ok()
    assert sorted(item["id"] for item in done.json) == sorted(ids)
    (skipped,) = re.findall(r"Skipped tenant (\S+): \(Forbidden\) No\.", done.stderr)
    assert skipped in (tenant, sim.state.TENANT)  # both are asked at once: either may be the second to come
    assert f"az login --tenant {skipped}\n" in done.stderr


def test_no_answer_at_all_is_an_error(az: Az, sim: Armsim) -> None:
    fill(sim)
    other_tenant(az)
    sim.add_fault(Fault(method="POST", times=2, status=403, code="Forbidden", message="No."))
    done = az(LIST)
    assert done.exit_code == 1
    assert "(Forbidden) No." in done.stderr


def test_from_the_list_to_identities_in_all_subscriptions(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    without = az([*LIST.split(), "--query", "[?type=='None'].id", "-o", "tsv"]).ok().stdout
    assert without.split() == [ids[1]]
    az("communication identity assign --system-assigned --ids @-", stdin=without).ok()
    assert {item["type"] for item in az(LIST).ok().json} == {"SystemAssigned"}


def test_a_subscription_that_the_cli_does_not_know_fails_its_own_resources_only(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    foreign = ids[0].replace(sim.state.SUBSCRIPTION, UNREADABLE)
    done = az(["communication", "identity", "assign", "--system-assigned", "--ids", foreign, *ids])
    assert done.exit_code == 1
    assert [item["id"] for item in done.json] == ids
    assert foreign in done.stderr
    assert "There is no subscription" in done.stderr
    assert "1 of 3 resources failed; 2 succeeded." in done.stderr


def test_no_subscription_needs_to_be_the_default(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    profile = az.config / "azureProfile.json"
    content = json.loads(profile.read_text(encoding="utf-8-sig"))
    for account in content["subscriptions"]:
        account["isDefault"] = False
    profile.write_text(json.dumps(content), encoding="utf-8")
    assert [item["id"] for item in az(LIST).ok().json] == ids


def test_nobody_is_logged_in(az: Az, sim: Armsim) -> None:
    fill(sim)
    (az.config / "azureProfile.json").write_text(json.dumps({"subscriptions": []}), encoding="utf-8")
    done = az(LIST)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "az login" in done.stderr


def test_a_subscription_that_the_profile_lacks_is_asked_with_the_only_login(az: Az, sim: Armsim) -> None:
    ids = fill(sim)
    profile = az.config / "azureProfile.json"
    content = json.loads(profile.read_text(encoding="utf-8-sig"))
    content["subscriptions"] = [one for one in content["subscriptions"] if one["id"] != OTHER_SUBSCRIPTION[0]]
    profile.write_text(json.dumps(content), encoding="utf-8")
    listed = az([*LIST.split(), "--query", "[].id", "-o", "tsv"]).ok().stdout
    assigned = az("communication identity assign --system-assigned --ids @-", stdin=listed).ok().json
    assert [item["id"] for item in assigned] == ids
