# SPDX-License-Identifier: MIT
"""Rights in armsim: what the built-in roles allow, which action each request needs and where; and the roles that each
command needs, as docs/permissions.md says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from armsim import Armsim, ManualClock
from armsim.roles import built_in
from in_process import InProcessAz, Run

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
APP = f"{GROUP}/providers/Microsoft.Communication/communicationServices/myApp"
IDENTITY = f"{SUBSCRIPTION}/resourcegroups/ids/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
STAYING = IDENTITY.replace("/one", "/two")
STORAGE = f"{SUBSCRIPTION}/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/data"
READER_ID = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ADMINISTRATOR = "Role Based Access Control Administrator"
OPERATOR = "Managed Identity Operator"
MAKER = "Managed Identity Contributor"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
MSI_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"
ASSIGN = f"{MSI_TYPE}/assign/action"
ROLE_READS = [f"Microsoft.Authorization/{what}/read"
              for what in ("roleAssignments", "roleDefinitions", "denyAssignments")]


@pytest.mark.parametrize(("role", "allowed", "refused"), [
    ("Owner", ["Microsoft.Communication/CommunicationServices/write", "Microsoft.Authorization/roleAssignments/write"],
     []),
    ("Contributor", ["Microsoft.Communication/CommunicationServices/write", f"{ASSIGNMENTS}/read", ASSIGN],
     [f"{ASSIGNMENTS}/write", f"{ASSIGNMENTS}/delete"]),
    ("Reader", ["Microsoft.Communication/CommunicationServices/read", "Microsoft.Authorization/roleDefinitions/read"],
     ["Microsoft.Communication/CommunicationServices/write", ASSIGN]),
    (OPERATOR, ["Microsoft.ManagedIdentity/userAssignedIdentities/read",
                ASSIGN, f"{ASSIGNMENTS}/read"],
     ["Microsoft.ManagedIdentity/userAssignedIdentities/write", "Microsoft.Communication/CommunicationServices/read"]),
    ("Managed Identity Contributor", ["Microsoft.ManagedIdentity/userAssignedIdentities/write"],
     [ASSIGN]),
    (ADMINISTRATOR, [f"{ASSIGNMENTS}/write", f"{ASSIGNMENTS}/delete",
                     "Microsoft.Communication/CommunicationServices/read"],
     ["Microsoft.Communication/CommunicationServices/write", "Microsoft.Authorization/policyAssignments/write"]),
    ("User Access Administrator", ["Microsoft.Authorization/roleAssignments/write",
                                   "Microsoft.Authorization/policyAssignments/write"],
     ["Microsoft.Communication/CommunicationServices/write"]),
    ("Communication and Email Service Owner", [
        "Microsoft.Communication/CommunicationServices/write",
        "Microsoft.Communication/Locations/OperationStatuses/read"], [ASSIGN, f"{ASSIGNMENTS}/read"]),
    ("Storage Blob Data Reader", [], ["Microsoft.Communication/CommunicationServices/read"]),
])
def test_what_roles_allow(role: str, allowed: list[str], refused: list[str]) -> None:
    for action in allowed:
        assert built_in(role).allows(action), action
        assert built_in(role.upper()).allows(action.lower()), action
    for action in refused:
        assert not built_in(role).allows(action), action


@pytest.fixture
def server() -> Iterator[Armsim]:
    with Armsim(ManualClock()) as sim:
        yield sim


ASSIGNMENT = {"properties": {
    "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{READER_ID}",
    "principalId": "00000000-0000-0000-0000-0000000000bb", "principalType": "ServicePrincipal"}}
PUT_APP = {"location": "global", "properties": {"dataLocation": "unitedstates"}}
GUID = "00000000-0000-0000-0000-0000000000ee"
ROLES = "/providers/Microsoft.Authorization/role"
ACS, MSI, AUTH = "api-version=2023-04-01", "api-version=2023-01-31", "api-version=2022-04-01"
# Each request with the role, and where, that is just enough for it, and one that isn't.
REQUESTS = [
    ("GET", f"{APP}?{ACS}", None, (APP, "Reader"), (APP, OPERATOR)),
    ("GET", f"{GROUP}/providers/Microsoft.Communication/communicationServices?{ACS}", None, (GROUP, "Reader"),
     (APP, "Reader")),
    ("PUT", f"{APP}2?{ACS}", PUT_APP, (GROUP, "Contributor"), (GROUP, "Reader")),
    ("PATCH", f"{APP}?{ACS}", {"identity": {"type": "SystemAssigned"}}, (APP, "Contributor"), (GROUP, "Reader")),
    ("DELETE", f"{APP}?{ACS}", None, (APP, "Contributor"), (GROUP, "Reader")),
    ("GET", f"{IDENTITY}?{MSI}", None, (IDENTITY, OPERATOR), (GROUP, "Reader")),
    ("GET", f"{IDENTITY.rsplit('/', 1)[0]}?{MSI}", None, (f"{SUBSCRIPTION}/resourceGroups/ids", "Reader"),
     (IDENTITY, "Reader")),
    ("PUT", f"{IDENTITY}?{MSI}", {"location": "eastus"}, (IDENTITY, MAKER), (IDENTITY, OPERATOR)),
    ("DELETE", f"{IDENTITY}?{MSI}", None, (IDENTITY, MAKER), (IDENTITY, OPERATOR)),
    ("GET", f"{STORAGE}{ROLES}Assignments?{AUTH}", None, (STORAGE, "Reader"), (GROUP, "Reader")),
    ("PUT", f"{STORAGE}{ROLES}Assignments/{GUID}?{AUTH}", ASSIGNMENT, (STORAGE, ADMINISTRATOR),
     (STORAGE, "Contributor")),
    ("GET", f"{STORAGE}{ROLES}Definitions?{AUTH}", None, (STORAGE, "Reader"), (GROUP, "Reader")),
    ("GET", f"{SUBSCRIPTION}{ROLES}Definitions/{READER_ID}?{AUTH}", None, (SUBSCRIPTION, "Reader"),
     (GROUP, "Reader")),
    ("GET", f"{GROUP}?api-version=2022-09-01", None, (GROUP, "Reader"), (APP, "Reader")),
    ("POST", f"{SUBSCRIPTION}/providers/Microsoft.Communication/register?api-version=2022-09-01", None,
     (SUBSCRIPTION, "Contributor"), (SUBSCRIPTION, "Reader")),
]


@pytest.mark.parametrize(("method", "path", "body", "enough", "too_little"), REQUESTS)
def test_each_request_needs_its_action(server: Armsim, method: str, path: str, body: Any, enough: tuple[str, str],
                                       too_little: tuple[str, str]) -> None:
    server.state.add_resource("myApp", "rg")
    server.state.add_user_identity("one", "ids")
    server.state.grant_only({too_little[0]: [too_little[1]]})
    refused = send(server, method, path, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
    server.state.grant_only({enough[0]: [enough[1]]})
    assert send(server, method, path, body).status_code < 300
    server.verify()


def test_a_role_assignment_is_read_and_deleted_at_its_own_scope(server: Armsim) -> None:
    there = server.state.add_role_assignment(STORAGE, READER_ID, GUID)
    server.state.grant_only({GROUP: ["Owner"]})
    assert [send(server, method, f"{there}?{AUTH}").status_code for method in ("GET", "DELETE")] == [403, 403]
    server.state.grant_only({STORAGE: [ADMINISTRATOR]})
    assert [send(server, method, f"{there}?{AUTH}").status_code for method in ("GET", "DELETE")] == [200, 200]


def test_an_operation_is_polled_by_whoever_may_read_its_resource(server: Armsim) -> None:
    server.state.add_group("rg")
    server.state.grant_only({GROUP: ["Contributor"]})
    address = send(server, "PUT", f"{APP}?{ACS}", PUT_APP).headers["Azure-AsyncOperation"].removeprefix(server.url)
    assert send(server, "GET", address).status_code == 200
    server.state.grant_only({f"{SUBSCRIPTION}/resourceGroups/other": ["Contributor"]})
    assert send(server, "GET", address).status_code == 403


def test_assigning_needs_the_right_on_the_identity(server: Armsim) -> None:
    server.state.add_resource("myApp", "rg")
    server.state.add_user_identity("one", "ids")
    body = {"identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}}
    server.state.grant_only({GROUP: ["Contributor"]})
    assert send(server, "PATCH", f"{APP}?{ACS}", body).json()["error"]["code"] == "LinkedAuthorizationFailed"
    server.state.grant_only({GROUP: ["Contributor"], IDENTITY: [OPERATOR]})
    assert send(server, "PATCH", f"{APP}?{ACS}", body).status_code == 200
    server.state.grant_only({GROUP: ["Contributor"]})
    assert send(server, "PATCH", f"{APP}?{ACS}", {"identity": {"type": "SystemAssigned"}}).status_code == 200


def send(sim: Armsim, method: str, path: str, body: Any = None) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, sim.url + path, json=body, timeout=10, verify=sim.ca_file)


# ---- the commands ----------------------------------------------------------------------------------------------------

NAMED = "-n myApp -g rg"
CONTRIBUTOR = (APP, "Contributor")
# The command on a resource that carries the identity "two", and the roles that are just enough for it.
COMMANDS = [
    (f"show {NAMED}", [(APP, "Reader")]),
    (f"show {NAMED} --roles", [(SUBSCRIPTION, "Reader")]),
    (f"wait {NAMED} --exists", [(APP, "Reader")]),
    ("list -g rg", [(GROUP, "Reader")]),
    ("list", [(SUBSCRIPTION, "Reader")]),
    (f"assign {NAMED} --system-assigned", [CONTRIBUTOR, (STAYING, OPERATOR)]),
    (f"assign {NAMED} --user-assigned {IDENTITY}", [CONTRIBUTOR, (STAYING, OPERATOR), (IDENTITY, OPERATOR)]),
    (f"assign {NAMED} --system-assigned --role Reader --scope {STORAGE}",
     [CONTRIBUTOR, (STAYING, OPERATOR), (STORAGE, ADMINISTRATOR)]),
    (f"assign {NAMED} --system-assigned",
     [(APP, "Communication and Email Service Owner"), (STAYING, OPERATOR)]),
    (f"remove {NAMED} --user-assigned {STAYING} --yes", [CONTRIBUTOR]),
]


@pytest.mark.parametrize(("command", "roles"), COMMANDS, ids=[f"{one}: {roles[0][1]}" for one, roles in COMMANDS])
def test_each_command_needs_these_roles_and_each_of_them(in_process: InProcessAz, sim: Armsim, command: str,
                                                         roles: list[tuple[str, str]]) -> None:
    def run(granted: list[tuple[str, str]]) -> int:
        sim.reset()
        for name in ("one", "two"):
            sim.state.add_user_identity(name, "ids")
        sim.state.add_resource("myApp", "rg", identity={
            "type": "UserAssigned", "userAssignedIdentities": {STAYING: {}}})
        sim.state.grant_only({scope: [role] for scope, role in granted})
        return in_process(["communication", "identity", *command.split()]).exit_code

    assert run(roles) == 0
    for role in roles:
        assert run([other for other in roles if other != role]) != 0, role


def test_deleting_role_assignments_needs_to_read_those_of_the_subscription(in_process: InProcessAz, sim: Armsim
                                                                           ) -> None:
    group = f"{SUBSCRIPTION}/resourceGroups/data"
    roles = [CONTRIBUTOR, (SUBSCRIPTION, "Reader"), (group, ADMINISTRATOR)]

    def run(granted: list[tuple[str, str]]) -> int:
        sim.reset()
        app = sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})
        sim.state.add_role_assignment(group, READER_ID, sim.state.identity_of(app)["principalId"])
        sim.state.grant_only({scope: [role] for scope, role in granted})
        return in_process(f"communication identity remove {NAMED} --system-assigned --delete-role-assignments "
                          "--yes".split()).exit_code

    assert run(roles) == 0
    for role in roles:
        assert run([other for other in roles if other != role]) != 0, role


CHECKED_AI = f"{SUBSCRIPTION}/resourceGroups/data/providers/Microsoft.CognitiveServices/accounts/ai"
CONTAINER = f"{STORAGE}/blobServices/default/containers/calls"
# `check` where all is well, the scopes on which Reader is just enough for it, and the actions that it takes there.
CHECKS = [
    (f"check {NAMED}", [APP, STAYING], {STAYING: [f"{MSI_TYPE}/read"]}),
    (f"check {NAMED} --for azure-ai --scope {CHECKED_AI}", [APP, CHECKED_AI],
     {CHECKED_AI: ["Microsoft.CognitiveServices/accounts/read", *ROLE_READS]}),
    (f"check {NAMED} --for recording --scope {CONTAINER}", [APP, STORAGE],
     {STORAGE: ["Microsoft.Storage/storageAccounts/read",
                "Microsoft.Storage/storageAccounts/blobServices/containers/read", *ROLE_READS]}),
    (f"check {NAMED} --role Reader --scope {STORAGE}", [APP, STAYING, STORAGE],
     {STAYING: [f"{MSI_TYPE}/read"], STORAGE: ROLE_READS}),
]


@pytest.mark.parametrize(("command", "scopes", "actions"), CHECKS, ids=[command for command, *_ in CHECKS])
def test_check_needs_reader_on_these_scopes_and_each_of_these_actions(
        in_process: InProcessAz, sim: Armsim, command: str, scopes: list[str], actions: dict[str, list[str]]) -> None:
    def run(granted: list[str], denied: tuple[str, str] | None = None) -> Run:
        sim.reset()
        sim.state.add_user_identity("two", "ids")
        sim.state.add_ai_account("ai", "data")
        sim.state.add_storage_account("data", "data", "calls")
        app = sim.state.add_resource("myApp", "rg", identity={
            "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {STAYING: {}}})
        block = sim.state.identity_of(app)
        for principal in (block["principalId"], block["userAssignedIdentities"][STAYING]["principalId"]):
            for scope, role in ((CHECKED_AI, "a97b65f3-24c7-4388-baec-2e87135dc908"), (STORAGE, READER_ID),
                                (STORAGE, "ba92f5b4-2d11-453d-a403-e96b0029c9fe")):
                sim.state.add_role_assignment(scope, role, principal, age=10**6)
        sim.state.grant_only({scope: ["Reader"] for scope in granted})
        if denied:
            sim.state.deny(*denied)
        return in_process(["communication", "identity", *command.split()])

    assert run(scopes).json["status"] == "ok"
    for scope in scopes:
        assert run([other for other in scopes if other != scope]).exit_code == 1, scope
    for scope, needed in actions.items():
        for action in needed:
            unknown = [one for one in run(scopes, (action, scope)).json["findings"] if one["status"] == "unknown"]
            assert action in unknown[0]["reason"]


def test_list_all_subscriptions_leaves_out_what_cannot_be_read(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.state.add_resource("theirs", "elsewhere")
    sim.state.grant_only({APP: ["Reader"]})
    listed = in_process(["communication", "identity", "list", "--all-subscriptions"]).json
    assert [resource["name"] for resource in listed] == ["myApp"]
