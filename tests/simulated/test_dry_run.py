# SPDX-License-Identifier: MIT
"""`--dry-run` writes nothing, refuses what the real run refuses, and says what the real run then does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from armsim import SHAPES, Armsim, Fault
from azure.cli.core.azclierror import AzCLIError
from in_process import InProcessAz
from scenes import AI, APP, ELSEWHERE, OTHER, USER, USER_ID, block, granted, has, line, said, writes


@dataclass(frozen=True)
class Case:
    """What a resource has (s: system-assigned, 1 and 2: user-assigned), what is done, and the counts that follow."""

    before: str
    words: tuple[str, ...]
    changes: bool
    assignments: int = 0


ROLE = ("--role", USER, "--scope", AI, "--scope", ELSEWHERE)
CASES = {
    "enable": Case("", ("assign", "--system-assigned"), True),
    "enable again": Case("s", ("assign", "--system-assigned"), False),
    "add one": Case("s1", ("assign", "--user-assigned", "two"), True),
    "add one of two": Case("1", ("assign", "--user-assigned", "one", "two", "--system-assigned"), True),
    "add what is there": Case("s12", ("assign", "--user-assigned", "one", "two"), False),
    "enable and grant": Case("", ("assign", "--system-assigned", *ROLE), True, 2),
    "grant": Case("s1", ("assign", "--system-assigned", "--user-assigned", "one", *ROLE), True, 4),
    "grant to a new one": Case("", ("assign", "--user-assigned", "one", *ROLE), True, 2),
    "remove one": Case("s12", ("remove", "--user-assigned", "one"), True),
    "remove all users": Case("s12", ("remove", "--user-assigned"), True),
    "remove the last": Case("1", ("remove", "--user-assigned", "one"), True),
    "remove everything": Case("s12", ("remove", "--system-assigned", "--user-assigned"), True),
    "remove nothing": Case("1", ("remove", "--system-assigned"), False),
    "orphan": Case("s", ("remove", "--system-assigned"), True),
    "delete": Case("s1", ("remove", "--system-assigned", "--delete-role-assignments"), True),
}


def scene(sim: Armsim, before: str, name: str = "myApp") -> str:
    sim.state.add_subscription(OTHER, "other")
    ids = {key: sim.state.add_user_identity(user, "rg") for key, user in (("1", "one"), ("2", "two"))}
    return sim.state.add_resource(name, "rg", identity=block(*(ids[key] for key in before if key in ids),
                                                             system="s" in before))


def without_ids(plain: dict[str, Any]) -> dict[str, Any]:
    """A block without the IDs that only the service makes."""
    users: dict[str, dict[str, str]] = {key: {} for key in plain.get("userAssignedIdentities", {})}
    return {"type": plain["type"], **({"userAssignedIdentities": users} if users else {})}


@pytest.mark.parametrize("shape", ["communication", "load-test"])
@pytest.mark.parametrize("name", CASES)
def test_it_says_what_then_happens(in_process: InProcessAz, sim: Armsim, name: str, shape: str) -> None:
    case = CASES[name]
    sim.options.patch = SHAPES[shape]
    resource = scene(sim, case.before)
    words = line(*case.words, *APP)
    before, etag = sim.state.get_resource(resource)
    dry = in_process([*words, "--dry-run"])
    assert dry.exit_code == 0, dry.error
    would = dry.json
    assert writes(sim) == []
    assert sim.state.get_resource(resource) == (before, etag)
    assert granted(sim) == []
    assert would.pop("resourceGroup") == "rg"  # the CLI adds it to everything that has an ID
    assert set(would) == {"id", "before", "after", "roleAssignments", "changes"}
    assert (would["id"], would["changes"]) == (resource, case.changes)
    assert without_ids(would["before"]) == without_ids(in_process(line("show", *APP)).json)
    real = in_process([*words, *(["--yes"] if "remove" in words else [])])
    assert real.exit_code == 0, real.error
    made = real.json.pop("roleAssignments", [])
    shown = in_process(line("show", *APP)).json
    assert without_ids(would["after"]) == without_ids(shown)
    for key in ("principalId", "tenantId"):  # those that are known before
        assert would["after"].get(key) in (None, shown.get(key))
    assert [(one["change"], one["scope"]) for one in would["roleAssignments"]] == [
        ("create", one["scope"]) for one in made]
    assert len(made) == case.assignments
    assert bool(writes(sim)) is case.changes


@pytest.mark.parametrize(("more", "verb"), [([], "orphan"), (["--delete-role-assignments"], "delete")])
def test_role_assignments_that_a_removal_leaves_or_deletes(in_process: InProcessAz, sim: Armsim, more: list[str],
                                                           verb: str) -> None:
    resource = scene(sim, "s1")
    principal = sim.state.identity_of(resource)["principalId"]
    for scope in (AI, ELSEWHERE):
        sim.state.add_role_assignment(scope, USER_ID, principal)
    words = line("remove", *APP, "--system-assigned", *more)
    dry = in_process([*words, "--dry-run"]).json
    assert {one["change"] for one in dry["roleAssignments"]} == {verb}
    assert len(dry["roleAssignments"]) == (2 if more else 1)  # elsewhere is only looked at for a deletion
    assert writes(sim) == []
    assert in_process(words).exit_code == 0
    assert len(granted(sim)) == (0 if more else 2)


def test_a_second_grant_changes_nothing(in_process: InProcessAz, sim: Armsim) -> None:
    scene(sim, "")
    words = line("assign", *APP, "--system-assigned", *ROLE)
    assert in_process(words).exit_code == 0
    dry = in_process([*words, "--dry-run"]).json
    assert (dry["changes"], dry["roleAssignments"]) == (False, [])


def test_an_identity_named_twice_counts_once(in_process: InProcessAz, sim: Armsim) -> None:
    resource = scene(sim, "1")
    one = has(sim, resource)[1][0]
    words = line("assign", *APP, "--user-assigned", "one", one.upper(), *ROLE)
    assert len(in_process([*words, "--dry-run"]).json["roleAssignments"]) == 2
    assert len(in_process(words).json["roleAssignments"]) == 2


def test_what_is_added_shows_the_keys_of_a_block(in_process: InProcessAz, sim: Armsim) -> None:
    scene(sim, "")
    after = in_process(line("assign", *APP, "--user-assigned", "one", "--dry-run")).json["after"]
    assert [set(ids) for ids in after["userAssignedIdentities"].values()] == [{"clientId", "principalId"}]


def test_a_shared_identity_is_granted_a_role_once(in_process: InProcessAz, sim: Armsim,
                                                  caplog: pytest.LogCaptureFixture) -> None:
    ids = [scene(sim, "", name) for name in ("a", "b")]
    words = line("assign", "--user-assigned", "one", "--role", USER, "--scope", AI, "--ids", *ids)
    assert in_process([*words, "--dry-run"]).exit_code == 0
    assert "1 role assignment created." in caplog.text


def make_missing(sim: Armsim) -> list[str]:
    scene(sim, "s")
    return line("assign", *APP, "--user-assigned", "absent")


def make_gone(sim: Armsim) -> list[str]:
    resource = scene(sim, "s12")
    for identity in has(sim, resource)[1]:
        sim.state.delete_identity(identity)
    sim.state.add_user_identity("three", "rg")
    return line("assign", *APP, "--user-assigned", "three")


def make_not_assigned(sim: Armsim) -> list[str]:
    scene(sim, "s1")
    return line("remove", *APP, "--user-assigned", "one", "two")


def make_absent(sim: Armsim) -> list[str]:
    sim.state.add_group("rg")
    return line("assign", *APP, "--system-assigned")


def make_unknown_type(sim: Armsim) -> list[str]:
    resource = scene(sim, "1")
    real = sim.state.get_resource

    def strange(resource_id: str) -> Any:
        document, etag = real(resource_id)
        return {**document, "identity": {**document["identity"], "type": "Delegated"}}, etag
    sim.state.get_resource = strange  # type: ignore[method-assign]  # a type of a later API version
    sim.wire.check = lambda *_: None  # type: ignore[method-assign]  # which the schema doesn't know
    assert resource
    return line("assign", *APP, "--system-assigned")


@pytest.mark.parametrize("make", [make_missing, make_gone, make_not_assigned, make_absent, make_unknown_type])
def test_what_the_real_run_refuses_is_refused(in_process: InProcessAz, sim: Armsim, make: Any) -> None:
    words = make(sim)
    dry = in_process([*words, "--dry-run"])
    assert isinstance(dry.error, AzCLIError)
    assert writes(sim) == []
    real = in_process(words)
    assert type(real.error) is type(dry.error)
    assert (real.exit_code, said(real.error)) == (dry.exit_code, said(dry.error))


@pytest.mark.parametrize("fault", [
    Fault(path="userAssignedIdentities", times=99),
    Fault(path="userAssignedIdentities", kind="raw", status=200, times=9),
    Fault(path="userAssignedIdentities", status=400, code="BadRequest", times=9),
    Fault(path="userAssignedIdentities", status=404, code="SubscriptionNotFound", times=9)])
def test_what_only_a_dry_run_looks_up_does_not_stop_it(in_process: InProcessAz, sim: Armsim, fault: Fault) -> None:
    scene(sim, "s1")
    sim.add_fault(fault)
    dry = in_process(line("assign", *APP, "--user-assigned", "one", "two", "--dry-run"))
    assert dry.exit_code == 0, dry.error
    assert dry.json["changes"] is True
    assert in_process(line("assign", *APP, "--user-assigned", "one", "two")).exit_code == 0


@pytest.mark.parametrize(("words", "exit_code"), [(("assign", "--system-assigned"), 0),
                                                  (("assign", "--user-assigned", "one"), 3)])
def test_an_identity_that_is_gone_is_an_error_only_where_it_is_named(in_process: InProcessAz, sim: Armsim,
                                                                     words: tuple[str, ...], exit_code: int) -> None:
    resource = scene(sim, "s1")
    one = has(sim, resource)[1][0]
    sim.state.delete_identity(one)
    dry, real = in_process(line(*words, *APP, "--dry-run")), in_process(line(*words, *APP))
    assert (dry.exit_code, real.exit_code) == (exit_code, exit_code), dry.error
    assert exit_code or dry.json["changes"] is False
    assert not exit_code or f"--user-assigned {one}" in said(real.error)
    assert writes(sim) == []


def test_each_identity_of_a_fleet_is_looked_up_once(in_process: InProcessAz, sim: Armsim) -> None:
    ids = [scene(sim, before, name) for before, name in (("", "a"), ("2", "b"))]
    assert in_process(line("assign", "--user-assigned", "two", "--ids", *ids, "--dry-run")).exit_code == 0
    assert [request.path.rsplit("/", 1)[-1] for request in sim.requests if "userAssigned" in request.path] == ["two"]


def test_a_fleet(in_process: InProcessAz, sim: Armsim, caplog: pytest.LogCaptureFixture) -> None:
    ids = [scene(sim, before, name) for before, name in (("", "a"), ("s", "b"), ("1", "c"))]
    words = line("assign", "--system-assigned", "--user-assigned", "two", "--role", USER, "--scope", AI, "--ids", *ids)
    dry = in_process([*words, "--dry-run"])
    assert dry.exit_code == 0, dry.error
    assert writes(sim) == []
    assert [one["id"] for one in dry.json] == ids
    assert ("3 of 3 resources would change: 5 identities added, 4 role assignments created."
            ) in caplog.text
    assert in_process(words).exit_code == 0
    assert len(granted(sim)) == 4  # of the user-assigned identity only one
    caplog.clear()
    again = in_process([*words, "--dry-run", "--query", "[?changes].id"])
    assert again.json == []
    assert "0 of 3 resources would change" in caplog.text


def test_query_of_those_that_change(in_process: InProcessAz, sim: Armsim) -> None:
    ids = [scene(sim, before, name) for before, name in (("", "a"), ("s", "b"), ("1", "c"))]
    words = line("assign", "--system-assigned", "--dry-run", "--query", "[?changes].id", "--ids", *ids)
    assert in_process(words).json == [ids[0], ids[2]]


@pytest.mark.parametrize(("words", "rows"), [
    (("assign", "--system-assigned", "--user-assigned", "two", "--role", USER, "--scope", AI),
     [["UserAssigned", "one"], ["SystemAssigned", "+"], ["UserAssigned", "two", "+"],
      *[["RoleAssignment", *f"{USER} on ai/…/ai".split(), "+"]] * 2]),
    (("remove", "--user-assigned"), [["UserAssigned", "one", "-"]]),
    (("remove", "--system-assigned"), [["UserAssigned", "one"]]),
])
def test_its_table(in_process: InProcessAz, sim: Armsim, words: tuple[str, ...], rows: list[list[str]]) -> None:
    scene(sim, "1")
    run = in_process(line(*words, *APP, "--dry-run", "-o", "table"))
    assert run.exit_code == 0, run.error
    header, _, *found = run.output.splitlines()
    assert header.split() == ["Resource", "Kind", "Name", "Change"]
    assert sorted(row.split()[1:] for row in found) == sorted(rows)
    assert {row.split()[0] for row in found} == {"myApp"}


def test_a_resource_without_identity_is_a_row(in_process: InProcessAz, sim: Armsim) -> None:
    ids = [scene(sim, before, name) for before, name in (("", "a"), ("s", "b"))]
    run = in_process(line("remove", "--system-assigned", "--dry-run", "-o", "table", "--ids", *ids))
    assert [row.split() for row in run.output.splitlines()[2:]] == [["a", "None"], ["b", "SystemAssigned", "-"]]
