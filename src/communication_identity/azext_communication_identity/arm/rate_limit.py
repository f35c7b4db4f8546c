# SPDX-License-Identifier: MIT
"""When the next request may go: where ARM throttles, by its token bucket; and the first request of a login alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ..model.answers import Answer, NoAnswer, Reply

SLOWEST_GAP, FIRST_GAP = 1.0, 0.05  # seconds between two requests to a service that throttles
SILENT = 4  # requests of a login in a row without an answer, before any had one: the network is the reason


class RateLimiter:
    """Lets requests pass at once until ARM refuses one; from then on one by one: faster while they are granted, slower
    after the next refusal. Times are those of the event loop, in seconds. Made in a running loop.
    """

    def __init__(self) -> None:
        self.waiting = 0  # requests
        self.opens = self.granted_at = 0.0
        self._held_until = self._gap = 0.0
        self._turn = asyncio.Lock()  # first come, first served

    async def acquire(self) -> None:
        """Wait until the next request may go."""
        loop = asyncio.get_running_loop()
        self.waiting += 1
        try:
            async with self._turn:
                while self.opens > loop.time():
                    await asyncio.sleep(self.opens - loop.time())
                self.opens = max(self.opens, loop.time()) + self._gap
        finally:
            self.waiting -= 1

    def granted(self, now: float) -> None:
        """The service accepted a request."""
        self.granted_at = now
        self._gap *= 0.97

    def refused(self, now: float, seconds: float) -> None:
        """The service refused a request and asks for a wait of `seconds`."""
        if now >= self._held_until:  # otherwise it refuses a request that was already in progress
            self._gap = min(max(self._gap * 1.3, FIRST_GAP), SLOWEST_GAP)
        self._held_until = self.opens = max(self.opens, now + seconds)


class FirstRequests:
    """Lets the first request of a login go alone until it's answered: it fetches the token, or shows that the login or
    the network fails. The same for its first write, which may be challenged for another proof.
    """

    def __init__(self, *, until_answered: bool) -> None:
        self._turn = asyncio.Lock()
        self._is_open = False
        self._until_answered = until_answered  # else, until it was sent
        self._silent: list[NoAnswer] = []

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Callable[[Reply], None]]:
        """Wait until this request may be sent. The body passes the answer to the function."""
        if not self._is_open:
            async with self._turn:
                if not self._is_open:
                    yield self._answered
                    return
        yield lambda _: None

    def _answered(self, reply: Reply) -> None:
        self._is_open = isinstance(reply, Answer) or not self._until_answered
        self._silent += [reply] if isinstance(reply, NoAnswer) else []

    @property
    def unreachable(self) -> NoAnswer | None:
        """What every further request gets once SILENT of them had no answer, and none had one; until then, None."""
        return self._silent[-1]._replace(permanent=True) if len(self._silent) >= SILENT and not self._is_open else None
