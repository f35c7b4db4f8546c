# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Sending requests, without a service: who gets which answer, and when a request is sent again."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from azext_communication_identity.actions.sender import LONGEST_THROTTLE, Clock, Delivery, Sender
from azext_communication_identity.model.steps import Answer, NoAnswer, Reply, Request

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


def sender(answer: Callable[[Request], Reply], clock: Clock | None = None) -> Sender:
    return Sender(lambda request, _: answer(request), clock or HandClock(), 4)


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


def test_an_answer_that_drips_is_given_up() -> None:
    import threading
    hung = threading.Event()

    def answer(_: Request) -> Reply:
        hung.wait(10)
        return Answer(200, {})

    class Impatient(HandClock):
        def next(self, results: SimpleQueue[Any], until: float, busy: bool) -> Any:
            self.time += 30.0
            return None if results.empty() else results.get()

    sending = sender(answer, Impatient())
    sending.ask("a", Request("GET", "/a"), "s")
    came = None
    while came is None:
        came = sending.next(sending.clock.now())
        sending.give_up()
    hung.set()
    assert isinstance(came.outcome, NoAnswer)
    assert came.outcome.stalled
