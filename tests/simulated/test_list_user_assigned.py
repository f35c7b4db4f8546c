# SPDX-License-Identifier: MIT
"""`list --user-assigned`: only resources that carry one of the identities."""

from __future__ import annotations

import pytest
from armsim import Armsim
from in_process import InProcessAz
from scenes import OTHER, block, line


def scene(sim: Armsim) -> dict[str, str]:
    """Identities named one in two groups, and resources that carry them or none, in two subscriptions."""
    sim.state.add_subscription(OTHER, "other")
    one = sim.state.add_user_identity("one", "rg")
    same_name = sim.state.add_user_identity("one", "elsewhere")
    two = sim.state.add_user_identity("two", "rg")
    resources = {
        "both": sim.state.add_resource("both", "rg", identity=block(one, two)),
        "same-name": sim.state.add_resource("same-name", "rg", identity=block(same_name, system=True)),
        "two": sim.state.add_resource("two", "group", identity=block(two)),
        "none": sim.state.add_resource("none", "rg"),
        "far": sim.state.add_resource("far", "rg", subscription=OTHER, identity=block(one)),
    }
    return {"one": one, "two-id": two, **resources}


@pytest.mark.parametrize(("where", "wanted", "found"), [
    (["-g", "rg"], ["{one}"], ["both"]),
    (["-g", "rg"], ["one"], ["both", "same-name"]),
    (["-g", "rg"], ["ONE", "{two-id}"], ["both", "same-name"]),
    ([], ["{two-id}"], ["both", "two"]),
    ([], ["two"], ["both", "two"]),
    ([], ["absent"], []),
    (["--subscription", OTHER], ["one"], ["far"]),
    (["--all-subscriptions"], ["{one}"], ["both", "far"]),
    (["--all-subscriptions"], ["one"], ["both", "far", "same-name"]),
    (["--all-subscriptions"], ["one", "{two-id}"], ["both", "far", "same-name", "two"]),
    (["--all-subscriptions"], ["wo"], []),
])
def test_by_id_and_name_everywhere(in_process: InProcessAz, sim: Armsim, where: list[str], wanted: list[str],
                                   found: list[str]) -> None:
    known = scene(sim)
    run = in_process(line("list", *where, "--user-assigned", *(one.format(**known) for one in wanted)))
    assert run.exit_code == 0, run.error
    assert sorted(item["name"] for item in run.json) == found  # each once
    assert all({"id", "name", "resourceGroup", "type"} <= set(item) for item in run.json)


def test_an_id_in_any_case_and_given_more_than_once(in_process: InProcessAz, sim: Armsim) -> None:
    known = scene(sim)
    run = in_process(line("list", "--user-assigned", known["one"].upper(), "--user-assigned", known["two-id"]))
    assert [item["name"] for item in run.json] == ["both", "two"]


def test_all_subscriptions_is_one_query_a_page(in_process: InProcessAz, sim: Armsim) -> None:
    scene(sim)
    sim.options.graph_page_size = 1
    run = in_process(line("list", "--all-subscriptions", "--user-assigned", "two"))
    assert [item["name"] for item in run.json] == ["two", "both"]
    assert [request.method for request in sim.requests] == ["POST"] * 2


def test_from_an_identity_to_its_end(in_process: InProcessAz, sim: Armsim) -> None:
    """What a person does before the identity is deleted."""
    known = scene(sim)
    ids = in_process(line("list", "--all-subscriptions", "--user-assigned", known["one"], "--query", "[].id")).json
    assert in_process(line("remove", "--user-assigned", known["one"], "--ids", *ids, "--yes")).exit_code == 0
    assert in_process(line("list", "--all-subscriptions", "--user-assigned", known["one"])).json == []
