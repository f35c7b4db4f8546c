# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""When to look at an operation, and when to send to a service that throttles. Pure: told the time, in seconds."""

from __future__ import annotations

from .steps import Await

# Recorded operations last 11 to 13 seconds. From the write on, in seconds: there the looks are at most 1.5 s apart, and
# a little wider before, so that an operation of 13 s takes 8.
LOOKS = (0.8, 2.3, 4.3, 6.3, 8.3, 10.1, 11.6, 13.1)
SCOUTS = 3  # operations of a fleet that are looked at often; how long they take tells when to look at the others
UNKNOWN = 30.0  # seconds until the others are looked at where no scout has come back
SLOWEST, FIRST_GAP = 1.0, 0.05  # seconds between two requests to a service that throttles


class Pace:
    """When to look at the operations of a fleet, or of one resource."""

    def __init__(self) -> None:
        self._took: list[float] = []
        self._usual = 0.0  # seconds
        self._scouts = 0

    @property
    def knows(self) -> bool:
        """Whether all scouts have come back."""
        return 0 < min(self._scouts, SCOUTS) <= len(self._took)

    def due(self, wait: Await, now: float) -> float:
        """When to look. A Retry-After of the service is kept."""
        asked = now + (wait.at_least or 0.0)
        if wait.own and wait.looks == 0:
            if self.knows:
                return max(asked, wait.since + self._usual)
            self._scouts += 1
            if self._scouts > SCOUTS:
                return max(asked, wait.since + UNKNOWN)
        elif wait.own and self.knows and self._scouts > SCOUTS:
            return max(asked, now + 1.5 + wait.looks / 2)  # the others: a little late is fine, many looks are not
        return max(asked, wait.since + _alone(wait.looks)) if not wait.at_least else asked

    def learn(self, seconds: float) -> None:
        """An operation is over after so many seconds."""
        self._took = [*self._took, seconds][-20:]
        # The slower fifth: a look too early costs a request, one too late a second.
        self._usual = sorted(self._took)[len(self._took) * 4 // 5]


class Gate:
    """ARM's token bucket of one subscription and kind of request, as it shows in refusals: after one, requests pass
    one by one, faster while they are granted, slower after the next refusal.
    """

    def __init__(self) -> None:
        self.opens = 0.0
        self._held_until = 0.0
        self._gap = 0.0

    def take(self, now: float) -> None:
        """One passes."""
        self.opens = max(self.opens, now) + self._gap

    def granted(self) -> None:
        """The service took one."""
        self._gap *= 0.97

    def refused(self, now: float, seconds: float) -> None:
        """The service asks to wait."""
        if now >= self._held_until:  # else the refusal of one that was under way already
            self._gap = min(max(self._gap * 1.3, FIRST_GAP), SLOWEST)
        self._held_until = self.opens = max(self.opens, now + seconds)


def _alone(looks: int) -> float:
    """Seconds from the write to the next look, where nothing is known."""
    if looks < len(LOOKS):
        return LOOKS[looks]
    seconds = LOOKS[-1]
    for _ in range(looks - len(LOOKS) + 1):
        seconds += max(1.5, min(seconds / 40, 10.0))
    return seconds
