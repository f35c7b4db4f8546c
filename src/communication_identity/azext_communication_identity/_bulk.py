# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The same work for many resources: side by side, each on its own, no failure hidden, and an end on Ctrl-C at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NoReturn, TypeVar

from azure.cli.core.azclierror import AzCLIError, AzureResponseError
from knack.log import get_logger

from ._interrupt import interrupts_tell
from .model.names import Resource

logger = get_logger(__name__)
T = TypeVar("T")

# Threads. The service takes about 5 seconds for a PATCH (recorded) and ARM grants 10 writes a second once its bucket is
# empty: 50 writes under way use that up, and a few more empty the bucket before the work is done.
WORKERS = 64
_TICK = 0.5  # seconds; a wait without an end can't be interrupted on Windows


@dataclass
class Outcome(Generic[T]):
    """What came of the work: a result or a failure for each resource."""

    results: dict[Resource, T] = field(default_factory=dict)
    failures: dict[Resource, BaseException] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.results) + len(self.failures)


def workers(resources: Sequence[Resource]) -> int:
    """How many threads `for_each` takes."""
    return min(WORKERS, len(resources))


def for_each(cmd: Any, resources: Sequence[Resource], work: Callable[[Resource], T]) -> Outcome[T]:
    """Do the work for each resource. The failure of a single one is raised, explained; those of several are kept."""
    if len(resources) == 1:
        return Outcome({resources[0]: _alone(resources[0], work)})
    outcome: Outcome[T] = Outcome()
    if not resources:
        return outcome
    from multiprocessing.pool import ThreadPool

    from ._progress import progress_line
    with interrupts_tell(lambda: f"Interrupted: {len(outcome.results)} of {len(resources)} resources done, "
                                 f"{len(outcome.failures)} failed. The service may still be working on a few. The "
                                 "command can be run again for all."), \
            progress_line(cmd.cli_ctx, len(resources)) as show_progress:
        pool = ThreadPool(workers(resources))  # its threads are daemons: they don't keep the process alive
        tasks = [pool.apply_async(work, (resource,), callback=partial(outcome.results.__setitem__, resource),
                                  error_callback=partial(outcome.failures.__setitem__, resource))
                 for resource in resources]
        for task in tasks:
            while not task.ready():
                task.wait(_TICK)
                show_progress(len(outcome.results), len(outcome.failures))
        pool.close()
    return outcome


def _alone(resource: Resource, work: Callable[[Resource], T]) -> T:
    from azure.core.exceptions import AzureError
    with interrupts_tell(lambda: _unfinished(resource)):
        try:
            return work(resource)
        except AzureError as error:  # here, since core's `show` has an exception handler of its own
            from ._errors import explain
            explain(error)


def report_failures(cmd: Any, outcome: Outcome[Any]) -> None:
    """Name each failed resource with its error, say each way to go on once, and see to it that the command fails after
    its output is printed: the CLI's own handling of --ids exits with 0 as long as one resource succeeded.
    """
    if not outcome.failures:
        return
    from ._errors import explained
    ways: dict[str, None] = {}  # a set that keeps the order
    for resource, failure in outcome.failures.items():
        error = explained(failure)
        logger.error("%s: %s", resource.id, error or f"{type(failure).__name__}: {failure}")
        ways.update(dict.fromkeys(error.recommendations if error else ()))
    for way in ways:
        logger.warning(way)
    summary = AzureResponseError(
        f"{len(outcome.failures)} of {len(outcome)} resources failed; {len(outcome.results)} succeeded.",
        "Each failure is named above. The command can be run again for all: it writes nothing where nothing changes.")
    if not outcome.results:
        raise summary
    _fail_after_output(cmd, summary)


def _unfinished(resource: Resource) -> str:
    return (f"Interrupted: the service may still be working on '{resource.name}'. To see what it has now, run: "
            f"az communication identity show --ids {resource.id}")


def _fail_after_output(cmd: Any, error: AzCLIError) -> None:
    from knack.events import EVENT_CLI_SUCCESSFUL_EXECUTE

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    cmd.cli_ctx.register_event(EVENT_CLI_SUCCESSFUL_EXECUTE, fail)
