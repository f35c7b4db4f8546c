# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""When to poll an operation, and when to send to a service that throttles. Pure: it is told the time, in seconds."""

from __future__ import annotations

from collections.abc import Hashable

from .steps import NextPoll

# Recorded PATCH operations of other services last 11 to 13 seconds, PUT operations of this service 65 to 94. In seconds
# from the write: from 9 to 13, the polls are at most 1.5 s apart, and a little further apart before, so that an
# operation of 13 s takes 8.
POLL_TIMES = (0.8, 2.3, 4.3, 6.3, 8.3, 10.1, 11.6, 13.1)
LEAST_GAP, GAP, MOST_GAP = 1.0, 1.5, 10.0  # seconds from the answer to a poll until the next; after POLL_TIMES
SCOUTS = 3  # operations of a fleet to poll often; how long they take tells when to poll the others
UNKNOWN = 120.0  # seconds until the others are polled if no scout has finished
ONE_KNOWN = 30.0  # the least number of seconds until they are polled if only some scouts have finished
SLOWEST, FIRST_GAP = 1.0, 0.05  # seconds between two requests to a service that throttles


class Pace:
    """When to poll the operations of a fleet, or of one resource."""

    def __init__(self) -> None:
        self._took: list[float] = []
        self._usual = 0.0  # seconds
        self._scouts: set[Hashable] = set()

    @property
    def knows(self) -> bool:
        """Whether as many operations have finished as there are scouts."""
        return 0 < len(self._scouts) <= len(self._took)

    def leads(self, who: Hashable) -> bool:
        """Whether `who` is a scout."""
        return who in self._scouts

    def due(self, who: Hashable, wait: NextPoll, now: float) -> float:
        """When `who` should poll. `now`: when the last poll, or the write, was answered. Respects the service's
        Retry-After.
        """
        if wait.own_operation and wait.polls == 0 and not self.knows and len(self._scouts) < SCOUTS:
            self._scouts.add(who)
        if not wait.own_operation or self.leads(who):
            return now + wait.at_least if wait.at_least else self._often(wait, now)
        if self.knows:  # a little late is fine, many polls are not
            due = max(wait.since + self._usual, now + 1.5 + wait.polls / 2 if wait.polls else now)
        else:
            earliest = max(ONE_KNOWN, 2 * self._usual) if self._took else UNKNOWN
            due = wait.since + max(earliest, 2 * (now - wait.since))
        return max(due, now + (wait.at_least or 0.0))

    def _often(self, wait: NextPoll, now: float) -> float:
        """When to poll if nothing is known from other operations. It depends on the time since the write and not on the
        number of polls, so that none are made up for after a longer wait. Scouts share the polls of a long operation.
        """
        passed = now - wait.since
        if not wait.polls:
            return max(wait.since + POLL_TIMES[0], now)
        for seconds in POLL_TIMES:
            if seconds > passed + 0.1:
                return max(wait.since + seconds, now + LEAST_GAP)
        return now + max(GAP, min(passed * max(len(self._scouts), 1) / 40, MOST_GAP))

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
        self.opens = self.granted_at = 0.0
        self._held_until = 0.0
        self._gap = 0.0

    def take(self, now: float) -> None:
        """Let one request pass."""
        self.opens = max(self.opens, now) + self._gap

    def granted(self, now: float) -> None:
        """The service accepted a request."""
        self.granted_at = now
        self._gap *= 0.97

    def refused(self, now: float, seconds: float) -> None:
        """The service refused a request and asks for a wait of `seconds`."""
        if now >= self._held_until:  # otherwise it refuses a request that was already in progress
            self._gap = min(max(self._gap * 1.3, FIRST_GAP), SLOWEST)
        self._held_until = self.opens = max(self.opens, now + seconds)
