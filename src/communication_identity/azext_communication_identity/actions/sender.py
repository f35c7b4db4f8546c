# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Sends requests on a pool of threads, as fast as ARM's token buckets grant them."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Union

from ..model.steps import Answer, Gate, NoAnswer, Reply, Request, seconds_asked_for

Send = Callable[[Request, str], Reply]
Outcome = Union[Reply, BaseException]

GRACE = 15.0  # seconds beyond its timeout after which a request with a slow answer is abandoned
# Threads that read abandoned answers: with so many, no other thread is started in their place. Those of optional
# requests don't count, but with so many of them, no other optional request is sent.
MOST_STUCK = 64
MOST_LATE = 3  # optional requests, one after the other, without an answer in time: no other one is sent
SKIPPED = NoAnswer("The service answers too slowly.", stalled=True)


class Clock:
    """The only clock of the extension. Tests replace it."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def next(self, results: SimpleQueue[Any], until: float, busy: bool) -> Any:
        """The next result, or None at `until`. `busy`: whether any request is in progress. A clock that tests move by
        hand needs to know.
        """
        del busy
        try:
            return results.get(timeout=max(until - self.now(), 0.0))
        except Empty:
            return None


class _Job:  # pylint: disable=too-few-public-methods  # plain data
    """A request, and who waits for its answer. `since`: when it was asked for. `started`: when a thread began to
    send it. `throttled_for`: the seconds that ARM has asked it to wait so far.
    """

    def __init__(self, request: Request, subscription: str, who: Any, since: float) -> None:
        self.request, self.subscription, self.waiting, self.since = request, subscription, [who], since
        self.started: float | None = None
        self.throttled_for = 0.0

    @property
    def key(self) -> str:
        """What the request is, and whose login sends it. Requests with the same key can share an answer."""
        return f"{self.subscription} {self.request.method} {self.request.path} {self.request.body}"


class Delivery(NamedTuple):
    """The outcome of a request, for all who wait for it."""

    request: Request
    waiting: list[Any]
    outcome: Outcome


class Sender:  # pylint: disable=too-many-instance-attributes  # three queues, two sets and their sizes, a count
    """Takes requests and returns their outcomes. `send` sends one with the login of a subscription. `most`: the maximum
    number of threads, besides those stuck with abandoned answers. `wrote`: who has sent a write. Optional requests
    must never use up the threads of the others.
    """

    def __init__(self, send: Send, clock: Clock, most: int) -> None:
        self.send, self.clock, self.most = send, clock, most
        self.wrote: set[Any] = set()
        self._threads = self._late = 0
        self._stuck = {True: 0, False: 0}  # by whether they are optional
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()  # None ends a thread
        self._outcomes: SimpleQueue[tuple[_Job, Outcome]] = SimpleQueue()
        self._ready: deque[Delivery] = deque()
        self._under_way: set[_Job] = set()
        self._gates: dict[tuple[str, str], Gate] = {}
        self._shared: dict[str, _Job | Outcome] = {}

    @property
    def throttled(self) -> int:
        """How many requests wait for their turn."""
        return sum(len(gate.queue) for gate in self._gates.values())

    @property
    def _skips_optional(self) -> bool:
        """Whether optional requests are no longer sent, because the service answers them too slowly."""
        return self._late >= MOST_LATE or self._stuck[True] >= MOST_STUCK

    def ask(self, who: Any, request: Request, subscription: str) -> None:
        """Send a request, now or when its bucket grants it."""
        job = _Job(request, subscription.lower(), who, self.clock.now())
        known = self._shared.get(job.key) if request.shared else None
        if isinstance(known, _Job):
            known.waiting.append(who)
        elif known is not None:
            self._ready.append(Delivery(request, [who], known))
        elif request.optional and self._gate(job).opens > self.clock.now():
            self._ready.append(Delivery(request, [who], NoAnswer("The service is throttling.")))
        elif request.optional and self._skips_optional:
            self._ready.append(Delivery(request, [who], SKIPPED))
        else:
            if request.shared:
                self._shared[job.key] = job
            self._gate(job).queue.append(job)
            self._let_through(self._gate(job))

    def next(self, until: float) -> Delivery | None:
        """The next delivery, or None at `until` or earlier."""
        if self._ready:
            return self._ready.popleft()
        opens = [gate.opens for gate in self._gates.values() if gate.queue]
        finished = self.clock.next(self._outcomes, min([until, *opens]), bool(self._under_way))
        for gate in self._gates.values():
            self._let_through(gate)
        if finished is None:
            return None
        job, outcome = finished
        if job not in self._under_way:  # it was abandoned, but its thread is free again
            self._stuck[job.request.optional] -= 1
            self._threads += 1
            return None
        self._under_way.discard(job)
        if job.request.optional:
            self._late = self._late + 1 if isinstance(outcome, NoAnswer) and outcome.stalled else 0
        return self._finish(job, outcome)

    def give_up(self) -> None:
        """Stop waiting for answers that arrive too slowly. Other threads take the place of theirs, which stay stuck."""
        now = self.clock.now()
        for job in list(self._under_way):
            patience = job.request.timeout + (0.0 if job.request.optional else GRACE)
            if job.started is not None and now - job.started > patience:
                self._threads -= 1
                self._stuck[job.request.optional] += 1
                self._late += job.request.optional
                self._abandon(job, f"No complete response within {patience:.0f} seconds.")
        self._start_threads()
        for job in self._not_taken_up() if not self._threads else ():  # too many are stuck
            self._abandon(job, "Too many earlier requests still have no complete response.")

    def close(self) -> None:
        """Send nothing more, and end the threads: idle ones now, the others when their answer ends."""
        list(self._not_taken_up())
        for _ in range(self._threads + sum(self._stuck.values())):
            self._jobs.put(None)

    def _not_taken_up(self) -> Iterator[_Job]:
        """Take the requests that no thread has taken up."""
        with suppress(Empty):
            while True:
                job = self._jobs.get_nowait()
                if job:
                    yield job

    def _abandon(self, job: _Job, why: str) -> None:
        self._under_way.discard(job)
        self._ready.append(self._deliver(job, NoAnswer(why, stalled=True, at=self.clock.now())))

    def _gate(self, job: _Job) -> Gate:
        return self._gates.setdefault((job.subscription, job.request.kind), Gate())

    def _let_through(self, gate: Gate) -> None:
        """Start as many requests as may pass now."""
        now = self.clock.now()
        while gate.queue and gate.opens <= now:
            gate.take(now)
            job = gate.queue.popleft()
            job.started = None
            self._under_way.add(job)
            self._jobs.put(job)
            self._start_threads()

    def _start_threads(self) -> None:
        while self._threads < min(len(self._under_way), self.most) and self._stuck[False] < MOST_STUCK:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()  # daemons don't keep the process alive

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.started = self.clock.now()
            if job.request.kind == "write":
                self.wrote.update(job.waiting)
            try:
                skips = job.request.optional and self._skips_optional  # it may have waited for this thread
                outcome: Outcome = SKIPPED if skips else self.send(job.request, job.subscription)
            except BaseException as error:  # noqa: BLE001  # pylint: disable=broad-except  # raised in the life that asked
                outcome = error
            self._outcomes.put((job, outcome))

    def _finish(self, job: _Job, outcome: Outcome) -> Delivery | None:
        """What to deliver; None if ARM throttles the request and it must wait."""
        now, gate = self.clock.now(), self._gate(job)
        if isinstance(outcome, Answer) and outcome.status == 429:
            asked = seconds_asked_for(outcome)
            nothing_for = now - max(job.since, gate.granted_at)  # seconds
            if max(job.throttled_for, nothing_for) + asked <= job.request.patience and not job.request.optional:
                job.throttled_for += asked
                gate.refused(now, asked + random.uniform(0.0, asked / 4))  # noqa: S311 - jitter, not a secret
                gate.queue.append(job)
                return None
            outcome = outcome._replace(waited=job.throttled_for)
        else:
            gate.granted(now)
        return self._deliver(job, outcome._replace(at=now) if isinstance(outcome, (Answer, NoAnswer)) else outcome)

    def _deliver(self, job: _Job, outcome: Outcome) -> Delivery:
        if job.request.shared:
            if isinstance(outcome, Answer) and (isinstance(outcome.body, dict) if outcome.ok else outcome.status < 500):
                self._shared[job.key] = outcome
            else:  # the next one who asks sends it again
                self._shared.pop(job.key, None)
        return Delivery(job.request, job.waiting, outcome)
