# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""No lost update: every order in which two and three clients can read and write one resource, over the pure module and
armsim's state; and real processes, many at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from armsim import Armsim, ArmState, ManualClock
from armsim.errors import ArmError
from az import Az
from azext_communication_identity import _patience
from azext_communication_identity._change import change_identities
from azext_communication_identity._resource import Document, read
from azext_communication_identity.model.identity import (
    Change,
    Identities,
    after_assign,
    after_remove,
    identities_of,
    patch_body,
)
from azext_communication_identity.model.names import Resource
from azure.core.exceptions import HttpResponseError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

NAMES = ("one", "two", "three")


def make_state(**options: Any) -> tuple[ArmState, dict[str, str]]:
    state = ArmState(ManualClock())
    for option, value in options.items():
        setattr(state.options, option, value)
    return state, {name: state.add_user_identity(name, "g") for name in NAMES}


@dataclass
class Client:
    """One command at the level of GET and PATCH: reads, computes, writes with If-Match; on 412 begins anew. The loop is
    that of _change.py; its decisions are the pure module's.
    """

    state: ArmState
    resource: str
    change: Change
    removes: bool = False
    seen: tuple[dict[str, Any], str] | None = None
    done: bool = False

    def step(self) -> None:
        """One request."""
        if self.done:
            return
        if self.seen is None:
            self.seen = self.state.get_resource(self.resource)
            return
        document, etag = self.seen
        before = identities_of(document.get("identity"))
        wanted = (after_remove if self.removes else after_assign)(before, self.change)
        try:
            if wanted != before:
                self.state.patch_resource(self.resource, patch_body(before, wanted), etag)
            self.done = True
        except ArmError as error:
            assert error.code == "PreconditionFailed"
            self.seen = None


def orders(clients: int, steps: int) -> Iterator[tuple[int, ...]]:
    """Every order in which clients can take their first steps."""
    return product(range(clients), repeat=steps)


def run_to_the_end(clients: list[Client], order: tuple[int, ...]) -> None:
    for index in order:
        clients[index].step()
    for client in clients:
        while not client.done:
            client.step()


@pytest.mark.parametrize(("first", "second", "wanted"), [
    ("+system", "+one", "system one two"), ("+one", "+three", "one three two"), ("+system", "-two", "system"),
    ("+one", "-two", "one"), ("-two", "+two", None), ("+system", "+system", "system two"),
])
def test_two_clients_in_every_order(first: str, second: str, wanted: str | None) -> None:
    for order in orders(2, 8):
        state, ids = make_state()
        resource = state.add_resource("app", "g", identity={
            "type": "UserAssigned", "userAssignedIdentities": {ids["two"]: {}}})
        run_to_the_end([client(state, ids, resource, text) for text in (first, second)], order)
        if wanted is None:  # either may have come last
            assert names(state, resource) in ("", "two")
        else:
            assert names(state, resource) == wanted


def test_three_clients_in_every_order() -> None:
    for order in orders(3, 8):
        state, ids = make_state()
        resource = state.add_resource("app", "g", identity={"type": "SystemAssigned"})
        run_to_the_end([client(state, ids, resource, text) for text in ("+one", "+two", "-system")], order)
        assert names(state, resource) == "one two"


def test_adds_survive_a_service_that_ignores_if_match() -> None:
    for order in orders(3, 6):
        state, ids = make_state(honour_if_match=False)
        resource = state.add_resource("app", "g")
        run_to_the_end([client(state, ids, resource, text) for text in ("+one", "+two", "+three")], order)
        assert names(state, resource) == "one three two"


def client(state: ArmState, ids: dict[str, str], resource: str, text: str) -> Client:
    """A client from "+name" or "-name"."""
    name = text[1:]
    change = Change(True) if name == "system" else Change(False, (ids[name],))
    return Client(state, resource, change, removes=text[0] == "-")


def names(state: ArmState, resource: str) -> str:
    has = identities_of(state.identity_of(resource))
    return " ".join(["system"] * has.system_assigned + sorted(key.rsplit("/", 1)[-1] for key in has.user_assigned))


class ManyClients(RuleBasedStateMachine):
    """Clients come, take steps in any order, and finish; what is there is always what the finished ones asked for."""

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
        one.step()
        if one.done:
            named = {"system"} if one.change.system_assigned else {one.change.user_assigned[0].rsplit("/", 1)[-1]}
            self.note(one, named)

    def note(self, one: Client, named: set[str]) -> None:
        """A client that wrote changes the model; one that found nothing to do saw an older state, and does not."""
        document, etag = one.seen or ({}, "")
        if etag == "":
            return
        before = identities_of(document.get("identity"))
        wanted = (after_remove if one.removes else after_assign)(before, one.change)
        if wanted != before:
            self.model = self.model - named if one.removes else self.model | named

    @invariant()
    def nothing_is_lost(self) -> None:
        assert set(names(self.state, self.resource).split()) == self.model


TestManyClients = ManyClients.TestCase
TestManyClients.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@dataclass
class Started:
    """Processes that run at once."""

    az: Az
    processes: list[Any] = field(default_factory=list)

    def start(self, *words: str) -> None:
        self.processes.append(self.az.start(["communication", "identity", *words, "-n", "myApp", "-g", "rg"]))

    def finish(self) -> None:
        for process in self.processes:
            _, stderr = process.communicate(timeout=120)
            assert process.returncode == 0, stderr


def test_many_processes_at_once(az: Az, sim: Armsim) -> None:
    ids = [sim.state.add_user_identity(f"mi{number}", "rg") for number in range(8)]
    gone = sim.state.add_user_identity("gone", "rg")
    resource = sim.state.add_resource("myApp", "rg", identity={
        "type": "UserAssigned", "userAssignedIdentities": {gone: {}}})
    running = Started(az)
    for identity in ids:
        running.start("assign", "--user-assigned", identity)
    running.start("assign", "--system-assigned")
    running.start("remove", "--user-assigned", gone)
    running.finish()
    has = identities_of(sim.state.identity_of(resource))
    assert has == Identities(True, has.user_assigned)
    assert sorted(has.user_assigned) == sorted(ids)


def test_many_processes_and_a_service_that_ignores_if_match(az: Az, sim: Armsim) -> None:
    sim.options.honour_if_match = False
    ids = [sim.state.add_user_identity(f"mi{number}", "rg") for number in range(8)]
    resource = sim.state.add_resource("myApp", "rg")
    running = Started(az)
    for identity in ids:
        running.start("assign", "--user-assigned", identity)
    running.finish()
    assert sorted(identities_of(sim.state.identity_of(resource)).user_assigned) == sorted(ids)


class StateOperations:
    """The SDK's operations, on armsim's state without a server between; errors as azure-core raises them."""

    def __init__(self, state: ArmState) -> None:
        self._state = state

    def get(self, group: str, name: str, **_: Any) -> Document:
        return Document(*self._state.get_resource(self._id(group, name)))

    def update(self, group: str, name: str, content: bytes, *, headers: dict[str, str], **_: Any) -> Document:
        try:
            return Document(*self._state.patch_resource(self._id(group, name), json.loads(content),
                                                        headers.get("If-Match")))
        except ArmError as error:
            response = SimpleNamespace(status_code=error.status, reason=error.code, headers={},
                                       request=SimpleNamespace(url="https://armsim/"), text=lambda *_: "{}")
            raise HttpResponseError(response=response) from error

    def _id(self, group: str, name: str) -> str:
        return Resource(self._state.SUBSCRIPTION, group, name).id


def test_many_threads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_patience, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: None))
    state = ArmState()
    ids = [state.add_user_identity(f"mi{number}", "g") for number in range(30)]
    gone = ids[:5]
    resource_id = state.add_resource("app", "g", identity={
        "type": "UserAssigned", "userAssignedIdentities": {identity: {} for identity in gone}})
    resource = Resource(state.SUBSCRIPTION, "g", "app")
    client: Any = SimpleNamespace(communication_services=StateOperations(state))  # the part of the SDK that is used

    def work(job: tuple[Any, Change]) -> None:
        first = read(client, resource)
        change_identities(client, resource, first, *job)

    jobs: list[tuple[Any, Change]] = [(after_assign, Change(False, (identity,))) for identity in ids[5:]]
    jobs += [(after_remove, Change(False, (identity,))) for identity in gone] + [(after_assign, Change(True))]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, jobs))
    has = identities_of(state.identity_of(resource_id))
    assert has == Identities(True, has.user_assigned)
    assert sorted(has.user_assigned) == sorted(ids[5:])
