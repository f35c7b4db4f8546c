# SPDX-License-Identifier: MIT
"""ARM's token buckets, one for each subscription and kind of request (K36, A12), and Resource Graph's quota (K37)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

from . import errors
from .clock import Clock


@dataclass
class Bucket:
    """Tokens that refill with time."""

    size: float
    refill: float  # tokens per second
    tokens: float = -1.0
    at: float = 0.0

    def take(self, now: float) -> float:
        """Take a token; return the seconds to wait for the next one if there is none."""
        if self.tokens < 0:
            self.tokens = self.size
        else:
            self.tokens = min(self.size, self.tokens + (now - self.at) * self.refill)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.refill


Kind = Literal["read", "write", "delete"]
Size = tuple[float, float]  # tokens, and how many are added each second
_KINDS: dict[str, Kind] = {"GET": "read", "HEAD": "read", "DELETE": "delete"}
_SUBSCRIPTION = re.compile("/subscriptions/([^/]+)", re.IGNORECASE)


@dataclass
class Throttle:
    """The sizes of the three kinds; the defaults are those of K36. `of`: other sizes for a subscription, by its ID, or
    for the tenant, whose ID here is "": its buckets are for requests that name no subscription (A34).
    """

    read: Size = (250, 25)
    write: Size = (200, 10)
    delete: Size = (200, 10)
    of: dict[str, dict[Kind, Size]] = field(default_factory=dict)
    buckets: dict[tuple[str, Kind], Bucket] = field(default_factory=dict)

    def check(self, clock: Clock, path: str, method: str) -> dict[str, str]:
        """Headers for the answer. Raises ArmError 429 where the bucket is empty; Retry-After is in whole seconds. Polls
        of an operation are reads as any.
        """
        kind, match = _KINDS.get(method, "write"), _SUBSCRIPTION.match(path)
        subscription = match.group(1).lower() if match else ""
        bucket = self.buckets.get((subscription, kind))
        if bucket is None:
            bucket = self.buckets[subscription, kind] = Bucket(*self._size(subscription, kind))
        wait = bucket.take(clock.now())
        if wait:
            raise errors.throttled(subscription, math.ceil(wait))
        return {f"x-ms-ratelimit-remaining-{'subscription' if match else 'tenant'}-{kind}s": str(int(bucket.tokens))}

    def _size(self, subscription: str, kind: Kind) -> Size:
        sizes: dict[Kind, Size] = {"read": self.read, "write": self.write, "delete": self.delete}
        for name, others in self.of.items():
            if name.lower() == subscription:
                sizes |= others
        return sizes[kind]


@dataclass
class QueryQuota:
    """Resource Graph's quota of a user: so many queries in a window of so many seconds, which begins with a query."""

    queries: int = 15
    window: float = 5.0
    left: int = 0
    ends: float = 0.0

    def take(self, clock: Clock) -> dict[str, str]:
        """Take a query; return the headers of every answer. Raises ArmError 429, which has them too. It has no
        Retry-After (A18).
        """
        now = clock.now()
        if now >= self.ends:
            self.left, self.ends = self.queries, now + self.window
        seconds = math.ceil(self.ends - now)
        headers = {"x-ms-user-quota-remaining": str(max(0, self.left - 1)),
                   "x-ms-user-quota-resets-after": f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"}
        if self.left == 0:
            raise errors.too_many_queries(headers)
        self.left -= 1
        return headers
