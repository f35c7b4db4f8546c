# SPDX-License-Identifier: MIT
"""Many flows at once, without a service: who goes when, who gets which answer, and what is left when all of it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from azext_communication_identity.arm.rate_limit import SILENT
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import (
    LONGEST_THROTTLE,
    Ask,
    Delete,
    Flow,
    Get,
    OperationEnded,
    PollDelay,
    Put,
    Query,
    Request,
    SharedGet,
    Sleep,
)
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.unfinished import UnfinishedError, accepted
from azext_communication_identity.runner import runner as runners
from azext_communication_identity.runner.runner import STARTING, THREAD_NAME, THREADS, Confirm, Outcome, Runner
from azure.cli.core.azclierror import AuthenticationError, ManualInterrupt
from in_process import FakeClock

SOON = 10.0  # seconds in which every flow should begin
OK = Answer(200, {})
Serve = Callable[[Request], Reply]


class Service:
    """Answers each request with `serve`. `sent`: the requests, `most`: how many were answered at the same time."""

    def __init__(self, serve: Serve = lambda _: OK) -> None:
        self.serve = serve
        self.sent: list[str] = []
        self.subscriptions: set[str] = set()
        self.may_block = False  # the loop, where the machine refuses threads
        self.most = self._now = 0
        self._lock = threading.Lock()

    def send(self, request: Request, subscription: str) -> Reply:
        assert threading.current_thread().daemon or self.may_block
        with self._lock:
            self.sent.append(request.path)
            self.subscriptions.add(subscription)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return self.serve(request)
        finally:
            with self._lock:
                self._now -= 1

    def login_of(self, subscription: str) -> str:
        """A login sees the subscriptions that begin with the same letter."""
        return subscription[:1]


def resources(number: int, subscription: str = "s") -> list[ResourceId]:
    return [ResourceId(subscription, "g", f"{index}") for index in range(number)]


def run(flow: Callable[[ResourceId], Flow[Any]], targets: int | list[ResourceId], service: Service | None = None, *,
        clock: FakeClock | None = None, confirm: Confirm | None = None, tick: Any = lambda *_: None,
        interrupt: Callable[[asyncio.Task[Any]], None] | None = None) -> Outcome[Any]:
    """Run the flows on a loop whose timers take no time. `interrupt`: gets the task that runs them all."""
    runner: Runner[Any] = Runner(service or Service(), resources(targets) if isinstance(targets, int) else targets, flow, confirm)
    loop = (clock or FakeClock()).new_event_loop()
    try:
        task = loop.create_task(runner.run(tick))
        if interrupt:
            interrupt(task)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            assert interrupt
        return runner.outcome
    finally:
        loop.close()


async def read(resource: ResourceId) -> float:
    """Returns when its read was answered."""
    return float((await Get(f"/{resource.name}")).at)


async def write(resource: ResourceId) -> float:
    """Returns when its write was answered."""
    await Get(f"/{resource.name}")
    return float((await Put(f"/{resource.name}", {})).at)


def threads_end(before: int) -> bool:
    """Whether, soon, no more threads are left than `before`."""
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    return threading.active_count() <= before


def values(outcome: Outcome[Any]) -> list[Any]:
    assert not outcome.failures, outcome.failures
    return list(outcome.results.values())


# ---- many at once ----------------------------------------------------------------------------------------------------

def test_results_and_failures_belong_to_their_targets() -> None:
    async def flow(resource: ResourceId) -> str:
        await Get("/x")
        if resource.name == "1":
            raise KeyError(resource.name)
        return resource.name

    outcome = run(flow, 3)
    first, second, third = resources(3)
    assert outcome.results == {first: "0", third: "2"}
    assert [repr(error) for error in outcome.failures.values()] == ["KeyError('1')"]
    assert list(outcome.failures) == [second]
    assert len(outcome) == 3


def test_nothing_to_run() -> None:
    assert len(run(read, 0)) == 0
    assert Runner(Service(), [], read).waits_for == ""


@pytest.mark.parametrize("step", [PollDelay(0.0, 0, 600.0, own_operation=False), Sleep(600.0, "another change")])
def test_flows_that_wait_hold_no_other_up(step: PollDelay | Sleep) -> None:
    async def flow(resource: ResourceId) -> float:
        at = await read(resource)
        if int(resource.name) <= 2 * STARTING:
            await step
            return at
        return await write(resource)

    assert max(values(run(flow, 2 * STARTING + 11))) <= SOON


def test_polls_that_are_throttled_hold_no_other_flow_up() -> None:
    clock, size, a_second = FakeClock(), 200, 2.0
    granted = [0]
    first: dict[str, float] = {}

    def serve(_: Request) -> Reply:
        with lock:
            if granted[0] >= 10 + clock.time * a_second:
                return Answer(429, headers={"retry-after": "1"})
            granted[0] += 1
        return OK

    async def flow(resource: ResourceId) -> None:
        for _ in range(20):
            at = await read(resource)
            first.setdefault(resource.name, at)
            await PollDelay(at, 0, 10.0, own_operation=False)

    lock = threading.Lock()
    assert len(values(run(flow, size, Service(serve), clock=clock))) == size
    assert max(first.values()) <= 3 * size / a_second


def test_each_subscription_is_polled_at_its_own_pace() -> None:
    async def flow(resource: ResourceId) -> float:
        await PollDelay(0.0, 0, 10.0, own_operation=False)
        return await read(resource)

    def seconds(*subscriptions: str) -> float:
        polled = values(run(flow, [one for name in subscriptions for one in resources(20, name)]))
        return float(max(polled) - min(polled))

    assert seconds("a") > 0.0
    assert seconds("a", "b") < 1.5 * seconds("a") < seconds("a", "A")


def test_only_so_many_are_read_ahead_of_their_writes() -> None:
    """The service accepts no write until no more resources are read."""
    clock, ahead = FakeClock(), []

    def serve(request: Request) -> Reply:
        if request.kind == "write" and clock.time < SOON:
            return Answer(429, headers={"retry-after": "15"})
        if clock.time < SOON:
            ahead.append(request.path)
        return OK

    assert len(values(run(write, STARTING + 50, Service(serve), clock=clock))) == STARTING + 50
    assert len(ahead) == STARTING


def test_a_write_makes_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next resource begins, even if the one that was written doesn't wait for anything."""
    monkeypatch.setattr(runners, "STARTING", 1)
    next_begins, seen = threading.Event(), []

    def serve(request: Request) -> Reply:
        if request.path == "/write1":
            next_begins.set()
        if request.path == "/after0":
            seen.append(next_begins.wait(5))
        return OK

    async def flow(resource: ResourceId) -> None:
        await Put(f"/write{resource.name}", {})
        await Get(f"/after{resource.name}")

    run(flow, 2, Service(serve))
    assert seen == [True]


def test_the_end_takes_no_time() -> None:
    async def flow(_: ResourceId) -> None:
        pass

    clock = FakeClock()
    run(flow, 3, clock=clock)
    assert clock.time == 0.0


def test_a_defect_ends_the_command() -> None:
    def flow(_: ResourceId) -> Flow[Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(flow, 3)


def test_each_subscription_has_places_of_its_own() -> None:
    clock = FakeClock()

    def serve(request: Request) -> Reply:
        return Answer(429, headers={"retry-after": "600"}) if request.kind == "write" and clock.time < 600 else OK

    targets = [*resources(STARTING + 1, "one"), *resources(1, "other")]
    ends: dict[str, float] = {}

    async def flow(resource: ResourceId) -> None:
        ends[resource.subscription] = await (write if resource.subscription == "one" else read)(resource)

    run(flow, targets, Service(serve), clock=clock)
    assert ends["one"] >= 600
    assert ends["other"] <= SOON


@pytest.mark.parametrize(("targets", "most"), [
    (resources(3 * THREADS), THREADS), ([*resources(2 * THREADS, "one"), *resources(2 * THREADS, "ONE")], THREADS),
    ([one for letter in "abcd" for one in resources(THREADS, letter)], 3 * THREADS)])
def test_so_many_requests_at_once(targets: list[ResourceId], most: int) -> None:
    """Once the first of each login has been answered."""
    service, full = Service(), threading.Event()

    def serve(_: Request) -> Reply:
        if service.most == most:
            threading.Timer(0.05, full.set).start()  # one more would come meanwhile
        if len(service.sent) > 8:
            full.wait(5)
        return OK

    service.serve = serve
    run(read, targets, service)
    assert service.most == most
    assert service.subscriptions == {target.subscription for target in targets}


def test_no_threads_are_left_behind() -> None:
    before = threading.active_count()
    for _ in range(5):
        assert len(run(write, 70).results) == 70
    assert threads_end(before)


def test_a_sleep_is_a_little_longer_than_asked() -> None:
    """So that many don't come back at the same moment."""
    async def flow(_: ResourceId) -> tuple[float, float]:
        started = await read(RESOURCE)
        await Sleep(100.0, "x")
        return started, await read(RESOURCE)

    slept = [ended - started for started, ended in values(run(flow, 50))]
    assert 100.0 <= min(slept) < 105.0
    assert 120.0 < max(slept) <= 125.0 + 1e-6


RESOURCE = resources(1)[0]


def test_progress() -> None:
    seen: list[tuple[str, int, float]] = []

    async def flow(resource: ResourceId) -> None:
        await read(resource)
        await (Sleep(2.0, "the first") if resource.name == "0" else PollDelay(0.0, 1, 3.0, "the second"))

    run(flow, 2, tick=lambda runner, seconds: seen.append((runner.waits_for, len(runner.outcome), seconds)))
    assert {what for what, _, seconds in seen if 0.4 < seconds < 2.0} <= {"the first", "the second"}
    assert [count for _, count, _ in seen] == sorted(count for _, count, _ in seen)
    assert all(later[2] - earlier[2] <= 0.5 + 1e-6 for earlier, later in zip(seen, seen[1:], strict=False))
    assert seen[-1][2] >= 2.0


def test_how_long_operations_take_is_learned_from_others() -> None:
    async def flow(resource: ResourceId) -> float:
        since = (await Put("/x", {})).at
        await PollDelay(since, 0, None)
        at = await read(resource)
        if at - since > 13.0:
            await OperationEnded(at - since)
        else:
            await PollDelay(since, 1, 14.0)
            await OperationEnded(14.0 + at - since)
        return at

    polled = sorted(values(run(flow, 40)))
    assert polled[2] <= 2.0  # the first three are polled often
    assert 14.0 <= polled[3] <= polled[-1] <= 20.0


# ---- shared answers --------------------------------------------------------------------------------------------------

async def look_up(_: ResourceId) -> Reply:
    return await SharedGet("/role")


def test_one_answer_serves_all_who_ask_the_same() -> None:
    async def flow(resource: ResourceId) -> Reply:
        if resource.name == "0":
            await Sleep(60.0, "others")  # it's still there
        return await look_up(resource)

    service = Service(lambda _: Answer(200, {"value": []}))
    assert len({reply.status for reply in values(run(flow, 20, service))}) == 1
    assert service.sent == ["/role"]


def test_each_login_asks_for_itself() -> None:
    service = Service(lambda _: Answer(200, {}))
    run(look_up, [ResourceId(name, "g", "r") for name in ("a1", "a2", "b1")], service)
    assert service.sent == ["/role"] * 2


@pytest.mark.parametrize(("first", "asked"), [
    (NoAnswer("reset"), 2), (Answer(503), 2), (Answer(500, {}), 2), (Answer(200), 2), (Answer(200, []), 2), (Answer(404), 1),
    (Answer(403, {}), 1)])
def test_a_failure_is_not_shared_with_those_who_ask_later(first: Reply, asked: int) -> None:
    replies = [first, Answer(200, {"value": []})]

    async def flow(resource: ResourceId) -> tuple[int, int]:
        earlier = await look_up(resource)
        await Sleep(1.0, "later")
        return earlier.status, (await look_up(resource)).status

    service = Service(lambda _: replies.pop(0))
    assert set(values(run(flow, 5, service))) == {(first.status, 200 if asked == 2 else first.status)}
    assert len(service.sent) == asked


def test_an_error_of_the_login_reaches_all_who_asked() -> None:
    outcomes: list[Any] = [AuthenticationError("No token."), OK]

    def serve(_: Request) -> Reply:
        if isinstance(outcomes[0], Exception):
            raise outcomes.pop(0)
        return OK

    async def flow(resource: ResourceId) -> Reply:
        try:
            await look_up(resource)
        except AuthenticationError as error:
            assert str(error) == "No token."
            await Sleep(1.0, "later")
            return await look_up(resource)
        raise AssertionError

    assert values(run(flow, 4, Service(serve)))


# ---- throttled -------------------------------------------------------------------------------------------------------

def throttling(seconds: float, times: int = 10**6, also: Serve = lambda _: OK) -> Serve:
    """Refuse so many requests."""
    left = [times]

    def serve(request: Request) -> Reply:
        left[0] -= 1
        return Answer(429, headers={"retry-after": f"{seconds}"}) if left[0] >= 0 else also(request)

    return serve


def test_a_throttled_request_waits_as_asked_and_the_others_of_its_bucket_too() -> None:
    targets = [ResourceId("s", "g", "a"), ResourceId("S", "g", "b"), ResourceId("other", "g", "c")]

    async def flow(resource: ResourceId) -> float:
        if resource.name == "b":
            await Sleep(1.0, "x")
        if resource.name == "c":
            await Sleep(0.1, "x")
        return await read(resource)

    outcome = run(flow, targets, Service(throttling(7, 1)))
    at = {target.name: seconds for target, seconds in outcome.results.items()}
    assert at["c"] < 1.0
    assert 7.0 <= at["a"] <= 8.75 + 0.1
    assert at["b"] >= 7.0


@pytest.mark.parametrize("other", [Query({}), Put("/x", {}), Delete("/x")])
def test_each_kind_of_request_has_a_bucket_of_its_own(other: Request) -> None:
    async def flow(resource: ResourceId) -> float:
        if resource.name == "0":
            return await read(resource)
        await Sleep(1.0, "x")
        return (await other).at

    outcome = run(flow, 2, Service(lambda request: throttled(request) if request.kind == "read" else OK))
    assert values(outcome)[0] < 3.0


throttled = throttling(7, 1)


@pytest.mark.parametrize(("asks", "waited"), [(400, (800, 800)), (3600, (0, 0)), (901, (0, 0)), (900, (900, 900)), (450, (450, 900))])
def test_a_throttle_without_an_end_is_handed_over_with_what_was_waited(asks: float, waited: tuple[float, float]) -> None:
    async def flow(_: ResourceId) -> Reply:
        return await Put("/a", {})

    (reply,) = values(run(flow, 1, Service(throttling(asks))))
    assert reply.status == 429
    assert waited[0] <= reply.waited <= waited[1]
    assert reply.at >= reply.waited


def test_each_waits_a_little_longer_than_it_was_asked_to() -> None:
    """So that many subscriptions, or many commands, don't come back at the same moment."""
    refused: set[str] = set()

    def serve(request: Request) -> Reply:
        if request.path in refused:
            return OK
        refused.add(request.path)
        return Answer(429, headers={"retry-after": "100"})

    targets = [ResourceId(f"s{number}", "g", str(number)) for number in range(50)]
    at = values(run(read, targets, Service(serve)))
    assert 100.0 <= min(at) < 105.0
    assert 120.0 < max(at) <= 126.0


def test_those_who_wait_behind_a_throttle_without_an_end_are_told_soon_too() -> None:
    clock = FakeClock()

    async def flow(resource: ResourceId) -> int:
        return (await Get(f"/{resource.name}")).status

    assert set(values(run(flow, 20, Service(throttling(800)), clock=clock))) == {429}
    assert clock.time <= 2 * LONGEST_THROTTLE


def test_a_slow_bucket_that_grants_something_is_waited_for() -> None:
    service, clock = Service(), FakeClock()
    service.serve = lambda _: Answer(429, headers={"retry-after": "100"}) if len(service.sent) % 2 else OK

    async def flow(resource: ResourceId) -> int:
        return (await Get(f"/{resource.name}")).status

    assert set(values(run(flow, 10, service, clock=clock))) == {200}
    assert clock.time > LONGEST_THROTTLE / 2


async def impatient() -> Reply:
    return await Get("/impatient", patience=0.0)


def test_a_request_without_patience_is_not_waited_for() -> None:
    async def flow(resource: ResourceId) -> Reply:
        if resource.name == "0":
            return await Get("/patient")
        await Sleep(1.0, "the throttle")
        return await Get("/impatient", patience=0.0)

    service = Service(throttling(60, 1))
    late, throttled = sorted(values(run(flow, 2, service)), key=lambda reply: -reply.at)
    assert (late.status, throttled._replace(at=0.0)) == (200, NoAnswer("The service is throttling."))
    assert throttled.at >= 1.0
    assert service.sent == ["/patient"] * 2
    alone = run(lambda _: impatient(), 2, Service(throttling(60, 1)))
    assert [(reply.status, reply.at < 1.0) for reply in values(alone)] == [(429, True), (200, True)]


def test_how_many_wait_is_known() -> None:
    seen: list[int] = []
    run(read, 30, Service(throttling(5, 10)), tick=lambda runner, _: seen.append(runner.waiting_for_rate_limit))
    assert max(seen) == 10
    assert seen[-1] == 0


# ---- the first of a login --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["read", "write"])
def test_the_first_request_and_the_first_write_of_a_login_go_alone(kind: str) -> None:
    """They fetch the token, or show that it isn't good enough."""
    service = Service()
    before: list[int] = []

    def serve(request: Request) -> Reply:
        if request.kind == kind and not before:
            time.sleep(0.2)
            before.append(sum(one.startswith(f"/{kind}") for one in service.sent))
        return OK

    async def flow(_: ResourceId) -> None:
        await Get("/read")
        await Put("/write", {})

    service.serve = serve
    run(flow, 20, service)
    assert before == [1]


def test_a_first_write_without_an_answer_holds_the_others_up_no_longer() -> None:
    """It may have been made."""
    two, first = threading.Barrier(2), threading.Event()

    def serve(request: Request) -> Reply:
        if request.kind == "write" and first.is_set():
            two.wait(5)
        elif request.kind == "write":
            first.set()
            return NoAnswer("reset")
        return OK

    async def flow(_: ResourceId) -> Reply:
        await Get("/read")
        return await Put("/write", {})

    assert sorted(type(reply).__name__ for reply in values(run(flow, 3, Service(serve)))) == ["Answer", "Answer", "NoAnswer"]


def test_each_login_has_a_first_request_of_its_own() -> None:
    both = threading.Barrier(2)

    def serve(_: Request) -> Reply:
        both.wait(10)
        return OK

    assert len(values(run(read, [ResourceId("a", "g", "r"), ResourceId("b", "g", "r")], Service(serve)))) == 2


def test_a_login_that_fails_at_first_is_told_to_each() -> None:
    def serve(_: Request) -> Reply:
        raise AuthenticationError("No token.")

    outcome = run(read, 10, Service(serve))
    assert {str(failure) for failure in outcome.failures.values()} == {"No token."}
    assert len(outcome.failures) == 10


async def reply_of(resource: ResourceId) -> Reply:
    return await Get(f"/{resource.name}")


def test_a_service_that_never_answers_is_not_asked_by_each() -> None:
    service = Service(lambda request: NoAnswer(f"no route {request.path}"))
    replies = values(run(reply_of, 50, service))
    assert len(service.sent) == SILENT
    assert [reply.permanent for reply in replies] == [False] * SILENT + [True] * (50 - SILENT)
    assert {reply.reason for reply in replies[SILENT:]} == {"no route /3"}


@pytest.mark.parametrize("answered", range(1, SILENT))
def test_one_answer_of_any_kind_shows_that_there_is_a_network(answered: int) -> None:
    service = Service()
    service.serve = lambda _: Answer(503) if len(service.sent) == answered else NoAnswer("reset")
    replies = values(run(reply_of, 50, service))
    assert len(service.sent) == 50
    assert not any(reply.permanent for reply in replies if isinstance(reply, NoAnswer))


# ---- threads ---------------------------------------------------------------------------------------------------------

class Dripping:
    """A service whose answers to paths that begin with "/drip" don't end until `ends` is set."""

    def __init__(self) -> None:
        self.ends = threading.Event()

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/drip"):
            self.ends.wait(10)
        return Answer(200, {"path": request.path})


@pytest.fixture
def dripping(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dripping]:
    monkeypatch.setattr(runners, "GRACE", 0.05)
    made = Dripping()
    yield made
    made.ends.set()


class RealClock(FakeClock):
    """Time that passes."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()


@pytest.mark.parametrize(("patience", "within"), [(0.0, "0 seconds"), (900.0, "0 seconds")])
def test_an_answer_that_drips_is_abandoned(dripping: Dripping, patience: float, within: str) -> None:
    async def flow(_: ResourceId) -> list[Reply]:
        return [await Get("/drip", timeout=0.05, patience=patience), await Get("/next")]

    ((dripped, following),) = values(run(flow, 1, Service(dripping), clock=RealClock()))
    assert dripped._replace(at=0.0) == NoAnswer(f"No complete response within {within}.", timed_out=True)
    assert following.ok


def test_patience_with_an_answer_that_drips(dripping: Dripping, monkeypatch: pytest.MonkeyPatch) -> None:
    """An optional request gets no grace."""
    monkeypatch.setattr(runners, "GRACE", 30.0)
    seconds: list[float] = []
    real = asyncio.wait_for

    def wait_for(awaitable: Any, timeout: float) -> Any:
        seconds.append(timeout)
        return real(awaitable, 0.01 if timeout < 100 else timeout)

    monkeypatch.setattr(asyncio, "wait_for", wait_for)

    async def flow(_: ResourceId) -> None:
        await Get("/drip")
        await Get("/drip", timeout=4.0, patience=0.0)

    run(flow, 1, Service(dripping), clock=RealClock())
    assert seconds == [90.0, 4.0]


def test_an_answer_that_ends_too_late_changes_nothing(dripping: Dripping) -> None:
    async def flow(_: ResourceId) -> list[Reply]:
        first = await replace(SharedGet("/drip"), timeout=0.3)
        dripping.ends.set()
        await Sleep(0.1, "the late answer")
        return [first, await SharedGet("/a"), await replace(SharedGet("/drip"), timeout=0.3)]

    service = Service(dripping)
    ((first, second, third),) = values(run(flow, 1, service, clock=RealClock()))
    assert (first.timed_out, second.body, third.body) == (True, {"path": "/a"}, {"path": "/drip"})
    assert service.sent == ["/drip", "/a", "/drip"]


def test_requests_that_drip_take_no_turn_from_the_others(dripping: Dripping) -> None:
    async def flow(resource: ResourceId) -> Reply:
        await Get("/first")
        return await (Get(f"/drip{resource.name}", timeout=0.05) if int(resource.name) < 2 * THREADS else Get("/x"))

    replies = values(run(flow, 3 * THREADS, Service(dripping), clock=RealClock()))
    assert sum(reply.ok for reply in replies) == THREADS


@pytest.mark.parametrize("most", [0, 1, 3])
def test_a_machine_that_refuses_threads_is_only_slower(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == THREAD_NAME and sum(one.name == THREAD_NAME for one in threading.enumerate()) >= most:
            raise RuntimeError("can't start new thread")
        real(thread)

    def serve(_: Request) -> Reply:
        time.sleep(0.002)
        return OK

    monkeypatch.setattr(threading.Thread, "start", start)
    service = Service(serve)
    service.may_block = True
    assert len(values(run(write, 12, service))) == 12
    assert service.most <= max(most, 1)
    assert len(service.sent) == 24


# ---- the question ----------------------------------------------------------------------------------------------------

async def asks(resource: ResourceId) -> str:
    await Get(f"/before{resource.name}")
    if resource.name == "2":
        raise KeyError("a failure")
    if resource.name == "3":
        return "nothing to ask"
    await Sleep(float(resource.name), "x")
    await Ask(f"what {resource.name}")
    await Get(f"/after{resource.name}")
    return "done"


def test_all_are_asked_for_at_once() -> None:
    asked: list[dict[Any, Any]] = []
    service = Service()

    def confirm(what: Any) -> None:
        asked.append(dict(what))
        assert not any(path.startswith("/after") for path in service.sent)

    outcome = run(asks, 6, service, confirm=confirm)
    names = resources(6)
    assert asked == [{names[number]: f"what {number}" for number in (0, 1, 4, 5)}]
    assert [names.index(one) for one in asked[0]] == [0, 1, 4, 5]
    assert len(outcome.results) == 5
    assert len(outcome.failures) == 1


@pytest.mark.parametrize("number", [1, STARTING + 5])
def test_any_number_can_wait_for_the_answer(number: int) -> None:
    async def flow(resource: ResourceId) -> None:
        await read(resource)
        await Ask(resource.name)

    asked: list[int] = []
    run(flow, number, confirm=lambda what: asked.append(len(what)))
    assert asked == [number]


def test_the_time_of_the_answer_does_not_count() -> None:
    clock, seconds = FakeClock(), []

    def confirm(_: Any) -> None:
        clock.time += 600.0

    run(asks, 6, confirm=confirm, clock=clock, tick=lambda _, since: seconds.append(since))
    assert 0.0 <= max(seconds) < 60.0


@pytest.mark.parametrize("fails", [False, True])
def test_the_last_one_that_ends_leaves_the_question_to_the_others(fails: bool) -> None:
    asked: list[dict[Any, Any]] = []

    async def flow(resource: ResourceId) -> None:
        if resource.name != "1":
            await Ask("what")
            return
        await Sleep(5.0, "x")
        if fails:
            raise KeyError("a failure")

    assert len(run(flow, 3, confirm=lambda what: asked.append(dict(what)))) == 3
    assert asked == [dict.fromkeys((resources(3)[0], resources(3)[2]), "what")]


def test_progress_goes_on_after_the_answer() -> None:
    async def flow(_: ResourceId) -> None:
        await Ask("what")
        await Sleep(5.0, "the operation")

    seen: list[tuple[str, float]] = []
    run(flow, 2, confirm=lambda _: None, tick=lambda runner, seconds: seen.append((runner.waits_for, seconds)))
    assert len([what for what, seconds in seen if what == "the operation" and seconds < 5.0]) >= 8


def test_nothing_is_asked_if_nobody_asks() -> None:
    run(read, 3, confirm=lambda _: pytest.fail("asked"))


def test_no_ends_all() -> None:
    service = Service()

    def refuse(_: Any) -> None:
        raise ManualInterrupt("Nothing was removed.")

    runner: Runner[Any] = Runner(service, resources(6), asks, refuse)
    loop = FakeClock().new_event_loop()
    with pytest.raises(ManualInterrupt, match="Nothing was removed"):
        loop.run_until_complete(runner.run())
    loop.close()
    assert not any(path.startswith("/after") for path in service.sent)
    assert (list(runner.outcome.results.values()), len(runner.outcome.failures)) == (["nothing to ask"], 1)


# ---- interrupted -----------------------------------------------------------------------------------------------------

def interrupted_at(step: Any) -> tuple[Outcome[Any], list[Any], Service]:
    """Interrupt a flow while it awaits the step. Returns the outcome, and what the flow got."""
    ends, arrived = threading.Event(), threading.Event()
    got: list[Any] = []

    def serve(request: Request) -> Reply:
        if request is step:
            arrived.set()
            ends.wait(10)
        return OK

    async def flow(resource: ResourceId) -> None:
        await Get("/first")
        if resource.name == "1":
            await Sleep(60.0, "so that nobody is asked")
        if not isinstance(step, Request):
            arrived.set()
        try:
            got.append(await step)
        except asyncio.CancelledError as error:
            got.append(error)
            raise
        await Get("/afterwards")

    def interrupt(task: asyncio.Task[Any]) -> None:
        loop = task.get_loop()

        def cancel() -> None:
            arrived.wait(10)
            time.sleep(0.02)
            loop.call_soon_threadsafe(task.cancel)

        threading.Thread(target=cancel).start()

    service = Service(serve)
    before = threading.active_count()
    try:
        outcome = run(flow, 2 if isinstance(step, Ask) else 1, service, interrupt=interrupt, clock=RealClock())
    finally:
        ends.set()
    assert threads_end(before)
    return outcome, got, service


@pytest.mark.parametrize("step", [
    Get("/x"), SharedGet("/x"), Query({}), Sleep(60.0, "x"), PollDelay(0.0, 0, 60.0), Ask("x")], ids=lambda one: type(one).__name__)
def test_an_interruption_reaches_whatever_is_awaited(step: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        outcome, got, service = interrupted_at(step)
        gc.collect()
    assert [type(one) for one in got] == [asyncio.CancelledError]
    assert len(outcome) == 0
    assert "/afterwards" not in service.sent
    assert caplog.text == ""


@pytest.mark.parametrize("step", [Put("/x", {}), Delete("/x")], ids=lambda one: type(one).__name__)
def test_a_write_that_was_sent_may_have_been_made(step: Any) -> None:
    """It gets no answer; the next step is where the flow is interrupted."""
    outcome, got, service = interrupted_at(step)
    assert [one._replace(at=0.0) for one in got] == [NoAnswer("Interrupted.", permanent=True)]
    assert len(outcome) == 0
    assert service.sent == ["/first", "/x"]


def interrupting(service: Service, sent: int) -> Callable[[asyncio.Task[Any]], None]:
    """Interrupts once so many requests were sent."""
    def interrupt(task: asyncio.Task[Any]) -> None:
        def cancel() -> None:
            until = time.monotonic() + 10
            while len(service.sent) < sent and time.monotonic() < until:
                time.sleep(0.005)
            task.get_loop().call_soon_threadsafe(task.cancel)
        threading.Thread(target=cancel).start()
    return interrupt


def test_an_interruption_leaves_no_threads_and_sends_nothing_more(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait for a turn, a place, a thread or an answer end with it."""
    before, ends = threading.active_count(), threading.Event()
    service, failed = Service(), []
    monkeypatch.setattr(threading, "excepthook", lambda thread: failed.append(thread.exc_type))

    def serve(_: Request) -> Reply:
        if len(service.sent) > 1:
            ends.wait(10)
        return OK

    async def flow(resource: ResourceId) -> None:
        await write(resource)
        await read(resource)

    service.serve = serve
    try:
        with caplog.at_level(logging.ERROR):
            outcome = run(flow, STARTING + 20, service, interrupt=interrupting(service, THREADS + 1), clock=RealClock())
            gc.collect()
    finally:
        ends.set()
    assert threads_end(before)
    assert len(service.sent) == THREADS + 1
    assert len(outcome) == 0
    assert (caplog.text, failed) == ("", [])


def test_what_was_accepted_is_noted_and_what_was_not_sent_is_not() -> None:
    """One is written, one waits for its operation, one is being written, one waits for its turn to write."""
    service, ends = Service(), threading.Event()
    written = {"0": "Done.", "1": "Accepted.", "2": "Perhaps.", "3": ""}

    def serve(request: Request) -> Reply:
        if request.path == "/patch2":
            ends.wait(10)
        return Answer(429, headers={"retry-after": "60"}) if request.path == "/delete3" else OK

    async def flow(resource: ResourceId) -> str:
        with accepted(resource, lambda: written[resource.name]):
            await Get(f"/get{resource.name}")
            if resource.name == "2":
                await Sleep(0.1, "the others")
            await (Delete("/delete3") if resource.name == "3" else Put(f"/patch{resource.name}", {}))
            if resource.name != "0":
                await Sleep(60.0, "x")
            return "done"

    try:
        outcome = run(flow, 4, service, interrupt=interrupting(service, 8), clock=RealClock())
    finally:
        ends.set()
    assert [one.name for one in outcome.results] == ["0"]
    failures = {target.name: failure for target, failure in outcome.failures.items()}
    assert sorted(failures) == ["1", "2"]
    assert [failures[name].accepted for name in "12"] == ["Accepted.", "Perhaps."]  # type: ignore[attr-defined]
    assert all(isinstance(failure, UnfinishedError) and failure.is_interrupted for failure in failures.values())


def test_primitives_are_made_in_the_loop_that_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Python 3.9, they belong to the loop that the thread has when they are made."""
    made: list[Any] = []
    for kind in (asyncio.Lock, asyncio.Event, asyncio.Semaphore):
        def make(*arguments: Any, kind: Any = kind) -> Any:
            made.append(asyncio.get_running_loop())
            return kind(*arguments)
        monkeypatch.setattr(asyncio, kind.__name__, make)
    runner: Runner[Any] = Runner(Service(), resources(3), write)
    loop = FakeClock().new_event_loop()
    loop.run_until_complete(runner.run())
    loop.close()
    assert len(runner.outcome.results) == 3
    assert made
    assert set(made) == {loop}
