# SPDX-License-Identifier: MIT
"""Sending requests, without a service: who gets which answer, and when a request is sent again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from azext_communication_identity.actions.sender import Clock, Delivery, MOST_LATE, MOST_STUCK, Sender
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import LONGEST_THROTTLE, Request

SHARED = Request("GET", "/role", shared=True)


class HandClock(Clock):
    """Time that stands still while a request is under way."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def next(self, results: SimpleQueue[Any], until: float, busy: bool) -> Any:
        if busy:
            return results.get(timeout=10)
        self.time = max(self.time, until)
        return None


def sender(answer: Callable[[Request], Reply], clock: Clock | None = None, most: int = 4) -> Sender:
    return Sender(lambda request, _: answer(request), clock or HandClock(), most)


def collect(sending: Sender, count: int) -> list[Delivery]:
    came: list[Delivery] = []
    while len(came) < count:
        one = sending.next(sending.clock.now() + 1.0)
        came += [one] if one else []
    return came


def test_one_answer_serves_all_who_ask_the_same() -> None:
    sent: list[Request] = []

    def answer(request: Request) -> Reply:
        sent.append(request)
        return Answer(200, {"value": []})

    sending = sender(answer)
    for who in "abc":
        sending.ask(who, SHARED, "s")
    (first,) = collect(sending, 1)
    sending.ask("late", SHARED, "s")
    (last,) = collect(sending, 1)
    assert (first.waiting, last.waiting) == (["a", "b", "c"], ["late"])
    assert len(sent) == 1


def test_a_failure_is_not_shared_with_those_who_ask_later() -> None:
    replies: list[Reply] = [NoAnswer("reset"), Answer(200, {"value": []})]
    sending = sender(lambda _: replies.pop(0))
    sending.ask("a", SHARED, "s")
    assert isinstance(collect(sending, 1)[0].outcome, NoAnswer)
    sending.ask("a", SHARED, "s")
    outcome = collect(sending, 1)[0].outcome
    assert isinstance(outcome, Answer)
    assert outcome.ok


def test_a_throttled_request_waits_as_asked_and_the_others_of_its_bucket_too() -> None:
    clock, at = HandClock(), []

    def answer(request: Request) -> Reply:
        at.append((request.path, clock.time))
        return Answer(429, headers={"retry-after": "7"}) if len(at) == 1 else Answer(200, {})

    sending = sender(answer, clock)
    sending.ask("a", Request("GET", "/a"), "s")
    while len(at) < 1 or sending.throttled == 0:
        sending.next(clock.time)
    sending.ask("b", Request("GET", "/b"), "s")
    sending.ask("c", Request("GET", "/c"), "other")
    came = collect(sending, 3)
    assert sorted(one.waiting[0] for one in came) == ["a", "b", "c"]
    times = dict(at[1:])
    assert times["/c"] < 1.0
    assert times["/a"] >= 7.0
    assert times["/b"] >= 7.0


def test_a_throttle_without_an_end_is_handed_over_with_what_was_waited() -> None:
    sending = sender(lambda _: Answer(429, headers={"retry-after": "400"}))
    sending.ask("a", Request("PATCH", "/a"), "s")
    outcome = collect(sending, 1)[0].outcome
    assert isinstance(outcome, Answer)
    assert 400 <= outcome.waited <= LONGEST_THROTTLE


def test_an_hour_is_not_waited_for() -> None:
    sending = sender(lambda _: Answer(429, headers={"retry-after": "3600"}))
    sending.ask("a", Request("GET", "/a"), "s")
    outcome = collect(sending, 1)[0].outcome
    assert isinstance(outcome, Answer)
    assert outcome.waited == 0


def test_those_who_wait_behind_a_throttle_without_an_end_are_told_soon_too() -> None:
    sending = sender(lambda _: Answer(429, headers={"retry-after": "800"}))
    sending.ask(0, Request("GET", "/0"), "s")
    while not sending.throttled:
        sending.next(sending.clock.now())
    for number in range(1, 20):
        sending.ask(number, Request("GET", f"/{number}"), "s")
    came = collect(sending, 20)
    assert {one.outcome.status for one in came if isinstance(one.outcome, Answer)} == {429}
    assert sending.clock.now() <= 2 * LONGEST_THROTTLE


def test_a_slow_bucket_that_grants_something_is_waited_for() -> None:
    sent: list[str] = []

    def answer(request: Request) -> Reply:  # every second request is refused
        sent.append(request.path)
        return Answer(429, headers={"retry-after": "100"}) if len(sent) % 2 else Answer(200, {})

    sending = sender(answer, most=1)
    sending.ask(0, Request("GET", "/0"), "s")
    while not sending.throttled:
        sending.next(sending.clock.now())
    for number in range(1, 10):
        sending.ask(number, Request("GET", f"/{number}"), "s")
    assert {one.outcome.status for one in collect(sending, 10) if isinstance(one.outcome, Answer)} == {200}
    assert sending.clock.now() > LONGEST_THROTTLE


def test_what_is_optional_is_not_waited_for() -> None:
    replies: list[Reply] = [Answer(429, headers={"retry-after": "5"})]
    sending = sender(lambda _: replies.pop(0))
    sending.ask("a", Request("GET", "/a", optional=True), "s")
    assert isinstance(collect(sending, 1)[0].outcome, Answer)
    assert sending.clock.now() < 5


def test_an_error_of_the_login_reaches_who_asked() -> None:
    def fail(_: Request) -> Reply:
        raise LookupError("no such login")

    sending = sender(fail)
    sending.ask("a", Request("GET", "/a"), "s")
    assert isinstance(collect(sending, 1)[0].outcome, LookupError)


class Dripping:
    """A service whose answers to paths that begin with "/drip" don't end until `ends` is set. `sent`: the requests."""

    def __init__(self) -> None:
        self.ends = threading.Event()
        self.sent: list[str] = []
        self.threads: set[int] = set()

    def __call__(self, request: Request) -> Reply:
        self.sent.append(request.path)
        self.threads.add(threading.get_ident())
        if request.path.startswith("/drip"):
            self.ends.wait(10)
        return Answer(200, {"path": request.path})


class Impatient(HandClock):
    """Time that goes on while a request is under way, half a minute each time that nothing has come for a while."""

    def next(self, results: SimpleQueue[Any], until: float, busy: bool) -> Any:
        try:
            return results.get(timeout=0.02)
        except Empty:
            self.time += 30.0
            return None


@pytest.fixture
def service() -> Iterator[Dripping]:
    service = Dripping()
    yield service
    service.ends.set()


def collect_impatiently(sending: Sender, count: int) -> list[Delivery]:
    came: list[Delivery] = []
    for _ in range(1000):
        one = sending.next(sending.clock.now())
        came += [one] if one else []
        if len(came) == count:
            return came
        sending.give_up()
    raise AssertionError(f"only {len(came)} of {count} came")


def test_an_answer_that_drips_is_given_up(service: Dripping) -> None:
    sending = sender(service, Impatient())
    sending.ask("a", Request("GET", "/drip"), "s")
    (came,) = collect_impatiently(sending, 1)
    assert isinstance(came.outcome, NoAnswer)
    assert came.outcome.timed_out


@pytest.mark.parametrize("lost", [1, 3])
def test_after_an_answer_that_drips_the_next_request_is_sent_at_once(service: Dripping, lost: int) -> None:
    sending = sender(service, Impatient(), 1)
    for number in range(lost):
        sending.ask("a", Request("GET", f"/drip{number}"), "s")
        collect_impatiently(sending, 1)
    before = sending.clock.now()
    sending.ask("a", Request("PATCH", "/b"), "s")
    (came,) = collect_impatiently(sending, 1)
    assert isinstance(came.outcome, Answer)
    assert sending.clock.now() == before


def test_what_waits_for_a_thread_is_sent_when_another_is_given_up(service: Dripping) -> None:
    sending = sender(service, Impatient(), 2)
    for path in ("/drip1", "/drip2", "/a", "/b"):
        sending.ask(path, Request("GET", path), "s")
    came = {one.waiting[0]: one.outcome for one in collect_impatiently(sending, 4)}
    assert {who for who, outcome in came.items() if isinstance(outcome, Answer)} == {"/a", "/b"}


def test_an_answer_that_ends_too_late_changes_nothing(service: Dripping) -> None:
    sending = sender(service, Impatient(), 1)
    sending.ask("a", Request("GET", "/drip", shared=True), "s")
    collect_impatiently(sending, 1)
    service.ends.set()
    for number in range(20):  # nothing else is delivered, and its thread is used again
        sending.ask(number, Request("GET", f"/{number}"), "s")
        assert [one.waiting for one in collect_impatiently(sending, 1)] == [[number]]
    assert len(service.threads) <= 2
    sending.ask("b", Request("GET", "/drip", shared=True), "s")
    assert isinstance(collect_impatiently(sending, 1)[0].outcome, Answer)
    assert service.sent.count("/drip") == 2  # a late answer isn't shared either


def test_threads_are_bounded_however_many_answers_drip(service: Dripping) -> None:
    sending = sender(service, Impatient(), 8)
    for number in range(300):
        sending.ask(number, Request("PATCH", f"/drip{number}"), "s")
    came = collect_impatiently(sending, 300)
    assert all(isinstance(one.outcome, NoAnswer) and one.outcome.timed_out for one in came)
    assert len(service.threads) <= 8 + MOST_STUCK
    sent = len(service.sent)
    service.ends.set()  # those that weren't sent are not sent afterwards
    sending.ask("a", Request("GET", "/a"), "s")
    assert isinstance(collect_impatiently(sending, 1)[0].outcome, Answer)
    assert len(service.sent) == sent + 1


def optional(path: str) -> Request:
    return Request("GET", path, timeout=3.0, optional=True)


def test_optional_requests_that_drip_take_no_thread_from_the_others(service: Dripping) -> None:
    sending = sender(service, Impatient(), 8)
    for number in range(200):
        sending.ask(number, optional(f"/drip{number}"), "s")
        sending.ask(number, Request("PATCH", f"/{number}"), "s")
    came = [one.outcome for one in collect_impatiently(sending, 400)]
    assert sum(isinstance(one, Answer) for one in came) == 200
    assert sum("/drip" in path for path in service.sent) <= 8
    sending.ask("late", optional("/drip-late"), "s")
    (last,) = collect_impatiently(sending, 1)
    assert isinstance(last.outcome, NoAnswer)
    assert last.outcome.reason == "The service answers too slowly."


def test_optional_requests_that_drip_now_and_then_leave_threads_too(service: Dripping) -> None:
    """Those that are answered in time are sent as long as not too many others are stuck."""
    sending = sender(service, Impatient(), 1)
    for number in range(MOST_STUCK):
        for path in ["/drip"] * (MOST_LATE - 1) + ["/a"]:
            sending.ask(number, optional(f"{path}{number}"), "s")
            collect_impatiently(sending, 1)
    assert service.sent.count("/a0") == 1
    assert len(service.threads) <= 1 + MOST_STUCK
    sending.ask("a", Request("PATCH", "/b"), "s")
    assert isinstance(collect_impatiently(sending, 1)[0].outcome, Answer)


def test_an_optional_request_is_sent_again_after_fewer_late_ones(service: Dripping) -> None:
    sending = sender(service, Impatient(), 1)
    for path in ["/drip"] * (MOST_LATE - 1) + ["/a"] + ["/drip"] * (MOST_LATE - 1) + ["/b"]:
        sending.ask(path, optional(path), "s")
        (came,) = collect_impatiently(sending, 1)
        assert isinstance(came.outcome, NoAnswer if path == "/drip" else Answer)


def test_a_write_that_no_thread_has_taken_up_is_not_sent(service: Dripping) -> None:
    sending = sender(service, Impatient(), 1)
    sending.ask("reads", Request("GET", "/drip"), "s")
    sending.ask("writes", Request("PATCH", "/a"), "s")
    assert sending.wrote == set()
    service.ends.set()
    collect_impatiently(sending, 2)
    assert sending.wrote == {"writes"}
