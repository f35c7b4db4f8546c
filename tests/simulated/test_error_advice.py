# SPDX-License-Identifier: MIT
"""The advice fits what Azure says: what is doubted stays a doubt, nothing is advised that can't help, and the network
is to blame only where nothing came.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from armsim import Armsim, Fault
from azure.cli.core.azclierror import AzCLIError
from in_process import InProcessAz, Input, Run
from scenes import AI, APP, GRAPH, OTHER, SUB, USER, block, has, line, said, writes

FOREVER = 10**6
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg"
RESOURCE = f"{GROUP}/providers/Microsoft.Communication/communicationServices/myApp"
IDENTITIES = f"/subscriptions/{SUB}/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
ONE, TWO = f"{IDENTITIES}/one", f"{IDENTITIES}/two"
WHO = "00000000-0000-0000-0000-00000000000c"
TENANT = "00000000-0000-0000-0000-0000000000aa"
WRITE = "Microsoft.Communication/CommunicationServices/write"
SYSTEM = line("assign", *APP, "--system-assigned")
USERS = line("assign", *APP, "--user-assigned", "one")
SHOW, LIST = line("show", *APP), line("list")
LINKED = (f"The client '{WHO}' with object id '{WHO}' has permission to perform action '{WRITE}' on scope "
          f"'{RESOURCE}'; however, ")


def denied(scope: str, doubt: str = " or the scope is invalid", condition: str = "") -> str:
    return (f"The client '{WHO}' with object id '{WHO}' does not have authorization{condition} to perform action "
            f"'{WRITE}' over scope '{scope}'{doubt}. If access was recently granted, please refresh your credentials.")


@dataclass(frozen=True)
class Case:
    """An answer to a request of a command, what the user reads, and what the user must not read."""

    words: list[str]
    status: int
    code: str
    message: str
    shows: list[str]
    hides: list[str]
    exit_code: int = 1
    method: str = ""


CASES = {
    "a mistyped group": Case(
        LIST, 403, "AuthorizationFailed", denied(f"/subscriptions/{SUB}/resourceGroups/rg-typo"),
        [", or the group 'rg-typo' doesn't exist.", "--role Contributor"], ["scope is invalid"]),
    "a mistyped resource": Case(
        SHOW, 403, "AuthorizationFailed", denied(RESOURCE),
        [f"'{WRITE}' on '{RESOURCE}', or 'myApp' or the group 'rg' doesn't exist."], []),
    "a resource that was read": Case(
        SYSTEM, 403, "AuthorizationFailed", denied(RESOURCE), [f"on '{RESOURCE}'.", "--role Contributor"], ["exist"],
        method="PATCH"),
    "a subscription has its own error": Case(
        LIST, 403, "AuthorizationFailed", denied(f"/subscriptions/{SUB}"), [f"on '/subscriptions/{SUB}'."], ["exist"]),
    "no doubt": Case(SHOW, 403, "AuthorizationFailed", denied(RESOURCE, ""), [f"on '{RESOURCE}'."], ["exist"]),
    "another kind of scope": Case(SHOW, 403, "AuthorizationFailed", denied("/"), ["on '/'."], ["exist"]),
    "a condition": Case(
        SYSTEM, 403, "AuthorizationFailed", denied(RESOURCE, condition=" or an ABAC condition not fulfilled"),
        ["You have a role", "a condition on its assignment prevents this",
         f"az role assignment list --include-inherited --assignee {WHO} --scope {RESOURCE}"],
        ["role assignment create", "Contributor"], method="PATCH"),
    "an identity of another tenant": Case(
        USERS, 403, "LinkedAuthorizationFailed",
        f"{LINKED}the current tenant '{TENANT}' is not authorized to access linked subscription '{OTHER}'.",
        [f"subscription '{OTHER}'", "must belong to the resource's tenant", f"az identity list --subscription {SUB} "],
        ["role assignment create", "Managed Identity Operator"], method="PATCH"),
    "a linked subscription that isn't there": Case(
        USERS, 403, "LinkedAuthorizationFailed", f"{LINKED}the linked subscription '{OTHER}' was not found. ",
        [f"subscription '{OTHER}'", "that subscription doesn't exist, or belongs to another tenant"],
        ["role assignment create", "Managed Identity Operator"], method="PATCH"),
    "a system-assigned identity that can't be made": Case(
        SYSTEM, 400, "FailedIdentityOperation", "Identity operation for resource failed.",
        ["The service couldn't use the identity", "Run the command again"], ["az identity list"], method="PATCH"),
    "a token of another tenant": Case(
        SHOW, 401, "InvalidAuthenticationTokenTenant",
        f"The access token is from the wrong issuer 'https://sts.windows.net/{WHO}/'. It must match the tenant "
        f"'https://sts.windows.net/{TENANT}/' associated with this subscription. Please use the authority (URL) "
        f"'https://login.windows.net/{TENANT}' to get the token.",
        [f"az login --tenant {TENANT}"], [f"--tenant {WHO}"]),
    "a PATCH that isn't taken": Case(
        SYSTEM, 405, "MethodNotAllowed", "The requested resource does not support http method 'PATCH'.",
        ["doesn't accept a PATCH of the identity", "Nothing was changed.", "Azure portal",
         "az extension add --name communication", "does not support http method 'PATCH'"], ["may have"],
        method="PATCH"),
    "an identity that can't be patched": Case(
        SYSTEM, 400, "BadRequest", "Identity of this resource can't be patched.",
        ["doesn't accept a PATCH of the identity", "Nothing was changed.", "az extension add --name communication"], [],
        method="PATCH"),
    "an identity that can't be changed": Case(
        SYSTEM, 409, "PropertyChangeNotAllowed", "Changing property 'identity' is not allowed.",
        ["Nothing was changed.", "az extension add --name communication"],
        ["may be in progress"], method="PATCH"),
    "an identity that a PATCH doesn't know": Case(
        SYSTEM, 400, "InvalidRequestContent", "Could not find member 'identity' on object of type 'ResourceUpdate'.",
        ["Nothing was changed.", "az extension add --name communication"], [],
        method="PATCH"),
    "an identity that is read-only": Case(
        SYSTEM, 400, "BadRequest", "The property 'identity' is read-only.",
        ["Nothing was changed.", "az extension add --name communication"], [],
        method="PATCH"),
    "an unknown part of the identity": Case(
        SYSTEM, 400, "BadRequest", "Unknown property 'identity.type2'.", ["(BadRequest) Unknown property"], ["PATCH"],
        method="PATCH"),
    "a bad request of another kind": Case(
        SYSTEM, 400, "BadRequest", "The request is invalid.", ["(BadRequest) The request is invalid."], ["PATCH"],
        method="PATCH"),
    "a conflict with a reason": Case(
        SYSTEM, 409, "Unknown", "Not in this state.", ["(Unknown) Not in this state.", "run the command again"],
        ["network", "proxy"], method="PATCH"),
    "control characters": Case(
        SHOW, 403, "Un\x1b[31mknown", "Words\x1b]0;title\x07 of\r\nthe \ud800service.",
        [r"(Un\x1b[31mknown) Words\x1b]0;title\x07 of\r\nthe \ud800service."], ["\x1b", "\x07", "\r", "\ud800"]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_the_user_reads(in_process: InProcessAz, sim: Armsim, name: str) -> None:
    case = CASES[name]
    sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method=case.method or "*", path="communicationServices", status=case.status, code=case.code,
                        message=case.message, times=FOREVER))
    run = in_process.captured(case.words, Input())
    check(run, case.shows, case.hides)
    assert run.exit_code == case.exit_code
    assert has(sim, resource) == (False, [])
    assert len(writes(sim)) <= 1


def check(run: Run, shows: list[str], hides: list[str]) -> None:
    """The run ended with an error of azure-cli, whose text and advice have the one and not the other."""
    assert isinstance(run.error, AzCLIError), repr(run.error)
    for text in shows:
        assert text in said(run.error)
    for text in hides:
        assert text not in said(run.error) + run.stderr


def raw(status: int, body: Any = "", method: str = "GET", path: str = "communicationServices", **more: Any) -> Fault:
    kind = "text/html" if isinstance(body, str) and body.startswith("<") else "application/json"
    return Fault(method=method, path=path, kind="raw", status=status, content_type=kind, times=FOREVER,
                 body=body if isinstance(body, str) else json.dumps(body), **more)


FOREIGN = ["Something other than Azure Resource Manager answered", "Check the proxy settings."]


@pytest.mark.parametrize(("words", "fault", "shows", "hides"), [
    (SHOW, raw(302, headers={"Location": "https://login.example/"}), [*FOREIGN, "status 302"], ["login.example"]),
    (SYSTEM, raw(307, method="PATCH"), [*FOREIGN, "status 307"], []),
    (SHOW, raw(404, "<html>Blocked</html>"), [*FOREIGN, "status 404"], ["There is no"]),
    (SHOW, raw(403, "<html>Blocked</html>"), [*FOREIGN, "status 403"], ["<html>"]),
    (SYSTEM, raw(409, {}, "PATCH"), ["status 409", "gives no reason", "run the command again"], ["network", "proxy"]),
    (SYSTEM, raw(409, "", "PATCH"), ["status 409", "gives no reason", "run the command again"], ["network", "proxy"]),
    (SYSTEM, raw(409, {"error": {"message": "No."}}, "PATCH"), ["No.", "run the command again"], ["network", "proxy"]),
    (SHOW, raw(400, {}), ["status 400", "gives no reason", "--debug"], ["network", "proxy"]),
    (SHOW, raw(400, '"Not with this name."'), ["Not with this name."], ["network", "no reason"]),
    (SYSTEM, raw(400, {"title": "Invalid.", "errors": {"Identity": ["It is bad."]}}, "PATCH"), ["It is bad."],
     ["network", "no reason"]),
    (SHOW, raw(503, [{"code": "Busy", "message": "Too much to do."}]), ["The service failed:", "Too much to do."], []),
    (SYSTEM, raw(405, "", "PATCH"), ["doesn't accept a PATCH", "Nothing was changed."], ["network"]),
    (SHOW, raw(200, {"id": f"{RESOURCE}2"}), ["something other than the requested resource"], ["network", "proxy"]),
    (LIST, raw(200, {"value": [], "nextLink": "{url}"}), ["links back to a page"], ["network", "proxy"]),
    (LIST, raw(200, {}), ["list has no 'value'"], ["network", "proxy"]),
    (line("list", "--all-subscriptions"), raw(200, {"data": [], "$skipToken": "x"}, "POST", GRAPH), ["links back"],
     ["network", "proxy"]),
    (SHOW, Fault(kind="reset-before", times=FOREVER), ["Check the network and the proxy settings."], []),
    (SHOW, Fault(kind="truncate", times=FOREVER), ["Check the network and the proxy settings."], []),
])
def test_an_answer_is_not_the_network(in_process: InProcessAz, sim: Armsim, words: list[str], fault: Fault,
                                      shows: list[str], hides: list[str]) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    fault.body = fault.body.replace("{url}", f"{sim.url}/subscriptions/{SUB}/providers/Microsoft.Communication"
                                             "/communicationServices?api-version=2023-04-01")
    fault.seen = fault.used = 0
    sim.add_fault(fault)
    check(in_process.captured(words, Input()), shows, hides)
    assert has(sim, resource) == (False, [])


# ---- identities that a service refuses -------------------------------------------------------------------------------

def linked(*identities: str) -> Fault:
    named = ",".join(f"'{one}'" for one in identities)
    return Fault(method="PATCH", status=403, code="LinkedAuthorizationFailed", times=FOREVER, message=(
        f"{LINKED}it does not have permission to perform action 'Microsoft.ManagedIdentity/userAssignedIdentities"
        f"/assign/action' on the linked scope(s) {named} or the linked scope(s) are invalid."))


REMOVE = f"az communication identity remove --ids {RESOURCE} --user-assigned {ONE}"
GONE = {
    "FailedIdentityOperation": Fault(method="PATCH", status=400, code="FailedIdentityOperation",
                                     message=f"Resource '{ONE}' was not found."),
    "LinkedAuthorizationFailed": linked(ONE),
    "a 404 that names it": Fault(method="PATCH", status=404, code="ResourceNotFound", message=(
        "The Resource 'Microsoft.ManagedIdentity/userAssignedIdentities/one' under resource group 'rg' was not "
        "found.")),
    "a 404 with its ID": Fault(method="PATCH", status=404, code="NotFound", message=f"'{ONE}' was not found."),
}


@pytest.mark.parametrize("code", GONE)
def test_an_identity_that_is_gone_and_still_there(in_process: InProcessAz, sim: Armsim, code: str) -> None:
    """The resource carries an identity that was deleted: every write that keeps it is refused until it is removed."""
    sim.state.add_resource("myApp", "rg", identity=block(sim.state.add_user_identity("one", "rg")))
    del sim.state.identities[ONE.lower()]
    fault = sim.add_fault(GONE[code])
    fault.seen = fault.used = 0
    run = in_process.captured(SYSTEM, Input())
    check(run, ["no longer exist", ONE, REMOVE], ["role assignment create", "no Communication Services resource"])
    assert run.exit_code == 3


@pytest.mark.parametrize("carried", [True, False])
def test_an_identity_that_cannot_be_read(in_process: InProcessAz, sim: Armsim, carried: bool) -> None:
    one = sim.state.add_user_identity("one", "rg")
    sim.state.add_resource("myApp", "rg", identity=block(one) if carried else None)
    sim.state.deny("Microsoft.ManagedIdentity/userAssignedIdentities/read", GROUP)
    sim.add_fault(linked(ONE))
    run = in_process.captured(SYSTEM if carried else USERS, Input())
    check(run, ["You don't have permission to assign", f"'{ONE}', or it no longer exists.",
                f'--role "Managed Identity Operator" --assignee {WHO} --scope {ONE}'], [])
    assert (REMOVE in said(run.error)) == carried


def test_an_identity_that_is_there_is_not_doubted(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_user_identity("one", "rg")
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(linked(ONE))
    check(in_process.captured(USERS, Input()), ["Managed Identity Operator"], ["exist"])


def restrict(sim: Armsim, identity: str, **more: Any) -> None:
    for key, value in more.items():
        setattr(sim.state.identities[identity.lower()], key, value)


@pytest.mark.parametrize(("more", "shows"), [
    ({"isolation_scope": "Regional"}, "can be assigned only to resources in its own region"),
    ({"providers": ("Microsoft.Compute",)}, "can be assigned only to resources of Microsoft.Compute")])
@pytest.mark.parametrize(("status", "code"), [
    (400, "BadRequest"), (403, "NotAllowed"), (400, "FailedIdentityOperation")])
def test_a_refused_identity_that_is_restricted(in_process: InProcessAz, sim: Armsim, more: dict[str, Any], shows: str,
                                               status: int, code: str) -> None:
    restrict(sim, sim.state.add_user_identity("one", "rg"), **more)
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", status=status, code=code, message="The identity is refused."))
    check(in_process.captured(USERS, Input()), ["The identity is refused.", f"'{ONE}' {shows}"], [])


@pytest.mark.parametrize("prepare", [
    lambda sim: sim.state.lock_scope(GROUP), lambda sim: sim.state.deny(WRITE, GROUP),
    lambda sim: sim.state.require_policy_token(GROUP)], ids=["lock", "permission", "policy"])
def test_a_refusal_with_another_cause_looks_nothing_up(in_process: InProcessAz, sim: Armsim,
                                                       prepare: Callable[[Armsim], None]) -> None:
    sim.state.add_user_identity("one", "rg")
    sim.state.add_resource("myApp", "rg")
    prepare(sim)
    assert in_process.captured(USERS, Input()).exit_code == 1
    assert [request.method for request in sim.requests] == ["GET", "PATCH"]


# ---- what a service says reaches the terminal escaped ----------------------------------------------------------------

EVIL = "x\x1b[2J\u202e\x07\ud800y"


def test_names_of_identities_are_escaped(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch) -> None:
    """An identity whose name moves the cursor, in tables, warnings and errors."""
    sim.state.add_resource("myApp", "rg", identity=block(system=True))
    real = sim.state.get_resource

    def get(resource_id: str) -> tuple[dict[str, Any], str]:
        document, etag = real(resource_id)
        return {**document, "identity": {"type": "UserAssigned", "userAssignedIdentities": {
            f"{IDENTITIES}/{EVIL}": {"principalId": EVIL, "clientId": EVIL}}}}, etag
    monkeypatch.setattr(sim.state, "get_resource", get)
    monkeypatch.setattr(sim.wire, "check", lambda *_: None)  # the schema doesn't know these
    for words in (line("remove", *APP, "--user-assigned", "two"), USERS, line("remove", *APP, "--user-assigned", "[]"),
                  line("remove", *APP, "--user-assigned", "[]", "--dry-run"), SYSTEM, [*SHOW, "-o", "table"],
                  [*SHOW, "--roles", "-o", "table"], [*SYSTEM, "--dry-run", "-o", "table"]):
        run = in_process.captured(words, Input())
        assert run.error is None or isinstance(run.error, AzCLIError), repr(run.error)
        shown = run.stderr + said(run.error) + (run.output if "table" in words else "")
        assert not set("\x1b\u202e\x07\ud800") & set(shown), words


def test_policy_names_are_escaped(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(raw(403, {"error": {"code": "RequestDisallowedByPolicy", "message": "No.", "additionalInfo": [
        {"type": "PolicyViolation", "info": {"policyDefinitionDisplayName": EVIL, "policyAssignmentName": EVIL}}]}},
        "PATCH"))
    check(in_process.captured(SYSTEM, Input()), [r"'x\x1b[2J\u202e\x07\ud800y'"], list("\x1b\u202e\x07\ud800"))


def test_role_names_are_escaped(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(raw(200, {"value": [{"name": "x", "properties": {"roleName": f"{USER} {EVIL}"}}]},
                      path="roleDefinitions"))
    run = in_process.captured([*SYSTEM, "--role", f"{USER} x", "--scope", AI], Input())
    check(run, [], list("\x1b\u202e\x07\ud800"))


# ---- nothing ends in a traceback -------------------------------------------------------------------------------------

@pytest.mark.parametrize("principal", [5, True, {"a": 1}, ["x"], "x\x1b[2J", "\ud800", "", "not-a-guid", None])
@pytest.mark.parametrize("words", [
    SHOW, [*SHOW, "--roles"], line("remove", *APP, "--system-assigned", "--yes"),
    line("remove", *APP, "--system-assigned", "--yes", "--delete-role-assignments"),
    [*SYSTEM, "--role", USER, "--scope", AI]], ids=" ".join)
def test_a_principal_id_that_is_none(in_process: InProcessAz, sim: Armsim, principal: Any, words: list[str],
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    sim.state.add_resource("myApp", "rg", identity=block(system=True))
    real = sim.state.get_resource

    def get(resource_id: str) -> tuple[dict[str, Any], str]:
        document, etag = real(resource_id)
        return {**document, "identity": {"type": "SystemAssigned", "principalId": principal}}, etag
    monkeypatch.setattr(sim.state, "get_resource", get)
    monkeypatch.setattr(sim.wire, "check", lambda *_: None)  # the schema doesn't know these
    run = in_process.captured(words, Input())
    assert run.error is None or isinstance(run.error, AzCLIError), repr(run.error)
    assert (run.error is None) == (run.exit_code == 0)
    assert "\x1b" not in run.stderr + run.output + said(run.error)
    assert [request.path for request in sim.requests if str(principal) and f"'{principal}'" in request.raw_path] == []


@pytest.mark.parametrize("length", ["5", "100000", "-1", "5, 7", "٣"])
@pytest.mark.parametrize("words", [SHOW, LIST, SYSTEM], ids=" ".join)
def test_a_length_that_is_wrong_or_doubled(in_process: InProcessAz, sim: Armsim, length: str, words: list[str]) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    sim.add_fault(raw(200, {"id": resource, "value": []}, method="PATCH" if words is SYSTEM else "GET",
                      headers={"Content-Length": length}))
    run = in_process.captured(words, Input())
    assert run.error is None or isinstance(run.error, AzCLIError), repr(run.error)


def test_a_param_that_persists(in_process: InProcessAz, sim: Armsim) -> None:
    """azure-cli reads resource_group_name from the namespace after the command, also after a write."""
    sim.state.add_resource("myApp", "rg")
    assert in_process(["config", "param-persist", "on"]).exit_code == 0
    for words in (SYSTEM, SHOW, line("remove", *APP, "--system-assigned")):
        run = in_process.captured(words, Input())
        assert (run.exit_code, run.error) == (0, None)


# ---- the login -------------------------------------------------------------------------------------------------------

def profile(az: InProcessAz, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the subscriptions that the CLI knows."""
    path = az.config / "azureProfile.json"
    data = json.loads(path.read_text(encoding="utf-8-sig"))
    path.write_text(json.dumps({**data, "subscriptions": change(data["subscriptions"])}), encoding="utf-8")


def test_a_login_without_a_subscription(in_process: InProcessAz, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    profile(in_process, lambda all_: [{**one, "id": one["tenantId"], "name": "N/A(tenant level account)",
                                       "isDefault": True} for one in all_[:1]])
    for words in (SHOW, LIST):
        run = in_process.captured(words, Input())
        check(run, [f"logged in to tenant '{sim.state.TENANT}' without a subscription", "--subscription",
                    "az account list --refresh"], ["There is no subscription"])
    assert sim.requests == []
    assert in_process(line("list", "--all-subscriptions")).json[0]["id"] == resource
    assert in_process(line("show", "--ids", resource)).json["type"] == "None"


def test_a_fleet_in_a_subscription_that_the_profile_lacks(in_process: InProcessAz, sim: Armsim) -> None:
    """`list --all-subscriptions | assign --ids @-`: the login that listed can write."""
    sim.state.add_subscription(OTHER, "other")
    resource = sim.state.add_resource("myApp", "rg", subscription=OTHER)
    profile(in_process, lambda all_: [one for one in all_ if one["id"] != OTHER])
    assert [one["id"] for one in in_process(line("list", "--all-subscriptions")).json] == [resource]
    run = in_process.captured(line("assign", "--system-assigned", "--ids", "@-"), Input(resource))
    assert (run.exit_code, has(sim, resource)) == (0, (True, []))


def test_a_subscription_that_none_of_several_logins_knows(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    profile(in_process, lambda all_: [{**all_[0]}, {**all_[0], "id": OTHER, "tenantId": TENANT, "isDefault": False}])
    unknown = RESOURCE.replace(SUB, WHO)
    run = in_process.captured(line("show", "--ids", unknown), Input())
    check(run, [f"doesn't know the subscription '{WHO}'", "az account list --refresh"], [])
    assert (run.exit_code, sim.requests) == (3, [])


@pytest.mark.parametrize("words", [["--system-assigned"], ["--user-assigned", "one"]])
def test_a_fault_of_the_login_is_said_once(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch,
                                           words: list[str]) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(20)]
    monkeypatch.setattr("azure.cli.core._profile.Profile.get_login_credentials", fail)
    run = in_process.captured(line("assign", *words, "--ids", *ids), Input())
    assert run.exit_code == 1
    assert run.stderr.count("Please run 'az login'") == 1
    assert "CLIError" not in run.stderr
    assert sim.requests == []


def fail(*_: Any, **__: Any) -> None:
    from knack.util import CLIError
    raise CLIError("Please run 'az login' to setup account.")


def test_a_fault_of_the_machine_is_said_once(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch
                                             ) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(20)]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    run = in_process.captured(line("assign", "--system-assigned", "--ids", *ids), Input())
    assert run.exit_code == 1
    assert run.stderr.count("REQUESTS_CA_BUNDLE") == 1
    assert "Error:" not in run.stderr
    assert sim.requests == []
