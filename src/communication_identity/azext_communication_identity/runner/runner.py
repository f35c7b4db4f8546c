# SPDX-License-Identifier: MIT
"""Runs the flows of many resources at once, on asyncio: a task for each resource, and a daemon thread for each request,
because azure-core's transport blocks. (The threads of asyncio's own executor would hold Ctrl-C up.)
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Generic, Protocol, TypeVar

from ..arm.poll_timer import PollTimer
from ..arm.rate_limit import FirstRequests, RateLimiter
from ..model.answers import Answer, NoAnswer, Reply, seconds_asked_for
from ..model.requests import Ask, Flow, OperationEnded, PollDelay, Request, Step
from .event_loop import TICK

T = TypeVar("T")
Confirm = Callable[[Mapping[Any, Any]], None]

# Threads for each subscription. Once its bucket is empty, ARM grants 10 writes a second; a PATCH takes about 5 seconds
# (recorded), so 50 requests in progress use that up. A few more empty the bucket sooner.
THREADS = 64
MOST_THREADS = 192
STARTING = 2 * THREADS  # flows of a subscription in progress at once; one that waits, or has written, doesn't count
THREAD_NAME = "request to ARM"
GRACE = 15.0  # seconds beyond its timeout after which a request whose answer drips is abandoned


class Sender(Protocol):
    """What sends requests: arm.client.Arm, or a test's own."""

    def send(self, request: Request, subscription: str) -> Reply:
        """Send a request once. Blocks. Raises an azclierror if the login fails."""

    def login_of(self, subscription: str) -> Any:
        """The login that a subscription is seen with."""


class Outcome(Generic[T]):  # pylint: disable=too-few-public-methods  # plain data
    """A result or a failure for each target whose flow has ended, in the order in which they did."""

    def __init__(self) -> None:
        self.results: dict[Any, T] = {}
        self.failures: dict[Any, Exception] = {}

    def __len__(self) -> int:
        return len(self.results) + len(self.failures)


class Runner(Generic[T]):  # pylint: disable=too-many-instance-attributes  # one for each kind of waiting
    """Runs a flow for each target, a ResourceId or a Login, whose `subscription` selects the login and ARM's token
    buckets. `confirm` is called once, with what each flow asks for, when all that haven't ended ask. If it raises an
    exception, all flows end.
    """

    def __init__(self, sender: Sender, targets: Sequence[Any], flow: Callable[[Any], Flow[T]],
                 confirm: Confirm | None = None) -> None:
        self.outcome = Outcome[T]()
        self.total = len(targets)
        self.waits_for = ""  # from the latest step
        self._sender, self._targets, self._flow, self._confirm = sender, targets, flow, confirm
        self._is_stopping, self._started = False, 0.0
        self._in_threads = 0  # requests

    @property
    def waiting_for_rate_limit(self) -> int:
        """How many requests wait for their turn."""
        return sum(limiter.waiting for limiter in self._limiters.values())

    async def run(self, tick: Callable[[Runner[T], float], None] = lambda *_: None) -> Outcome[T]:
        """Run all flows to their end. `tick` is called twice a second; its seconds begin again with the user's yes."""
        # pylint: disable=attribute-defined-outside-init  # Python 3.9 ties locks to the loop in which they are made
        loop = asyncio.get_running_loop()
        self._started = loop.time()
        subscriptions = {target.subscription.lower() for target in self._targets}
        self._threads = asyncio.Semaphore(min(THREADS * len(subscriptions), MOST_THREADS, max(self.total, 1)))
        self._places = {one: asyncio.Semaphore(STARTING) for one in subscriptions}
        self._has_place: set[Any] = set()
        self._limiters: dict[tuple[str, str], RateLimiter] = defaultdict(RateLimiter)
        self._first: dict[Any, FirstRequests] = defaultdict(lambda: FirstRequests(until_answered=True))
        self._first_write: dict[Any, FirstRequests] = defaultdict(lambda: FirstRequests(until_answered=False))
        self._shared: dict[tuple[Any, Request], asyncio.Task[Reply]] = {}
        self._poll_timer = PollTimer()
        self._asking: dict[Any, Any] = {}
        self._agreed: asyncio.Future[None] = loop.create_future()
        self._tasks: list[asyncio.Task[None]] = []
        beginnings = [asyncio.ensure_future(self._begin(one)) for one in subscriptions]
        everything = asyncio.ensure_future(self._end(beginnings))
        try:
            while not everything.done():
                waited: list[asyncio.Future[Any]] = [everything, self._agreed]
                await asyncio.wait(waited, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
                if self._agreed.done():
                    self._agreed.result()
                    await asyncio.wait([everything], timeout=TICK)
                tick(self, loop.time() - self._started)
        finally:
            self._is_stopping = True
            look_ups = list(self._shared.values())
            for task in (*beginnings, *self._tasks, *look_ups):
                task.cancel()
            await everything  # each flow notes what it leaves undone
            await asyncio.gather(*look_ups, return_exceptions=True)
        return self.outcome

    async def _begin(self, subscription: str) -> None:
        """Begin the flows of a subscription as places become free."""
        for target in self._targets:
            if target.subscription.lower() == subscription:
                await self._places[subscription].acquire()
                self._has_place.add(target)
                self._tasks.append(asyncio.ensure_future(self._drive(target)))

    async def _end(self, beginnings: Sequence[asyncio.Task[None]]) -> None:
        """Wait until all flows have begun and ended. Raises what a task raised, which is a defect."""
        for tasks in (beginnings, self._tasks):
            if tasks:
                await asyncio.wait(tasks)
        for task in (*beginnings, *self._tasks):
            if not task.cancelled():
                task.result()

    def _free_place(self, target: Any) -> None:
        """Let another flow of the subscription begin: this one waits, has written or has ended."""
        if target in self._has_place:
            self._has_place.remove(target)
            self._places[target.subscription.lower()].release()

    async def _drive(self, target: Any) -> None:
        """Run one flow to its end."""
        flow = self._flow(target)
        outcome: Reply | BaseException | None = None
        while True:
            try:
                step = flow.throw(outcome) if isinstance(outcome, BaseException) else flow.send(outcome)
            except StopIteration as stop:
                self.outcome.results[target] = stop.value
                break
            except asyncio.CancelledError:  # nothing was written
                break
            except Exception as error:  # noqa: BLE001  # pylint: disable=broad-except  # one failure doesn't stop the others; it is reported
                self.outcome.failures[target] = error
                break
            try:
                outcome = await self._perform(target, step)
            except BaseException as error:  # noqa: BLE001  # pylint: disable=broad-except  # raised in the flow that asked
                outcome = error
        self._free_place(target)
        self._ask_if_all_wait()

    async def _perform(self, target: Any, step: Step) -> Reply | None:
        """Do what a flow awaits."""
        if self._is_stopping:
            raise asyncio.CancelledError
        if isinstance(step, Request):
            reply = await (self._send_shared if step.is_shared else self._send)(step, target.subscription)
            if step.kind == "write":
                self._free_place(target)
            return reply
        if isinstance(step, OperationEnded):
            self._poll_timer.learn(step.seconds)
            return None
        self._free_place(target)
        if isinstance(step, Ask):
            self._asking[target] = step.what
            self._ask_if_all_wait()
            await asyncio.wait([self._agreed])
            if self._agreed.exception():  # run() raises it once, for all
                raise asyncio.CancelledError
            return None
        self.waits_for = step.why
        if isinstance(step, PollDelay):
            await self._poll_timer.wait(target, target.subscription.lower(), step)
        else:
            await asyncio.sleep(step.seconds * random.uniform(1.0, 1.25))  # noqa: S311 - jitter, not a secret
        return None

    def _ask_if_all_wait(self) -> None:
        """Ask the user once every flow that hasn't ended asks."""
        is_early = len(self._asking) + len(self.outcome) < self.total
        if self._agreed.done() or self._is_stopping or not self._asking or is_early:
            return
        try:
            if self._confirm:
                self._confirm(self._asking)
        except Exception as error:  # noqa: BLE001  # pylint: disable=broad-except  # it ends the command, in run()
            self._agreed.set_exception(error)
        else:
            self._started = asyncio.get_running_loop().time()  # what the answer took isn't what the command takes
            self._agreed.set_result(None)

    async def _send_shared(self, request: Request, subscription: str) -> Reply:
        """Send a request whose answer serves all flows that send the same. After a failure, the next flow sends it."""
        key = (self._sender.login_of(subscription), request)
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(self._send(request, subscription))
        task = self._shared[key]
        reply: Reply | None = None
        try:
            reply = await asyncio.shield(task)
            return reply
        finally:
            if task.done() and not _serves_others(reply) and self._shared.get(key) is task:
                del self._shared[key]

    async def _send(self, request: Request, subscription: str) -> Reply:
        """Send a request when its turn comes, and again while ARM throttles it, for as long as its `patience`."""
        loop = asyncio.get_running_loop()
        limiter = self._limiters[subscription.lower(), request.kind]
        since, throttled_for = loop.time(), 0.0
        if not request.patience and limiter.opens > since:
            return NoAnswer("The service is throttling.", at=since)
        while True:
            await limiter.acquire()
            reply = await self._send_after_first(request, subscription)
            now = loop.time()
            if not isinstance(reply, Answer) or reply.status != 429:
                limiter.granted(now)
                return reply._replace(at=now)
            asked = seconds_asked_for(reply)
            in_vain = now - max(since, limiter.granted_at)  # seconds in which ARM granted nothing
            if max(throttled_for, in_vain) + asked > request.patience:
                return reply._replace(at=now, waited=throttled_for)
            throttled_for += asked
            limiter.refused(now, asked + random.uniform(0.0, asked / 4))  # noqa: S311 - jitter, not a secret

    async def _send_after_first(self, request: Request, subscription: str) -> Reply:
        login = self._sender.login_of(subscription)
        first = self._first[login]
        first_write = self._first_write[login] if request.kind == "write" else first
        async with AsyncExitStack() as turns:
            answered = [await turns.enter_async_context(one.alone()) for one in dict.fromkeys((first, first_write))]
            if first.unreachable:
                return first.unreachable
            async with self._threads:
                reply = await self._in_thread(request, subscription)
            for note in answered:
                note(reply)
            return reply

    async def _in_thread(self, request: Request, subscription: str) -> Reply:
        """Send a request in a thread. Its response may drip without end, and the machine may refuse another thread."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()

        def send() -> None:
            settle: Callable[[Any], None] = answer.set_result
            try:
                outcome: Any = self._sender.send(request, subscription)
            except BaseException as error:  # noqa: BLE001  # pylint: disable=broad-except  # raised in the flow that asked
                settle, outcome = answer.set_exception, error
            with suppress(RuntimeError):  # the loop is gone: nobody waits for the answer any more
                loop.call_soon_threadsafe(_settle_once, answer, settle, outcome)

        patience = request.timeout + (GRACE if request.patience else 0.0)
        while True:
            try:
                threading.Thread(target=send, name=THREAD_NAME, daemon=True).start()
                break
            except RuntimeError:  # the machine refuses it
                if not self._in_threads:
                    send()
                    break
                await asyncio.sleep(TICK)
        self._in_threads += 1
        try:
            return await asyncio.wait_for(answer, patience)
        except asyncio.TimeoutError:
            return NoAnswer(f"No complete response within {patience:.0f} seconds.", timed_out=True)
        except asyncio.CancelledError:
            if request.kind in ("read", "query"):
                raise
            return NoAnswer("Interrupted.", permanent=True)  # it may have been made
        finally:
            self._in_threads -= 1


def _serves_others(reply: Reply | None) -> bool:
    """Whether an answer can be shared with those who ask later."""
    return isinstance(reply, Answer) and (isinstance(reply.body, dict) if reply.ok else reply.status < 500)


def _settle_once(answer: asyncio.Future[Reply], settle: Callable[[Any], None], outcome: Any) -> None:
    if not answer.done():  # else it was abandoned
        settle(outcome)
