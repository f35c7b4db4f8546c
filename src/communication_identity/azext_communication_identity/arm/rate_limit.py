# SPDX-License-Identifier: MIT
"""When the next request may go, where ARM throttles: its token bucket for one subscription and kind of request, as its
refusals show it.
"""

from __future__ import annotations

import asyncio

SLOWEST_GAP, FIRST_GAP = 1.0, 0.05  # seconds between two requests to a service that throttles


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
