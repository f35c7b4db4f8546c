# SPDX-License-Identifier: MIT
"""What a command prints of its results and failures, and its exit code."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import Ask, Flow, Get, GetResource, Put, Request, RequestError, Sleep
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.unfinished import UnfinishedError, accepted, remaining
from azext_communication_identity.runner import event_loop, report
from azext_communication_identity.runner.runner import Outcome
from azure.cli.core.azclierror import AuthenticationError, AzCLIError, AzureResponseError, ManualInterrupt
from in_process import FakeClock

SUB = "00000000-0000-0000-0000-00000000000a"
APPS = [ResourceId(SUB, "rg", name) for name in ("one", "two", "three")]
FOUND = "az communication identity show --ids "


class Cli:
    """As much of the CLI as a report needs."""

    only_show_errors = True

    def __init__(self) -> None:
        self.events: dict[str, list[Callable[..., None]]] = {}

    def register_event(self, name: str, handler: Callable[..., None]) -> None:
        self.events.setdefault(name, []).append(handler)

    def unregister_event(self, name: str, handler: Callable[..., None]) -> None:
        self.events[name].remove(handler)


@pytest.fixture
def cmd(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Arm:
        def __init__(self, *_: Any) -> None:
            pass

        def login_of(self, _: str) -> None:
            return None

        def send(self, request: Request, _: str) -> Reply:
            return Answer(200, {})

    monkeypatch.setattr(report, "Arm", Arm)
    monkeypatch.setattr(event_loop, "new_event_loop", FakeClock().new_event_loop)
    return SimpleNamespace(cli_ctx=Cli(), name="communication identity assign")


def outcome_of(*ends: Any) -> Outcome[Any]:
    made: Outcome[Any] = Outcome()
    for resource, end in zip(APPS, ends, strict=False):
        (made.failures if isinstance(end, Exception) else made.results)[resource] = end
    return made


def refused(resource: ResourceId, status: int = 403, message: str = "No.") -> RequestError:
    return RequestError(GetResource(resource), Answer(status, {"error": {"code": "X", "message": message}}))


# ---- results ---------------------------------------------------------------------------------------------------------

def test_one_resource(cmd: Any) -> None:
    assert report.report(cmd, outcome_of("a"), APPS[:1]) == "a"
    with pytest.raises(AzCLIError, match="No."):
        report.report(cmd, outcome_of(refused(APPS[0])), APPS[:1])


def test_several_in_the_order_given(cmd: Any) -> None:
    outcome = outcome_of("a", "b", "c")
    outcome.results = dict(reversed(outcome.results.items()))
    assert report.report(cmd, outcome, APPS) == ["a", "b", "c"]
    assert cmd.cli_ctx.events == {}
    assert report.report(cmd, Outcome(), []) == []


AGAIN = "Run the same command again; what is done is skipped."


@pytest.mark.parametrize(("failure", "hint"), [
    (refused(APPS[1]), []), (refused(APPS[1], 404), []), (refused(APPS[1], 409), []), (refused(APPS[1], 400), []),
    *((refused(APPS[1], status), [AGAIN]) for status in (408, 412, 429, 500, 503)),
    (RequestError(Get("/x"), NoAnswer("x")), [AGAIN]), (AzureResponseError("x"), [AGAIN]), (AuthenticationError("x"), []),
    (UnfinishedError(APPS[1], AzureResponseError("x"), "y"), [AGAIN]),
    (UnfinishedError(APPS[1], AzureResponseError("x"), "y", ("z",)), []), (RequestError(Get("/x"), NoAnswer("x", permanent=True)), []),
    (UnfinishedError(APPS[1], refused(APPS[1]), "y"), []), (KeyError("x"), [])])
def test_a_failure_of_several_fails_the_command_after_its_output(cmd: Any, failure: Exception, hint: list[str]) -> None:
    assert report.report(cmd, outcome_of("a", failure, "c"), APPS) == ["a", "c"]
    (fail,), (forget,) = cmd.cli_ctx.events.values()
    with pytest.raises(AzureResponseError) as caught:
        fail(cmd.cli_ctx)
    assert (str(caught.value), caught.value.recommendations) == ("1 of 3 resources failed; 2 succeeded.", hint)
    forget()
    assert not any(cmd.cli_ctx.events.values())  # the next command of the process doesn't fail


def test_all_fail(cmd: Any) -> None:
    with pytest.raises(AzureResponseError, match="2 of 2 resources failed; 0 succeeded."):
        report.report(cmd, outcome_of(*map(refused, APPS[:2])), APPS[:2])


@pytest.mark.parametrize(("verb", "hint"), [
    ("assign", AGAIN), ("remove", "To retry, run the command again with only the IDs of the resources that failed."),
    ("show", "To retry, run the command again.")])
def test_how_to_retry(verb: str, hint: str) -> None:
    assert report.retry_hint(SimpleNamespace(name=f"communication identity {verb}")) == hint


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("cli")]


def test_the_same_failure_is_printed_once(cmd: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    failures = [refused(one, message=f"'{one.name}' {one.id} is bad.") for one in APPS]
    failures[1] = RequestError(Get("/x"), NoAnswer("reset"))
    with pytest.raises(AzureResponseError):
        report.report(cmd, outcome_of(*failures), APPS)
    assert messages(caplog) == [f"2 resources (one, three), for example: (X) 'one' {APPS[0].id} is bad.",
                                f"{APPS[1].id}: No usable response from the service: reset"]
    assert capsys.readouterr().err == ("To retry, run the command again. To see the whole response, run the command "
                                          "again with --debug.\n")


@pytest.mark.parametrize("number", [2, 5, 6])
def test_a_recommendation_for_several_resources(cmd: Any, capsys: pytest.CaptureFixture[str], number: int) -> None:
    """Its command takes all of them, as long as it stays short; each is printed once."""
    some = [ResourceId(SUB, "rg", f"app{index}") for index in range(number)]
    outcome: Outcome[Any] = Outcome()
    outcome.failures = {one: AzureResponseError(f"'{one.name}' is odd.", ["Look.", f"Run: az x --ids {one.id}"]) for one in some}
    outcome.failures[APPS[0]] = AzureResponseError("Other.", "Look.")
    with pytest.raises(AzureResponseError):
        report.report(cmd, outcome, [*some, APPS[0]])
    ids = " ".join(one.id for one in some) if number < 6 else some[0].id
    assert capsys.readouterr().err.splitlines() == ["Look.", f"Run: az x --ids {ids}"]


def test_many_names(cmd: Any, caplog: pytest.LogCaptureFixture) -> None:
    many = [ResourceId(SUB, "rg", str(number)) for number in range(7)]
    outcome: Outcome[Any] = Outcome()
    outcome.failures = dict.fromkeys(many, KeyError("x"))
    with pytest.raises(AzureResponseError):
        report.report(cmd, outcome, many)
    assert messages(caplog) == ["7 resources (0, 1, 2, 3, 4 and 2 more): KeyError: 'x'"]


# ---- interrupted -----------------------------------------------------------------------------------------------------

def interrupted(cmd: Any, flow: Callable[[ResourceId], Flow[Any]], number: int = 1) -> int:
    """The exit code of a command that Ctrl-C ends."""
    with pytest.raises(SystemExit) as caught:
        report.run_all(cmd, APPS[:number], flow)
    return int(caught.value.code or 0)


async def pressed(signals: int = signal.SIGINT) -> None:
    signal.raise_signal(signals)
    await Sleep(60.0, "x")


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_nothing_was_written(cmd: Any, caplog: pytest.LogCaptureFixture, number: int, exit_code: int) -> None:
    assert interrupted(cmd, lambda _: pressed(number)) == exit_code
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("WARNING", "Interrupted.")]


def test_what_was_accepted_and_what_is_left(cmd: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def flow(resource: ResourceId) -> None:
        with remaining(lambda: "Then run:\naz x"), accepted(resource, lambda: "Accepted."):
            await pressed()

    assert interrupted(cmd, flow) == 130
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == f"Interrupted.\nAccepted.\n{APPS[0].to_see}\nThen run:\naz x"


def test_a_grant_that_is_being_written_is_named(cmd: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets no answer, so the flow ends with a failure of its own."""
    ends = threading.Event()

    def send(_self: Any, request: Request, _subscription: str) -> Reply:
        if isinstance(request, Put):
            signal.raise_signal(signal.SIGINT)
            ends.wait(1)
        return Answer(200, {})

    monkeypatch.setattr("azext_communication_identity.runner.report.Arm.send", send)

    async def flow(_: ResourceId) -> None:
        reply = await Put("/x", {})
        assert isinstance(reply, NoAnswer)
        raise AzureResponseError("The role was not granted. To grant it, run:\naz role")

    assert interrupted(cmd, flow) == 130
    ends.set()
    assert messages(caplog) == [f"{APPS[0].id}: The role was not granted. To grant it, run:\naz role", "Interrupted."]


def test_a_fleet(cmd: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What failed before is reported, also if it has something left to do."""
    async def flow(resource: ResourceId) -> None:
        if resource == APPS[0]:
            raise UnfinishedError(resource, AzureResponseError("Failed."), "Accepted.", ("Then run:\naz x",))
        if resource == APPS[1]:
            await Sleep(5.0, "the failure")
            await pressed()
        with accepted(resource, lambda: "Accepted."):
            await Sleep(60.0, "x")

    assert interrupted(cmd, flow, 3) == 130
    assert messages(caplog) == [
        f"{APPS[0].id}: Failed.\nAccepted.\nThen run:\naz x",
        f"Interrupted: 0 of 3 resources done, 1 failed.\nAccepted.\n{APPS[2].to_see}"]


@pytest.mark.parametrize(("left", "hint"), [((), " " + AGAIN), (("Then run:\naz x",), "")])
def test_a_fleet_that_may_still_be_worked_on(cmd: Any, caplog: pytest.LogCaptureFixture, left: tuple[str, ...], hint: str) -> None:
    async def flow(resource: ResourceId) -> str:
        if resource == APPS[0]:
            return "done"
        if resource == APPS[2]:
            await Sleep(5.0, "the others")
            signal.raise_signal(signal.SIGINT)
        with remaining(lambda: "".join(left)), accepted(resource, lambda: "Accepted."):
            await Sleep(60.0, "x")
        return ""

    assert interrupted(cmd, flow, 3) == 130
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert messages(caplog) == ["\n".join([
        "Interrupted: 1 of 3 resources done.", f"The service may still be working on 2 resources.{hint}",
        f"To see their current identities, run:\n{FOUND}{APPS[1].id} {APPS[2].id}", *left])]


def test_no_is_an_answer_and_what_failed_before_is_reported(cmd: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def flow(resource: ResourceId) -> None:
        if resource == APPS[0]:
            raise refused(resource)
        await Ask(resource)

    def refuse(_: Any) -> None:
        raise ManualInterrupt("Nothing was removed.")

    with pytest.raises(ManualInterrupt):
        report.run_all(cmd, APPS, flow, refuse)
    assert messages(caplog) == [f"{APPS[0].id}: (X) No."]


def test_a_question_names_what_each_asks(cmd: Any) -> None:
    asked: list[Any] = []

    async def flow(resource: ResourceId) -> str:
        await Ask(resource.name)
        return "done"

    assert len(report.run_all(cmd, APPS, flow, asked.append)) == 3
    assert asked == [{app: app.name for app in APPS}]


@pytest.mark.parametrize(("number", "connections"), [(3, 3), (250, 192)])
def test_the_client_and_the_progress_line_are_those_of_the_command(cmd: Any, monkeypatch: pytest.MonkeyPatch, number: int, connections: int) -> None:
    given: list[Any] = []

    @contextmanager
    def progress(*more: Any) -> Iterator[Callable[..., None]]:
        given.append(more)
        yield lambda *_: None

    def made(*more: Any) -> Any:
        given.append(more)
        return SimpleNamespace(login_of=lambda _: None)

    async def flow(_: ResourceId) -> None:
        pass

    monkeypatch.setattr(report, "Arm", made)
    monkeypatch.setattr(report, "progress_line", progress)
    report.run_all(cmd, [ResourceId(SUB, "rg", str(index)) for index in range(number)], flow, what="tenants")
    assert given == [(cmd.cli_ctx, connections), (cmd.cli_ctx, "tenants")]


def test_a_flow_in_the_commands_own_subscription(cmd: Any) -> None:
    cmd.cli_ctx.data = {"subscription_id": SUB}

    async def flow(subscription: str) -> str:
        return subscription
    assert report.run_in_subscription(cmd, flow) == SUB
