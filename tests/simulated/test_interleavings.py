# SPDX-License-Identifier: MIT
"""No lost update: every order in which two and three commands can take their steps, driving the shipped flow of a write
against armsim's state. test_processes.py does it with real processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from armsim import ArmState, ManualClock
from armsim.errors import ArmError
from armsim.patch_shapes import PatchShape
from azext_communication_identity.model.answers import Answer
from azext_communication_identity.model.identities import NONE, SYSTEM_ASSIGNED, Identities, identities_of
from azext_communication_identity.model.requests import Request, UpdateIdentity
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.unfinished import UnfinishedError
from azext_communication_identity.model.update import Updated, get, update_identities
from azure.cli.core.azclierror import AzureResponseError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

NAMES = ("one", "two", "three")
SLOW = PatchShape(202, ("Azure-AsyncOperation",), "null", 12.0, shows="old", state="Updating")


def make_state(**options: Any) -> tuple[ArmState, dict[str, str]]:
    state = ArmState(ManualClock())
    for option, value in options.items():
        setattr(state.options, option, value)
    return state, {name: state.add_user_identity(name, "g") for name in NAMES}


def perform(state: ArmState, request: Request) -> Answer:
    """Do a request on the state, without a server between."""
    path, now = request.path.split("?")[0], state.clock.now
    try:
        if isinstance(request, UpdateIdentity):
            written = state.patch_resource(path, dict(request.body), request.etag)
            shape = state.options.patch
            headers = {"etag": written.etag, **{name.lower(): f"/operations/{written.operation.name}"
                                                for name in shape.headers}}
            return Answer(shape.status, None if shape.body == "null" else written.document, headers, at=now())
        if path.startswith("/operations/"):
            operation = state.operation(path.rsplit("/", 1)[-1])
            assert operation is not None
            return Answer(200, {"status": "Succeeded" if now() >= operation.done else "Accepted"}, at=now())
        document, etag = state.get_resource(path)
        return Answer(200, document, {"etag": etag}, at=now())
    except ArmError as error:
        return Answer(error.status, error.body(), at=now())


@dataclass
class Client:
    """One command: the flow of its write, one step at a time. Sleeps and delays take 2 seconds."""

    state: ArmState
    resource_id: str
    named: Identities
    removes: bool = False
    done: bool = False
    wrote: bool = False
    result: Updated | None = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        parts = self.resource_id.split("/")
        self.flow = self._flow(ResourceId(parts[2], parts[4], parts[8]))
        self.next: Any = self.flow.send(None)

    async def _flow(self, resource: ResourceId) -> Updated:
        return await update_identities(
            resource, await get(resource),
            lambda current: current - self.named if self.removes else current | self.named,
            named=NONE if self.removes else self.named)

    def step(self) -> None:
        """One request, or one sleep."""
        if self.done:
            return
        reply = None
        if isinstance(self.next, Request):
            reply = perform(self.state, self.next)
            self.wrote = self.wrote or isinstance(self.next, UpdateIdentity) and reply.ok
        else:
            self.state.clock.sleep(2.0)
        try:
            self.next = self.flow.send(reply)
        except StopIteration as stop:
            self.done, self.result = True, stop.value
        except (AzureResponseError, UnfinishedError) as error:
            self.done, self.error = True, error.cause if isinstance(error, UnfinishedError) else error


def orders(clients: int, steps: int) -> Iterator[tuple[int, ...]]:
    """Every order in which clients can take their first steps."""
    return product(range(clients), repeat=steps)


def run_to_the_end(clients: list[Client], order: tuple[int, ...]) -> None:
    for index in order:
        clients[index].step()
    while not all(client.done for client in clients):
        for client in clients:
            client.step()


@pytest.mark.parametrize("shape", [PatchShape(), SLOW], ids=["at once", "operation"])
@pytest.mark.parametrize(("first", "second", "wanted"), [
    ("+system", "+one", "system one two"), ("+one", "+three", "one three two"), ("+system", "-two", "system"),
    ("+one", "-two", "one"), ("-two", "+two", None), ("+system", "+system", "system two"),
])
def test_two_clients_in_every_order(first: str, second: str, wanted: str | None, shape: PatchShape) -> None:
    for order in orders(2, 8):
        state, ids = make_state(patch=shape)
        resource = state.add_resource("app", "g", identity={
            "type": "UserAssigned", "userAssignedIdentities": {ids["two"]: {}}})
        clients = [client(state, ids, resource, text) for text in (first, second)]
        run_to_the_end(clients, order)
        if wanted is None:  # either may have come last, and the other one may see that its change was undone
            assert names(state, resource) in ("", "two")
            assert all("someone else has undone it" in str(one.error) for one in clients if one.error)
        else:
            assert names(state, resource) == wanted
            assert not any(one.error for one in clients)


@pytest.mark.parametrize("shape", [PatchShape(), SLOW], ids=["at once", "operation"])
def test_three_clients_in_every_order(shape: PatchShape) -> None:
    for order in orders(3, 7):
        state, ids = make_state(patch=shape)
        resource = state.add_resource("app", "g", identity={"type": "SystemAssigned"})
        run_to_the_end([client(state, ids, resource, text) for text in ("+one", "+two", "-system")], order)
        assert names(state, resource) == "one two"


def test_adds_survive_a_service_that_ignores_if_match() -> None:
    for order in orders(3, 6):
        state, ids = make_state(honor_if_match=False)
        resource = state.add_resource("app", "g")
        run_to_the_end([client(state, ids, resource, text) for text in ("+one", "+two", "+three")], order)
        assert names(state, resource) == "one three two"


def test_what_a_service_that_ignores_if_match_undoes_is_said() -> None:
    """`-two` beside `+one`: where the answer shows what the write didn't ask for, the command says so."""
    state, ids = make_state(honor_if_match=False)
    resource = state.add_resource("app", "g", identity={
        "type": "UserAssigned", "userAssignedIdentities": {ids["two"]: {}, ids["three"]: {}}})
    remove, add = (client(state, ids, resource, text) for text in ("-two", "+one"))
    run_to_the_end([remove, add], (0, 1, 1, 1, 0, 0))  # remove reads, add reads and writes, remove writes
    assert remove.result
    assert f"someone else added '{ids['one']}' to 'app'." in remove.result.warnings[0]


def client(state: ArmState, ids: dict[str, str], resource: str, text: str) -> Client:
    """A client from "+name" or "-name"."""
    name = text[1:]
    named = SYSTEM_ASSIGNED if name == "system" else Identities(user_assigned=(ids[name],))
    return Client(state, resource, named, removes=text[0] == "-")


def names(state: ArmState, resource: str) -> str:
    has = identities_of(state.identity_of(resource) or {})
    return " ".join(["system"] * has.system_assigned + sorted(key.rsplit("/", 1)[-1] for key in has.user_assigned))


class ManyClients(RuleBasedStateMachine):
    """Clients come, take steps in any order, and finish; what is there is always what the accepted writes asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.ids = make_state()
        self.resource = self.state.add_resource("app", "g")
        self.clients: list[Client] = []
        self.model: set[str] = set()

    @rule(sign=st.sampled_from("+-"), name=st.sampled_from(("system", *NAMES)))
    def come(self, sign: str, name: str) -> None:
        self.clients.append(client(self.state, self.ids, self.resource, sign + name))

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        waiting = [one for one in self.clients if not one.done]
        if not waiting:
            return
        one = data.draw(st.sampled_from(waiting))
        before = one.wrote
        one.step()
        if one.wrote and not before:
            named = {"system"} if one.named.system_assigned else {one.named.user_assigned[0].rsplit("/", 1)[-1]}
            self.model = self.model - named if one.removes else self.model | named

    @invariant()
    def nothing_is_lost(self) -> None:
        assert set(names(self.state, self.resource).split()) == self.model


TestManyClients = ManyClients.TestCase
TestManyClients.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_many_threads_at_once() -> None:
    state = ArmState()
    ids = [state.add_user_identity(f"mi{number}", "g") for number in range(30)]
    gone = ids[:5]
    resource_id = state.add_resource("app", "g", identity={
        "type": "UserAssigned", "userAssignedIdentities": {identity: {} for identity in gone}})

    def work(job: tuple[Identities, bool]) -> None:
        one = Client(state, resource_id, *job)
        while not one.done:
            if isinstance(one.next, Request):
                one.step()
            else:
                one.next = one.flow.send(None)  # a sleep that takes no time

    jobs = [(Identities(user_assigned=(identity,)), identity in gone) for identity in ids]
    jobs.append((SYSTEM_ASSIGNED, False))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, jobs))
    has = identities_of(state.identity_of(resource_id) or {})
    assert has.system_assigned
    assert sorted(has.user_assigned) == sorted(ids[5:])
