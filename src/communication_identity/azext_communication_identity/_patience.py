# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""How long to go on trying, and how long to pause between two tries."""

from __future__ import annotations

import random
import time


def sleep(seconds: float) -> None:
    """Wait as long as the service asks for."""
    time.sleep(seconds)


class Patience:
    """Pauses that double from `first` to `longest`, with jitter, until `limit` is over. All in seconds."""

    def __init__(self, limit: float = 300.0, first: float = 0.5, longest: float = 10.0) -> None:
        self.limit = limit
        self._end = time.monotonic() + limit
        self._next = first
        self._longest = longest

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    def pause(self) -> None:
        """Wait; half of the time at least, so that many clients of one resource spread out."""
        time.sleep(self._next * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        self._next = min(self._next * 2, self._longest)
