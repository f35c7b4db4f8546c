# SPDX-License-Identifier: MIT
"""When the next request goes to a service that throttles."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from azext_communication_identity.arm.rate_limit import RateLimiter
from in_process import FakeClock


def passing(at: float, times: int, refused: Sequence[tuple[float, float]] = (), granted: Sequence[float] = ()) -> list[float]:
    """When each of so many requests may go that come at once. `refused`: the times of refusals before, and the seconds
    that each asks for. `granted`: the times of requests that were granted after them.
    """
    async def main() -> list[float]:
        loop, limiter = asyncio.get_running_loop(), RateLimiter()
        for when, seconds in refused:
            limiter.refused(when, seconds)
        for when in granted:
            limiter.granted(when)
            assert limiter.granted_at == when
        await asyncio.sleep(at)
        went: list[float] = []

        async def one() -> None:
            await limiter.acquire()
            went.append(loop.time())

        tasks = [asyncio.ensure_future(one()) for _ in range(times)]
        await asyncio.sleep(0)
        assert limiter.waiting == times - len(went)
        await asyncio.gather(*tasks)
        assert limiter.waiting == 0
        return went

    loop = FakeClock().new_event_loop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


@pytest.mark.parametrize(("at", "refused", "granted", "expected"), [
    pytest.param(10.0, [], [], [10.0, 10.0, 10.0], id="no limit until something is refused"),
    pytest.param(12.0, [(10.0, 5.0)], [], [15.0, 15.05, 15.1], id="one by one after a refusal"),
    pytest.param(20.0, [(0.0, 5.0)], [1.0, 2.0], [20.0, 20.0 + 0.05 * 0.97 ** 2], id="faster while granted"),
    pytest.param(5.0, [(0.0, 5.0), (4.9, 1.0)], [], [5.9, 5.95], id="a request that was in progress changes no gap"),
    pytest.param(7.0, [(0.0, 5.0), (4.9, 1.0), (6.0, 1.0)], [], [7.0, 7.065], id="slower after the next refusal"),
    pytest.param(6.0, [(0.0, 5.0), (5.0, 1.0)], [], [6.0, 6.065], id="at the moment when the time is over"),
    pytest.param(1.0, [(0.0, 60.0), (1.0, 2.0)], [], [60.0, 60.05], id="a short wait ends no long one"),
    pytest.param(1000.0, [(number * 10.0, 5.0) for number in range(30)], [], [1000.0, 1001.0], id="at most a second apart"),
])
def test_when_requests_go(at: float, refused: list[tuple[float, float]], granted: list[float], expected: list[float]) -> None:
    assert passing(at, len(expected), refused, granted) == pytest.approx(expected)


def test_a_refusal_holds_those_up_that_wait_already() -> None:
    async def main() -> list[float]:
        loop, limiter = asyncio.get_running_loop(), RateLimiter()
        limiter.refused(0.0, 5.0)
        loop.call_later(4.0, limiter.refused, 4.0, 8.0)
        waits = [asyncio.ensure_future(limiter.acquire()) for _ in range(2)]
        went = []
        for one in waits:
            await one
            went.append(loop.time())
        return went

    loop = FakeClock().new_event_loop()
    assert loop.run_until_complete(main()) == pytest.approx([12.0, 12.05])
    loop.close()


def test_who_is_cancelled_leaves_the_turn_to_the_next() -> None:
    async def main() -> float:
        loop, limiter = asyncio.get_running_loop(), RateLimiter()
        limiter.refused(0.0, 5.0)
        waits = [asyncio.ensure_future(limiter.acquire()) for _ in range(3)]
        await asyncio.sleep(1.0)
        waits[0].cancel()
        waits[1].cancel()
        await waits[2]
        assert limiter.waiting == 0
        return loop.time()

    loop = FakeClock().new_event_loop()
    assert loop.run_until_complete(main()) == pytest.approx(5.0)
    loop.close()
