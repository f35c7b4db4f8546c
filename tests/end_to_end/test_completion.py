# SPDX-License-Identifier: MIT
"""Tab completion: names of resources, of identities in the group, of roles; nothing where nothing can be looked up."""

from __future__ import annotations

import pytest
from armsim import Armsim
from az import Az
from completing import complete


@pytest.mark.parametrize(("line", "offered"), [
    ("az communication identity assign -g rg --name ", ["app1", "app2"]),
    ("az communication identity show --name ", ["app1", "app2", "other"]),
    ("az communication identity assign -g rg -n app1 --user-assigned ", ["mi1", "mi2"]),
    ("az communication identity remove -g rg --user-assigned ", ["mi1", "mi2"]),
    ("az communication identity list -g rg --user-assigned ", ["mi1", "mi2"]),
])
def test_names(az: Az, sim: Armsim, line: str, offered: list[str]) -> None:
    for name, group in (("app1", "rg"), ("app2", "rg"), ("other", "elsewhere")):
        sim.state.add_resource(name, group)
    for name, group in (("mi1", "rg"), ("mi2", "rg"), ("mi3", "elsewhere")):
        sim.state.add_user_identity(name, group)
    assert sorted(word for word in complete(az, line) if not word.startswith("-")) == offered


def test_remove_offers_what_the_resource_carries(az: Az, sim: Armsim) -> None:
    near, far = sim.state.add_user_identity("near", "rg"), sim.state.add_user_identity("far", "elsewhere")
    sim.state.add_user_identity("other", "rg")
    resource = sim.state.add_resource("app", "rg", identity={"type": "UserAssigned",
                                                             "userAssignedIdentities": {near: {}, far: {}}})
    for which in ("-g rg -n app", f"--ids {resource}"):
        offered = complete(az, f"az communication identity remove {which} --user-assigned ")
        assert sorted(word for word in offered if not word.startswith("-")) == [far, "near"]


def test_scopes(az: Az, sim: Armsim) -> None:
    resource = sim.state.add_resource("app", "rg")
    sim.state.add_resource("app", "elsewhere")
    offered = complete(az, "az communication identity assign -g rg -n app --system-assigned --role Reader --scope ")
    assert [word for word in offered if not word.startswith("-")] == [resource]
    assert complete(az, "az communication identity assign -n app --scope /") == []


def test_role_names(az: Az, sim: Armsim) -> None:
    found = complete(az, "az communication identity assign -n a -g g --system-assigned --role Read")
    assert [word.replace("\\", "") for word in found] == ["Reader"]
    assert sim.requests


def test_what_cannot_be_looked_up_completes_to_nothing(az: Az, sim: Armsim) -> None:
    assert complete(az, "az communication identity assign -g nowhere --user-assigned ") == []
    assert complete(az, "az communication identity assign --user-assigned ") == []  # no group, no call
    assert [request.status for request in sim.requests] == [404]


def test_flags_without_any_call(az: Az, sim: Armsim) -> None:
    assert "--system-assigned" in complete(az, "az communication identity assign --sys")
    assert sim.requests == []


@pytest.mark.parametrize("line", [
    "assign -g rg1/../../x --name ", "assign -g a/b?x=y --user-assigned ", "assign -g rg/.. -n a --role R --scope ",
    "remove -g rg -n ../x --user-assigned ", "remove --ids /subscriptions/../x --user-assigned "])
def test_nothing_that_escapes_from_a_path_is_sent(az: Az, sim: Armsim, line: str) -> None:
    assert complete(az, f"az communication identity {line}") == []
    assert sim.requests == []
