# SPDX-License-Identifier: MIT
"""The real `az` runs against armsim unchanged: the commands of core that the how-to and people's scripts use."""

from __future__ import annotations

from armsim import Armsim
from az import Az


def test_groups_and_identities(az: Az, sim: Armsim) -> None:
    az("group create -n rg -l westeurope -o none").ok()
    assert az("group exists -n rg").ok().stdout.strip() == "true"
    assert [one["name"] for one in az("group list").ok().json] == ["rg"]
    made = az("identity create -g rg -n mi").ok().json
    assert "/resourcegroups/" in made["id"]
    assert az("identity show -g rg -n mi").ok().json["clientId"] == made["clientId"]
    assert [one["name"] for one in az("identity list").ok().json] == ["mi"]
    az("identity delete -g rg -n mi").ok()
    assert az("identity list -g rg").ok().json == []


def test_resources(az: Az, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg", tags={"team": "chat"})
    shown = az(["resource", "show", "--ids", resource]).ok().json
    assert (shown["tags"], shown["type"]) == ({"team": "chat"}, "microsoft.communication/communicationservices")
    got = az(["rest", "--method", "get", "--url", f"{resource}?api-version=2023-04-01"]).ok().json
    assert got["id"] == resource


def test_account_and_roles(az: Az, sim: Armsim) -> None:
    assert az("account show --query id -o tsv").ok().stdout.strip() == sim.state.SUBSCRIPTION
    scope = sim.state.add_group("rg")
    az(["role", "assignment", "create", "--role", "Reader", "--scope", scope, "--assignee-principal-type",
        "ServicePrincipal", "--assignee-object-id", "00000000-0000-0000-0000-0000000000ff"]).ok()
    assert len(sim.state.authorization.assignments) == 1
