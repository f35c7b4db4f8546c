# SPDX-License-Identifier: MIT
"""When operations are looked at, and how a throttled service is approached."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.arm.poll_timer import PollTimer
from azext_communication_identity.arm.rate_limit import RateLimiter
from azext_communication_identity.model.requests import PollDelay


def own(looks: int, since: float = 100.0, at_least: float | None = None) -> PollDelay:
    return PollDelay(since, looks, at_least)


def learned(*seconds: float, scouts: int = 4) -> PollTimer:
    """A pace that has seen so many first looks, and these operations end."""
    pace = PollTimer()
    for who in range(scouts):
        pace.due(who, own(0), 100.0)
    for one in seconds:
        pace.learn(one)
    return pace


def looks_at(pace: PollTimer, who: Any, until: float, delay: float = 0.0, mine: bool = True) -> list[float]:
    """When an operation that began at 0 is looked at, until one of the looks is at `until` or later. `delay`: seconds
    until a look is answered.
    """
    at = [pace.due(who, PollDelay(0.0, 0, None, own_operation=mine), 0.0)]
    while at[-1] < until:
        at.append(pace.due(who, PollDelay(0.0, len(at), None, own_operation=mine), at[-1] + delay))
    return at


@pytest.mark.parametrize("mine", [True, False])
def test_one_operation(mine: bool) -> None:
    assert looks_at(PollTimer(), "a", 16.1, mine=mine) == pytest.approx(
        [0.8, 2.3, 4.3, 6.3, 8.3, 10.1, 11.6, 13.1, 14.6, 16.1])


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("seconds", [9.0, 10.2, 11.7, 12.9, 13.0])
def test_an_end_is_seen_soon_and_with_few_looks(seconds: float, delay: float) -> None:
    at = looks_at(PollTimer(), "a", seconds, delay)
    assert at[-1] - seconds <= 1.5
    assert len(at) <= 8


def test_looks_that_are_answered_late_are_not_bunched() -> None:
    at = looks_at(PollTimer(), "a", 20.0, delay=1.2)
    assert min(later - earlier for earlier, later in zip(at, at[1:], strict=False)) >= 2.2 - 1e-9


@pytest.mark.parametrize(("now", "expected"), [(103.0, 104.3), (104.0, 105.0), (112.9, 113.9), (113.0, 114.5),
                                               (115.0, 116.5), (130.0, 131.5), (160.0, 161.5), (200.0, 202.5)])
def test_no_look_is_made_up_for_after_a_long_wait(now: float, expected: float) -> None:
    pace = PollTimer()
    pace.due("a", own(0), 100.0)
    assert pace.due("a", own(1), now) == pytest.approx(expected)


@pytest.mark.parametrize(("scouts", "share"), [(1, 40), (2, 20), (3, 40 / 3)])
def test_the_looks_at_a_long_operation_are_further_apart(scouts: int, share: float) -> None:
    pace = learned(scouts=scouts)
    at = looks_at(pace, 0, 1800.0)[7:]
    gaps = [later - earlier for earlier, later in zip(at, at[1:], strict=False)]
    assert gaps == pytest.approx([max(1.5, min(seconds / share, 10.0)) for seconds in at[:-1]])
    assert gaps[-1] == pytest.approx(10.0)


@pytest.mark.parametrize(("at_least", "expected"), [(None, 100.8), (0.0, 100.8), (0.1, 100.1), (5.0, 105.0)])
def test_retry_after_is_kept(at_least: float | None, expected: float) -> None:
    assert PollTimer().due("a", own(0, at_least=at_least), 100.0) == pytest.approx(expected)


def test_never_before_now() -> None:
    assert PollTimer().due("a", own(0), 105.0) == 105.0


def test_scouts() -> None:
    pace = PollTimer()
    assert [pace.due(who, own(0), 100.0) for who in "abcd"] == pytest.approx([100.8, 100.8, 100.8, 220.0])
    assert [pace.leads(who) for who in "abcd"] == [True, True, True, False]
    assert pace.due("d", own(0, at_least=140.0), 100.0) == 240.0
    assert pace.due("a", own(1), 100.8) == pytest.approx(102.3)
    assert pace.due("d", own(1), 220.0) == pytest.approx(340.0)  # nothing is known yet
    assert pace.due("d", own(2), 340.0) == pytest.approx(580.0)


def test_while_one_scout_hangs() -> None:
    pace = learned(2.0)
    assert pace.due("d", own(0), 100.0) == 130.0
    assert pace.due("d", own(1), 130.0) == 160.0
    pace.learn(20.0)
    assert pace.due("d", own(0), 100.0) == 140.0


def test_those_of_others_are_no_scouts() -> None:
    pace = PollTimer()
    for who in range(9):
        assert pace.due(who, PollDelay(100.0, 0, None, own_operation=False), 100.0) == pytest.approx(100.8)
    assert pace.due("a", own(0), 100.0) == pytest.approx(100.8)
    assert not pace.leads(0)
    assert pace.leads("a")


@pytest.mark.parametrize(("scouts", "ended", "knows"), [
    (0, 0, False), (0, 1, False), (1, 0, False), (1, 1, True), (2, 1, False), (3, 2, False), (3, 3, True),
    (4, 2, False), (4, 3, True), (9, 3, True)])
def test_what_a_pace_knows(scouts: int, ended: int, knows: bool) -> None:
    assert learned(*[12.0] * ended, scouts=scouts).knows is knows


def test_the_others_are_looked_at_when_the_scouts_are_back() -> None:
    pace = learned(12.0, 12.0, 12.0)
    assert pace.due("d", own(0), 100.0) == 112.0
    assert pace.due("d", own(0, at_least=20.0), 100.0) == 120.0
    assert pace.due("d", own(0), 115.0) == 115.0
    assert pace.due("d", own(1), 103.0) == 112.0
    assert pace.due("d", own(1), 113.0) == 115.0
    assert pace.due("d", own(2), 113.0) == 115.5
    assert pace.due("d", own(1, at_least=9.0), 113.0) == 122.0
    assert pace.due("d", PollDelay(100.0, 1, None, own_operation=False), 100.8) == pytest.approx(102.3)
    assert pace.due("d", PollDelay(100.0, 0, None, own_operation=False), 100.0) == pytest.approx(100.8)


def test_where_all_are_scouts_they_go_on_as_scouts() -> None:
    assert learned(12.0, 12.0, 12.0, scouts=3).due(0, own(1), 100.8) == pytest.approx(102.3)


@pytest.mark.parametrize(("seconds", "usual"), [
    ([3.0, 1.0, 2.0], 3.0), ([1.0, 2.0, 3.0, 4.0, 5.0], 5.0), ([float(n) for n in range(10)], 8.0),
    ([99.0, *[float(n) for n in range(20)]], 16.0), ([float(n) for n in range(40)], 36.0)])
def test_the_slower_fifth_of_the_last_20(seconds: list[float], usual: float) -> None:
    assert learned(*seconds).due("d", own(0), 100.0) == 100.0 + usual


def passing(gate: RateLimiter, now: float, times: int) -> list[float]:
    """When each of so many may pass."""
    opens = []
    for _ in range(times):
        opens.append(max(gate.opens, now))
        gate.take(now)
    return opens


def test_a_gate_is_open_until_something_is_refused() -> None:
    gate = RateLimiter()
    assert gate.opens == 0.0
    assert passing(gate, 10.0, 3) == [10.0, 10.0, 10.0]


def test_after_a_refusal_one_by_one() -> None:
    gate = RateLimiter()
    gate.refused(10.0, 5.0)
    assert gate.opens == 15.0
    assert passing(gate, 12.0, 3) == pytest.approx([15.0, 15.05, 15.1])


def test_faster_while_granted() -> None:
    gate = RateLimiter()
    gate.refused(0.0, 5.0)
    gate.granted(1.0)
    gate.granted(2.0)
    assert gate.granted_at == 2.0
    assert passing(gate, 20.0, 2) == pytest.approx([20.0, 20.0 + 0.05 * 0.97 ** 2])


def test_slower_after_the_next_refusal() -> None:
    gate = RateLimiter()
    gate.refused(0.0, 5.0)
    gate.refused(4.9, 1.0)  # of a request that was under way: the gap stays
    assert gate.opens == pytest.approx(5.9)
    assert passing(gate, 5.0, 2)[1] == pytest.approx(5.95)
    gate.refused(6.0, 1.0)
    assert passing(gate, 7.0, 2) == pytest.approx([7.0, 7.065])


def test_a_refusal_at_the_moment_that_the_gate_opens_counts() -> None:
    gate = RateLimiter()
    gate.refused(0.0, 5.0)
    gate.refused(5.0, 1.0)
    assert passing(gate, 6.0, 2) == pytest.approx([6.0, 6.065])


def test_a_short_refusal_does_not_open_the_gate_earlier() -> None:
    gate = RateLimiter()
    gate.refused(0.0, 60.0)
    gate.refused(1.0, 2.0)
    assert gate.opens == 60.0


def test_never_more_than_a_second_apart() -> None:
    gate = RateLimiter()
    for number in range(30):
        gate.refused(number * 10.0, 5.0)
    assert passing(gate, 1000.0, 2) == [1000.0, 1001.0]
