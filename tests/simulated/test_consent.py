# SPDX-License-Identifier: MIT
"""When a removal asks, what it asks, and what follows from each answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from armsim import SHAPES, Armsim, Fault
from az import Az
from azure.cli.core.azclierror import AzureResponseError, ManualInterrupt, NoTTYError, RequiredArgumentMissingError
from in_process import InProcessAz
from scenes import APP, SUB, block, granted, has, line, said, writes

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"  # the role's GUID


class Person:
    """Answers questions, and keeps them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from azext_communication_identity import _validators
        from knack import prompting
        self.questions: list[str] = []
        self.answer: bool | BaseException = True
        monkeypatch.setattr(_validators, "is_terminal", lambda _: True)
        monkeypatch.setattr(prompting, "prompt_y_n", self.asked)

    def asked(self, question: str, default: str | None = None) -> bool:
        assert default == "n"
        self.questions.append(question)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    return Person(monkeypatch)


def scene(sim: Armsim, name: str = "myApp") -> str:
    users = [sim.state.add_user_identity(user, "rg") for user in ("one", "two")]
    return sim.state.add_resource(name, "rg", identity=block(*users, system=True))


@pytest.mark.parametrize(("words", "question"), [
    (["--system-assigned"], "Remove 1 identity from 'myApp'?"),
    (["--user-assigned"], "Remove 2 identities from 'myApp'?"),
    (["--user-assigned", "[]"], "Remove 2 identities from 'myApp'?"),
    (["--system-assigned", "--user-assigned"], "Remove 3 identities from 'myApp'?"),
    (["--system-assigned", "--user-assigned", "one", "two"], "Remove 3 identities from 'myApp'?"),
    (["--user-assigned", "one"], None),
    (["--user-assigned", "one", "two"], None),
    (["--system-assigned", "--yes"], None),
    (["--user-assigned", "--yes"], None),
    (["--system-assigned", "--dry-run"], None),
    (["--user-assigned", "--dry-run"], None),
])
def test_a_terminal_is_asked_where_something_is_lost(in_process: InProcessAz, sim: Armsim, person: Person,
                                                     words: list[str], question: str | None) -> None:
    scene(sim)
    run = in_process(line("remove", *APP, *words))
    assert run.exit_code == 0, run.error
    assert person.questions == [question] * bool(question)


def test_the_last_user_assigned_identity_is_asked_for(in_process: InProcessAz, sim: Armsim, person: Person) -> None:
    sim.state.add_resource("myApp", "rg", identity=block(sim.state.add_user_identity("one", "rg")))
    assert in_process(line("remove", *APP, "--user-assigned", "one")).exit_code == 0
    assert person.questions == ["Remove 1 identity from 'myApp'?"]


@pytest.mark.parametrize("answer", [False, EOFError(), KeyboardInterrupt()], ids=["no", "end of input", "Ctrl-C"])
@pytest.mark.parametrize("count", [1, 2])
def test_anything_but_yes_removes_nothing(in_process: InProcessAz, sim: Armsim, person: Person,
                                          answer: bool | BaseException, count: int,
                                          caplog: pytest.LogCaptureFixture) -> None:
    ids = [scene(sim, name) for name in ("a", "b")[:count]]
    person.answer = answer
    run = in_process(line("remove", "--system-assigned", "--delete-role-assignments", "--ids", *ids))
    assert run.exit_code == 1
    assert isinstance(run.error, ManualInterrupt)
    assert str(run.error) == "Nothing was removed."
    assert [one.message for one in caplog.records if one.name == "cli.azure.cli.core.azclierror"] == [
        "Nothing was removed."]
    assert writes(sim) == []
    assert all(has(sim, one)[0] for one in ids)


@pytest.mark.parametrize(("words", "way"), [
    ([], "To delete them too, add --delete-role-assignments."),
    (["--yes"], "To delete them, run:\naz role assignment delete --ids {assignment}")])
@pytest.mark.usefixtures("person")
def test_how_to_delete_the_orphans(in_process: InProcessAz, sim: Armsim, caplog: pytest.LogCaptureFixture,
                                   words: list[str], way: str) -> None:
    """The option helps only while the answer can still be no."""
    resource = scene(sim)
    assignment = sim.state.add_role_assignment("/subscriptions/00000000-0000-0000-0000-000000000001", READER,
                                               sim.state.identity_of(resource)["principalId"])
    assert in_process(line("remove", *APP, "--system-assigned", *words)).exit_code == 0
    assert way.format(assignment=assignment) in caplog.text


@pytest.mark.parametrize("setting", ["true", "1"])
def test_the_clis_own_setting_is_a_yes(in_process: InProcessAz, sim: Armsim, person: Person,
                                       monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("AZURE_CORE_DISABLE_CONFIRM_PROMPT", setting)
    scene(sim)
    assert in_process(line("remove", *APP, "--system-assigned", "--user-assigned")).exit_code == 0
    assert person.questions == []


def test_many_are_asked_for_once_and_those_with_nothing_to_lose_are_not_counted(in_process: InProcessAz, sim: Armsim,
                                                                                person: Person) -> None:
    ids = [scene(sim, name) for name in ("a", "b", "c")]
    ids.append(sim.state.add_resource("without", "rg"))
    assert in_process(line("remove", "--system-assigned", "--ids", *ids)).exit_code == 0
    assert person.questions == ["Remove 3 identities from 3 resources?"]


def test_one_with_something_to_lose_among_others_is_named(in_process: InProcessAz, sim: Armsim, person: Person) -> None:
    ids = [sim.state.add_resource("without", "rg"), scene(sim)]
    assert in_process(line("remove", "--system-assigned", "--ids", *ids)).exit_code == 0
    assert person.questions == ["Remove 1 identity from 'myApp'?"]


def test_failures_before_and_after_the_question_are_both_shown(in_process: InProcessAz, sim: Armsim, person: Person,
                                                               caplog: pytest.LogCaptureFixture) -> None:
    """One fails at the check, the only other one at the write."""
    resource = scene(sim)
    sim.state.lock_scope(resource)
    absent = resource.replace("myApp", "absent")
    run = in_process(line("remove", "--system-assigned", "--ids", absent, resource))
    assert run.exit_code == 1
    assert len(person.questions) == 1
    assert f"{absent}: There is no Communication Services resource 'absent'" in caplog.text
    assert f"{resource}: A lock on '" in caplog.text
    assert "2 of 2 resources failed; 0 succeeded." in str(run.error)


def test_failures_before_the_question_are_shown_after_a_no(in_process: InProcessAz, sim: Armsim, person: Person,
                                                           caplog: pytest.LogCaptureFixture) -> None:
    resource = scene(sim)
    absent = resource.replace("myApp", "absent")
    person.answer = False
    run = in_process(line("remove", "--system-assigned", "--ids", resource, absent))
    assert str(run.error) == "Nothing was removed."
    assert f"{absent}: There is no Communication Services resource 'absent'" in caplog.text


def test_failures_are_reported_in_the_order_given(in_process: InProcessAz, sim: Armsim,
                                                  caplog: pytest.LogCaptureFixture) -> None:
    ids = [sim.state.add_resource(f"app{number}", f"rg{number}").replace("app", "absent") for number in range(20)]
    in_process(line("show", "--ids", *ids))
    assert [row for one in dict.fromkeys(caplog.messages) for row in ids if one.startswith(f"{row}:")] == ids


def test_the_same_failure_of_several_is_reported_once(in_process: InProcessAz, sim: Armsim,
                                                      caplog: pytest.LogCaptureFixture) -> None:
    ids = [sim.state.add_resource(f"app{number}", "rg").replace("app", "absent") for number in range(7)]
    run = in_process(line("show", "--ids", *ids))
    assert [one for one in caplog.messages if one.startswith("7 resources (absent0, absent1, absent2, absent3, absent4 "
                                                             "and 2 more), for example: There is no Communication")]
    assert "again" not in said(run.error)


@pytest.mark.parametrize(("words", "way"), [
    (["assign", "--system-assigned"], "Run the same command again; what is done is skipped."),
    (["remove", "--system-assigned", "--yes"],
     "run the command again with only the IDs of the resources that failed."),
    (["show"], "To retry, run the command again.")])
def test_how_to_retry_where_that_helps(in_process: InProcessAz, sim: Armsim, words: list[str], way: str) -> None:
    ids = [scene(sim, name) for name in ("a", "b")]
    sim.add_fault(Fault(path="communicationServices", status=503, times=10**6))
    assert way in said(in_process(line(*words, "--ids", *ids)).error)


def test_one_failure_and_one_survivor(in_process: InProcessAz, sim: Armsim, person: Person,
                                      caplog: pytest.LogCaptureFixture) -> None:
    resource = scene(sim)
    absent = resource.replace("myApp", "absent")
    run = in_process(line("remove", "--system-assigned", "--ids", resource, absent))
    assert (run.exit_code, len(person.questions)) == (1, 1)
    assert [one["id"] for one in run.json] == [resource]
    assert f"{absent}: There is no Communication Services resource 'absent'" in caplog.text
    assert "1 of 2 resources failed; 1 succeeded." in str(run.error)


def test_without_a_terminal_naming_goes_on_and_bare_needs_yes(in_process: InProcessAz, sim: Armsim) -> None:
    resource = scene(sim)
    run = in_process(line("remove", *APP, "--user-assigned"))
    assert isinstance(run.error, NoTTYError)
    assert "--yes" in said(run.error)
    assert sim.requests == []
    assert in_process(line("remove", *APP, "--user-assigned", "[]")).exit_code == 0
    assert in_process(line("remove", *APP, "--system-assigned")).exit_code == 0
    assert has(sim, resource) == (False, [])


@pytest.mark.parametrize("words", [["--user-assigned", "@-"], ["--mi-user-assigned=@-"], ["--user", "@-"]])
def test_an_empty_list_of_another_command_needs_yes(in_process: InProcessAz, sim: Armsim,
                                                    monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """`az identity list --query … -o json | az … remove --user-assigned @-`, where nothing is found, removes none."""
    import io
    scene(sim)
    monkeypatch.setattr("sys.stdin", io.StringIO("[]\n"))
    run = in_process(line("remove", *APP, *words))
    assert isinstance(run.error, NoTTYError)
    assert sim.requests == []
    monkeypatch.setattr("sys.stdin", io.StringIO("[]\n"))
    assert in_process(line("remove", *APP, *words, "--yes")).exit_code == 0


@pytest.mark.parametrize("words", [["--user-assigned", "one"], ["--user-assigned", "one", "--no-wait"]])
def test_ids_of_standard_input_and_the_last_identity_named(in_process: InProcessAz, sim: Armsim,
                                                           monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """Only the service knows that it is the last one: refused before the write."""
    import io
    one = sim.state.add_user_identity("one", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity=block(one))
    monkeypatch.setattr("sys.stdin", io.StringIO(resource))
    run = in_process(line("remove", "--ids", "@-", *words))
    assert isinstance(run.error, RequiredArgumentMissingError)
    assert "--yes" in said(run.error)
    assert has(sim, resource) == (False, [one])
    assert writes(sim) == []


@pytest.mark.parametrize("more", [["--query", "[]"], ["--query=[]"], ["--output", "json", "--query", "[]"]])
def test_brackets_of_another_option_are_no_consent(in_process: InProcessAz, sim: Armsim, more: list[str]) -> None:
    resource = scene(sim)
    before = has(sim, resource)
    for words in (["--user-assigned", *more], [*more, "--user-assigned"], ["--mi-user-assigned", *more]):
        run = in_process(line("remove", *APP, *words))
        assert isinstance(run.error, NoTTYError), words
        assert has(sim, resource) == before
    for words in (["--user-assigned", "[]"], ["--mi-user-assigned=[]"]):
        sim.state.patch_resource(resource, {"identity": block(*before[1], system=True)})
        assert in_process(line("remove", *APP, *words, *more)).exit_code == 0, words
        assert has(sim, resource)[1] == []


# ---- what someone else changes meanwhile ---------------------------------------------------------------------------

def busy(sim: Armsim, resource: str, identity: dict[str, object]) -> None:
    """Someone else's change of the resource is under way, and shows at its end."""
    shape = sim.options.patch
    sim.options.patch = replace(SHAPES["load-test"], shows="old")
    sim.state.patch_resource(resource, {"identity": identity})
    sim.options.patch = shape


def just_before_the_patch(sim: Armsim, monkeypatch: pytest.MonkeyPatch, identity: dict[str, object]) -> None:
    """Someone else changes the resource between the read and the PATCH."""
    real = sim.state.patch_resource

    def patch(resource: str, body: dict[str, object], *more: Any, **options: Any) -> Any:
        monkeypatch.setattr(sim.state, "patch_resource", real)
        real(resource, {"identity": identity})
        return real(resource, body, *more, **options)
    monkeypatch.setattr(sim.state, "patch_resource", patch)


def test_the_question_is_about_what_is_there_once_the_resource_is_idle(in_process: InProcessAz, sim: Armsim,
                                                                       person: Person) -> None:
    resource = sim.state.add_resource("myApp", "rg")
    busy(sim, resource, block(system=True))
    person.answer = False
    run = in_process(line("remove", *APP, "--system-assigned"))
    assert isinstance(run.error, ManualInterrupt)
    assert person.questions == ["Remove 1 identity from 'myApp'?"]
    assert has(sim, resource)[0]


def test_another_system_assigned_identity_that_comes_meanwhile_is_not_removed(in_process: InProcessAz, sim: Armsim,
                                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """It's removed and enabled again before the PATCH: another principal, which has roles of its own."""
    resource = sim.state.add_resource("myApp", "rg", identity=block(system=True))
    real = sim.state.patch_resource

    def patch(*words: Any, **options: Any) -> Any:
        monkeypatch.setattr(sim.state, "patch_resource", real)
        real(resource, {"identity": block()})
        real(resource, {"identity": block(system=True)})
        sim.state.add_role_assignment(f"/subscriptions/{SUB}", READER, sim.state.identity_of(resource)["principalId"])
        return real(*words, **options)
    monkeypatch.setattr(sim.state, "patch_resource", patch)
    run = in_process(line("remove", *APP, "--system-assigned", "--delete-role-assignments", "--yes"))
    assert isinstance(run.error, AzureResponseError)
    assert "Meanwhile, someone else changed the identities of 'myApp'. Nothing was removed." in str(run.error)
    assert has(sim, resource)[0]
    assert len(granted(sim)) == 1
    assert writes(sim) == ["PATCH"]


def added_while_asked(sim: Armsim, person: Person, monkeypatch: pytest.MonkeyPatch) -> str:
    """A resource that someone else assigns a third identity to while the question is open."""
    resource = scene(sim)
    three = sim.state.add_user_identity("three", "rg")

    def agree_late(question: str, default: str | None = None) -> bool:
        sim.state.patch_resource(resource, {"identity": block(*has(sim, resource)[1], three, system=True)})
        return person.asked(question, default)
    monkeypatch.setattr("knack.prompting.prompt_y_n", agree_late)
    return resource


def test_what_comes_while_the_question_is_open_is_not_removed(in_process: InProcessAz, sim: Armsim, person: Person,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    resource = added_while_asked(sim, person, monkeypatch)
    run = in_process(line("remove", *APP, "--user-assigned"))
    assert isinstance(run.error, AzureResponseError)
    assert "Meanwhile, someone else changed the identities of 'myApp'" in str(run.error)
    assert len(has(sim, resource)[1]) == 3


def test_after_a_question_the_resource_is_read_again(in_process: InProcessAz, sim: Armsim, person: Person,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """A question may stay open for minutes, and it's not known whether the service honors If-Match."""
    sim.options.honor_if_match = False
    resource = added_while_asked(sim, person, monkeypatch)
    run = in_process(line("remove", *APP, "--user-assigned"))
    assert isinstance(run.error, AzureResponseError)
    assert len(has(sim, resource)[1]) == 3


def test_a_removal_that_turns_out_to_be_the_last_one_is_not_made_unasked(in_process: InProcessAz, sim: Armsim,
                                                                         person: Person,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked where an identity stays; then that one is removed by someone else."""
    one, two = (sim.state.add_user_identity(name, "rg") for name in ("one", "two"))
    resource = sim.state.add_resource("myApp", "rg", identity=block(one, two))
    just_before_the_patch(sim, monkeypatch, {"type": "UserAssigned", "userAssignedIdentities": {two: None}})
    run = in_process(line("remove", *APP, "--user-assigned", "one"))
    assert isinstance(run.error, AzureResponseError)
    assert person.questions == []
    assert has(sim, resource)[1] == [one]


def test_without_a_terminal_what_comes_meanwhile_is_not_removed(in_process: InProcessAz, sim: Armsim,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    resource = scene(sim)
    three = sim.state.add_user_identity("three", "rg")
    just_before_the_patch(sim, monkeypatch, block(three, system=True))
    run = in_process(line("remove", *APP, "--user-assigned", "--yes"))
    assert "Meanwhile, someone else changed the identities of 'myApp'" in str(run.error)
    assert three in has(sim, resource)[1]


# ---- in a real terminal --------------------------------------------------------------------------------------------

@pytest.fixture(autouse=True)
def _in_the_foreground() -> Iterator[None]:
    """A shell has what it runs in the background ignore Ctrl-C, and that is passed on to every process below."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def at_the_question(az: Az, words: list[str], act: Callable[[subprocess.Popen[bytes], int], None]) -> tuple[int, str]:
    """Run in a pseudo-terminal, act when the question is there; exit code and all output.

    Acts again where nothing happens for 5 seconds, as a person does: Python notices a signal that arrives between the
    question and the reading of the answer only when the next one interrupts the reading.
    """
    import pty
    import select
    ours, theirs = pty.openpty()
    process = subprocess.Popen(az.command(words), env=az.environment(), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    text, asked = b"", False
    while True:
        if select.select([ours], [], [], 5)[0]:
            try:
                text += os.read(ours, 4096)
            except OSError:  # the other side is gone
                break
            if asked or b"(y/N)" not in text:
                continue
            asked = True
        if asked:
            act(process, ours)
    os.close(ours)
    return process.wait(60), text.decode().replace("\r\n", "\n")


def end_of_input(_process: subprocess.Popen[bytes], terminal: int) -> None:
    os.write(terminal, b"\x04")


def ctrl_c(process: subprocess.Popen[bytes], _terminal: int) -> None:
    process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("act", [end_of_input, ctrl_c])
def test_no_answer_in_a_real_terminal(az: Az, sim: Armsim, act: Callable[[subprocess.Popen[bytes], int], None]) -> None:
    resource = scene(sim)
    exit_code, text = at_the_question(az, line("remove", *APP, "--system-assigned"), act)
    assert exit_code == 1
    assert text.splitlines()[-1] == "\x1b[91mNothing was removed.\x1b[0m"  # on a line of its own
    assert "Traceback" not in text
    assert "Interrupted" not in text
    assert has(sim, resource)[0]


def test_the_question_is_seen_where_the_output_goes_to_a_file(az: Az, sim: Armsim, tmp_path: Path) -> None:
    import pty
    resource = scene(sim)
    ours, theirs = pty.openpty()
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(az.command(line("remove", *APP, "--system-assigned")), env=az.environment(),
                                   stdin=theirs, stdout=output, stderr=theirs)
    os.close(theirs)
    text = b""
    while b"(y/N)" not in text:
        text += os.read(ours, 4096)
    os.write(ours, b"y\n")
    assert process.wait(60) == 0
    os.close(ours)
    assert json.loads((tmp_path / "output").read_text())["type"] == "UserAssigned"
    assert not has(sim, resource)[0]


def test_a_second_ctrl_c_ends_the_process(in_process: InProcessAz, sim: Armsim, monkeypatch: pytest.MonkeyPatch
                                          ) -> None:
    sim.state.add_resource("myApp", "rg")
    before = signal.getsignal(signal.SIGINT)
    handlers: list[Any] = []
    real = sim.wire.answer

    def answer(request: Any) -> Any:
        if not handlers:
            handlers.append(signal.getsignal(signal.SIGINT))
            os.kill(os.getpid(), signal.SIGINT)
        return real(request)
    monkeypatch.setattr(sim.wire, "answer", answer)
    assert in_process(line("assign", *APP, "--system-assigned")).exit_code == 130
    assert writes(sim) == []
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(SystemExit) as second:
        handlers[0](signal.SIGINT, None)
    assert second.value.code == 130
