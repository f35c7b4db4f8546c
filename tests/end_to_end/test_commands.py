# SPDX-License-Identifier: MIT
"""The commands, end to end: the real `az` with the installed extension, line by line of the contract. Forms of words
that only the parser and the validators see are tried in the tests' own process.
"""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from armsim import Armsim, Fault
from az import Az
from azure.cli.core.azclierror import NoTTYError
from conftest import OTHER_SUBSCRIPTION
from in_process import InProcessAz

GROUP = "myResourceGroup"
APP = f"--name myApp --resource-group {GROUP}"
RESOURCE = "/providers/Microsoft.Communication/communicationServices/myApp"
SCOPE = "/subscriptions/00000000-0000-0000-0000-000000000001"
API_VERSION = "2023-04-01"


def make(sim: Armsim, identity: dict[str, Any] | None = None, **settings: Any) -> str:
    """A resource with everything that a careless write could lose."""
    domains = ["/subscriptions/x/resourceGroups/x/providers/Microsoft.Communication/emailServices/e/domains/d"]
    return sim.state.add_resource("myApp", GROUP, identity=identity, tags={"team": "chat"}, linked_domains=domains,
                                  disable_local_auth=True, public_network_access="Disabled", **settings)


def users(*identities: str, system: bool = False) -> dict[str, Any]:
    kinds = "SystemAssigned,UserAssigned" if system else "UserAssigned"
    return {"type": kinds, "userAssignedIdentities": {identity: {} for identity in identities}}


def calls(sim: Armsim) -> list[str]:
    return [f"{request.method} {request.path.rsplit('/providers/', 1)[-1]}" for request in sim.requests]


READ = "GET Microsoft.Communication/communicationServices/myApp"
WRITE = "PATCH Microsoft.Communication/communicationServices/myApp"


# ---- assign: what it does ------------------------------------------------------------------------------------------

def test_microsofts_how_to_works_as_written(az: Az, sim: Armsim) -> None:
    resource = make(sim)
    before = sim.state.get_resource(resource)[0]
    az("communication identity assign --system-assigned --name myApp --resource-group myResourceGroup").ok()
    created = az(f"identity create --resource-group {GROUP} --name myIdentity").ok().json
    az(["communication", "identity", "assign", "--name", "myApp", "--resource-group", GROUP, "--user-assigned",
        created["id"]]).ok()
    after = sim.state.get_resource(resource)[0]
    assert after["identity"]["type"] == "SystemAssigned, UserAssigned"
    assert list(after["identity"]["userAssignedIdentities"]) == [created["id"]]
    for key in ("tags", "location", "properties"):
        assert after[key] == before[key]


def test_assign_is_one_get_and_one_patch_of_the_identity_alone(az: Az, sim: Armsim) -> None:
    resource = make(sim)
    etag = sim.state.get_resource(resource)[1]
    printed = az(f"communication identity assign {APP} --system-assigned").ok().json
    assert calls(sim) == [READ, WRITE]
    read, write = sim.requests
    assert read.query == write.query == {"api-version": API_VERSION}
    assert write.body == {"identity": {"type": "SystemAssigned"}}
    assert write.header("If-Match") == etag
    block = sim.state.identity_of(resource)
    assert printed == {"type": "SystemAssigned", "principalId": block["principalId"], "tenantId": block["tenantId"]}


def test_assign_keeps_what_is_there(az: Az, sim: Armsim) -> None:
    one, two = (sim.state.add_user_identity(name, GROUP) for name in ("one", "two"))
    make(sim, users(one, system=True))
    printed = az(f"communication identity assign {APP} --user-assigned two").ok().json
    assert sim.requests[-1].body == {"identity": {"type": "SystemAssigned,UserAssigned",
                                                  "userAssignedIdentities": {one: {}, two: {}}}}
    assert printed["type"] == "SystemAssigned,UserAssigned"
    assert list(printed["userAssignedIdentities"]) == [one, two]
    assert all(value["clientId"] and value["principalId"] for value in printed["userAssignedIdentities"].values())


def test_assign_writes_nothing_when_nothing_changes(az: Az, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", GROUP)
    make(sim, users(one, system=True))
    printed = az(["communication", "identity", "assign", "-n", "myApp", "-g", GROUP, "--system-assigned",
                  "--user-assigned", one.upper()]).ok().json
    assert calls(sim) == [READ, "GET Microsoft.ManagedIdentity/userAssignedIdentities/ONE"]
    assert list(printed["userAssignedIdentities"]) == [one]


def test_query_type_has_no_space(az: Az, sim: Armsim) -> None:
    make(sim, users(sim.state.add_user_identity("one", GROUP), system=True))
    assert az(f"communication identity show {APP} --query type -o tsv").ok().stdout == "SystemAssigned,UserAssigned\n"


def test_principal_id_alone_for_a_script(az: Az, sim: Armsim) -> None:
    resource = make(sim)
    done = az(f"communication identity assign {APP} --system-assigned --query principalId -o tsv").ok()
    assert done.stdout == sim.state.identity_of(resource)["principalId"] + "\n"
    assert done.stderr == ""


# ---- assign: call forms --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("flag", ["--system-assigned", "--system-assigned true", "--system-assigned=TRUE",
                                  "--system-assigned Yes", "--system-assigned y", "--system-assigned T",
                                  "--system-assigned=1", "--mi-system-assigned"])
def test_every_spelling_of_the_flag(in_process: InProcessAz, sim: Armsim, flag: str) -> None:
    resource = make(sim)
    run = in_process(shlex.split(f"communication identity assign {flag} -n myApp -g {GROUP} --no-wait False -o none"))
    assert (run.exit_code, run.output) == (0, ""), run.error
    assert sim.state.identity_of(resource)["type"] == "SystemAssigned"


@pytest.mark.parametrize("form", [
    ["{one}", "{two}"], ["one", "two"], ["[{one},{two}]"], ['["{one}","{two}"]'], ["[{one},", "{two}]"],
    ["{one}", "--user-assigned", "two"],
])
def test_every_form_of_a_list(in_process: InProcessAz, sim: Armsim, form: list[str]) -> None:
    one, two = (sim.state.add_user_identity(name, GROUP) for name in ("one", "two"))
    resource = make(sim)
    words = [word.replace("{one}", one).replace("{two}", two) for word in form]
    run = in_process(["communication", "identity", "assign", "-n", "myApp", "-g", GROUP, "--user-assigned", *words])
    assert run.exit_code == 0, run.error
    assert list(sim.state.identity_of(resource)["userAssignedIdentities"]) == [one, two]


def test_false_beside_another_flag_is_as_if_absent(az: Az, sim: Armsim) -> None:
    sim.state.add_user_identity("one", GROUP)
    resource = make(sim)
    az(f"communication identity assign {APP} --system-assigned false --user-assigned one").ok()
    assert sim.state.identity_of(resource)["type"] == "UserAssigned"


def test_configured_defaults_and_subscription(az: Az, sim: Armsim) -> None:
    other = sim.state.add_subscription(*OTHER_SUBSCRIPTION)
    make(sim)
    elsewhere = sim.state.add_resource("myApp", GROUP, subscription=other)
    az(f"configure --defaults group={GROUP}").ok()
    az("communication identity assign -n myApp --system-assigned").ok()
    az(f"communication identity assign -n myApp --system-assigned --subscription {other}").ok()
    assert sim.state.identity_of(elsewhere)["type"] == "SystemAssigned"
    assert [request.path.split("/")[2] for request in sim.requests[-2:]] == [other, other]


@pytest.mark.parametrize("output", ["json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"])
@pytest.mark.parametrize("command", ["assign --system-assigned", "remove --system-assigned --yes", "show", "list"])
def test_every_output_format(in_process: InProcessAz, sim: Armsim, command: str, output: str) -> None:
    make(sim, users(sim.state.add_user_identity("one", GROUP)))
    where = f"-g {GROUP}" if command == "list" else APP
    run = in_process(shlex.split(f"communication identity {command} {where} -o {output}"))
    assert run.exit_code == 0, run.error
    assert ("one" in run.output or output == "tsv") is (output != "none")


# ---- remove --------------------------------------------------------------------------------------------------------

def test_remove_one_of_three_leaves_two(az: Az, sim: Armsim) -> None:
    one, two, three = (sim.state.add_user_identity(name, GROUP) for name in ("one", "two", "three"))
    resource = make(sim, users(one, two, three, system=True))
    printed = az(["communication", "identity", "remove", "-n", "myApp", "-g", GROUP, "--user-assigned",
                  two.upper()]).ok().json
    assert calls(sim) == [READ, WRITE]
    assert sim.requests[-1].body == {"identity": {"type": "SystemAssigned,UserAssigned",
                                                  "userAssignedIdentities": {one: {}, three: {}, two: None}}}
    assert list(printed["userAssignedIdentities"]) == [one, three]
    assert list(sim.state.identity_of(resource)["userAssignedIdentities"]) == [one, three]


def test_remove_the_last_one(az: Az, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", GROUP)
    resource = make(sim, users(one))
    done = az(f"communication identity remove {APP} --user-assigned ONE").ok()
    assert done.json == {"type": "None"}
    assert "Removing 'one' leaves 'myApp' without an identity." in done.stderr
    assert sim.requests[-1].body == {"identity": {"type": "None"}}
    assert sim.state.identity_of(resource) == {"type": "None"}


@pytest.mark.parametrize("form", [["--yes"], ["[]"]])
def test_remove_all_user_assigned(az: Az, sim: Armsim, form: list[str]) -> None:
    one, two = (sim.state.add_user_identity(name, GROUP) for name in ("one", "two"))
    resource = make(sim, users(one, two, system=True))
    az(["communication", "identity", "remove", "-n", "myApp", "-g", GROUP, "--user-assigned", *form]).ok()
    assert sim.state.identity_of(resource)["type"] == "SystemAssigned"


def test_remove_everything_in_a_script_warns_and_goes_on(az: Az, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", GROUP)
    resource = make(sim, users(one, system=True))
    done = az(f"communication identity remove {APP} --system-assigned --user-assigned --yes").ok()
    assert done.json == {"type": "None"}
    assert "Removing the system-assigned identity and 'one' leaves 'myApp' without an identity." in done.stderr
    assert done.stderr.count("WARNING") == 1
    assert sim.state.identity_of(resource) == {"type": "None"}


@pytest.mark.parametrize(("answer", "removed"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_remove_asks_in_a_terminal(az: Az, sim: Armsim, answer: str, removed: bool) -> None:
    resource = make(sim, {"type": "SystemAssigned"})
    done = az.in_terminal(f"communication identity remove {APP} --system-assigned", answer)
    assert "The principal of the system-assigned identity is deleted" in done.stdout
    assert "Remove 1 identity from 'myApp'? (y/N)" in done.stdout
    assert (done.exit_code == 0) is removed
    assert (sim.state.identity_of(resource)["type"] == "None") is removed


@pytest.mark.parametrize("command", ["--system-assigned --yes", "--user-assigned one"])
def test_remove_does_not_ask_needlessly(az: Az, sim: Armsim, command: str) -> None:
    make(sim, users(sim.state.add_user_identity("one", GROUP), system=True))
    done = az.in_terminal(f"communication identity remove {APP} {command}")
    assert done.exit_code == 0
    assert "(y/N)" not in done.stdout


def test_remove_with_ids_asks_once_for_all(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_resource(name, GROUP, identity={"type": "SystemAssigned"}) for name in ("a", "b", "c")]
    done = az.in_terminal(["communication", "identity", "remove", "--system-assigned", "--ids", *ids], "y\n")
    assert done.exit_code == 0
    assert done.stdout.count("Remove 3 identities from 3 resources? (y/N)") == 1
    assert "3 resources lose their system-assigned identity, all of them their last identity." in done.stdout
    assert all(sim.state.identity_of(resource) == {"type": "None"} for resource in ids)


def test_remove_what_is_not_assigned_removes_nothing(az: Az, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", GROUP)
    make(sim, users(one, system=True))
    done = az(f"communication identity remove {APP} --system-assigned --user-assigned one other")
    assert done.exit_code == 3
    assert "'other' isn't assigned to 'myApp'. Nothing was removed." in done.stderr
    assert "It has these user-assigned identities: 'one'." in done.stderr
    assert calls(sim) == [READ]


@pytest.mark.parametrize(("flag", "what"), [("--system-assigned", "system-assigned"),
                                            ("--user-assigned", "user-assigned")])
def test_remove_where_there_is_nothing_warns(az: Az, sim: Armsim, flag: str, what: str) -> None:
    make(sim)
    done = az(f"communication identity remove {APP} {flag} --yes").ok()
    assert f"'myApp' has no {what} identity. There is nothing to remove." in done.stderr
    assert done.json == {"type": "None"}
    assert calls(sim) == [READ]


# ---- show, list, wait ----------------------------------------------------------------------------------------------

def test_show_is_one_get(az: Az, sim: Armsim) -> None:
    make(sim)
    assert az(f"communication identity show {APP}").ok().json == {"type": "None"}
    assert calls(sim) == [READ]


def test_list_is_one_get_a_page(az: Az, sim: Armsim) -> None:
    sim.options.page_size = 2
    ids = [sim.state.add_resource(f"app{number}", f"group{number % 2}", identity={"type": "SystemAssigned"})
           for number in range(5)]
    listed = az("communication identity list").ok().json
    assert [item["id"] for item in listed] == ids
    assert [(item["name"], item["resourceGroup"], item["type"]) for item in listed[:2]] == [
        ("app0", "group0", "SystemAssigned"), ("app1", "group1", "SystemAssigned")]
    assert len(sim.requests) == 3
    assert len(az("communication identity list -g group1").ok().json) == 2
    assert len(sim.requests) == 4


def test_list_of_nothing(az: Az, sim: Armsim) -> None:
    sim.state.add_group(GROUP)
    assert az(f"communication identity list -g {GROUP}").ok().json == []
    assert az("communication identity list -o table").ok().stdout.strip() == ""


@pytest.mark.parametrize("condition", ["--created", "--updated", "--exists", "--custom identity.principalId",
                                       "--custom \"identity.type=='SystemAssigned'\"",
                                       "--custom \"contains(identity.principalId, '-')\""])
def test_wait_for_what_is_there(in_process: InProcessAz, sim: Armsim, condition: str) -> None:
    make(sim, {"type": "SystemAssigned"})
    run = in_process(shlex.split(f"communication identity wait {APP} {condition} --interval 1"))
    assert (run.exit_code, run.output) == (0, ""), run.error
    assert calls(sim) == [READ]


def test_wait_for_what_is_gone(az: Az, sim: Armsim) -> None:
    sim.state.add_group(GROUP)
    az(f"communication identity wait {APP} --deleted").ok()


def test_wait_polls_until_settled(az: Az, sim: Armsim) -> None:
    sim.options.patch_fill_after = 3
    resource = make(sim)
    sim.state.patch_resource(resource, {"identity": {"type": "SystemAssigned"}})
    az(f"communication identity wait {APP} --updated --interval 1").ok()
    assert calls(sim) == [READ] * 3


@pytest.mark.parametrize("query", ["identity.principalId", "contains(identity.principalId,'-')"])
def test_wait_times_out_with_an_error(az: Az, sim: Armsim, query: str) -> None:
    make(sim)
    done = az(f"communication identity wait {APP} --custom \"{query}\" --interval 1 --timeout 1")
    assert done.exit_code == 1
    assert "'myApp' didn't meet the condition within 1 seconds." in done.stderr


# ---- a service that takes its time ---------------------------------------------------------------------------------

def test_assign_waits_until_the_answer_is_settled(az: Az, sim: Armsim) -> None:
    sim.options.patch_fill_after = 2
    one = sim.state.add_user_identity("one", GROUP)
    make(sim)
    printed = az(f"communication identity assign {APP} --user-assigned one").ok().json
    assert printed["userAssignedIdentities"][one]["clientId"]
    assert calls(sim) == [READ, WRITE, READ, READ]


def test_no_wait_does_not(az: Az, sim: Armsim) -> None:
    sim.options.patch_fill_after = 2
    one = sim.state.add_user_identity("one", GROUP)
    make(sim)
    printed = az(f"communication identity assign {APP} --user-assigned one --no-wait").ok().json
    assert printed == {"type": "UserAssigned", "userAssignedIdentities": {one: {}}}
    assert calls(sim) == [READ, WRITE]


def test_assign_waits_for_a_running_operation(az: Az, sim: Armsim) -> None:
    sim.options.put_resource_seconds = 1.5
    resource = make(sim)
    sim.state.put_resource(resource, {"location": "global", "properties": {"dataLocation": "unitedstates"}})
    az(f"communication identity assign {APP} --system-assigned").ok()
    assert calls(sim)[-1] == WRITE
    assert calls(sim).count(WRITE) == 1
    assert sim.state.identity_of(resource)["type"] == "SystemAssigned"


# ---- --ids ---------------------------------------------------------------------------------------------------------

def test_ids_print_a_list_in_order_with_the_resource(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_resource(f"app{number}", GROUP) for number in range(12)]
    listed = az("communication identity list --query [].id -o tsv").ok().stdout
    done = az("communication identity assign --system-assigned --ids @-", stdin=listed).ok()
    assert [item["id"] for item in done.json] == ids
    assert {item["type"] for item in done.json} == {"SystemAssigned"}


def test_a_single_id_prints_an_object(az: Az, sim: Armsim) -> None:
    assert az(f"communication identity show --ids {make(sim)}").ok().json == {"type": "None"}


def test_a_name_beside_ids_is_ignored_with_a_warning(az: Az, sim: Armsim) -> None:
    done = az(f"communication identity show --name other --ids {make(sim)}").ok()
    assert "option '--name' will be ignored due to use of '--ids'." in done.stderr
    assert calls(sim) == [READ]


def test_ids_take_json_of_another_command(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_resource(name, GROUP) for name in ("a", "b")]
    listed = az("communication identity list").ok().stdout
    assert [item["id"] for item in az("communication identity show --ids @-", stdin=listed).ok().json] == ids


def test_one_failure_neither_stops_nor_hides_the_others(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_resource(name, GROUP) for name in ("a", "b", "c")]
    sim.state.deny("Microsoft.Communication/CommunicationServices/write", ids[1])
    done = az(["communication", "identity", "assign", "--system-assigned", "--ids", *ids,
               ids[0].replace("communicationServices/a", "communicationServices/absent")])
    assert done.exit_code == 1
    assert [item["id"] for item in done.json] == [ids[0], ids[2]]
    assert f"{ids[1]}: You don't have permission to perform" in done.stderr
    assert "There is no Communication Services resource 'absent'" in done.stderr
    assert "2 of 4 resources failed; 2 succeeded." in done.stderr


def test_all_failures(az: Az, sim: Armsim) -> None:
    ids = [make(sim).replace("myApp", name) for name in ("a", "b")]
    done = az(["communication", "identity", "show", "--ids", *ids])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "2 of 2 resources failed; 0 succeeded." in done.stderr


# ---- wrong input ---------------------------------------------------------------------------------------------------

# The line: how it ends, what it says, and how to go on.
WRONG = {
    # What is missing, or no flag's value, ends as argparse ends it; what a validator refuses, as in azure-cli, with 1.
    f"assign {APP}": (2, "Specify --system-assigned, --user-assigned or both", "identity assign --help"),
    f"assign {APP} --system-assigned false": (2, "Specify --system-assigned, --user-assigned or both", "assign --help"),
    f"assign {APP} --user-assigned []": (2, "Specify --system-assigned, --user-assigned or both", "assign --help"),
    f"remove {APP}": (2, "Specify --system-assigned, --user-assigned or both", "identity remove --help"),
    f"remove {APP} --system-assigned no": (2, "Specify --system-assigned, --user-assigned or both", "remove --help"),
    f"assign {APP} --system-assigned maybe": (2, "'maybe' isn't a valid value", "true or false"),
    "assign --system-assigned -n myApp": (2, "(--name --resource-group | --ids) are required", "--ids"),
    "show": (2, "(--name --resource-group | --ids) are required", "--ids"),
    "assign --system-assigned --ids ''": (2, "--ids requires at least one resource ID", "check that it is set"),
    "assign --system-assigned --ids": (2, "--ids requires at least one resource ID", "check that it is set"),
    f"assign {APP} --user-assigned": (2, "expected at least one argument", "az communication identity assign"),
    f"wait {APP} --created --interval 0": (2, "'0'. Specify a number of seconds", "--interval"),
    f"wait {APP} --created --interval -1": (2, "'-1'. Specify a number of seconds", "--interval"),
    f"assign {APP} --user-assigned [system]": (1, "'[system]' is not a user-assigned identity", "--system-assigned"),
    f"assign {APP} --user-assigned ''": (1, "contains an empty value", "az identity list"),
    f"assign {APP} --user-assigned None": (1, "the result of an empty query", "--output tsv"),
    f"assign {APP} --user-assigned [0]=one": (1, "setting one element of a list", "--user-assigned one"),
    f"assign {APP} --user-assigned absent.json": (1, "Can't read 'absent.json'", "JSON or YAML file"),
    f"assign {APP} --user-assigned 00000000-0000-0000-0000-00000000000f": (1, "is a client ID or a principal ID",
     "principalId=='00000000-0000-0000-0000-00000000000f'"),
    f"assign {APP} --user-assigned one a/b": (1, "'a/b' is not a valid name or resource ID", "az identity list"),
    f"assign --system-assigned -g {GROUP} -n 'my app'": (1, "'my app' is not a valid name", "identity list"),
    "assign --system-assigned -g 'my/group' -n myApp": (1, "'my/group' is not a valid name for a resource group",
     "az group list"),
    "assign --system-assigned --ids myApp": (1, "'myApp' is not the resource ID", "identity list"),
    "list -g 'my/group'": (1, "'my/group' is not a valid name for a resource group", "az group list"),
    f"show {APP} --subscription nobody": (1, "'nobody' is not a subscription", "az account list"),
    f"wait {APP}": (1, "The condition to wait for is missing", "--custom JMESPATH"),
    f"assign {APP} --system-assigned --scope /subscriptions/x": (1, "--scope requires --role", "--role"),
    f"assign {APP} --system-assigned --role Reader": (1, "--role requires --scope", "--scope ID"),
    f"assign {APP} --system-assigned --role '' --scope {SCOPE}": (1, "'' is not a valid name or ID of a role",
     "az role definition list"),
    f"assign {APP} --system-assigned --role Reader --scope /a/../b": (1, "'/a/../b' is not a valid scope",
     "az group show"),
    f"remove {APP} --user-assigned one --delete-role-assignments": (1, "requires --system-assigned", "az role"),
    f"remove {APP} --user-assigned": (1, "Can't prompt for confirmation", "--yes"),
    f"remove {APP} --user-assigned --system-assigned": (1, "Can't prompt for confirmation", "--yes"),
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_input_is_refused_before_any_call(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
                                                line: str) -> None:
    exit_code, message, way_on = WRONG[line]
    make(sim)
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # no terminal
    run = in_process(shlex.split(f"communication identity {line}"))
    printed = capsys.readouterr()
    assert run.exit_code == exit_code
    assert run.output == printed.out == ""
    assert message in caplog.text  # the CLI logs the error and prints the recommendations
    assert way_on in caplog.text + printed.err
    assert sim.requests == []


@pytest.mark.parametrize("line", [
    "show", "assign --system-assigned --ids ''", f"assign {APP} --user-assigned",
    f"wait {APP} --created --interval 0", f"assign {APP} --user-assigned [system]", f"remove {APP} --user-assigned"])
def test_a_process_that_refuses_its_input_says_so_on_stderr(az: Az, sim: Armsim, line: str) -> None:
    exit_code, message, way_on = WRONG[line]
    make(sim)
    done = az(f"communication identity {line}")
    assert (done.exit_code, done.stdout) == (exit_code, "")
    assert message in done.stderr
    assert way_on in done.stderr
    assert sim.requests == []


@pytest.mark.parametrize("flag", ["--system-assigned", "--user-assigned []", "--user-assigned"])
def test_a_removal_whose_ids_come_from_standard_input_needs_yes(az: Az, sim: Armsim, flag: str) -> None:
    resource = make(sim, users(sim.state.add_user_identity("one", GROUP), system=True))
    refused = az(f"communication identity remove --ids @- {flag}", stdin=resource)
    assert refused.exit_code == 1
    assert "Can't prompt for confirmation" in refused.stderr
    assert "--yes" in refused.stderr
    assert sim.requests == []
    az(f"communication identity remove --ids @- {flag} --yes", stdin=resource).ok()


def test_standard_input_of_a_program_that_uses_the_cli(in_process: InProcessAz, sim: Armsim,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    resource = make(sim, {"type": "SystemAssigned"})
    line = ["communication", "identity", "remove", "--system-assigned", "--ids"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(resource))
    assert isinstance(in_process([*line, "@-"]).error, NoTTYError)
    assert isinstance(in_process([*line, resource]).error, NoTTYError)
    assert sim.requests == []
    assert in_process([*line, resource, "--yes"]).exit_code == 0


def test_nothing_on_standard_input_is_nothing_to_do(az: Az, sim: Armsim) -> None:
    for command in ("assign --system-assigned", "remove --system-assigned", "show"):
        done = az(f"communication identity {command} --ids @-", stdin="").ok()
        assert done.json == []
        assert "There is nothing to do" in done.stderr
    assert sim.requests == []


@pytest.mark.parametrize("closed", ["<&-", "2>&- <&-"])
def test_a_closed_standard_input_is_no_terminal(az: Az, sim: Armsim, closed: str) -> None:
    resource = make(sim, users(sim.state.add_user_identity("one", GROUP), system=True))
    command = shlex.join(az.command(f"communication identity remove {APP} --system-assigned"))
    done = subprocess.run(["bash", "-c", f"{command} {closed}"], env=az.environment(), capture_output=True, text=True,
                          check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert sim.state.identity_of(resource)["type"] == "UserAssigned"


@pytest.mark.parametrize("mangle", ["{}\r\n", "\ufeff{}", "'{}'", "[{{id:{}}}]", "C:/Program Files/Git{}", "/{}",
                                    "https://portal.azure.com/#@x/resource{}/overview"])
def test_ids_as_shells_hand_them_over(az: Az, sim: Armsim, mangle: str) -> None:
    resource, one = make(sim), sim.state.add_user_identity("one", GROUP)
    done = az(["communication", "identity", "assign", "--ids", "@-", "--user-assigned", mangle.format(one)],
              stdin=mangle.format(resource)).ok()
    assert list(sim.state.identity_of(resource)["userAssignedIdentities"]) == [one]
    assert done.stderr.count("MSYS_NO_PATHCONV=1") == mangle.startswith("C:")


def test_identities_in_files(az: Az, sim: Armsim, tmp_path: Path) -> None:
    one, two = (sim.state.add_user_identity(name, GROUP) for name in ("one", "two"))
    resource = make(sim)
    (tmp_path / "ids.json").write_text(json.dumps([one]), encoding="utf-16")
    (tmp_path / "ids.yaml").write_text("- two\n")
    az(["communication", "identity", "assign", *APP.split(), "--user-assigned", str(tmp_path / "ids.json"),
        str(tmp_path / "ids.yaml")]).ok()
    assert list(sim.state.identity_of(resource)["userAssignedIdentities"]) == [one, two]


def test_every_ids_counts(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_resource(name, GROUP) for name in ("a", "b")]
    done = az(["communication", "identity", "show", "--ids", ids[0], "--ids", ids[1]]).ok()
    assert [item["id"] for item in done.json] == ids


# ---- what the service refuses --------------------------------------------------------------------------------------

def test_no_such_resource(az: Az, sim: Armsim) -> None:
    sim.state.add_group(GROUP)
    for command in ("show", "assign --system-assigned", "remove --system-assigned", "wait --updated"):
        done = az(f"communication identity {command} {APP}")
        assert done.exit_code == 3
        assert f"There is no Communication Services resource 'myApp' in resource group '{GROUP}'" in done.stderr
        assert sim.state.SUBSCRIPTION in done.stderr
        assert "az communication identity list" in done.stderr


def test_no_such_group(az: Az, sim: Armsim) -> None:
    for command in (f"show {APP}", f"list -g {GROUP}"):
        done = az(f"communication identity {command}")
        assert done.exit_code == 3
        assert f"There is no resource group '{GROUP}'" in done.stderr
        assert "az group list" in done.stderr
    assert sim.requests


@pytest.mark.parametrize(("action", "role"), [("write", "Contributor"), ("read", "Reader")])
def test_authorization_failed(az: Az, sim: Armsim, action: str, role: str) -> None:
    resource = make(sim)
    sim.state.deny(f"Microsoft.Communication/CommunicationServices/{action}", resource)
    done = az(f"communication identity assign {APP} --system-assigned")
    assert done.exit_code == 1
    doubt = "" if action == "write" else f", or '{resource.rsplit('/', 1)[-1]}' or the group '{GROUP}' doesn't exist"
    assert (f"You don't have permission to perform 'Microsoft.Communication/CommunicationServices/{action}' on "
            f"'{resource}'{doubt}.") in done.stderr
    assert f'az role assignment create --role {role} --assignee 00000000-0000-0000-0000-00000000000c' in done.stderr


def test_linked_authorization_failed(az: Az, sim: Armsim) -> None:
    one = sim.state.add_user_identity("one", GROUP)
    make(sim)
    sim.state.deny("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", one)
    done = az(f"communication identity assign {APP} --user-assigned one")
    assert done.exit_code == 1
    assert f"You don't have permission to assign the user-assigned identity '{one}'." in done.stderr
    assert ('az role assignment create --role "Managed Identity Operator" --assignee '
            f'00000000-0000-0000-0000-00000000000c --scope {one}') in done.stderr


def test_no_such_identity_names_similar_ones(az: Az, sim: Armsim) -> None:
    elsewhere = sim.state.add_user_identity("myIdentity", "otherGroup")
    sim.state.add_user_identity("myIdentty", GROUP)
    sim.state.add_user_identity("else", GROUP)
    resource = make(sim)
    done = az(f"communication identity assign {APP} --user-assigned myIdentity")
    assert done.exit_code == 3
    assert f"There is no user-assigned identity 'myIdentity' in resource group '{GROUP}'." in done.stderr
    assert f"Did you mean one of these?\n{elsewhere}\nmyIdentty\n" in done.stderr + "\n"
    assert "userAssignedIdentities/else" not in done.stderr
    assert sim.state.identity_of(resource) is None


def test_no_such_identity_and_no_right_to_look(az: Az, sim: Armsim) -> None:
    make(sim)
    sim.state.deny("Microsoft.ManagedIdentity/userAssignedIdentities/read",
                   f"/subscriptions/{sim.state.SUBSCRIPTION}")
    done = az(f"communication identity assign {APP} --user-assigned myIdentity")
    assert done.exit_code == 1
    assert "userAssignedIdentities/myIdentity' was not found." in done.stderr


def test_lock(az: Az, sim: Armsim) -> None:
    resource = make(sim)
    sim.state.lock_scope(resource)
    done = az(f"communication identity assign {APP} --system-assigned")
    assert done.exit_code == 1
    assert f"A lock on '{resource}' prevents the change." in done.stderr
    assert "az lock list" in done.stderr


def test_policy(az: Az, sim: Armsim) -> None:
    resource = make(sim, {"type": "SystemAssigned"})
    sim.state.require_identity_by_policy(resource)
    done = az(f"communication identity remove {APP} --system-assigned")
    assert done.exit_code == 1
    assert ("Azure Policy denied the change: 'Communication service resource should use a managed identity'"
            ) in done.stderr
    assert "(assignment 'require-identity')" in done.stderr


def test_policy_assigned_by_cores_own_command(az: Az, sim: Armsim) -> None:
    make(sim, {"type": "SystemAssigned"})
    policy = ["policy", "assignment", "create", "--name", "acs", "--policy", "bcff6755-335b-484d-b435-d1161db39cdc"]
    az([*policy, "--params", '{"effect": {"value": "Deny"}}']).ok()
    refused = az(f"communication identity remove {APP} --system-assigned")
    assert refused.exit_code == 1
    assert "(assignment 'acs')" in refused.stderr
    az([*policy, "--params", '{"effect": {"value": "Audit"}}']).ok()
    az(f"communication identity remove {APP} --system-assigned").ok()


def test_not_registered_is_not_registered_behind_the_users_back(az: Az, sim: Armsim) -> None:
    make(sim)
    sim.state.unregister("Microsoft.Communication")
    done = az(f"communication identity assign {APP} --system-assigned")
    assert done.exit_code == 1
    assert "az provider register -n Microsoft.Communication" in done.stderr
    assert [request.method for request in sim.requests] == ["GET"]


def test_what_is_not_understood_goes_through_with_the_services_words(az: Az, sim: Armsim) -> None:
    make(sim)
    sim.add_fault(Fault(method="PATCH", status=400, code="SomethingNew", message="Nobody knows."))
    done = az(f"communication identity assign {APP} --system-assigned")
    assert done.exit_code == 1
    assert "(SomethingNew) Nobody knows." in done.stderr


def test_throttled_requests_wait_as_asked(az: Az, sim: Armsim) -> None:
    make(sim)
    sim.add_fault(Fault(method="PATCH", status=429, code="TooManyRequests", headers={"Retry-After": "2"}))
    sim.add_fault(Fault(method="GET", path="myApp", status=429, code="TooManyRequests", headers={"Retry-After": "1"}))
    az(f"communication identity assign {APP} --system-assigned").ok()
    assert calls(sim) == [READ, READ, WRITE, WRITE]
    times = [request.at for request in sim.requests]
    assert times[1] - times[0] >= 1
    assert times[3] - times[2] >= 2


def test_a_lost_answer_ends_in_success(az: Az, sim: Armsim) -> None:
    resource = make(sim)
    sim.add_fault(Fault(method="PATCH", kind="reset-after"))
    printed = az(f"communication identity assign {APP} --system-assigned").ok().json
    assert printed["principalId"] == sim.state.identity_of(resource)["principalId"]
    assert calls(sim) == [READ, WRITE, READ]


def test_a_lost_answer_of_remove_ends_in_success(az: Az, sim: Armsim) -> None:
    make(sim, users(sim.state.add_user_identity("one", GROUP)))
    sim.add_fault(Fault(method="PATCH", kind="reset-after"))
    assert az(f"communication identity remove {APP} --user-assigned one").ok().json == {"type": "None"}


def test_output_is_plain_json(az: Az, sim: Armsim) -> None:
    make(sim, users(sim.state.add_user_identity("one", GROUP), system=True))
    assert "null" not in json.dumps(az(f"communication identity show {APP}").ok().json)
