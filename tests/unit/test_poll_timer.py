# SPDX-License-Identifier: MIT
"""When operations are polled: often for one, and for a fleet as soon as operations like it were over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from azext_communication_identity.arm.poll_timer import OFTEN, POLLS_A_SECOND, PollTimer
from azext_communication_identity.model.requests import PollDelay
from in_process import FakeClock

T = TypeVar("T")
TURN = 1 / POLLS_A_SECOND  # after the poll before, which went at the same moment


def timed(main: Coroutine[Any, Any, T]) -> T:
    """Run it on a loop whose timers take no time."""
    loop = FakeClock().new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def due(timer: PollTimer, who: Any, polls: int, passed: float = 0.0, at_least: float | None = None, *, own: bool = True,
              subscription: str = "s") -> float:
    """When an operation is polled, in seconds from the write, `passed` seconds after which the last answer came."""
    since = now() - passed
    await timer.wait(who, subscription, PollDelay(since, polls, at_least, own_operation=own))
    return now() - since


async def polls_of(timer: PollTimer, who: Any, until: float, delay: float = 0.0, *, own: bool = True) -> list[float]:
    """When an operation is polled, until one of the polls is at `until` or later. `delay`: seconds until a poll is
    answered.
    """
    since, at = now(), [0.0]
    while at[-1] < until:
        await timer.wait(who, "s", PollDelay(since, len(at) - 1, None, own_operation=own))
        at.append(now() - since)
        await asyncio.sleep(delay)
    return at[1:]


async def timer_of(often: int = OFTEN, *learned: float) -> PollTimer:
    """A timer that polls so many operations often (named 0, 1, …), and has seen these operations end."""
    timer = PollTimer()
    for who in range(often):
        await due(timer, who, 0)
    for seconds in learned:
        timer.learn(seconds)
    return timer


@pytest.mark.parametrize("own", [True, False])
def test_one_operation(own: bool) -> None:
    async def main() -> list[float]:
        return await polls_of(PollTimer(), "a", 16.1, own=own)
    assert timed(main()) == pytest.approx([0.8, 2.3, 4.3, 6.3, 8.3, 10.1, 11.6, 13.1, 14.6, 16.1])


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("seconds", [9.0, 10.2, 11.7, 12.9, 13.0])
def test_an_end_is_seen_soon_and_with_few_polls(seconds: float, delay: float) -> None:
    async def main() -> list[float]:
        return await polls_of(PollTimer(), "a", seconds, delay)
    at = timed(main())
    assert at[-1] - seconds <= 1.5
    assert len(at) <= 8


def test_polls_that_are_answered_late_are_not_bunched() -> None:
    async def main() -> list[float]:
        return await polls_of(PollTimer(), "a", 20.0, delay=1.2)
    at = timed(main())
    assert min(later - earlier for earlier, later in zip(at, at[1:], strict=False)) >= 2.2 - 1e-6


@pytest.mark.parametrize(("passed", "expected"), [(0.75, 2.3), (2.25, 4.3), (3.0, 4.3), (4.0, 5.0), (12.9, 13.9), (13.0, 14.5),
                                                  (15.0, 16.5), (30.0, 31.5), (60.0, 61.5), (100.0, 102.5)])
def test_no_poll_is_made_up_for_after_a_long_wait(passed: float, expected: float) -> None:
    async def main() -> float:
        return await due(await timer_of(1), 0, 1, passed)
    assert timed(main()) == pytest.approx(expected)


@pytest.mark.parametrize(("often", "share"), [(1, 40), (2, 20), (3, 40 / 3)])
def test_the_polls_of_a_long_operation_are_further_apart(often: int, share: float) -> None:
    async def main() -> list[float]:
        return (await polls_of(await timer_of(often), 0, 1800.0))[7:]
    at = timed(main())
    gaps = [later - earlier for earlier, later in zip(at, at[1:], strict=False)]
    assert gaps == pytest.approx([max(1.5, min(seconds / share, 10.0)) for seconds in at[:-1]])
    assert gaps[-1] == pytest.approx(10.0)


@pytest.mark.parametrize(("at_least", "expected"), [(None, 0.8), (0.0, 0.8), (0.1, 0.1), (5.0, 5.0)])
@pytest.mark.parametrize("own", [True, False])
def test_retry_after_is_kept(at_least: float | None, expected: float, own: bool) -> None:
    async def main() -> float:
        return await due(PollTimer(), "a", 0, 0.0, at_least, own=own)
    assert timed(main()) == pytest.approx(expected)


def test_never_before_now() -> None:
    async def main() -> float:
        return await due(PollTimer(), "a", 0, 5.0)
    assert timed(main()) == pytest.approx(5.0)


# ---- a fleet ---------------------------------------------------------------------------------------------------------

async def together(timer: PollTimer, number: int, own: bool = True) -> list[float]:
    """The first polls of so many operations that begin now."""
    return list(await asyncio.gather(*(due(timer, who, 0, own=own) for who in range(number))))


def test_the_first_three_are_polled_often_and_the_others_when_one_is_known() -> None:
    async def main() -> list[float]:
        timer = PollTimer()
        asyncio.get_running_loop().call_later(13.5, timer.learn, 13.0)
        return await together(timer, 5)
    assert timed(main()) == pytest.approx([0.8, 0.8 + TURN, 0.8 + 2 * TURN, 13.5, 13.5 + TURN])


def test_those_who_begin_later_know_it_at_once() -> None:
    async def main() -> list[float]:
        timer = await timer_of(1, 12.0, 11.0)
        return [await due(timer, "late", 0), await due(timer, "later", 0, 15.0), await due(timer, 0, 1, 0.8)]
    assert timed(main()) == pytest.approx([12.0, 15.0 + TURN, 2.3])


def test_while_none_is_known_the_others_are_polled_after_two_minutes() -> None:
    async def main() -> list[float]:
        timer = await timer_of()
        return [await due(timer, "d", polls, passed) for polls, passed in ((0, 0.0), (0, 100.0), (0, 130.0), (1, 120.0), (2, 240.0))]
    assert timed(main()) == pytest.approx([120.0, 120.0, 130.0 + TURN, 135.0, 270.0])


@pytest.mark.parametrize(("polls", "passed", "at_least", "expected"), [
    (0, 0.0, None, 12.0), (0, 0.0, 20.0, 20.0), (0, 0.0, 5.0, 12.0), (0, 15.0, None, 15.0 + TURN), (1, 3.0, None, 12.0), (1, 11.0, None, 12.5),
    (1, 13.0, None, 13.0 + 13.0 / 8), (2, 8.0, None, 12.0), (2, 40.0, None, 45.0), (1, 13.0, 9.0, 22.0), (1, 40.0, 1.0, 45.0)])
def test_the_others_are_polled_when_operations_like_theirs_were_over(polls: int, passed: float, at_least: float | None,
                                                                     expected: float) -> None:
    async def main() -> float:
        return await due(await timer_of(OFTEN, 12.0), "d", polls, passed, at_least)
    assert timed(main()) == pytest.approx(expected)


def test_the_longest_operation_counts() -> None:
    async def main() -> float:
        return await due(await timer_of(OFTEN, 2.0, 40.0, 13.0), "d", 0)
    assert timed(main()) == pytest.approx(40.0)


def test_operations_of_others_are_polled_often_and_take_no_place() -> None:
    async def main() -> list[float]:
        timer = PollTimer()
        return [*await together(timer, 9, own=False), *await together(timer, 3)]
    assert max(timed(main())) <= 0.8 + 9 / POLLS_A_SECOND


def test_all_polls_of_a_subscription_are_spread() -> None:
    async def main() -> tuple[list[float], float]:
        timer = await timer_of(OFTEN, 13.0)
        first = asyncio.gather(*(due(timer, f"d{number}", 0) for number in range(100)))
        other = asyncio.ensure_future(due(timer, "x", 0, subscription="other"))
        return list(await first), await other
    polled, other = timed(main())
    assert sorted(polled) == pytest.approx([13.0 + number / POLLS_A_SECOND for number in range(100)])
    assert other == pytest.approx(13.0)


def test_turns_that_passed_are_not_made_up_for() -> None:
    async def main() -> list[float]:
        timer = await timer_of(1)
        await asyncio.sleep(100.0)
        return await together(timer, 2, own=False)
    assert timed(main()) == pytest.approx([0.8, 0.8 + TURN])
