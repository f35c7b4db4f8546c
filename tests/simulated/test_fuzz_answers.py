# SPDX-License-Identifier: MIT
"""Generated answers of the service to every request of every command: no traceback, nothing lost, no false success.

A life is driven without sockets: the first requests get generated answers, the later ones those of an honest service,
so that every life has an end. `ACS_FUZZ=10000` tries more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from azext_communication_identity.actions.assign import assign
from azext_communication_identity.actions.changing import Order
from azext_communication_identity.actions.list import list_resources
from azext_communication_identity.actions.reading import list_everywhere, names_of_roles
from azext_communication_identity.actions.remove import remove
from azext_communication_identity.actions.show import show
from azext_communication_identity.actions.wait import Condition, wait
from azext_communication_identity.arm.errors import explained
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import Flow, PollDelay, Request, RequestError, Sleep
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.steps import Ready
from azext_communication_identity.runner.terminal import Consent
from azure.cli.core.azclierror import AzCLIError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scenes import BODIES, CODES, said

EXAMPLES = int(os.environ.get("ACS_FUZZ", "1000"))
RESOURCE = ResourceId("00000000-0000-0000-0000-000000000001", "rg", "myApp")
OTHER = ResourceId(RESOURCE.subscription, "rg", "other")
ONE, TWO, THREE = (f"/subscriptions/{RESOURCE.subscription}/resourcegroups/rg/providers/Microsoft.ManagedIdentity"
                   f"/userAssignedIdentities/{name}" for name in ("one", "two", "three"))
GUID = "00000000-0000-0000-0000-0000000000aa"
STRANGER = "00000000-0000-0000-0000-0000000000ff"
ROLE = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SCOPE = f"/subscriptions/{RESOURCE.subscription}/resourceGroups/ai"
OPERATION = f"/subscriptions/{RESOURCE.subscription}/providers/Microsoft.Communication/operationStatuses/1"
MOST_STEPS = 5000  # an operation that never ends is looked at for half an hour


# ---- what a service may answer ---------------------------------------------------------------------------------------

odd = st.sampled_from([None, "", "x", 0, 1, -1, 1.5, True, [], {}, [None], {"": None}, "None", "\x1b[31m", "x" * 5000])
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["id", "value", "data", "error", "code", "message", "identity", "properties", "type", "status",
                     "nextLink", "$skipToken", "additionalInfo", "info", "name"]), inner, max_size=4), max_leaves=8)
details: st.SearchStrategy[Any] = st.sampled_from([
    {}, None, {"clientId": GUID, "principalId": GUID}, {"clientId": GUID}, {"principalId": None}, {"principalId": 1},
    "x", []])
blocks = st.fixed_dictionaries({}, optional={
    "type": st.sampled_from(["None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned",
                             "UserAssigned,SystemAssigned", "systemassigned", "Delegated", "UserAssigned, Delegated",
                             None, "", 1]),
    "principalId": st.sampled_from([GUID, None, "", 1]),
    "tenantId": st.sampled_from([GUID, None]),
    "userAssignedIdentities": st.dictionaries(st.sampled_from([ONE, ONE.upper(), TWO, THREE]), details, max_size=3)
    | odd})
states = st.sampled_from(["Succeeded", "Succeeded", "Succeeded", "Failed", "Canceled", "Updating", "Deleting", None, 1])
documents = st.fixed_dictionaries(
    {"id": st.sampled_from([RESOURCE.id] * 6 + [RESOURCE.id.upper(), OTHER.id, None, 1]), "name": st.just("myApp"),
     "properties": st.builds(lambda state: {"provisioningState": state}, states) | odd},
    optional={"identity": blocks | blocks | odd})
assignments = st.fixed_dictionaries({}, optional={
    "id": st.sampled_from([f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/1", None, 1, "/"]),
    "principalId": st.sampled_from([GUID, STRANGER, None]), "scope": st.sampled_from([SCOPE, None, 1]),
    "roleDefinitionId": st.sampled_from([f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE}", None, 1]),
    "properties": st.fixed_dictionaries({
        "principalId": st.sampled_from([GUID, STRANGER, None]), "scope": st.just(SCOPE),
        "roleDefinitionId": st.sampled_from([ROLE, f"/x/{ROLE}", 1])}) | odd})
lists = st.fixed_dictionaries({}, optional={
    key: st.lists(documents | assignments | odd, max_size=3) | odd for key in ("value", "data")} | {
    "nextLink": st.sampled_from([None, "", "/x?page=2", "https://evil.example/", 1, OPERATION]),
    "$skipToken": st.sampled_from([None, "", "a", "b", 1]), "resultTruncated": odd})
errors = st.fixed_dictionaries({"error": st.fixed_dictionaries({}, optional={
    "code": st.sampled_from(["Conflict", "AuthorizationFailed", "FailedIdentityOperation", "ScopeLocked",
                             "RequestDisallowedByPolicy", "ResourceNotFound", "RoleAssignmentExists",
                             "PrincipalNotFound", "PreconditionFailed", "TooManyRequests", None, 1]),
    "message": st.sampled_from(["No.", "", None, 1, "Retry after 9 seconds.", "perform action 'a/b' over scope '/c'"]),
    "additionalInfo": odd}) | odd})
operations = st.fixed_dictionaries(
    {"status": st.sampled_from(["Succeeded", "Failed", "Canceled", "Running", "", None, 1])}, optional={"error": trees})
bodies = documents | documents | lists | errors | operations | trees
headers = st.fixed_dictionaries({}, optional={
    "etag": st.sampled_from(['"1"', '"2"', "", "x"]),
    "azure-asyncoperation": st.sampled_from([OPERATION, "", "https://evil.example/x"]),
    "location": st.sampled_from([OPERATION, "", "x"]),
    "retry-after": st.sampled_from(["0", "1", "7", "3600", "abc", "", "-1", "1e99", "Thu, 01 Jan 1970 00:00:00 GMT"]),
    "x-ms-user-quota-remaining": st.sampled_from(["0", "x"]),
    "x-ms-user-quota-resets-after": st.sampled_from(["00:00:05", "x"])})


def answer(status: int, body: Any, given_headers: dict[str, str], text: str | None) -> Answer:
    """An answer as the client reads it: what isn't JSON has no body."""
    return Answer(status, None if text is not None else body, given_headers, json.dumps(body) if text is None else text)


statuses = [*[200] * 6, 201, 202, 202, 204, 301, 400, 401, 403, 404, 408, 409, 412, 429, 500, 503]
answers = st.builds(answer, st.sampled_from(statuses), bodies, headers,
                    st.none() | st.none() | st.none() | st.sampled_from(["", "null", "<html>", "{"]))
silences = st.builds(NoAnswer, st.sampled_from(["reset", ""]), st.booleans(), st.booleans())


@dataclass(frozen=True)
class Skewed:
    """The honest answer, but with another status, with headers, and with parts of its body that are something else."""

    status: int
    headers: dict[str, str]
    parts: dict[str, Any]


parts = st.fixed_dictionaries({}, optional={
    "identity": blocks | st.sampled_from([[], "", 0, False, "x", None]), "id": odd,
    "properties": st.builds(lambda state: {"provisioningState": state}, states)})
begun = st.builds(Skewed, st.sampled_from([200, 201, 202, 204]), st.just({"azure-asyncoperation": OPERATION}),
                  st.just({}) | st.just({"id": None}))
skewed = st.builds(Skewed, st.sampled_from([200, 200, 200, 201, 202, 204]), headers, st.just({}) | parts)
# "honest": the honest service answers; "deaf": it does what was asked, and the answer is lost.
some = st.sampled_from(["honest", "honest", "deaf"]) | skewed | skewed | answers | silences
ways = st.fixed_dictionaries({
    "read": st.lists(some, max_size=6), "write": st.lists(some | begun, max_size=3),
    "other": st.lists(some, max_size=6),
    "operation": st.lists(st.builds(Answer, st.sampled_from([200, 200, 202, 404, 500]), operations, headers) | some,
                          max_size=4)})


# ---- the service -----------------------------------------------------------------------------------------------------

def identities(body: Any) -> tuple[bool, set[str]] | None:
    """What a document has, read as simply as can be; None where it is not the resource."""
    if not isinstance(body, dict) or str(body.get("id")).lower() != RESOURCE.id.lower():
        return None
    block = body.get("identity")
    if not isinstance(block, (dict, type(None))):
        return None
    block = block or {}
    users = block.get("userAssignedIdentities")
    return (any(kind.strip().lower() == "systemassigned" for kind in str(block.get("type")).split(",")),
            {one.lower() for one in users} if isinstance(users, dict) else set())


@dataclass
class Service:
    """Answers, keeps what it was asked, and what a client can know of the resource."""

    ways: dict[str, list[Any]]
    system: bool = False
    users: set[str] = field(default_factory=set)
    known: tuple[bool, set[str]] | None = None  # the resource in the last answer that holds it
    strange: bool = False  # it holds a kind of identity that nobody knows
    failed: bool = False  # an operation of the last write has ended, and not well
    wrote: bool = False
    unlooked: bool = False  # the last write has started an operation that nobody has looked at
    time: float = 0.0
    problems: list[str] = field(default_factory=list)

    def reply(self, request: Request) -> Reply:
        if request.method == "PATCH":
            self.check(request)
        kind = ("operation" if request.path == OPERATION else "other" if not request.path.startswith(f"{RESOURCE.id}?")
                else "write" if request.method == "PATCH" else "read")
        way = self.ways[kind].pop(0) if self.ways.get(kind) else "honest"
        found: Reply = way if isinstance(way, (Answer, NoAnswer)) else self.honest(request)
        if isinstance(way, Skewed) and isinstance(found, Answer):
            found = found._replace(status=way.status, headers={**found.headers, **way.headers},
                                   body={**found.body, **way.parts})
        if way == "deaf":
            found = NoAnswer("reset")
        self.learn(request, found)
        return found._replace(at=self.time)

    def check(self, request: Request) -> None:
        """A write names all that is known to be there, and removes only what it may."""
        self.wrote, self.failed, self.unlooked = True, False, False
        if self.known is None:
            self.problems.append("wrote without having read")
            return
        if self.strange:
            self.problems.append("wrote over what can't be said in a PATCH")
        block = request.body["identity"]
        sent = block.get("userAssignedIdentities", {})
        kept = {one.lower() for one, value in sent.items() if value == {}}
        if self.known[1] - kept - self.may_remove:
            self.problems.append(f"lost {self.known[1] - kept - self.may_remove}")
        if self.known[0] and "SystemAssigned" not in block["type"] and not self.may_remove_system:
            self.problems.append("lost the system-assigned identity")

    may_remove: set[str] = field(default_factory=set)
    may_remove_system: bool = False

    def learn(self, request: Request, reply: Reply) -> None:
        """What a client knows now."""
        ok = isinstance(reply, Answer) and reply.ok
        if request.method in ("GET", "PATCH") and request.path.startswith(f"{RESOURCE.id}?") and ok:
            found = identities(reply.body)
            if found:
                self.known = found
                self.strange = "Delegated" in str(reply.body.get("identity"))  # type: ignore[union-attr]  # as above
        if request.method == "PATCH":
            self.unlooked = ok and reply.headers.get("azure-asyncoperation") == OPERATION  # type: ignore[union-attr]
        if request.path == OPERATION:
            self.unlooked = False
        if request.path == OPERATION and ok and isinstance(reply.body, dict):
            status = str(reply.body.get("status")).lower()
            self.failed = self.failed or status in ("failed", "canceled")

    def honest(self, request: Request) -> Answer:
        if request.method == "PATCH":
            block = request.body["identity"]
            self.system = "SystemAssigned" in block["type"]
            for one, value in block.get("userAssignedIdentities", {}).items():
                (self.users.discard if value is None else self.users.add)(one.lower())
            if "userAssignedIdentities" not in block:
                self.users.clear()
        if request.method == "POST":
            return Answer(200, {"data": []})
        if request.path.startswith(f"{RESOURCE.id}?"):
            return Answer(200, self.document(), {"etag": '"1"'})
        if request.path == OPERATION:
            return Answer(200, {"status": "Succeeded"})
        if "/roleDefinitions/" in request.path:
            return Answer(200, {"id": f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE}", "name": ROLE,
                                "properties": {"roleName": "Reader"}})
        if request.method in ("PUT", "DELETE"):
            return Answer(200, {})
        if "/userAssignedIdentities/" in request.path:
            return Answer(200, {"id": request.path, "properties": {"clientId": GUID, "principalId": GUID}})
        return Answer(200, {"value": []})

    def document(self) -> dict[str, Any]:
        kinds = ["SystemAssigned"] * self.system + ["UserAssigned"] * bool(self.users)
        block: dict[str, Any] = {"type": ", ".join(kinds) or "None"}
        if self.system:
            block |= {"principalId": GUID, "tenantId": GUID}
        if self.users:
            block["userAssignedIdentities"] = {one: {"clientId": GUID, "principalId": GUID} for one in self.users}
        return {"id": RESOURCE.id, "name": "myApp", "identity": block, "properties": {"provisioningState": "Succeeded"}}


def live(life: Flow[Any], service: Service) -> Any:
    """Drive a life to its end; its result. Raises what it raises."""
    sent: Any = None
    for _ in range(MOST_STEPS):
        try:
            step = life.send(sent)
        except StopIteration as stop:
            return stop.value
        sent = None
        if isinstance(step, Request):
            sent = service.reply(step)
        elif isinstance(step, Sleep):
            service.time += step.seconds
        elif isinstance(step, PollDelay):
            service.time += max(1.0, step.at_least or 0.0)
        else:
            assert isinstance(step, Ready)
    raise AssertionError("no end")


# ---- the commands ----------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Command:
    """A life, and what a success of it means: what the resource then has, and hasn't."""

    life: Callable[[], Flow[Any]]
    has_system: bool = False
    has: tuple[str, ...] = ()
    lacks_system: bool = False
    lacks: tuple[str, ...] = ()
    writes: bool = True
    waits: bool = True
    everything: bool = False  # all user-assigned identities go


DELEGATED = {"type": "SystemAssigned, UserAssigned, Delegated", "userAssignedIdentities": {ONE: {}}}


def order(system: bool, users: list[str] | None, **more: Any) -> Order:
    return Order(system, users, **more)


COMMANDS = {
    "assign system": Command(lambda: assign(RESOURCE, order(True, None)), has_system=True),
    "assign user": Command(lambda: assign(RESOURCE, order(False, ["one"])), has=(ONE,)),
    "assign both and grant": Command(lambda: assign(RESOURCE, order(True, [ONE, TWO], role=ROLE, scopes=(SCOPE,))),
                                     has_system=True, has=(ONE, TWO)),
    "assign, no wait": Command(lambda: assign(RESOURCE, order(True, ["one"], no_wait=True)), waits=False),
    "assign, dry": Command(lambda: assign(RESOURCE, order(True, ["one"], role="Reader", scopes=(SCOPE,), dry_run=True)),
                           writes=False),
    "remove system": Command(lambda: remove(RESOURCE, order(True, None), Consent.GO_ON, False), lacks_system=True),
    "remove and delete": Command(lambda: remove(RESOURCE, order(True, None), Consent.YES, True), lacks_system=True),
    "remove user": Command(lambda: remove(RESOURCE, order(False, ["one"]), Consent.GO_ON, False), lacks=(ONE,)),
    "remove all users": Command(lambda: remove(RESOURCE, order(False, []), Consent.ASK, False), everything=True),
    "remove, dry": Command(lambda: remove(RESOURCE, order(True, [], dry_run=True), Consent.GO_ON, True), writes=False),
    "remove, refused": Command(lambda: remove(RESOURCE, order(True, None), Consent.REFUSE, False), lacks_system=True),
    "show": Command(lambda: show(RESOURCE, True), writes=False),
    "list": Command(lambda: list_resources(RESOURCE.subscription, "rg"), writes=False),
    "list everywhere": Command(lambda: list_everywhere([ONE], ["two"]), writes=False),
    "names of roles": Command(lambda: names_of_roles([{"roleDefinitionId": f"/providers/x/roleDefinitions/{GUID}"}]),
                              writes=False),
    "wait": Command(lambda: wait(RESOURCE, Condition(created=True), 5, 60), writes=False),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_any_answer_to_any_request(name: str) -> None:
    command = COMMANDS[name]

    @settings(max_examples=max(20, EXAMPLES // len(COMMANDS)), deadline=None, database=None)
    @given(ways=ways, system=st.booleans(), users=st.sets(st.sampled_from([ONE.lower(), TWO.lower(), THREE.lower()])))
    @example(ways={}, system=True, users={ONE.lower(), THREE.lower()})
    @example(ways={"read": [Skewed(200, {}, {"identity": []})]}, system=True, users={ONE.lower(), THREE.lower()})
    @example(ways={"read": [Skewed(200, {}, {"identity": DELEGATED})]}, system=True, users={ONE.lower()})
    @example(ways={"write": [Skewed(202, {"azure-asyncoperation": OPERATION}, {})],
                   "operation": [Answer(200, {"status": "Canceled"})]}, system=True, users={ONE.lower(), TWO.lower()})
    @example(ways={}, system=False, users=set())
    def run(ways: dict[str, list[Any]], system: bool, users: set[str]) -> None:
        everything = {ONE.lower(), TWO.lower(), THREE.lower()}
        service = Service({kind: list(some) for kind, some in ways.items()}, system, set(users),
                          may_remove_system=command.lacks_system,
                          may_remove=everything if command.everything else {one.lower() for one in command.lacks})
        try:
            result = live(command.life(), service)
        except Exception as error:  # noqa: BLE001  # every error is looked at
            known = explained(error)
            assert isinstance(known, AzCLIError), repr(error)
            said = "\n".join([str(known), *known.recommendations])
            assert said.strip()
            assert "'None'" not in said
            result = None
        else:
            check_success(command, service)
            json.dumps(result)  # it can be printed
        assert not service.problems, service.problems
        assert command.writes or not service.wrote

    run()


# Lives, and the request of each that is refused: its method and a part of its path.
REFUSED: dict[str, tuple[Callable[[], Flow[Any]], str, str]] = {
    "show": (lambda: show(RESOURCE, False), "GET", RESOURCE.id),
    "list": (lambda: list_resources(RESOURCE.subscription, None), "GET", "communicationServices"),
    "assign": (lambda: assign(RESOURCE, order(False, [ONE])), "PATCH", RESOURCE.id),
    "role by name": (lambda: assign(RESOURCE, order(True, None, role="A role", scopes=(SCOPE,))), "GET",
                     "roleDefinitions"),
    "grant": (lambda: assign(RESOURCE, order(True, None, role=ROLE, scopes=(SCOPE,))), "PUT", "roleAssignments"),
}


@dataclass
class Refusing(Service):
    """Refuses the first request of a kind."""

    refusal: Answer | None = None
    method: str = ""
    part: str = ""

    def reply(self, request: Request) -> Reply:
        if self.refusal and request.method == self.method and self.part in request.path:
            refusal, self.refusal = self.refusal, None
            return refusal
        return super().reply(request)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("code", CODES)
def test_no_refusal_shows_what_it_did_not_hold(name: str, code: str) -> None:
    life, method, part = REFUSED[name]
    for status, body in product((400, 403, 404, 409), BODIES):
        if code == "FailedIdentityOperation" and status == 409:
            continue  # it passes
        text = json.dumps(body).replace("{code}", code)
        service = Refusing({}, True, refusal=Answer(status, json.loads(text), {}, text), method=method, part=part)
        with pytest.raises((RequestError, AzCLIError)) as caught:
            live(life(), service)
        known = explained(caught.value)
        shown = said(known)
        assert shown.strip()
        for bad in ("None", "Traceback", "KeyError"):
            assert bad not in shown, (status, body)
        if code == "Unknown" and "Words of the service." in text:
            assert "Words of the service." in shown, (status, body)
        assert service.refusal is None


def check_success(command: Command, service: Service) -> None:
    """What was asked is there, as far as a client can know, and no operation has failed."""
    if not (command.writes and command.waits):
        return
    assert not service.failed
    assert not service.unlooked
    assert service.known
    system, users = service.known
    assert system or not command.has_system
    assert not (system and command.lacks_system)
    assert {one.lower() for one in command.has} <= users
    assert not {one.lower() for one in command.lacks} & users
    assert not (command.everything and users)
