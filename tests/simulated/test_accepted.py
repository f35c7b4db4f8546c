# SPDX-License-Identifier: MIT
"""What was accepted stays said: whatever ends a command after a write was accepted, or may have been, the exit code
isn't 0, and standard error says so, how to see it, and the commands for exactly what is left.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import pytest
from in_process import Run
from scripted_arm import FAILURES, KINDS, SIGNALS, Reply, ScriptedArm, ScriptedAz, Seen, interrupted
from scripted_scenes import ID, PRINCIPAL, SCOPE, assignment, identity, resource

RETRY = re.compile(r"(?i)run the (same )?command again|to retry")
NOT_SENT = ("401", "403", "429", "login")  # a PATCH that ends so has changed nothing


FIRST, SECOND = assignment(1), assignment(2)
ROLE_DEFINITION = Reply(200, {"value": [{"id": FIRST["properties"]["roleDefinitionId"],
                                         "properties": {"roleName": "Cognitive Services User"}}]})
Exchange = tuple[str, str, Reply]


def following(name: str) -> list[Exchange]:
    """An accepted PATCH and its operation."""
    poll = f"/operations/{name}"
    return [("PATCH", ID + name, Reply(202, headers={"Azure-AsyncOperation": "{url}" + poll})),
            ("GET", poll, Reply(200, {"status": "InProgress"})), ("GET", poll, Reply(200, {"status": "Succeeded"}))]


REMOVE: list[Exchange] = [
    ("GET", ID + "myApp", resource("myApp", PRINCIPAL)),
    ("GET", "roleAssignments", Reply(200, {"value": [FIRST]})),
    ("POST", "Microsoft.ResourceGraph", Reply(200, {"data": [{"id": SECOND["id"], **SECOND["properties"]}]})),
    *following("myApp"),
    ("GET", ID + "myApp", resource("myApp")),
    ("DELETE", SECOND["id"], Reply(200, SECOND)),
    ("DELETE", FIRST["id"], Reply(200, FIRST))]
AI, BOT = SCOPE, SCOPE.replace("/ai", "/bot")
ASSIGN: list[Exchange] = [
    ("GET", "ai/providers/Microsoft.Authorization/roleDefinitions", ROLE_DEFINITION),
    ("GET", "bot/providers/Microsoft.Authorization/roleDefinitions", ROLE_DEFINITION),
    ("GET", ID + "myApp", resource("myApp")),
    *following("myApp"),
    ("GET", ID + "myApp", resource("myApp", PRINCIPAL)),
    ("GET", "ai/providers/Microsoft.Authorization/roleAssignments", Reply(200, {"value": []})),
    ("PUT", "ai/providers/Microsoft.Authorization/roleAssignments", Reply(201, FIRST)),
    ("GET", "bot/providers/Microsoft.Authorization/roleAssignments", Reply(200, {"value": []})),
    ("PUT", "bot/providers/Microsoft.Authorization/roleAssignments", Reply(201, {
        **SECOND, "properties": {**SECOND["properties"], "scope": BOT}}))]
WORDS_REMOVE = ("remove", "-n", "myApp", "-g", "rg", "--system-assigned", "--delete-role-assignments", "--yes")
WORDS_ASSIGN = ("assign", "-n", "myApp", "-g", "rg", "--system-assigned", "--role", "Cognitive Services User",
                "--scope", AI, BOT)


def script(arm: ScriptedArm, exchanges: list[Exchange], fail_at: int = -1, kind: str = "", *, alone: bool = False
           ) -> None:
    """Have these exchanges take place; `fail_at` and all after it fail, or with `alone` only requests like it."""
    rules: dict[tuple[str, str], list[Reply]] = {}
    for number, (method, part, answer) in enumerate(exchanges):
        headers = {name: value.replace("{url}", arm.url) for name, value in answer.headers.items()}
        ends = number == fail_at - 1 and not (alone and kind in FAILURES)
        answers = rules.setdefault((method, part), [])
        if number >= fail_at >= 0 and alone and (method, part) == exchanges[fail_at][:2] and kind in FAILURES:
            answers.append(FAILURES[kind])
        else:
            answers.append(replace(answer, headers=headers, after=(lambda: arm.fail(kind)) if ends else None))
    for (method, part), answers in rules.items():
        arm.on(method, part, *answers)
    if fail_at == 0:
        arm.fail(kind)


def left_of(exchanges: list[Exchange], fail_at: int, method: str) -> list[str]:
    """The IDs of the requests with this method that were to come."""
    return [part for number, (one, part, _) in enumerate(exchanges) if one == method and number >= fail_at]


def check(run: Run, kind: str, *, may_be_done: bool) -> None:
    """How every failure after a PATCH ends."""
    assert run.exit_code == (SIGNALS[kind][1] if kind in SIGNALS else 1), run.stderr
    assert run.output == ""
    assert "Traceback" not in run.stderr
    if may_be_done:
        assert re.search(r"accepted the change to 'myApp'|may have made the change to 'myApp'|"
                         r"identity (was removed from|is assigned to) 'myApp'", run.stderr), run.stderr
        assert f"az communication identity show --ids {ID}myApp" in run.stderr


def sample(first: int, end: int) -> list[tuple[int, str]]:
    """Each moment with a third of what can happen there, and with what ends the command without an answer."""
    return [(fail_at, kind) for fail_at in range(first, end) for number, kind in enumerate(KINDS)
            if kind in ("login", "Ctrl-C") or (fail_at + number) % 3 == 0]


@pytest.mark.parametrize(("fail_at", "kind", "options"), [
    pytest.param(fail_at, kind, options, marks=[pytest.mark.full] * bool(options and number % 3))
    for number, (fail_at, kind) in enumerate(sample(2, len(REMOVE))) for options in ((), ("--only-show-errors",))])
def test_a_removal(scripted: ScriptedAz, fail_at: int, kind: str, options: tuple[str, ...]) -> None:
    script(scripted.arm, REMOVE, fail_at, kind)
    run = scripted.run(*WORDS_REMOVE, *options)
    may_be_done = fail_at > 3 or fail_at == 3 and kind not in NOT_SENT
    check(run, kind, may_be_done=may_be_done)
    left = left_of(REMOVE, fail_at, "DELETE")
    if may_be_done:
        assert f"az role assignment delete --ids {' '.join(left)}\n" in run.stderr
        assert not RETRY.search(run.stderr)
    else:
        assert "az role assignment delete" not in run.stderr
    if fail_at < 3:
        assert scripted.arm.sent("PATCH", "DELETE") == []


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("fail_at", [4, 6, 7])
def test_a_removal_of_which_one_kind_of_request_fails(scripted: ScriptedAz, fail_at: int, kind: str) -> None:
    script(scripted.arm, REMOVE, fail_at, kind, alone=True)
    run = scripted.run(*WORDS_REMOVE)
    deleted = [one.split()[1] for one in scripted.arm.sent("DELETE")]
    if fail_at == 4 and kind != "429":  # the resource shows that it is done
        assert run.exit_code == 0
        assert set(deleted) == {FIRST["id"], SECOND["id"]}
        return
    check(run, kind, may_be_done=True)
    left = [SECOND["id"], FIRST["id"]] if fail_at < 7 else [SECOND["id"]]
    assert f"az role assignment delete --ids {' '.join(left)}\n" in run.stderr
    assert not RETRY.search(run.stderr)


@pytest.mark.parametrize(("fail_at", "kind"), sample(2, len(ASSIGN)))
def test_an_assignment_with_roles(scripted: ScriptedAz, fail_at: int, kind: str) -> None:
    script(scripted.arm, ASSIGN, fail_at, kind)
    run = scripted.run(*WORDS_ASSIGN)
    may_be_done = fail_at > 3 or fail_at == 3 and kind not in NOT_SENT
    check(run, kind, may_be_done=may_be_done)
    if 3 < fail_at <= 6:  # nobody knows the principal yet
        assert "The role was not granted. To grant it, run the command again." in run.stderr
    left = [*[AI] * (fail_at in (7, 8)), *[BOT] * (fail_at > 6)]
    for scope in (AI, BOT):
        command = (f'az role assignment create --role "Cognitive Services User" --assignee-object-id {PRINCIPAL} '
                   f"--assignee-principal-type ServicePrincipal --scope {scope}")
        assert (command in run.stderr) is (scope in left)
    assert fail_at <= 6 or not RETRY.search(run.stderr)
    if fail_at < 3:
        assert scripted.arm.sent("PATCH", "PUT") == []


@pytest.mark.parametrize(("fail_at", "kind"), sample(1, 5))
def test_an_assignment(scripted: ScriptedAz, fail_at: int, kind: str) -> None:
    exchanges = [ASSIGN[2], *ASSIGN[3:7]]
    script(scripted.arm, exchanges, fail_at, kind)
    run = scripted.run("assign", "-n", "myApp", "-g", "rg", "--system-assigned")
    check(run, kind, may_be_done=fail_at > 1 or kind not in NOT_SENT)


class Fleet:
    """Three resources, whose principals have two role assignments each, and what has become of them. `fail_at`: at the
    answer to how many requests with this method everything begins to fail.
    """

    def __init__(self, arm: ScriptedArm, fail_at: tuple[str, int], kind: str) -> None:
        self.names = ["app1", "app2", "app3"]
        self.principals = {name: f"{name[-1] * 8}-1111-1111-1111-111111111111" for name in self.names}
        self.changed: list[str] = []  # by a PATCH that was accepted
        self.deleted: list[str] = []
        self._arm, self._fail_at, self._kind = arm, fail_at, kind
        self._count = 0
        arm.on("POST", "Microsoft.ResourceGraph", Reply(200, {"data": []}))
        arm.on("GET", "roleAssignments", self._list)
        arm.on("GET", "/operations/", lambda _: self._counted("GET", Reply(200, {"status": "Succeeded"})))
        arm.on("DELETE", "roleAssignments", self._delete)
        for name in self.names:
            arm.on("GET", ID + name, lambda _, name=name: resource(
                name, None if name in self.changed else self.principals[name]))
            arm.on("PATCH", ID + name, lambda _, name=name: self._patch(name))

    def left(self) -> list[str]:
        """The role assignments of the resources that were changed that are still there."""
        return [one["id"] for name in self.changed for one in self._assignments(name) if one["id"] not in self.deleted]

    def _assignments(self, name: str) -> list[dict[str, Any]]:
        return [assignment(number, self.principals[name]) for number in (1, 2)]

    def _counted(self, method: str, reply: Reply) -> Reply:
        self._count += method == self._fail_at[0]
        if (method, self._count) == self._fail_at:
            self._arm.fail(self._kind)
        return reply

    def _list(self, seen: Seen) -> Reply:
        name = next(name for name in self.names if self.principals[name] in seen.path)
        return Reply(200, {"value": self._assignments(name)})

    def _patch(self, name: str) -> Reply:
        self.changed.append(name)
        return self._counted("PATCH", Reply(202, headers={
            "Azure-AsyncOperation": f"{self._arm.url}/operations/{name}"}))

    def _delete(self, seen: Seen) -> Reply:
        self.deleted.append(seen.path.partition("?")[0])
        return self._counted("DELETE", Reply(200, {}))


@pytest.mark.parametrize(("fail_at", "kind"), [
    pytest.param(fail_at, kind, marks=[pytest.mark.full] * (number % 2))  # seven columns, one empty: they alternate
    for number, (fail_at, kind) in enumerate(itertools.product(
        [("PATCH", 1), ("PATCH", 3), ("GET", 1), ("DELETE", 1), ("DELETE", 5)],
        ["401", "500", "connection", "login", "Ctrl-C", "SIGTERM", ""])) if kind])
def test_a_fleet(scripted: ScriptedAz, fail_at: tuple[str, int], kind: str) -> None:
    fleet = Fleet(scripted.arm, fail_at, kind)
    run = scripted.run("remove", "--system-assigned", "--delete-role-assignments", "--yes", "--only-show-errors",
                       "--ids", *(ID + name for name in fleet.names))
    assert run.exit_code == (SIGNALS[kind][1] if kind in SIGNALS else 1)
    assert "Traceback" not in run.stderr
    named = re.findall(r"/subscriptions/\S*/roleAssignments/\S*", " ".join(
        re.findall("az role assignment delete --ids (.*)", run.stderr)))
    assert set(fleet.left()) <= set(named)
    assert set(fleet.left()) == set(named) or kind not in NOT_SENT
    assert not RETRY.search(run.stderr) or len(fleet.changed) < 3
    for name in fleet.changed:
        if any(fleet.principals[name] in one or name[-1] * 8 in one for one in fleet.left()):
            assert re.search(f"az communication identity show --ids .*{ID}{name}\\b", run.stderr)


def test_a_failure_that_nobody_foresaw(scripted: ScriptedAz, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program holds the token cache, for example (MSAL: AlreadyLocked)."""
    from azext_communication_identity.arm.client import Arm
    send = Arm.send

    def failing(self: Arm, request: Any, subscription: str) -> Any:
        if scripted.arm.sent("DELETE"):
            raise ArithmeticError("a fault of the code")
        return send(self, request, subscription)

    monkeypatch.setattr(Arm, "send", failing)
    script(scripted.arm, REMOVE)
    run = scripted.run(*WORDS_REMOVE)
    check(run, "500", may_be_done=True)
    assert "ArithmeticError: a fault of the code" in run.stderr
    assert f"az role assignment delete --ids {FIRST['id']}\n" in run.stderr


@pytest.mark.parametrize("kind", ["login", "Ctrl-C", "500"])
def test_looking_for_the_reason_of_a_failure_fails(scripted: ScriptedAz, kind: str) -> None:
    """An operation fails because of an identity, and the look-up of the identities finds the next failure."""
    failed = {"status": "Failed", "error": {"code": "FailedIdentityOperation", "message": "It failed."}}
    both = Reply(200, {"id": f"{ID}myApp", "identity": {
        "type": "SystemAssigned,UserAssigned", "principalId": PRINCIPAL, "userAssignedIdentities": {identity(): {}}}})
    script(scripted.arm, [("GET", ID, both), *REMOVE[1:4], ("GET", "/operations/myApp", Reply(200, failed)),
                          ("GET", "userAssignedIdentities", Reply(404))], 5, kind)
    run = scripted.run(*WORDS_REMOVE)
    check(run, kind, may_be_done=True)
    assert f"az role assignment delete --ids {SECOND['id']} {FIRST['id']}\n" in run.stderr


@pytest.mark.parametrize("kind", ["403", "login", "SIGTERM"])
def test_roles_of_a_fleet(scripted: ScriptedAz, kind: str) -> None:
    """All identities are assigned; the second role assignment, and what comes after it, fails."""
    arm, names = scripted.arm, ["app1", "app2", "app3"]
    principals = {name: f"{name[-1] * 8}-1111-1111-1111-111111111111" for name in names}
    granted: list[str] = []

    def grant(seen: Seen) -> Reply:
        granted.append(seen.body["properties"]["principalId"])
        if len(granted) == 1:
            arm.fail(kind)
        return Reply(201, {"id": seen.path.partition("?")[0], "properties": {**seen.body["properties"], "scope": AI}})

    arm.on("GET", "roleDefinitions", ROLE_DEFINITION)
    arm.on("GET", "roleAssignments", Reply(200, {"value": []}))
    arm.on("PUT", "roleAssignments", grant)
    for name in names:
        arm.on("GET", ID + name, resource(name, principals[name]))
    run = scripted.run("assign", "--system-assigned", "--role", "Cognitive Services User", "--scope", AI,
                       "--only-show-errors", "--ids", *(ID + name for name in names))
    assert run.exit_code == (SIGNALS[kind][1] if kind in SIGNALS else 1)
    for name in names:
        if principals[name] not in granted and any(principals[name] in one.path for one in arm.seen):
            assert f"--assignee-object-id {principals[name]} " in run.stderr


def test_what_is_left_of_several_is_said_once(scripted: ScriptedAz) -> None:
    arm, names = scripted.arm, ["app1", "app2"]
    arm.on("GET", "roleDefinitions", ROLE_DEFINITION)
    arm.on("GET", "/operations/", interrupted(SIGNALS["Ctrl-C"][0]))
    for name in names:
        arm.on("GET", ID + name, resource(name))
        arm.on("PATCH", ID + name, Reply(202, headers={"Azure-AsyncOperation": f"{arm.url}/operations/{name}"}))
    run = scripted.run("assign", "--system-assigned", "--role", "Cognitive Services User", "--scope", AI,
                       "--ids", *(ID + name for name in names))
    assert run.exit_code == 130
    assert run.stderr.count("The role was not granted. To grant it, run the command again.") == 1
