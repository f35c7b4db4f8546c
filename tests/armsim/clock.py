# SPDX-License-Identifier: MIT
"""The time that armsim goes by, in seconds since 1970."""

from __future__ import annotations

import time


class Clock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


class ScaledClock(Clock):
    """Time that runs `factor` times as fast as the machine's."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self._start = time.time()

    def now(self) -> float:
        return self._start + (time.time() - self._start) * self.factor

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.factor)


class ManualClock(Clock):
    """Time that stands still until it is moved by hand; sleeping moves it."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds

    def move_to(self, when: float) -> None:
        """Go forward to a time, never back."""
        self._now = max(self._now, when)
