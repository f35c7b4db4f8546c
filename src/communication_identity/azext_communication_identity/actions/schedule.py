# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Runs lives, one or thousands: a heap of pauses, and a pool of threads for the requests only.

Waiting costs no thread, and there is one clock, the one that is given.
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar, Union

from ..model.pace import Gate, Pace
from ..model.steps import Answer, Await, Life, NoAnswer, Pause, Reply, Request, seconds_asked_for

T = TypeVar("T")
Send = Callable[[Request, str], Reply]
Came = Union[Reply, BaseException]

# Threads for each subscription. The service takes about 5 seconds for a PATCH (recorded) and ARM grants 10 writes a
# second once its bucket is empty: 50 writes under way use that up, and a few more empty the bucket before all is done.
WORKERS = 64
MOST_WORKERS = 192
AHEAD = 250  # resources of a subscription that are begun before the first of them is written: ARM's bucket of reads
MOST_RUNS = 1500  # resources that are begun and not over, which keeps the memory of a large fleet in bounds
LONGEST_THROTTLE = 900.0  # seconds that one request waits for the end of ARM's throttle
GRACE = 15.0  # seconds beyond its own time after which a request whose answer only drips is given up
TICK = 0.5  # seconds; a wait without an end can't be interrupted on Windows


class Target(Protocol):
    """What a life is about: a resource, or a login. Hashable."""

    @property
    def id(self) -> str:
        """How it's named in full."""

    @property
    def name(self) -> str:
        """How it's named."""

    @property
    def subscription(self) -> str:
        """The subscription whose login sends its requests, and whose token bucket pays for them."""


class Clock:
    """The one clock."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def next(self, results: SimpleQueue[Any], until: float, busy: bool) -> Any:
        """The next result, or None when the time has come. `busy`: whether any request is under way, which a clock that
        tests move by hand has to know.
        """
        del busy
        try:
            return results.get(timeout=max(until - self.now(), 0.0))
        except Empty:
            return None


@dataclass
class Outcome(Generic[T]):
    """What came of the work: a result or a failure for each resource."""

    results: dict[Any, T] = field(default_factory=dict)
    failures: dict[Any, BaseException] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.results) + len(self.failures)


@dataclass(eq=False)
class _Run:
    """A life that has begun. `fresh`: until its first write is answered. `wrote`: whether the service may be working on
    a write of it. `ticket`: the number of its one valid entry in the heap.
    """

    resource: Target
    life: Life[Any]
    fresh: bool = True
    wrote: bool = False
    throttled: float = 0.0  # seconds that its request has been asked to wait
    awaiting: Await | None = None
    looked: bool = False
    ticket: int = 0


@dataclass(eq=False)
class _Job:
    """A request that is under way, and the lives that wait for its answer."""

    request: Request
    runs: list[_Run]
    started: float | None = None  # None: no thread has taken it up yet


class Schedule(Generic[T]):
    """Runs a life for each resource. `send` sends one request with the login of a subscription. `ready` is called once,
    with what the lives are ready to do, when none goes on without it; what it raises ends all.
    """

    def __init__(self, lives: Mapping[Any, Callable[[], Life[T]]], send: Send, clock: Clock,
                 ready: Callable[[Mapping[Any, Any]], None] | None = None) -> None:
        self.total, self.outcome = len(lives), Outcome[T]()
        self.runs: set[_Run] = set()  # begun, not over
        self.waits_for = ""
        self._send, self._clock, self._ready = send, clock, ready
        self._left: dict[str, deque[tuple[Target, Callable[[], Life[T]]]]] = {}
        for resource, begin in lives.items():
            self._left.setdefault(resource.subscription.lower(), deque()).append((resource, begin))
        self._fresh = dict.fromkeys(self._left, 0)
        self._most_workers = min(WORKERS * len(self._left), MOST_WORKERS, self.total)
        self._workers = 0
        self._jobs: SimpleQueue[tuple[_Job, str]] = SimpleQueue()
        self._came: SimpleQueue[tuple[_Job, Came]] = SimpleQueue()
        self._under_way: set[_Job] = set()
        self._heap: list[tuple[float, int, _Run | tuple[str, str]]] = []
        self._tickets = count(1)
        self._gates: dict[tuple[str, str], tuple[Gate, deque[_Job]]] = {}
        self._shared: dict[str, _Job | Came] = {}
        self._held: dict[_Run, Any] = {}
        self._pace = Pace()
        self._parked: set[_Run] = set()

    @property
    def throttled(self) -> int:
        """How many requests wait for their turn in ARM's throttle."""
        return sum(len(queue) for _, queue in self._gates.values())

    def run(self, tick: Callable[[Schedule[T]], None] = lambda _: None) -> Outcome[T]:
        """Run all to their end; `tick` is called twice a second."""
        self._begin()
        next_tick = self._clock.now()
        while self.runs:
            if len(self._held) == len(self.runs):
                self._release()
                continue
            now = self._clock.now()
            if now >= next_tick:
                next_tick = now + TICK
                self._give_up(now)
                tick(self)
            until = min(next_tick, self._heap[0][0] if self._heap else next_tick)
            came = self._clock.next(self._came, until, bool(self._under_way))
            if came is not None:
                self._answered(*came)
            self._wake()
            self._begin()
        return self.outcome

    # ---- lives -------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        for subscription, left in self._left.items():
            while left and self._fresh[subscription] < AHEAD and len(self.runs) - len(self._held) < MOST_RUNS:
                resource, begin = left.popleft()
                run = _Run(resource, begin())
                self.runs.add(run)
                self._fresh[subscription] += 1
                self._go_on(run)

    def _age(self, run: _Run) -> None:
        """A life is over, or its first write is: another may begin."""
        self._fresh[run.resource.subscription.lower()] -= run.fresh
        run.fresh = False

    def _end(self, run: _Run) -> None:
        self._age(run)
        self.runs.discard(run)

    def _go_on(self, run: _Run, came: Came | None = None) -> None:
        """Let a life take its next step."""
        try:
            step = run.life.throw(came) if isinstance(came, BaseException) else run.life.send(came)
        except StopIteration as stop:
            self.outcome.results[run.resource] = stop.value
            self._end(run)
        except Exception as error:  # noqa: BLE001  # pylint: disable=broad-except  # each stands alone; it is reported
            self.outcome.failures[run.resource] = error
            self._end(run)
        else:
            self._do(run, step)

    def _do(self, run: _Run, step: Any) -> None:
        now = self._clock.now()
        if isinstance(step, Request):
            if run.awaiting and run.looked:  # not another look: the operation is over
                if run.awaiting.own:
                    self._learn(now - run.awaiting.since)
                run.awaiting = None
            run.looked = run.awaiting is not None
            self._ask(run, step)
        elif isinstance(step, Pause):
            self.waits_for = step.why
            self._sleep(run, now + step.seconds * random.uniform(1.0, 1.25))  # noqa: S311 - jitter, not a secret
        elif isinstance(step, Await):
            self.waits_for = step.why
            run.awaiting, run.looked = step, False
            self._sleep(run, self._pace.due(step, now))
            if step.own and step.looks == 0 and not self._pace.knows:
                self._parked.add(run)
        elif self._ready is None:
            self._go_on(run)
        else:
            self._age(run)
            self._held[run] = step.what

    def _release(self) -> None:
        held, self._held = self._held, {}
        ready, self._ready = self._ready, None
        if ready:
            ready({run.resource: what for run, what in held.items()})
        for run in held:
            self._go_on(run)

    # ---- time --------------------------------------------------------------------------------------------------------

    def _sleep(self, run: _Run, until: float) -> None:
        run.ticket = next(self._tickets)
        heapq.heappush(self._heap, (until, run.ticket, run))

    def _wake(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, ticket, sleeper = heapq.heappop(self._heap)
            if isinstance(sleeper, tuple):
                self._open(sleeper)
            elif sleeper.ticket == ticket:
                self._parked.discard(sleeper)
                self._go_on(sleeper)

    def _learn(self, seconds: float) -> None:
        """One operation is over. If it's the first: look at the others when they should be over too."""
        first = not self._pace.knows
        self._pace.learn(seconds)
        for run in self._parked if first else ():
            if run.awaiting:
                self._sleep(run, self._pace.due(run.awaiting, self._clock.now()))

    # ---- requests ----------------------------------------------------------------------------------------------------

    def _ask(self, run: _Run, request: Request) -> None:
        if request.shared:
            key = f"{request.method} {request.path} {request.body}"
            known = self._shared.get(key)
            if isinstance(known, _Job):
                known.runs.append(run)
                return
            if known is not None:
                self._go_on(run, known)
                return
            self._shared[key] = job = _Job(request, [run])
        else:
            job = _Job(request, [run])
        gate, queue = self._gates.setdefault(self._gate_of(job), (Gate(), deque()))
        if request.optional and gate.opens > self._clock.now():
            self._hand_over(job, NoAnswer("The service is throttling."))
            return
        queue.append(job)
        self._open(self._gate_of(job))

    def _gate_of(self, job: _Job) -> tuple[str, str]:
        return job.runs[0].resource.subscription.lower(), job.request.kind

    def _open(self, key: tuple[str, str]) -> None:
        """Let requests through a gate, as many as may pass now."""
        gate, queue = self._gates[key]
        now = self._clock.now()
        while queue and gate.opens <= now:
            gate.take(now)
            self._start(queue.popleft())
        if queue:
            heapq.heappush(self._heap, (gate.opens, next(self._tickets), key))

    def _start(self, job: _Job) -> None:
        self._under_way.add(job)
        if job.request.kind == "write":
            job.runs[0].wrote = True
        if len(self._under_way) > self._workers < self._most_workers:
            self._workers += 1
            threading.Thread(target=self._work, daemon=True).start()  # daemons don't keep the process alive
        self._jobs.put((job, job.runs[0].resource.subscription))

    def _work(self) -> None:
        while True:
            job, subscription = self._jobs.get()
            job.started = self._clock.now()
            try:
                came: Came = self._send(job.request, subscription)
            except BaseException as error:  # noqa: BLE001  # pylint: disable=broad-except  # raised in the life that asked
                came = error
            self._came.put((job, came))

    def _answered(self, job: _Job, came: Came) -> None:
        if job not in self._under_way:  # it was given up
            return
        self._under_way.discard(job)
        now = self._clock.now()
        gate, queue = self._gates[self._gate_of(job)]
        run = job.runs[0]
        if isinstance(came, Answer) and came.status == 429:
            asked = seconds_asked_for(came)
            if run.throttled + asked <= LONGEST_THROTTLE and not job.request.optional:
                run.throttled += asked
                gate.refused(now, asked + random.uniform(0.0, asked / 4))  # noqa: S311 - jitter, not a secret
                queue.append(job)
                self._open(self._gate_of(job))
                return
            came = replace(came, waited=run.throttled)
        gate.granted()
        run.throttled = 0.0
        self._hand_over(job, replace(came, at=now) if isinstance(came, (Answer, NoAnswer)) else came)

    def _hand_over(self, job: _Job, came: Came) -> None:
        if job.request.shared:
            self._shared[f"{job.request.method} {job.request.path} {job.request.body}"] = came
        for run in job.runs:
            if job.request.kind == "write":
                self._age(run)
            self._go_on(run, came)

    def _give_up(self, now: float) -> None:
        """Stop waiting for answers that come in drips; their thread is lost to us."""
        for job in [job for job in self._under_way if job.started is not None and now - job.started
                    > job.request.timeout + (0.0 if job.request.optional else GRACE)]:
            self._under_way.discard(job)
            self._most_workers += 1
            self._hand_over(job, NoAnswer(f"No complete answer within {job.request.timeout:.0f} seconds.",
                                          stalled=True, at=now))
