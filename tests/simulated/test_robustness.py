# SPDX-License-Identifier: MIT
"""Answers that no service should give, streams that are closed, and processes that live on: one clear error each time,
nothing lost, and nothing sent to strangers.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from armsim import FAILURES, Armsim, Fault
from az import Az
from azure.cli.core.azclierror import AzCLIError, AzureConnectionError, ForbiddenError
from in_process import InProcessAz, Input, Run
from msal.exceptions import MsalServiceError
from requests.exceptions import ConnectionError as NoConnection
from scenes import AI, APP, BODIES, CODES, GRAPH, OTHER, SUB, USER, USER_ID, block, granted, has, line, said, writes

FOREVER = 10**6
ASSIGN = line("assign", *APP, "--system-assigned")
GRANT = [*ASSIGN, "--role", USER, "--scope", AI]
AUTHORIZATION, IDENTITY, RESOURCES = "Microsoft.Authorization", "Microsoft.ManagedIdentity", "communicationServices"


def raw(method: str, path: str, body: Any, status: int = 200, **more: Any) -> Fault:
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if text.startswith("<") else "application/json"
    return Fault(method=method, path=path, kind="raw", status=status, body=text, content_type=kind, **more)


def fails_well(run: Run) -> str:
    """The run ended with one of the CLI's own errors; its text, which never shows a Python value."""
    assert run.exit_code != 0
    assert isinstance(run.error, AzCLIError), repr(run.error)
    text = said(run.error)
    assert text.strip()
    for bad in ("None'", "'None", "Traceback", "KeyError", "<html"):
        assert bad not in text
    return text


# ---- what was read must make sense ---------------------------------------------------------------------------------

@pytest.mark.parametrize("body", [{}, [], "null", "", "<html>Sign in</html>", '{"id": 1}', {"id": "/subscriptions/x"},
                                  {"id": "{other}", "identity": {"type": "None"}}, {"id": "{own}", "identity": []},
                                  {"id": "{own}", "identity": "x"}, {"identity": {"type": "None"}}])
@pytest.mark.parametrize("words", [ASSIGN, line("remove", *APP, "--system-assigned", "--yes"), line("show", *APP),
                                   line("assign", *APP, "--user-assigned", "one", "--dry-run")])
def test_a_get_that_is_not_of_the_resource_is_no_answer(in_process: InProcessAz, sim: Armsim, body: Any,
                                                        words: list[str]) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity=block(one, system=True))
    text = body if isinstance(body, str) else json.dumps(body)
    text = text.replace("{own}", resource).replace("{other}", resource.replace("myApp", "other"))
    sim.add_fault(raw("GET", RESOURCES, text, times=FOREVER))
    assert isinstance(in_process(words).error, AzureConnectionError)
    assert writes(sim) == []
    assert has(sim, resource) == (True, [one])


def strange(sim: Armsim, monkeypatch: pytest.MonkeyPatch, resource: str, **identity: Any) -> None:
    """Have GETs of the resource show something else in its identity block."""
    real = sim.state.get_resource

    def get(resource_id: str) -> tuple[dict[str, Any], str]:
        document, etag = real(resource_id)
        return {**document, "identity": {**document["identity"], **identity}}, etag
    monkeypatch.setattr(sim.state, "get_resource", get)
    monkeypatch.setattr(sim.wire, "check", lambda *_: None)  # the schema doesn't know these
    assert resource


@pytest.mark.parametrize("kind", ["Delegated", "SystemAssigned, Delegated", "UserAssigned, Future"])
def test_a_type_that_is_not_known_is_never_written_back(in_process: InProcessAz, sim: Armsim, kind: str,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    one = sim.state.add_user_identity("one", "rg")
    sim.state.add_user_identity("two", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity=block(one, system=True))
    strange(sim, monkeypatch, resource, type=kind)
    run = in_process(line("assign", *APP, "--user-assigned", "two"))
    assert isinstance(run.error, ForbiddenError)
    assert "Nothing was changed." in fails_well(run)
    assert writes(sim) == []
    assert kind in str(run.error)


@pytest.mark.parametrize("kind", ["None", "SystemAssigned"])
def test_a_map_counts_whatever_the_type_says(in_process: InProcessAz, sim: Armsim, kind: str,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (sim.state.add_user_identity(name, "rg") for name in ("one", "two"))
    resource = sim.state.add_resource("myApp", "rg", identity=block(one, system=True))
    strange(sim, monkeypatch, resource, type=kind)
    in_process(line("assign", *APP, "--system-assigned", "--user-assigned", "two", "--no-wait"))
    assert set(has(sim, resource)[1]) == {one, two}


# ---- garbage from the neighbors -----------------------------------------------------------------------------------

GARBAGE = {"page": "<html>Sign in to the network</html>", "list": [], "number": "1", "no value": {},
           "value is null": {"value": None}, "value is text": {"value": "x"}, "items are text": {"value": ["x"]},
           "empty items": {"value": [{}]}, "half an item": {"value": [{"id": None, "properties": None}]}}


@pytest.mark.parametrize(("status", "name"), [
    pytest.param(status, name, marks=[pytest.mark.full] * bool(status != 200 and number % 3))
    for status in (200, 403, 404) for number, name in enumerate(GARBAGE)])
def test_garbage_from_authorization(in_process: InProcessAz, sim: Armsim, name: str, status: int) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity=block(system=True))
    sim.add_fault(raw("GET", AUTHORIZATION, GARBAGE[name], status, times=FOREVER))
    for words in (GRANT, [*ASSIGN, "--role", USER_ID, "--scope", AI], line("show", *APP, "--roles"),
                  line("remove", *APP, "--system-assigned", "--delete-role-assignments", "--dry-run")):
        run = in_process(words)
        if run.exit_code:
            fails_well(run)
    assert in_process(line("remove", *APP, "--system-assigned")).exit_code == 0  # it only warns of orphans
    assert has(sim, resource) == (False, [])


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("status", [200, 404])
def test_garbage_from_managed_identity(in_process: InProcessAz, sim: Armsim, name: str, status: int) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    sim.add_fault(raw("GET", IDENTITY, GARBAGE[name], status, times=FOREVER))
    fails_well(in_process(line("assign", *APP, "--user-assigned", "absent")))
    run = in_process(line("assign", *APP, "--user-assigned", "absent", "--dry-run"))
    assert run.exit_code == 0 or fails_well(run)
    assert has(sim, resource) == (False, [])


@pytest.mark.parametrize("body", [*GARBAGE.values(), {"data": None}, {"data": "x"}, {"data": ["x"]}, {"data": [{}]},
                                  {"data": [{"id": None}]}, {"data": [{"id": "/a/b", "identity": []}]},
                                  {"data": [], "$skipToken": 1}, {"data": [{"name": None, "roleName": 1}]}])
def test_garbage_from_resource_graph(in_process: InProcessAz, sim: Armsim, body: Any) -> None:
    resource = sim.state.add_resource("myApp", "rg", identity=block(system=True))
    sim.add_fault(raw("POST", GRAPH, body, times=FOREVER))
    fails_well(in_process(line("list", "--all-subscriptions")))
    fails_well(in_process(line("list", "--all-subscriptions", "--user-assigned", "one")))
    assert in_process(line("show", *APP, "--roles")).exit_code == 0
    run = in_process(line("remove", *APP, "--system-assigned", "--delete-role-assignments"))
    if run.exit_code:  # once the identity is gone, nothing else knows its principal
        assert "Couldn't look up" in fails_well(run)
        assert writes(sim) == []
    assert has(sim, resource)[0] is bool(run.exit_code)


@pytest.mark.parametrize("body", [*GARBAGE.values(), {"value": [{"id": "/a/b"}]}, {"value": [], "nextLink": 7}])
def test_garbage_in_the_list(in_process: InProcessAz, sim: Armsim, body: Any) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(raw("GET", RESOURCES, body, times=FOREVER))
    fails_well(in_process(line("list")))


def test_a_good_answer_after_a_429_and_a_reset_of_resource_graph(in_process: InProcessAz, sim: Armsim) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    for fault in (Fault(method="POST", status=429, headers={"Retry-After": "1"}),
                  Fault(method="POST", nth=2, kind="reset-before"), Fault(method="POST", nth=3, status=503)):
        sim.add_fault(fault)
    assert [one["id"] for one in in_process(line("list", "--all-subscriptions")).json] == [resource]


# ---- pages and addresses -------------------------------------------------------------------------------------------

def test_a_next_link_that_goes_in_a_circle(in_process: InProcessAz, sim: Armsim) -> None:
    path = f"/subscriptions/{SUB}/providers/Microsoft.Communication/communicationServices?api-version=2023-04-01"
    sim.add_fault(raw("GET", RESOURCES, {"value": [], "nextLink": f"{sim.url}{path}&page=2"}, times=FOREVER))
    assert "links back to a page that was already read" in fails_well(in_process(line("list")))
    assert len(sim.requests) == 2


def test_a_skip_token_that_repeats(in_process: InProcessAz, sim: Armsim) -> None:
    sim.add_fault(raw("POST", GRAPH, {"data": [], "$skipToken": "again"}, times=FOREVER))
    assert "links back to a page that was already read" in fails_well(in_process(line("list", "--all-subscriptions")))
    assert len(sim.requests) == 2


STRANGERS = ["https://evil.example/x", "http://{host}/x", "https://{host}.evil.example/x", "https://user@{host}/x",
             "https://{name}:1/x", "//evil.example/x", "ftp://{host}/x", "evil", "https://[evil/x", "https://{name}:x/x"]


@pytest.fixture
def stranger(sim: Armsim) -> Any:
    """What a pattern of STRANGERS is for this server."""
    host = sim.url.removeprefix("https://")
    return lambda pattern: pattern.format(host=host, name=host.split(":")[0])


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that a request goes to."""
    from requests import Session
    real, found = Session.send, []

    def send(self: Session, request: Any, **more: Any) -> Any:
        found.append(request.url)
        return real(self, request, **more)
    monkeypatch.setattr(Session, "send", send)
    return found


@pytest.mark.parametrize("pattern", STRANGERS)
def test_a_next_link_to_another_host(in_process: InProcessAz, sim: Armsim, pattern: str, stranger: Any,
                                     sent: list[str]) -> None:
    sim.add_fault(raw("GET", RESOURCES, {"value": [], "nextLink": stranger(pattern)}, times=FOREVER))
    assert "doesn't belong to Azure Resource Manager" in fails_well(in_process(line("list")))
    assert all(one.startswith((f"{sim.url}/", sim.token_url)) for one in sent)
    assert len(sim.requests) == 1


@pytest.mark.parametrize("header", ["Azure-AsyncOperation", "Location"])
@pytest.mark.parametrize("pattern", STRANGERS)
def test_an_operation_on_another_host(in_process: InProcessAz, sim: Armsim, pattern: str, stranger: Any, header: str,
                                      sent: list[str]) -> None:
    """The resource itself then has to show what became of it."""
    resource = sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", kind="raw", status=202, body="null", content_type="application/json",
                        headers={header: stranger(pattern)}))
    run = in_process(ASSIGN)
    assert "accepted the change to 'myApp', but" in fails_well(run)
    assert all(one.startswith((f"{sim.url}/", sim.token_url)) for one in sent)
    assert has(sim, resource) == (False, [])


# ---- times ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("asked", "least"), [("3600", 3600), ("99999", 99999)])
def test_a_throttle_that_asks_for_too_long_says_how_long(in_process: InProcessAz, sim: Armsim, asked: str, least: int
                                                         ) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="GET", path=RESOURCES, status=429, headers={"Retry-After": asked}, times=FOREVER))
    text = fails_well(in_process(ASSIGN))
    assert f"it asks for a wait of {least} seconds" in text


@pytest.mark.parametrize("value", ["abc", "", "-1", "1e99", "99999999999999999999", "Thu", "Mon, 99 Foo 2026",
                                   "\u00e9"])
@pytest.mark.parametrize(("method", "status"), [("GET", 429), ("GET", 503), ("PATCH", 429), ("PATCH", 202)])
def test_a_retry_after_that_is_none(in_process: InProcessAz, sim: Armsim, value: str, method: str, status: int) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method=method, path=RESOURCES, status=status, headers={"Retry-After": value}))
    run = in_process(ASSIGN)
    assert run.exit_code == 0 or status == 202 and fails_well(run)


@pytest.mark.parametrize("code", ["ReadOnlyDisabledSubscription", "SubscriptionIsOverQuotaForSku", "ResourceDisabled"])
def test_a_409_that_stays_is_an_error_at_once(in_process: InProcessAz, sim: Armsim, code: str) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", status=409, code=code, message="It is disabled.", times=FOREVER))
    assert f"({code}) It is disabled." in fails_well(in_process(ASSIGN))
    assert in_process.clock.time == 0
    assert writes(sim) == ["PATCH"]


@pytest.mark.parametrize("condition", ["--updated", "--created"])
def test_wait_names_the_resource_that_failed(in_process: InProcessAz, sim: Armsim, condition: str) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.options.patch = replace(FAILURES["failed, no address"], seconds=1.0)
    in_process(line("assign", *APP, "--system-assigned"))
    run = in_process(line("wait", *APP, condition))
    assert run.exit_code == 1
    assert "The last operation on 'myApp' failed" in fails_well(run)


# ---- identities that are gone --------------------------------------------------------------------------------------

@pytest.mark.parametrize("gone", [1, 2, 3])
@pytest.mark.parametrize("more", [["--system-assigned"], ["--user-assigned", "new"]])
def test_identities_that_are_gone_are_named_with_a_command_that_works(in_process: InProcessAz, sim: Armsim, gone: int,
                                                                      more: list[str]) -> None:
    users = [sim.state.add_user_identity(f"mi{number}", "rg") for number in range(3)]
    new = sim.state.add_user_identity("new", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity=block(*users))
    for identity in users[:gone]:
        sim.state.delete_identity(identity)
    words = line("assign", *APP, *more)
    run = in_process(words)
    assert run.exit_code == 3
    text = fails_well(run)
    assert all((identity in text) is (identity in users[:gone]) for identity in users)
    command = next(one for one in text.splitlines() if one.startswith("az communication identity remove"))
    assert in_process(shlex.split(command)[1:]).exit_code == 0
    assert has(sim, resource)[1] == users[gone:]
    assert in_process(words).exit_code == 0
    assert has(sim, resource) == ("--system-assigned" in more, [*users[gone:], *([new] if "new" in more else [])])


def test_a_removal_that_keeps_one_that_is_gone_names_it(in_process: InProcessAz, sim: Armsim) -> None:
    one, two = (sim.state.add_user_identity(name, "rg") for name in ("one", "two"))
    resource = sim.state.add_resource("myApp", "rg", identity=block(one, two))
    sim.state.delete_identity(one)
    assert f"--user-assigned {one}" in fails_well(in_process(line("remove", *APP, "--user-assigned", "two")))
    assert has(sim, resource)[1] == [one, two]


def test_a_removal_of_one_that_is_gone_names_all_that_are(in_process: InProcessAz, sim: Armsim) -> None:
    """Each alone is refused, since a write names the others."""
    users = [sim.state.add_user_identity(f"mi{number}", "rg") for number in range(3)]
    resource = sim.state.add_resource("myApp", "rg", identity=block(*users))
    for identity in users[:2]:
        sim.state.delete_identity(identity)
    text = fails_well(in_process(line("remove", *APP, "--user-assigned", users[0])))
    command = next(one for one in text.splitlines() if one.startswith("az communication identity remove"))
    assert in_process(shlex.split(command)[1:]).exit_code == 0
    assert has(sim, resource)[1] == users[2:]


@pytest.mark.parametrize("code", ["FailedIdentityOperation", "OperationFailed"])
def test_an_operation_that_fails_for_an_identity_that_is_gone_names_it(in_process: InProcessAz, sim: Armsim, code: str
                                                                       ) -> None:
    sim.state.add_user_identity("one", "rg")
    sim.state.add_resource("myApp", "rg")
    sim.options.patch = replace(FAILURES["failed"], code=code)
    sim.add_fault(Fault("GET", "userAssignedIdentities/one", status=404, code="ResourceNotFound"))  # gone meanwhile
    text = fails_well(in_process(line("assign", *APP, "--user-assigned", "one")))
    is_named = "There is no user-assigned identity 'one' in resource group 'rg'" in text
    assert is_named is (code == "FailedIdentityOperation")
    sim.faults.all.clear()  # unused where nothing is looked up


# ---- no text shows None --------------------------------------------------------------------------------------------

CASES = [(status, code) for status in (400, 403, 404, 409) for code in CODES
         if (status, code) != (409, "FailedIdentityOperation")]  # it passes
REFUSED = [(line("show", *APP), "GET", "/myApp$"), (line("list"), "GET", "Services$"),
           (line("assign", *APP, "--user-assigned", "one"), "PATCH", ""),
           (GRANT, "GET", "roleDefinitions"), (GRANT, "PUT", "roleAssignments")]


@pytest.mark.parametrize(("status", "code"), [
    pytest.param(*case, marks=[pytest.mark.full] * (case[1] != "Unknown" and number % 3 > 0))
    for number, case in enumerate(CASES)])
def test_no_error_shows_what_the_answer_did_not_hold(in_process: InProcessAz, sim: Armsim, status: int, code: str
                                                     ) -> None:
    """An unknown code in every body, each known one in some: test_fuzz_answers.py has them all in every body."""
    sim.state.add_resource("myApp", "rg", identity=block(system=True))
    turn = CASES.index((status, code))
    for number, (words, method, path) in enumerate(REFUSED):
        for body in BODIES if code == "Unknown" else [BODIES[(turn + number) % len(BODIES)]]:
            text = json.dumps(body).replace("{code}", code)
            sim.faults.all[:] = [raw(method, path, text, status)]
            run = in_process(words)
            assert "None" not in fails_well(run), (body, words)
            if "Words of the service." in text and code == "Unknown":
                assert "Words of the service." in said(run.error)


def test_a_mistyped_scope_is_not_a_resource_named_none(in_process: InProcessAz, sim: Armsim) -> None:
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="GET", path="roleDefinitions", status=404, code="ResourceNotFound",
                        message="The Resource 'Microsoft.CognitiveServices/accounts/ai' was not found."))
    assert "(ResourceNotFound) The Resource 'Microsoft.CognitiveServices/accounts/ai' was not found." in fails_well(
        in_process(GRANT))
    assert writes(sim) == []


# ---- one process, several commands ---------------------------------------------------------------------------------

def test_a_partial_failure_fails_its_own_command_only(in_process: InProcessAz, sim: Armsim,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that uses the CLI as a library may keep one CLI object."""
    from azure.cli.core import AzCli
    made: list[AzCli] = []
    real = AzCli.invoke

    def with_the_first(self: AzCli, *args: Any, **more: Any) -> Any:
        made.append(self)
        return real(made[0], *args, **more)
    monkeypatch.setattr(AzCli, "invoke", with_the_first)
    ids = [sim.state.add_resource(name, "rg") for name in ("a", "b")]
    partial = line("show", "--ids", *ids, ids[0].replace("services/a", "services/absent").replace("Services/a",
                                                                                                   "Services/absent"))
    assert in_process(partial).exit_code == 1
    for words in (line("show", "--ids", *ids), line("list"), ["account", "list"]):
        run = in_process(words)
        assert run.exit_code == 0, (words, run.error)
    assert in_process(partial).exit_code == 1
    assert len(made) == 5


# ---- policy tokens -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("more", "reference"), [(["--acquire-policy-token"], None),
                                                 (["--change-reference", "/changes/1"], "/changes/1")])
def test_policy_tokens_for_identities_and_role_assignments(in_process: InProcessAz, sim: Armsim, more: list[str],
                                                           reference: str | None) -> None:
    group = f"/subscriptions/{SUB}/resourceGroups/rg"
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg")
    sim.state.require_policy_token(group, change_reference=reference is not None)
    words = line("assign", *APP, "--system-assigned", "--user-assigned", "one", "--role", USER, "--scope", resource)
    refused = in_process(words)
    assert "--acquire-policy-token" in fails_well(refused)
    assert has(sim, resource) == (False, [])
    run = in_process([*words, *more])
    if isinstance(run.error, SystemExit):
        pytest.skip("this azure-cli is older than policy tokens")
    assert run.exit_code == 0, run.error
    assert has(sim, resource) == (True, [one])
    assert len(granted(sim)) == 2
    removal = line("remove", *APP, "--system-assigned", "--delete-role-assignments")
    assert in_process(removal).exit_code == 1
    assert len(granted(sim)) == 2
    assert in_process([*removal, *more]).exit_code == 0
    assert len(granted(sim)) == 1
    assert set(sim.state.policy_tokens.change_references) == {reference}


# ---- closed streams ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("words", "closed"), [
    (line("remove", *APP, "--system-assigned"), "<&-"), (line("remove", *APP, "--system-assigned"), "<&- 2>&-"),
    (line("assign", *APP, "--user-assigned", "one"), "2>&-"), (line("show", *APP), "<&- 2>&-")])
def test_closed_streams(az: Az, sim: Armsim, closed: str, words: list[str]) -> None:
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity=block(one, system=True))
    done = subprocess.run(["bash", "-c", f"{shlex.join(az.command(words))} {closed}"], env=az.environment(), text=True,
                          capture_output=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert json.loads(done.stdout)["type"]
    assert has(sim, resource) == ("remove" not in words, [one])


def test_whether_there_is_a_subscription_that_the_profile_lacks_is_up_to_arm(in_process: InProcessAz, sim: Armsim
                                                                             ) -> None:
    unknown = OTHER.replace("2", "9")
    resource = sim.state.add_resource("myApp", "rg").replace(SUB, unknown)
    assert f"There is no subscription '{unknown}'" in fails_well(in_process(line("show", "--ids", resource)))
    assert len(sim.requests) == 1


@pytest.mark.parametrize(("error", "shows", "most"), [
    (ValueError("Unable to get authority configuration."), "couldn't get a token: Unable to get authority", 1),
    (KeyError("token_endpoint"), "couldn't get a token", 1), (AttributeError("get"), "couldn't get a token", 1),
    (MsalServiceError("HTTP Error: 503", error=None, error_description=None), "HTTP Error: 503", 4),
    (NoConnection("reset"), "Check the network", 4)])
@pytest.mark.parametrize("count", [1, 20])
def test_a_login_service_that_does_not_say_where_tokens_are(
        in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch, error: Exception, shows: str, most: int,
        count: int) -> None:
    """MSAL asks it when the CLI makes the credential: it may be down, or a page of the network answers."""
    asked = []

    def refuse(*_: Any, **options: Any) -> Any:
        asked.append(options)
        raise error
    monkeypatch.setattr("azure.cli.core._profile.Profile.get_login_credentials", refuse)
    ids = [sim.state.add_resource(f"app{number}", "rg") for number in range(count)]
    run = in_process.captured(line("show", "--ids", *ids), Input())
    assert isinstance(run.error, AzCLIError), repr(run.error)
    assert shows in run.stderr
    assert 1 <= len(asked) <= most
