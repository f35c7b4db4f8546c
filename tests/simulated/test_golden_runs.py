# SPDX-License-Identifier: MIT
"""What every command asks, prints and ends with, in every shape of answer to a PATCH and with what can go wrong: as in
the files of tests/golden/runs. A change that is meant shows there: `dev.py test --update-golden` writes them, and with
`-m full` those of the groups that end in "-more": further shapes, and further faults of the sample.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from armsim import ALLOWED, FAILURES, SHAPES, Armsim, PatchShape
from fault_kinds import FAULTS, FOREVER
from golden import assert_golden
from golden_runs import Case, stage, transcript
from in_process import InProcessAz
from scenes import AI, ELSEWHERE, OTHER, READER_ID, SUB, USER, USER_ID, block

Cases = list[Case]
ALL_SHAPES: dict[str, PatchShape] = {**SHAPES, **ALLOWED, **FAILURES}
# Those that a command goes through in ways of their own; the others are MORE_SHAPES.
SOME_SHAPES = ["communication", "event-grid", "load-test", "virtual-machine", "202 and no address",
               "202 and a Location of the resource", "204 at once", "the operation ends before the resource", "failed",
               "canceled", "failed, no address", "ignored", "ignored at once"]
MORE_SHAPES = [name for name in ALL_SHAPES if name not in SOME_SHAPES]
APP = "-n myApp -g rg"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg"
AI_GROUP = f"/subscriptions/{SUB}/resourceGroups/ai"
FLEET = [f"{GROUP}/providers/Microsoft.Communication/communicationServices/{name}" for name in "abc"]
MY_APP = f"{GROUP}/providers/Microsoft.Communication/communicationServices/myApp"
MISSING_ID = f"{GROUP}/providers/Microsoft.Communication/communicationServices/missing"
IDENTITIES = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
ONE, TWO = (f"/subscriptions/{SUB}/resourcegroups/rg{IDENTITIES}/{name}" for name in ("one", "two"))
UNKNOWN = "99999999-9999-9999-9999-999999999999"
ALL_IDS = "--ids " + " ".join(FLEET)
GRANT = f"--role '{USER}' --scope {AI}"
WAITS = "wait -n myApp -g rg --interval 5"

READ, WRITE = ("GET", "communicationServices/myApp$"), ("PATCH", "myApp")
ROLE, HELD, GRANTS = ("GET", "roleDefinitions"), ("GET", "roleAssignments"), ("PUT", "roleAssignments")
LIST, QUERY, IDENTITY = ("GET", "communicationServices$"), ("POST", "ResourceGraph"), ("GET", "userAssignedIdentities/")
DELETE = ("DELETE", "roleAssignments")


def fault(where: tuple[str, str], name: str, **more: Any) -> dict[str, Any]:
    return {"method": where[0], "path": where[1], **FAULTS[name], **more}


def refused(where: tuple[str, str], status: int, code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"method": where[0], "path": where[1], "status": status, "code": code, "message": message, **more}


def fleet(*having: str) -> Callable[[Armsim], None]:
    def prepare(sim: Armsim) -> None:
        for name, before in zip("abc", having, strict=False):
            stage(sim, before, name)
    return prepare


def in_shapes(words: str, before: str | None, names: Any = ALL_SHAPES, **more: Any) -> Cases:
    return [Case(name, words, before, shape=ALL_SHAPES[name], **more) for name in names]


def shape_groups(name: str, words: str, before: str | None, **more: Any) -> dict[str, Callable[[], Cases]]:
    """A command in the shapes that it goes through in ways of its own, and a group in the others."""
    return {name: lambda: in_shapes(words, before, SOME_SHAPES, **more),
            f"{name}-more": lambda: in_shapes(words, before, MORE_SHAPES, **more)}


def faulty(words: str, before: str, *where: tuple[str, str], often: tuple[int, ...] = (1, FOREVER)) -> Cases:
    """Every fault at these requests, once and forever."""
    return [Case(f"{name} {request[0]} {'once' if times == 1 else 'forever'}", words, before,
                 (fault(request, name, times=times),))
            for request in where for name in FAULTS if name != "ignored" or request == WRITE
            for times in often]


# A command with its options, what the resource has before, and the requests that it makes.
SAMPLED: list[tuple[str, str, tuple[tuple[str, str], ...]]] = [
    (f"assign {APP} --system-assigned --role '{USER}' --scope {AI} {ELSEWHERE}", "1",
     (READ, WRITE, ROLE, HELD, GRANTS)),
    (f"assign {APP} --system-assigned --user-assigned two --dry-run", "1", (READ, IDENTITY)),
    (f"assign {APP} --system-assigned --no-wait", "1", (READ, WRITE)),
    (f"remove {APP} --user-assigned --yes", "sr1", (READ, WRITE)),
    (f"remove {APP} --system-assigned --delete-role-assignments", "sr1", (READ, WRITE, HELD, QUERY, DELETE)),
    (f"remove {APP} --system-assigned --delete-role-assignments --dry-run", "sr1", (READ, HELD, QUERY, IDENTITY)),
    (f"show {APP} --roles", "sr1", (READ, HELD, QUERY)),
    ("list --all-subscriptions --user-assigned one", "sr1", (QUERY,)),
]


def sampled() -> Cases:
    """A sample of the faults at each request of each command, in some shape of the answer to PATCH."""
    every = [(words, before, where, name, times, nth) for words, before, requests in SAMPLED for where in requests
             for name in FAULTS for times in (1, FOREVER)
             for nth in ((1, 2) if where in (GRANTS, DELETE) else (1,))  # there are two, if all goes well
             if name != "ignored" or where == WRITE]
    good = sorted({**SHAPES, **ALLOWED})
    cases = []
    for number in sorted(random.Random(5).sample(range(len(every)), 100)):  # noqa: S311 - a sample
        words, before, where, name, times, nth = every[number]
        shape = good[number % len(good)]
        cases.append(Case(f"{where[0]} {where[1]} {name} {'once' if times == 1 else 'forever'} from {nth}, {shape}",
                          words, before, (fault(where, name, times=times, nth=nth),), ALL_SHAPES[shape]))
    return cases


def gone(*names: str) -> Callable[[Armsim], None]:
    def prepare(sim: Armsim) -> None:
        for name in names:
            sim.state.delete_identity(f"/subscriptions/{SUB}/resourcegroups/rg{IDENTITIES}/{name}")
    return prepare


def forbidden(action: str, scope: str = f"/subscriptions/{SUB}") -> Callable[[Armsim], None]:
    return lambda sim: sim.state.deny(action, scope)


READS, WRITES = (f"Microsoft.Communication/CommunicationServices/{action}" for action in ("read", "write"))
ASSIGNS = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
AUTHORIZATION = "Microsoft.Authorization"
SYSTEM = f"assign {APP} --system-assigned"
NO_LONGER = refused(WRITE, 400, "FailedIdentityOperation",
                    "Identity operation for resource 'myApp' failed with error 'Failed to perform resource identity "
                    "operation. Status: 'BadRequest'. Response: 'The identity was not found.'.")

CHALLENGED = refused(READ, 401, "InvalidAuthenticationToken", "Another proof is needed.", times=FOREVER, headers={
    "WWW-Authenticate": 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'})


def overtaken(sim: Armsim) -> None:
    """Between the GET and the first PATCH, someone else adds an identity."""
    real = sim.state.patch_resource

    def patch(resource_id: str, body: dict[str, Any], if_match: str | None = None) -> Any:
        sim.state.patch_resource = real  # type: ignore[method-assign]  # once only
        found = sim.state.identity_of(resource_id) or {}
        users = found.get("userAssignedIdentities", {})
        real(resource_id, {"identity": block(*users, TWO, system="principalId" in found)})
        return real(resource_id, body, if_match)
    sim.state.patch_resource = patch  # type: ignore[method-assign]  # between two requests of a command


def refusals(words: str, before: str, writes: bool) -> Cases:
    """What ARM can have against a command."""
    found = [
        Case("no such resource", words, None, prepare=lambda sim: sim.state.add_group("rg")),
        Case("no such group", words, None),
        Case("no such subscription", f"{words} --subscription {OTHER}", "", prepare=lambda sim: (
            sim.state.hide_subscription(OTHER))),
        Case("may not read", words, before, prepare=forbidden(READS)),
        Case("not registered", words, before, prepare=lambda sim: sim.state.unregister("Microsoft.Communication")),
        Case("the login has ended", words, before, (
            refused(READ, 401, "ExpiredAuthenticationToken", "The access token has expired.", times=FOREVER),)),
        Case("a challenge", words, before, (CHALLENGED,))]
    if not writes:
        return found
    return [
        *found,
        Case("may not write", words, before, prepare=forbidden(WRITES)),
        Case("may not assign an identity that stays", words, before, prepare=forbidden(ASSIGNS)),
        Case("a lock", words, before, prepare=lambda sim: sim.state.lock_scope(GROUP)),
        Case("a policy that wants a token", words, before, prepare=lambda sim: sim.state.require_policy_token(GROUP)),
        Case("an identity operation fails", words, before, (NO_LONGER,)),
        Case("an identity that stays is gone", words, before, prepare=gone("one")),
        Case("a conflict of an unknown kind", words, before, (refused(WRITE, 409, "Conflict", "Not now."),)),
        Case("a conflict that stays", words, before, (
            refused(WRITE, 409, "AnotherOperationInProgress", "Not now.", times=FOREVER),)),
        Case("a bad request", words, before, (refused(WRITE, 400, "BadRequest", "The request is not valid."),)),
        Case("someone else writes first", words, before, prepare=overtaken),
        Case("the login ends at the write", words, before, (
            refused(WRITE, 401, "ExpiredAuthenticationToken", "The access token has expired.", times=FOREVER),)),
        Case("the write is challenged", words, before, (CHALLENGED | {"method": "PATCH"},)),
        Case("every If-Match is refused", words, before, prepare=lambda sim: setattr(
            sim.options, "misunderstand_if_match", True)),
        Case("the write is throttled once", words, before, (fault(WRITE, "throttled"),)),
        Case("a resource that is busy", words, before, shape=SHAPES["load-test"],
             first=f"assign {APP} --user-assigned two --no-wait"),
    ]


def assign_cases() -> Cases:
    both = f"assign {APP} --system-assigned --user-assigned one two"
    return [
        Case("enable", SYSTEM), Case("enable again", SYSTEM, "s"), Case("keep", SYSTEM, "12"),
        Case("add all", both, ""), Case("add some", both, "1"), Case("add none", both, "s12"),
        Case("by ID", f"assign {APP} --user-assigned {ONE}", ""),
        Case("by ID in capitals", f"assign {APP} --user-assigned {ONE.upper()}", "1"),
        Case("no wait", f"{SYSTEM} --no-wait", "1"), Case("no wait, nothing to do", f"{SYSTEM} --no-wait", "s"),
        Case("as a table", f"{both} -o table", "1"), Case("one value", f"{SYSTEM} --query principalId -o tsv", "1"),
        Case("errors only", f"{SYSTEM} --only-show-errors", None),
        Case("an identity that isn't there", f"assign {APP} --user-assigned absent", "s"),
        Case("an identity with a typing error", f"assign {APP} --user-assigned tow", "s"),
        Case("an identity of another group", f"assign {APP} --user-assigned three", "s", prepare=lambda sim: (
            sim.state.add_user_identity("three", "elsewhere"))),
        Case("an identity that isn't there and identities that can't be read", f"assign {APP} --user-assigned absent",
             "s", prepare=forbidden("Microsoft.ManagedIdentity/userAssignedIdentities/read")),
        Case("may not assign it", f"assign {APP} --user-assigned one", "", prepare=forbidden(ASSIGNS)),
        Case("the resource shows it late", SYSTEM, "1", prepare=lambda sim: setattr(
            sim.options, "patch_fill_after", 2)),
        Case("in a subscription that is a name", f"{SYSTEM} --subscription armsim", ""),
    ]


def dry_cases() -> Cases:
    rows = [("enable", "", "assign {} --system-assigned"), ("enable again", "s", "assign {} --system-assigned"),
            ("add one", "s1", "assign {} --user-assigned two"),
            ("add what is there", "s12", "assign {} --user-assigned one two"),
            ("enable and grant", "", f"assign {{}} --system-assigned {GRANT} {ELSEWHERE}"),
            ("grant", "s1", f"assign {{}} --system-assigned --user-assigned one {GRANT}"),
            ("as a table", "1", f"assign {{}} --system-assigned --user-assigned two {GRANT} -o table"),
            ("an identity that isn't there", "s", "assign {} --user-assigned absent"),
            ("an unknown role", "", f"assign {{}} --system-assigned --role 'Cognitive Service User' --scope {AI}"),
            ("remove one", "s12", "remove {} --user-assigned one"), ("remove all", "s12", "remove {} --user-assigned"),
            ("remove the last", "1", "remove {} --user-assigned one"),
            ("remove everything", "sr12", "remove {} --system-assigned --user-assigned"),
            ("remove nothing", "1", "remove {} --system-assigned"), ("orphans", "sr", "remove {} --system-assigned"),
            ("delete", "sr1", "remove {} --system-assigned --delete-role-assignments"),
            ("delete, as a table", "sr1", "remove {} --system-assigned --delete-role-assignments -o table"),
            ("remove what isn't assigned", "s1", "remove {} --user-assigned one two")]
    return [
        *(Case(name, f"{words.format(APP)} --dry-run", before) for name, before, words in rows),
        Case("identities that can't be read", f"assign {APP} --user-assigned two --dry-run", "s1",
             prepare=forbidden("Microsoft.ManagedIdentity/userAssignedIdentities/read")),
        Case("no such resource", f"{SYSTEM} --dry-run", None, prepare=lambda sim: sim.state.add_group("rg")),
        Case("a fleet", f"assign {ALL_IDS} --system-assigned --user-assigned two {GRANT} --dry-run", None,
             prepare=fleet("", "s", "1")),
        Case("a fleet to remove from", f"remove {ALL_IDS} --system-assigned --delete-role-assignments --dry-run", None,
             prepare=fleet("sr", "sr1", "1")),
        Case("a fleet, one missing", f"assign {ALL_IDS} --system-assigned --dry-run", None, prepare=fleet("", "s")),
    ]


def role_cases() -> Cases:
    words = f"{SYSTEM} {GRANT}"

    def options(**values: Any) -> Callable[[Armsim], None]:
        def prepare(sim: Armsim) -> None:
            for key, value in values.items():
                setattr(sim.options, key, value)
        return prepare

    def held(sim: Armsim) -> None:
        sim.state.add_role_assignment(AI, USER_ID, sim.state.identity_of(MY_APP)["principalId"])

    def exists_unseen(sim: Armsim) -> None:
        held(sim)
        sim.state.deny(f"{AUTHORIZATION}/roleAssignments/read", f"/subscriptions/{SUB}")

    return [
        Case("granted", words, ""), Case("granted to one that is there", words, "s1"),
        Case("granted without waiting", f"{words} --no-wait", "", shape=SHAPES["load-test"]),
        Case("granted already", words, "s", first=words), Case("held already", words, "s", prepare=held),
        Case("held already, unseen", f"{SYSTEM} --role {USER_ID} --scope {AI}", "s", prepare=exists_unseen),
        Case("to all that are named, at two scopes",
             f"assign {APP} --system-assigned --user-assigned one {GRANT} --scope {ELSEWHERE}", "2"),
        Case("by GUID", f"{SYSTEM} --role {READER_ID} --scope {AI}", ""),
        Case("by ID", f"{SYSTEM} --role /providers/{AUTHORIZATION}/roleDefinitions/{READER_ID} --scope {AI}", ""),
        Case("a custom role", f"{SYSTEM} --role 'My Role' --scope {AI}", "", prepare=lambda sim: (
            sim.state.add_role("My Role"))),
        Case("an unknown role", f"{SYSTEM} --role 'Cognitive Service User' --scope {AI}", ""),
        Case("an unknown GUID", f"{SYSTEM} --role {UNKNOWN} --scope {AI}", ""),
        Case("a principal that is new to the directory", words, "", prepare=options(replication_seconds=20.0,
                                                                                   replication_even_with_type=True)),
        Case("a principal that the directory never sees", words, "", prepare=options(replication_seconds=1e6,
                                                                                    replication_even_with_type=True)),
        Case("may not grant", words, "", prepare=forbidden(f"{AUTHORIZATION}/roleAssignments/write")),
        Case("may grant at one of two scopes", f"{words} {AI_GROUP}", "",
             prepare=forbidden(f"{AUTHORIZATION}/roleAssignments/write", AI)),
        Case("may not read assignments", words, "", prepare=forbidden(f"{AUTHORIZATION}/roleAssignments/read")),
        Case("may not read roles", words, "", prepare=forbidden(f"{AUTHORIZATION}/roleDefinitions/read")),
        Case("a scope that isn't there", f"{SYSTEM} --role {USER_ID} --scope {AI}", "", (
            refused(GRANTS, 404, "ResourceNotFound", "The Resource 'accounts/ai' was not found."),)),
        Case("the same assignment comes first", words, "s", (
            refused(GRANTS, 409, "RoleAssignmentExists", "The role assignment already exists."),)),
        Case("the assignment fails", words, "", shape=FAILURES["failed"]),
        Case("the write is refused", words, "", prepare=lambda sim: sim.state.lock_scope(GROUP)),
        Case("a resource that isn't there", words, None, prepare=lambda sim: sim.state.add_group("rg")),
        Case("as a table", f"{words} -o table", ""),
    ]


def remove_cases() -> Cases:
    system, every = f"remove {APP} --system-assigned", f"remove {APP} --system-assigned --user-assigned"
    deletes = f"{system} --delete-role-assignments"
    return [
        Case("one", f"remove {APP} --user-assigned one", "s12"),
        Case("by ID", f"remove {APP} --user-assigned {ONE}", "s12"),
        Case("the last", f"remove {APP} --user-assigned one", "1"), Case("all of them", f"{every} --yes", "sr12"),
        Case("all user-assigned", f"remove {APP} --user-assigned --yes", "s12"),
        Case("all user-assigned, nobody to ask", f"remove {APP} --user-assigned", "s12"),
        Case("all user-assigned, written out", f"remove {APP} --user-assigned []", "s12"),
        Case("system-assigned, named", system, "sr1"), Case("system-assigned, yes", f"{system} --yes", "sr1"),
        Case("system-assigned, not there", system, "1"), Case("nothing is there", system, ""),
        Case("not assigned", f"remove {APP} --user-assigned one two", "s1"),
        Case("not assigned, and none is", f"remove {APP} --user-assigned one", ""),
        Case("not assigned, but of the same name elsewhere",
             f"remove {APP} --user-assigned {ONE.replace('/rg/', '/other/')}", "s1"),
        Case("a policy that wants an identity", system, "s", prepare=lambda sim: (
            sim.state.require_identity_by_policy(GROUP))),
        Case("one that is gone", f"remove {APP} --user-assigned one", "s12", prepare=gone("one")),
        Case("one stays that is gone", f"remove {APP} --user-assigned one", "s12", prepare=gone("two")),
        Case("without waiting", f"{system} --yes --no-wait", "sr1", shape=SHAPES["load-test"]),
        Case("a terminal, yes", system, "sr1", stdin="y\n", terminal=True),
        Case("a terminal, no", every, "sr1", stdin="n\n", terminal=True),
        Case("a terminal, end of input", every, "sr1", terminal=True),
        Case("a terminal, nothing to ask", f"remove {APP} --user-assigned one", "s12", terminal=True),
        Case("a terminal, delete role assignments", deletes, "sr1", stdin="y\n", terminal=True),
        Case("delete role assignments", f"{deletes} --yes", "sr1"), Case("there are none", f"{deletes} --yes", "s1"),
        Case("delete, without the system-assigned identity", f"{deletes} --yes", "1"),
        Case("delete, no wait", f"{deletes} --yes --no-wait", "sr", shape=SHAPES["load-test"]),
        Case("delete, may not", f"{deletes} --yes", "sr1",
             prepare=forbidden(f"{AUTHORIZATION}/roleAssignments/delete")),
        Case("delete, may not read them", f"{deletes} --yes", "sr1",
             prepare=forbidden(f"{AUTHORIZATION}/roleAssignments/read")),
        Case("delete, one is gone", f"{deletes} --yes", "sr1", (
            refused(DELETE, 404, "RoleAssignmentNotFound", "It is gone."),)),
        Case("delete, one fails", f"{deletes} --yes", "sr1", (fault(DELETE, "status-500", times=FOREVER, nth=2),)),
        Case("delete, Resource Graph is down", f"{deletes} --yes", "sr1", (fault(QUERY, "status-503", times=FOREVER),)),
        Case("delete, the write is refused", f"{deletes} --yes", "sr1", prepare=lambda sim: (
            sim.state.lock_scope(GROUP))),
        Case("delete, the operation fails", f"{deletes} --yes", "sr1", shape=FAILURES["failed"]),
        Case("as a table", f"{system} --yes -o table", "s12"),
        Case("as a table, none left", f"{every} --yes -o table", "s1"),
        Case("errors only", f"{system} --yes --only-show-errors", "sr1"),
    ]


def show_cases() -> Cases:
    def many_roles(sim: Armsim) -> None:
        found = sim.state.identity_of(MY_APP)
        there = sim.state.add_role("There Only", f"/subscriptions/{OTHER}")
        user = found["userAssignedIdentities"][ONE]["principalId"]
        for scope, role, who in ((AI, USER_ID, user), (ELSEWHERE, there, found["principalId"]),
                                 ("/providers/Microsoft.Management/managementGroups/mg", READER_ID, user)):
            sim.state.add_role_assignment(scope, role, who)

    def late(sim: Armsim) -> None:
        sim.options.graph_lag_seconds = 60.0
        many_roles(sim)

    return [
        *(Case(before or "none", f"show {APP}", before) for before in ("", "s", "1", "s12")),
        *(Case(f"{before or 'none'}, as a table", f"show {APP} -o table", before) for before in ("", "s12")),
        *refusals(f"show {APP}", "s1", writes=False), Case("by ID", f"show --ids {MY_APP}", "s1"),
        Case("while it changes", f"show {APP}", "1", shape=SHAPES["load-test"], first=f"{SYSTEM} --no-wait"),
        Case("roles", f"show {APP} --roles", "sr1", prepare=many_roles),
        Case("roles, as a table", f"show {APP} --roles -o table", "sr1", prepare=many_roles),
        Case("no roles", f"show {APP} --roles", "s1"), Case("no identity", f"show {APP} --roles", ""),
        Case("roles, Resource Graph is late", f"show {APP} --roles", "sr1", prepare=late),
        Case("roles, may not read assignments", f"show {APP} --roles", "sr1",
             prepare=forbidden(f"{AUTHORIZATION}/roleAssignments/read")),
        Case("roles, may not read definitions", f"show {APP} --roles", "sr1", prepare=forbidden(
            f"{AUTHORIZATION}/roleDefinitions/read")),
        Case("roles, Resource Graph is down", f"show {APP} --roles", "sr1", (
            fault(QUERY, "status-503", times=FOREVER),)),
        Case("a fleet", f"show {ALL_IDS}", None, prepare=fleet("", "s", "12")),
        Case("a fleet, as a table", f"show {ALL_IDS} -o table", None, prepare=fleet("", "s", "12")),
        Case("a fleet, one missing", f"show {ALL_IDS}", None, prepare=fleet("", "s")),
        Case("a fleet, none there", f"show {ALL_IDS}", None, prepare=lambda sim: sim.state.add_group("rg")),
        Case("a fleet with roles", f"show {ALL_IDS} --roles", None, prepare=fleet("", "sr", "sr1")),
        Case("a fleet of standard input", "show --ids @-", None, prepare=fleet("s", "1"), stdin="\n".join(FLEET[:2])),
        Case("an empty fleet", "show --ids @-", None),
        Case("beside --name", f"show -n other --ids {MY_APP}", "s"),
    ]


def list_cases() -> Cases:
    def estate(sim: Armsim) -> None:
        fleet("", "s", "12")(sim)
        stage(sim, "s1", "d", "other-group")
        sim.state.add_resource("e", "there", subscription=OTHER, identity={"type": "SystemAssigned"})

    def paged(sim: Armsim) -> None:
        estate(sim)
        sim.options.page_size = sim.options.graph_page_size = 2

    def hidden(sim: Armsim) -> None:
        estate(sim)
        sim.state.hide_subscription(OTHER)

    def empty(sim: Armsim) -> None:
        sim.state.add_group("rg")

    lines = ["list", "list -g rg", "list -o table", "list --user-assigned one", f"list --user-assigned {TWO}",
             "list --user-assigned nobody", "list --all-subscriptions", "list --all-subscriptions --user-assigned one",
             f"list --all-subscriptions --user-assigned {TWO} -o table",
             "list --all-subscriptions --user-assigned nobody",
             f"list --subscription {OTHER}", "list --query \"[?type=='None'].id\" -o tsv"]
    return [
        *(Case("an estate", words, None, prepare=estate) for words in lines),
        *(Case("pages", words, None, prepare=paged) for words in ("list", "list --all-subscriptions")),
        *(Case("nothing", words, None, prepare=empty) for words in ("list", "list -g rg", "list --all-subscriptions")),
        Case("no such group", "list -g nowhere", ""),
        Case("one subscription is hidden", "list --all-subscriptions", None, prepare=hidden),
        Case("the subscription is hidden", f"list --subscription {OTHER}", None, prepare=hidden),
        Case("may not read", "list -g rg", "s", prepare=forbidden(READS)),
        Case("not registered", "list", "s", prepare=lambda sim: sim.state.unregister("Microsoft.Communication")),
        Case("Resource Graph has its limit", "list --all-subscriptions", "s", prepare=lambda sim: setattr(
            sim.options, "graph_limit_hit", True)),
    ]


def wait_cases() -> Cases:
    def failed(sim: Armsim) -> None:
        resource = sim.state.resources[MY_APP.lower()]
        resource.state = "Failed"

    enabling = f"{SYSTEM} --no-wait"
    return [
        *(Case(f"at once: {condition}", f"{WAITS} {condition}", "s") for condition in
          ("--created", "--updated", "--exists", "--custom identity.principalId", "--custom identity.type -o json")),
        Case("deleted already", f"{WAITS} --deleted", None, prepare=lambda sim: sim.state.add_group("rg")),
        Case("not deleted in time", f"{WAITS} --deleted --timeout 20", "s"),
        Case("never there", f"{WAITS} --exists --timeout 20", None, prepare=lambda sim: sim.state.add_group("rg")),
        Case("never so", f"{WAITS} --custom \"identity.type=='None'\" --timeout 20", "s"),
        Case("until it is updated", f"{WAITS} --updated", "", shape=SHAPES["load-test"], first=enabling),
        Case("until it has a principal", f"{WAITS} --custom identity.principalId", "", shape=SHAPES["load-test"],
             first=enabling),
        Case("with the default interval", f"wait {APP} --updated", "", shape=SHAPES["load-test"], first=enabling),
        Case("the resource failed", f"{WAITS} --updated", "s", prepare=failed),
        Case("the resource failed while it was made", f"{WAITS} --created", "s", prepare=failed),
        *refusals(f"{WAITS} --updated --timeout 20", "s", writes=False),
        Case("a fleet", f"wait {ALL_IDS} --exists", None, prepare=fleet("", "s", "1")),
        Case("a fleet, one missing", f"wait {ALL_IDS} --exists --interval 5 --timeout 20", None,
             prepare=fleet("", "s")),
        Case("a condition that is no query", f"{WAITS} --custom 'a['", "s"),
    ]


def fleet_cases() -> Cases:
    enable, drop = f"assign {ALL_IDS} --system-assigned", f"remove {ALL_IDS} --system-assigned"
    more = [*FLEET, f"/subscriptions/{OTHER}/resourceGroups/there/providers/Microsoft.Communication"
                    "/communicationServices/d"]

    def locked(sim: Armsim) -> None:
        fleet("", "", "1")(sim)
        sim.state.lock_scope(FLEET[1])

    def all_locked(sim: Armsim) -> None:
        fleet("", "", "1")(sim)
        sim.state.lock_scope(GROUP)

    def unlike(sim: Armsim) -> None:
        fleet("", "s", "1")(sim)
        sim.options.patch_of = {"a": SHAPES["load-test"], "c": FAILURES["failed"]}

    def two_subscriptions(sim: Armsim) -> None:
        fleet("", "s", "1")(sim)
        sim.state.add_resource("d", "there", subscription=OTHER)

    def hidden(sim: Armsim) -> None:
        two_subscriptions(sim)
        sim.state.hide_subscription(OTHER)

    def shared(sim: Armsim) -> None:
        fleet("", "s", "1")(sim)
        sim.state.add_role_assignment(AI, USER_ID, sim.state.identities[ONE.lower()].principal_id)

    def with_roles(sim: Armsim) -> None:
        fleet("sr", "sr1", "1")(sim)

    def no_grants(sim: Armsim) -> None:
        fleet("", "s", "1")(sim)
        sim.state.deny(f"{AUTHORIZATION}/roleAssignments/write", AI)

    def no_deletes(sim: Armsim) -> None:
        with_roles(sim)
        sim.state.deny(f"{AUTHORIZATION}/roleAssignments/delete", AI)

    everywhere = "assign --system-assigned --ids " + " ".join(more)
    return [
        Case("all", enable, None, prepare=fleet("", "s", "1")),
        Case("nothing to do", enable, None, prepare=fleet("s", "s", "s1")),
        Case("no wait", f"{enable} --no-wait", None, prepare=fleet("", "s", "1"), shape=SHAPES["load-test"]),
        Case("as a table", f"{enable} -o table", None, prepare=fleet("", "s", "1")),
        Case("one twice", f"{enable} {FLEET[0].upper()}", None, prepare=fleet("", "s", "1")),
        Case("of standard input", "assign --system-assigned --ids @-", None, prepare=fleet("", "s", "1"),
             stdin="\n".join(FLEET)),
        Case("empty", "assign --system-assigned --ids @-", None),
        Case("one missing", enable, None, prepare=fleet("", "s")),
        Case("one locked", enable, None, prepare=locked), Case("all locked", enable, None, prepare=all_locked),
        Case("unlike ends", enable, None, prepare=unlike),
        Case("one is throttled", enable, None, (fault(("PATCH", "/c$"), "throttled"),), prepare=fleet("", "s", "1")),
        Case("two subscriptions", everywhere, None, prepare=two_subscriptions),
        Case("a subscription that can't be read", everywhere, None, prepare=hidden),
        Case("an identity that isn't there", f"assign {ALL_IDS} --user-assigned {ONE}x", None,
             prepare=fleet("", "s", "1")),
        Case("a shared identity that has the role", f"assign {ALL_IDS} --user-assigned {ONE} {GRANT}", None,
             prepare=shared),
        Case("each with a role", f"{enable} {GRANT}", None, prepare=fleet("", "s", "1")),
        Case("an unknown role", f"{enable} --role Nonesuch --scope {AI}", None, prepare=fleet("", "s", "1")),
        Case("may not grant", f"{enable} {GRANT}", None, prepare=no_grants),
        Case("remove", f"{drop} --yes", None, prepare=with_roles),
        Case("remove, typed, nobody to ask", drop, None, prepare=with_roles),
        Case("remove, of standard input, nobody to ask", "remove --system-assigned --ids @-", None, prepare=with_roles,
             stdin="\n".join(FLEET)),
        Case("remove, a terminal, yes", drop, None, prepare=with_roles, stdin="y\n", terminal=True),
        Case("remove, a terminal, no", drop, None, prepare=with_roles, stdin="n\n", terminal=True),
        Case("remove, not assigned to all", f"remove {ALL_IDS} --user-assigned {ONE} --yes", None, prepare=with_roles),
        Case("remove and delete", f"{drop} --delete-role-assignments --yes", None, prepare=with_roles),
        Case("remove and delete, may not", f"{drop} --delete-role-assignments --yes", None, prepare=no_deletes),
        Case("remove, one missing", f"{drop} --yes", None, prepare=fleet("sr", "s")),
    ]


def input_cases() -> Cases:
    storage = f"{AI_GROUP}/providers/Microsoft.Storage/storageAccounts/data"
    lines = [
        f"assign {APP}", "assign --system-assigned", "assign -n myApp --system-assigned",
        "assign --system-assigned --ids",
        f"assign --system-assigned --ids {storage}", "assign --system-assigned --ids nonsense",
        f"assign {APP} --system-assigned maybe", f"assign {APP} --user-assigned ''",
        f"assign {APP} --user-assigned {storage}",
        f"assign {APP} --user-assigned 'a b'", f"assign {APP} --user-assigned /no/such/file.json",
        f"assign {APP} --system-assigned --role Reader", f"assign {APP} --system-assigned --scope {AI}",
        f"assign {APP} --system-assigned --role Reader --scope nonsense", f"assign {APP} --system-assigned=false",
        "assign -n my_App! -g rg --system-assigned", "assign -n myApp -g 'r g!' --system-assigned",
        f"remove {APP}", f"remove {APP} --user-assigned one --delete-role-assignments",
        f"remove {APP} --user-assigned []",
        f"remove --system-assigned --ids {MY_APP} {MY_APP}/domains/x", "remove --system-assigned",
        "show", "show -n myApp", f"show --ids {storage}", "show -g rg", "show -n '' -g rg",
        "list --user-assigned", "list --all-subscriptions -g rg", f"list --all-subscriptions --subscription {OTHER}",
        f"list --user-assigned {storage}", "list -g 'r g!'",
        f"wait {APP}", f"wait {APP} --exists --interval 0", f"wait {APP} --exists --timeout never", "wait --exists",
    ]
    return [Case("wrong input", words, "") for words in lines]


FAULTY_ASSIGN = f"assign {APP} --system-assigned --user-assigned two"
DELETES = f"remove {APP} --system-assigned --delete-role-assignments --yes"
GROUPS: dict[str, Callable[[], Cases]] = {
    "assign": assign_cases,
    "assign-refused": lambda: refusals(SYSTEM, "1", writes=True),
    "assign-shapes": lambda: in_shapes(FAULTY_ASSIGN, "1"),
    **shape_groups("assign-shapes-no-wait", f"{FAULTY_ASSIGN} --no-wait", "1"),
    **shape_groups("assign-shapes-role", f"{FAULTY_ASSIGN} {GRANT}", "1"),
    **shape_groups("assign-shapes-fleet", f"assign {ALL_IDS} --system-assigned", None, prepare=fleet("", "s", "1")),
    "assign-shapes-busy": lambda: in_shapes(SYSTEM, "1", SOME_SHAPES,
                                            first=f"assign {APP} --user-assigned two --no-wait"),
    "assign-faults": lambda: faulty(FAULTY_ASSIGN, "1", READ, WRITE),
    "dry-run": dry_cases,
    "fleet": fleet_cases,
    "input": input_cases,
    "list": list_cases,
    "list-faults": lambda: faulty("list -g rg", "s1", LIST, often=(FOREVER,)),
    "remove": remove_cases,
    "remove-faults": lambda: faulty(f"remove {APP} --user-assigned one", "s12", WRITE, often=(1,)),
    "remove-refused": lambda: refusals(f"remove {APP} --system-assigned --yes", "sr1", writes=True),
    **shape_groups("remove-shapes", DELETES, "sr1"),
    "remove-shapes-no-wait": lambda: in_shapes(f"remove {APP} --user-assigned one --no-wait", "s12", SOME_SHAPES),
    "role": role_cases,
    "sampled-faults": lambda: sampled()[::2],
    "sampled-faults-more": lambda: sampled()[1::2],
    "show": show_cases,
    "show-faults": lambda: faulty(f"show {APP}", "s1", READ),
    "wait": wait_cases,
    "wait-faults": lambda: faulty(f"{WAITS} --exists --timeout 60", "s1", READ, often=(FOREVER,)),
    "wait-shapes": lambda: in_shapes(f"{WAITS} --custom identity.principalId --timeout 200", "1",
                                     {**SHAPES, **ALLOWED}, first=f"{SYSTEM} --no-wait"),
}


@pytest.mark.parametrize("group", [pytest.param(group, marks=[pytest.mark.full] * group.endswith("-more"))
                                   for group in GROUPS])
def test_runs_are_as_they_were(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch,
                               request: pytest.FixtureRequest, group: str) -> None:
    text = transcript(in_process, sim, GROUPS[group](), monkeypatch)
    assert_golden(f"runs/{group}.txt", text, bool(request.config.getoption("--update-golden")))
