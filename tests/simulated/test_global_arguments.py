# SPDX-License-Identifier: MIT
"""azure-cli's own arguments and settings, on every command of the group."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from armsim import Armsim
from conftest import OTHER_SUBSCRIPTION
from in_process import InProcessAz

APP = ["-n", "myApp", "-g", "rg"]
COMMANDS = {
    "assign": ["assign", "--system-assigned", *APP],
    "remove": ["remove", "--system-assigned", "--yes", *APP],
    "show": ["show", *APP],
    "list": ["list", "-g", "rg"],
    "check": ["check", *APP],
    "wait": ["wait", "--exists", *APP],
}
CORE = ("identity", "profile", "resource", "role", "storage")  # without storage, core itself fails
WRITING = ("assign", "remove", "check", "wait")  # as azure-cli has it: every command but show and list
every_command = pytest.mark.parametrize("name", list(COMMANDS))


def run(az: InProcessAz, name: str, *more: str) -> Any:
    done = az(["communication", "identity", *COMMANDS[name], *more])
    assert done.exit_code == 0, done.error
    return done


@pytest.fixture(autouse=True)
def resource(sim: Armsim) -> str:
    return sim.state.add_resource("myApp", "rg", identity={"type": "SystemAssigned"})


@every_command
def test_subscription(in_process: InProcessAz, sim: Armsim, name: str) -> None:
    other = sim.state.add_subscription(*OTHER_SUBSCRIPTION)
    sim.state.add_resource("myApp", "rg", subscription=other, identity={"type": "SystemAssigned"})
    run(in_process, name, "--subscription", other)
    assert {request.path.split("/")[2] for request in sim.requests} == {other}


@pytest.mark.parametrize("value", ["Other\r", "'other',", f"\ufeff{OTHER_SUBSCRIPTION[0]}"])
def test_subscription_as_a_shell_passes_it_on(in_process: InProcessAz, sim: Armsim, value: str) -> None:
    other = sim.state.add_subscription(*OTHER_SUBSCRIPTION)
    sim.state.add_resource("myApp", "rg", subscription=other, identity={"type": "SystemAssigned"})
    run(in_process, "show", "--subscription", value)
    assert [request.path.split("/")[2] for request in sim.requests] == [other]


@pytest.mark.parametrize("name", ["remove", "list"])
def test_an_unset_variable_is_no_subscription(in_process: InProcessAz, sim: Armsim, name: str) -> None:
    done = in_process(["communication", "identity", *COMMANDS[name], "--subscription", ""])
    assert done.exit_code == 1
    assert "is not a subscription that you have access to" in str(done.error)
    assert sim.requests == []


@every_command
@pytest.mark.parametrize("output", ["json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"])
def test_output(in_process: InProcessAz, name: str, output: str) -> None:
    printed = run(in_process, name, "-o", output).output
    assert bool(printed.strip()) is (output != "none" and name != "wait")


@every_command
def test_query(in_process: InProcessAz, name: str) -> None:
    printed = run(in_process, name, "--query", "[0].type || type || status", "-o", "json").output
    if name != "wait":
        assert json.loads(printed) in ("SystemAssigned", "None", "ok")


@every_command
@pytest.mark.parametrize("option", ["--only-show-errors", "--verbose", "--debug"])
def test_logging(in_process: InProcessAz, name: str, option: str) -> None:
    run(in_process, name, option)


@pytest.mark.parametrize("name", WRITING)
def test_policy_arguments(in_process: InProcessAz, sim: Armsim, name: str, resource: str) -> None:
    if name == "assign":
        sim.state.add_resource("myApp", "rg")  # so that there is something to write
    run(in_process, name, "--acquire-policy-token", "--change-reference", "CHG1")
    asked = [request for request in sim.requests if request.path.lower().endswith("/acquirepolicytoken")]
    writes = [request for request in sim.requests if request.method == "PATCH"]
    assert len(asked) == len(writes) == (name in ("assign", "remove"))
    for question, write in zip(asked, writes, strict=True):
        assert question.body["operation"]["content"] == write.body
        assert question.body["changeReference"] == "CHG1"
        assert write.header("x-ms-policy-external-evaluations")


@pytest.mark.parametrize("name", ["show", "list"])
def test_reading_commands_have_no_policy_arguments(in_process: InProcessAz, name: str) -> None:
    assert in_process(["communication", "identity", *COMMANDS[name], "--acquire-policy-token"]).exit_code == 2


@every_command
@pytest.mark.parametrize(("variable", "value"), [
    ("AZURE_CORE_ONLY_SHOW_ERRORS", "true"), ("AZURE_CORE_NO_COLOR", "true"), ("AZURE_CORE_OUTPUT", "table"),
    ("AZURE_CORE_DISABLE_PROGRESS_BAR", "true"), ("AZURE_CORE_DISABLE_CONFIRM_PROMPT", "true"),
    ("AZURE_DEFAULTS_GROUP", "rg"), ("AZURE_EXTENSION_USE_DYNAMIC_INSTALL", "yes_without_prompt"),
    ("AZURE_LOGGING_ENABLE_LOG_FILE", "yes"), ("AZURE_HTTP_USER_AGENT", "pipeline/1"),
])
def test_settings(in_process: InProcessAz, monkeypatch: pytest.MonkeyPatch, name: str, variable: str, value: str
                  ) -> None:
    monkeypatch.setenv(variable, value)
    words = COMMANDS[name]
    if variable == "AZURE_DEFAULTS_GROUP":
        words = [word for word in words if word not in ("-g", "rg")]
    done = in_process(["communication", "identity", *words])
    assert done.exit_code == 0, done.error


def test_errors_only_says_nothing_else(in_process: InProcessAz, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    run(in_process, "remove", "--only-show-errors")
    assert "WARNING" not in capsys.readouterr().err


def test_the_user_agent_names_the_extension(in_process: InProcessAz, sim: Armsim) -> None:
    run(in_process, "show")
    assert all("AZURECLI" in (request.header("User-Agent") or "") for request in sim.requests)


def test_az_interactive_loads_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """`az interactive` loads the whole command table and all arguments at once, without running anything. Of core's
    modules, which take a quarter of a minute, a few stand for all.
    """
    from azure.cli.core import get_default_cli
    from azure.cli.core.file_util import create_invoker_and_load_cmds_and_args
    real = pkgutil.iter_modules

    def few_of_core(*args: Any) -> Iterator[pkgutil.ModuleInfo]:
        for one in real(*args):
            if not str(getattr(one.module_finder, "path", "")).endswith("command_modules") or one.name in CORE:
                yield one

    monkeypatch.setattr(pkgutil, "iter_modules", few_of_core)
    cli = get_default_cli()
    create_invoker_and_load_cmds_and_args(cli)
    table = cli.invocation.commands_loader.command_table
    assert {"identity create", "group create", "account show"} <= set(table)
    for name in COMMANDS:
        assert "resource_group_name" in table[f"communication identity {name}"].arguments
