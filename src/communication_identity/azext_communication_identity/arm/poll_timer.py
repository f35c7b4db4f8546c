# SPDX-License-Identifier: MIT
"""When to poll an operation again: often for one, and for a fleet as soon as operations like it were over."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from ..model.requests import PollDelay

# Recorded PATCH operations of other services last 11 to 13 seconds, PUT operations of this service 65 to 94. In seconds
# from the write: an end after 9 to 13 is seen at most 1.5 s later. Before, the polls are a little further apart, so an
# operation of 13 s takes 8 of them.
POLL_TIMES = (0.8, 2.3, 4.3, 6.3, 8.3, 10.1, 11.6, 13.1)
LEAST_GAP = 1.0  # seconds from the answer to a poll until the next
GAP, MOST_GAP = 1.5, 10.0  # the same after POLL_TIMES
OFTEN = 3  # operations of a fleet that are polled often; how long they take tells when to poll the others
UNKNOWN = 120.0  # seconds until the others are polled if none has ended by then
POLLS_A_SECOND = 60  # of all operations of a subscription: with 20, 300 operations take half as long again (measured)


class PollTimer:
    """Times the polls of all operations of a command. Made in a running event loop, whose time it uses."""

    def __init__(self) -> None:
        self._longest = 0.0  # seconds that an operation took; 0 if none has ended
        self._often: set[Hashable] = set()
        self._learned = asyncio.get_running_loop().create_future()
        self._next_poll: dict[str, float] = {}  # by subscription

    def learn(self, seconds: float) -> None:
        """Note how many seconds an operation took."""
        self._longest = max(self._longest, seconds)
        if not self._learned.done():
            self._learned.set_result(None)

    async def wait(self, who: Hashable, subscription: str, delay: PollDelay) -> None:
        """Wait until `who` should poll. Respects the service's Retry-After."""
        loop = asyncio.get_running_loop()
        if delay.own_operation and not delay.polls and not self._longest and len(self._often) < OFTEN:
            self._often.add(who)
        is_often = not delay.own_operation or who in self._often
        answered = loop.time()
        if not is_often and not self._longest:
            await asyncio.wait([self._learned], timeout=max(delay.since + UNKNOWN - answered, 0.0))
        due = self._soon(delay, answered) if is_often else self._when_others_were_over(delay, answered)
        if delay.at_least:
            due = answered + delay.at_least if is_often else max(due, answered + delay.at_least)
        await asyncio.sleep(max(due - loop.time(), 0.0))
        turn = max(loop.time(), self._next_poll.get(subscription, 0.0))
        self._next_poll[subscription] = turn + 1 / POLLS_A_SECOND
        await asyncio.sleep(turn - loop.time())

    def _soon(self, delay: PollDelay, now: float) -> float:
        """The next of POLL_TIMES, whatever others took. Those that passed during a longer wait are skipped."""
        passed = now - delay.since
        if not delay.polls:
            return max(delay.since + POLL_TIMES[0], now)
        for seconds in POLL_TIMES:
            if seconds > passed + 0.1:
                return max(delay.since + seconds, now + LEAST_GAP)
        return now + max(GAP, min(passed * max(len(self._often), 1) / 40, MOST_GAP))

    def _when_others_were_over(self, delay: PollDelay, now: float) -> float:
        """When operations like it were over. Better a little late than many polls."""
        again = now + max(GAP, (now - delay.since) / 8) if delay.polls else now
        return max(delay.since + self._longest, again)
