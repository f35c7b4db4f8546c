# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""When to poll an operation, and when to send to a service that throttles. Pure: it is told the time, in seconds."""

from __future__ import annotations

from .steps import NextPoll

# Recorded operations last 11 to 13 seconds. In seconds from the write: there, the polls are at most 1.5 s apart, and a
# little further apart before, so that an operation of 13 s takes 8.
POLL_TIMES = (0.8, 2.3, 4.3, 6.3, 8.3, 10.1, 11.6, 13.1)
SCOUTS = 3  # operations of a fleet to poll often; how long they take tells when to poll the others
UNKNOWN = 30.0  # seconds until the others are polled if no scout has finished
SLOWEST, FIRST_GAP = 1.0, 0.05  # seconds between two requests to a service that throttles


class Pace:
    """When to poll the operations of a fleet, or of one resource."""

    def __init__(self) -> None:
        self._took: list[float] = []
        self._usual = 0.0  # seconds
        self._scouts = 0

    @property
    def knows(self) -> bool:
        """Whether all scouts have finished."""
        return 0 < min(self._scouts, SCOUTS) <= len(self._took)

    def due(self, wait: NextPoll, now: float) -> float:
        """When to poll. Respects the service's Retry-After."""
        asked = now + (wait.at_least or 0.0)
        if wait.own_operation and wait.polls == 0:
            if self.knows:
                return max(asked, wait.since + self._usual)
            self._scouts += 1
            if self._scouts > SCOUTS:
                return max(asked, wait.since + UNKNOWN)
        elif wait.own_operation and self.knows and self._scouts > SCOUTS:
            return max(asked, now + 1.5 + wait.polls / 2)  # the others: a little late is fine, many polls are not
        return max(asked, wait.since + _seconds_to_poll(wait.polls)) if not wait.at_least else asked

    def learn(self, seconds: float) -> None:
        """Note how many seconds an operation took."""
        self._took = [*self._took, seconds][-20:]
        # The slowest fifth: a poll that is too early costs a request, one that is too late costs a second.
        self._usual = sorted(self._took)[len(self._took) * 4 // 5]


class Gate:
    """ARM's token bucket for one subscription and kind of request, as its refusals show it. After a refusal, requests
    pass one by one: faster while they are granted, slower after the next refusal.
    """

    def __init__(self) -> None:
        self.opens = 0.0
        self._held_until = 0.0
        self._gap = 0.0

    def take(self, now: float) -> None:
        """Let one request pass."""
        self.opens = max(self.opens, now) + self._gap

    def granted(self) -> None:
        """The service accepted a request."""
        self._gap *= 0.97

    def refused(self, now: float, seconds: float) -> None:
        """The service refused a request and asks for a wait of `seconds`."""
        if now >= self._held_until:  # otherwise it refuses a request that was already in progress
            self._gap = min(max(self._gap * 1.3, FIRST_GAP), SLOWEST)
        self._held_until = self.opens = max(self.opens, now + seconds)


def _seconds_to_poll(polls: int) -> float:
    """Seconds from the write to the next poll, if nothing is known from other operations."""
    if polls < len(POLL_TIMES):
        return POLL_TIMES[polls]
    seconds = POLL_TIMES[-1]
    for _ in range(polls - len(POLL_TIMES) + 1):
        seconds += max(1.5, min(seconds / 40, 10.0))
    return seconds
