# SPDX-License-Identifier: MIT
"""Generated answers of the service to every request of every command: no traceback, nothing lost, no false success.

A flow is driven without sockets: the first requests get generated answers, the later ones those of an honest service,
so that every flow has an end. `ACS_FUZZ=10000` tries more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from azext_communication_identity.actions.assign import AssignOptions, assign
from azext_communication_identity.actions.list import list_everywhere, list_resources
from azext_communication_identity.actions.remove import RemoveOptions, remove
from azext_communication_identity.actions.show import roles_elsewhere, show
from azext_communication_identity.actions.wait import Condition, wait
from azext_communication_identity.arm.errors import explained
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import (
    Ask,
    Delete,
    Flow,
    GetResource,
    OperationEnded,
    PollDelay,
    Put,
    Query,
    Request,
    RequestError,
    Sleep,
    UpdateIdentity,
)
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.unfinished import UnfinishedError
from azext_communication_identity.runner.terminal import Consent
from azure.cli.core.azclierror import AzCLIError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scenes import BODIES, CODES, said

EXAMPLES = int(os.environ.get("ACS_FUZZ", "500"))
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
# Polls that say nothing of the operation, and those that say that it's running.
ODD_POLLS: list[Reply] = [
    *(Answer(status, {"error": {"code": "Odd", "message": "Odd."}}) for status in (400, 401, 403, 404, 409)),
    Answer(302, None, {"location": "https://evil.example/"}), Answer(200), Answer(204, text=" "), Answer(404),
    Answer(200, None, {}, "<html>Sign in to the network</html>"), Answer(200, [], {}, "[]"),
    Answer(200, {"status": ""}), Answer(200, {}), Answer(500, None, {}, "<html>"), NoAnswer("Read timed out.", True)]
RUNNING: list[Reply] = [Answer(200, {"status": "InProgress"}), Answer(429, None, {"retry-after": "5"}),
                        Answer(202, {"status": "Updating"}, {"retry-after": "7"})]
odd_polls = st.sampled_from(ODD_POLLS)
# "honest": the honest service answers; "deaf": it does what was asked, and the answer is lost.
some = st.sampled_from(["honest", "honest", "deaf"]) | skewed | skewed | answers | silences
ways = st.fixed_dictionaries({
    "read": st.lists(some, max_size=6), "write": st.lists(some | begun, max_size=3),
    "other": st.lists(some, max_size=6),
    "operation": st.lists(st.builds(Answer, st.sampled_from([200, 200, 202, 404, 500]), operations, headers) | some
                          | odd_polls | odd_polls | st.sampled_from(RUNNING), max_size=4)})


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


def method_of(request: Request) -> str:
    """The method that a request is sent with."""
    return {UpdateIdentity: "PATCH", Put: "PUT", Delete: "DELETE", Query: "POST"}.get(type(request), "GET")


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
    running: bool = False  # the last write has started an operation, and no answer has said that it's over
    has_status: bool = False  # its address is an Azure-AsyncOperation
    time: float = 0.0
    problems: list[str] = field(default_factory=list)

    def reply(self, request: Request) -> Reply:
        if isinstance(request, UpdateIdentity):
            self.check(request)
        kind = ("operation" if request.path == OPERATION else "write" if isinstance(request, UpdateIdentity)
                else "read" if isinstance(request, GetResource) else "other")
        way = self.ways[kind].pop(0) if self.ways.get(kind) else "honest"
        found: Reply = way if isinstance(way, (Answer, NoAnswer)) else self.honest(request)
        if isinstance(way, Skewed) and isinstance(found, Answer):
            found = found._replace(status=way.status, headers={**found.headers, **way.headers},
                                   body={**found.body, **way.parts})
        if way == "deaf":
            found = NoAnswer("reset")
        self.learn(request, found)
        return found._replace(at=self.time)

    def check(self, request: UpdateIdentity) -> None:
        """A write names all that is known to be there, and removes only what it may."""
        self.wrote, self.failed, self.running = True, False, False
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
        if isinstance(request, (GetResource, UpdateIdentity)) and ok:
            found = identities(reply.body)
            if found:
                self.known = found
                self.strange = "Delegated" in str(reply.body.get("identity"))  # type: ignore[union-attr]  # as above
        if isinstance(request, UpdateIdentity):
            address = reply.headers.get("azure-asyncoperation")
            self.has_status = bool(address)
            self.running = ok and (address or reply.headers.get("location")) == OPERATION
        if request.path == OPERATION:
            self.learn_of_operation(reply)

    def learn_of_operation(self, poll: Reply) -> None:
        """A poll. With four odd ones in a row at most, an address never counts as useless."""
        if isinstance(poll, NoAnswer):
            self.running = self.running and not poll.permanent  # the address will never be of use
        elif poll.ok:
            body = poll.body if isinstance(poll.body, dict) else {}
            status = str(body.get("status") or "").lower()
            self.failed = self.failed or status in ("failed", "canceled")
            is_over = (status in ("succeeded", "failed", "canceled") if isinstance(body.get("status"), str) and status
                       else not self.has_status and poll.status != 202 and (bool(body) or poll.status == 204))
            self.running = self.running and not is_over

    def honest(self, request: Request) -> Answer:
        if isinstance(request, UpdateIdentity):
            block = request.body["identity"]
            self.system = "SystemAssigned" in block["type"]
            for one, value in block.get("userAssignedIdentities", {}).items():
                (self.users.discard if value is None else self.users.add)(one.lower())
            if "userAssignedIdentities" not in block:
                self.users.clear()
        if isinstance(request, Query):
            return Answer(200, {"data": []})
        if isinstance(request, (GetResource, UpdateIdentity)):
            return Answer(200, self.document(), {"etag": '"1"'})
        if request.path == OPERATION:
            return Answer(200, {"status": "Succeeded"})
        if "/roleDefinitions/" in request.path:
            return Answer(200, {"id": f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE}", "name": ROLE,
                                "properties": {"roleName": "Reader"}})
        if isinstance(request, Put):
            return Answer(201, {"id": request.path.partition("?")[0],
                                "properties": {"scope": SCOPE, **request.body["properties"]}})
        if isinstance(request, Delete):
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


def drive(flow: Flow[Any], service: Service) -> Any:
    """Drive a flow to its end; its result. Raises what it raises."""
    sent: Any = None
    for _ in range(MOST_STEPS):
        try:
            step = flow.send(sent)
        except StopIteration as stop:
            return stop.value
        sent = None
        assert isinstance(step, (Request, Sleep, PollDelay, OperationEnded, Ask))
        if isinstance(step, Request):
            sent = service.reply(step)
        elif isinstance(step, Sleep):
            service.time += step.seconds
        elif isinstance(step, PollDelay):
            service.time += max(1.0, step.at_least or 0.0)
    raise AssertionError("no end")


# ---- the commands ----------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Command:
    """A flow, and what a success of it means: what the resource then has, and hasn't."""

    flow: Callable[[], Flow[Any]]
    has_system: bool = False
    has: tuple[str, ...] = ()
    lacks_system: bool = False
    lacks: tuple[str, ...] = ()
    writes: bool = True
    waits: bool = True
    everything: bool = False  # all user-assigned identities go


DELEGATED = {"type": "SystemAssigned, UserAssigned, Delegated", "userAssignedIdentities": {ONE: {}}}


def assigns(*users: str, system: bool = False, **more: Any) -> Flow[Any]:
    return assign(RESOURCE, AssignOptions(system_assigned=system, user_assigned=users, **more))


def removes(consent: Consent, users: list[str] | None = None, *, system: bool = False, **more: Any) -> Flow[Any]:
    return remove(RESOURCE, RemoveOptions(system_assigned=system, user_assigned=users, consent=consent, **more))


GRANT = {"roles": (ROLE,), "scopes": (SCOPE,)}
COMMANDS = {
    "assign system": Command(lambda: assigns(system=True), has_system=True),
    "assign user": Command(lambda: assigns("one"), has=(ONE,)),
    "assign both and grant": Command(lambda: assigns(ONE, TWO, system=True, **GRANT), has_system=True, has=(ONE, TWO)),
    "assign, no wait": Command(lambda: assigns("one", system=True, wait=False), waits=False),
    "assign, dry": Command(lambda: assigns("one", system=True, roles=("Reader",), scopes=(SCOPE,), dry_run=True),
                           writes=False),
    "remove system": Command(lambda: removes(Consent.PROCEED, system=True), lacks_system=True),
    "remove and delete": Command(lambda: removes(Consent.YES, system=True, delete_role_assignments=True),
                                 lacks_system=True),
    "remove user": Command(lambda: removes(Consent.PROCEED, ["one"]), lacks=(ONE,)),
    "remove all users": Command(lambda: removes(Consent.ASK, []), everything=True),
    "remove, dry": Command(lambda: removes(Consent.PROCEED, [], system=True, delete_role_assignments=True,
                                           dry_run=True), writes=False),
    "remove, refused": Command(lambda: removes(Consent.NEEDS_YES, system=True), lacks_system=True),
    "show": Command(lambda: show(RESOURCE, with_roles=True), writes=False),
    "list": Command(lambda: list_resources(RESOURCE.subscription, "rg"), writes=False),
    "list everywhere": Command(lambda: list_everywhere([ONE], ["two"]), writes=False),
    "names of roles": Command(lambda: roles_elsewhere([
        {"roleAssignments": [{"roleDefinitionId": f"/providers/x/roleDefinitions/{GUID}",
                              "principalId": GUID, "scope": SCOPE}]}]), writes=False),
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
            result = drive(command.flow(), service)
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


@dataclass
class Slow(Service):
    """Takes its time for a write: shows the change at once, and undoes it if the operation ends badly."""

    header: str = "azure-asyncoperation"
    fate: Reply = Answer(200, {"status": "Succeeded"})
    polls: list[Reply] = field(default_factory=list)
    before: tuple[bool, set[str]] = (False, set())

    def reply(self, request: Request) -> Reply:
        if isinstance(request, UpdateIdentity):
            self.before = (self.system, set(self.users))
            self.polls = list(self.ways["polls"])
            return super().reply(request)._replace(headers={self.header: OPERATION})
        if request.path != OPERATION:
            return super().reply(request)
        poll = self.polls.pop(0) if self.polls else self.fate
        self.time += 60.0 * (isinstance(poll, NoAnswer) and poll.timed_out)
        if poll is self.fate and self.fate.body != {"status": "Succeeded"}:
            self.system, self.users = self.before
        self.learn(request, poll)
        return poll._replace(at=self.time)


polls = st.lists(st.lists(odd_polls, max_size=4).flatmap(lambda odd: st.sampled_from(RUNNING).map(
    lambda one: [*odd, one])), max_size=4)
ENDS = {"Succeeded": Answer(200, {"status": "Succeeded"}),
        **{end: Answer(200, {"status": end, "error": {"code": "Fire", "message": "The house is on fire."}})
           for end in ("Failed", "Canceled")}}
SLOW = {name: command for name, command in COMMANDS.items()
        if command.writes and command.waits and name != "remove, refused"}


@settings(max_examples=EXAMPLES, deadline=None, database=None)
@given(name=st.sampled_from(sorted(SLOW)), running=polls, last=st.lists(odd_polls, max_size=4),
       end=st.sampled_from(["Succeeded", "Failed", "Failed", "Canceled"]),
       header=st.sampled_from(["azure-asyncoperation", "location"]))
@example(name="assign system", running=[], last=ODD_POLLS[:1], end="Failed", header="location")
def test_no_odd_poll_ends_an_operation(name: str, running: list[list[Reply]], last: list[Reply], end: str,
                                       header: str) -> None:
    command = SLOW[name]
    flat = [poll for some in running for poll in some] + last
    # A Location that answers with a document, or 204, says that the operation is over.
    flat = [poll for poll in flat if header != "location" or not (
        isinstance(poll, Answer) and (poll.status == 204 or poll.body == {"status": ""}))]
    service = Slow({"polls": flat}, not command.has_system, {ONE.lower()} if not command.has else set(),
                   header=header, fate=ENDS[end], may_remove={ONE.lower()} if not command.has else set(),
                   may_remove_system=command.lacks_system)
    try:
        drive(command.flow(), service)
    except Exception as error:  # noqa: BLE001  # every error is looked at
        assert end != "Succeeded", repr(error)
        assert "(Fire) The house is on fire." in str(explained(error))
    else:
        assert end == "Succeeded", "false success"
    assert not service.running, "gave up"
    assert not service.polls


# Flows, and the request of each that is refused: its method and a part of its path.
REFUSED: dict[str, tuple[Callable[[], Flow[Any]], str, str]] = {
    "show": (lambda: show(RESOURCE, with_roles=False), "GET", RESOURCE.id),
    "list": (lambda: list_resources(RESOURCE.subscription, None), "GET", "communicationServices"),
    "assign": (lambda: assigns(ONE), "PATCH", RESOURCE.id),
    "role by name": (lambda: assigns(system=True, roles=("A role",), scopes=(SCOPE,)), "GET", "roleDefinitions"),
    "grant": (lambda: assigns(system=True, **GRANT), "PUT", "roleAssignments"),
}


@dataclass
class Refusing(Service):
    """Refuses the first request of a kind."""

    refusal: Answer | None = None
    method: str = ""
    part: str = ""

    def reply(self, request: Request) -> Reply:
        if self.refusal and method_of(request) == self.method and self.part in request.path:
            refusal, self.refusal = self.refusal, None
            return refusal
        return super().reply(request)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("code", CODES)
def test_no_refusal_shows_what_it_did_not_hold(name: str, code: str) -> None:
    flow, method, part = REFUSED[name]
    for status, body in product((400, 403, 404, 409), BODIES):
        if code == "FailedIdentityOperation" and status == 409:
            continue  # it passes
        text = json.dumps(body).replace("{code}", code)
        service = Refusing({}, True, refusal=Answer(status, json.loads(text), {}, text), method=method, part=part)
        with pytest.raises((RequestError, AzCLIError, UnfinishedError)) as caught:
            drive(flow(), service)
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
    assert not service.running
    assert service.known
    system, users = service.known
    assert system or not command.has_system
    assert not (system and command.lacks_system)
    assert {one.lower() for one in command.has} <= users
    assert not {one.lower() for one in command.lacks} & users
    assert not (command.everything and users)
