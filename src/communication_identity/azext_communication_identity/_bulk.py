# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The same work for many resources: side by side, each on its own, no failure hidden."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, Generic, NoReturn, Sequence, TypeVar

from azure.cli.core.azclierror import AzCLIError, AzureResponseError
from knack.log import get_logger

from ._errors import explained
from ._resource_id import Resource

logger = get_logger(__name__)
T = TypeVar("T")

WORKERS = 10  # threads, as many as the CLI itself takes for --ids


@dataclass
class Outcome(Generic[T]):
    """What came of the work: a result or a failure for each resource."""

    results: dict[Resource, T] = field(default_factory=dict)
    failures: dict[Resource, BaseException] = field(default_factory=dict)


def for_each(resources: Sequence[Resource], work: Callable[[Resource], T]) -> Outcome[T]:
    """Do the work for each resource. A single resource's failure is raised; those of several are collected."""
    if len(resources) == 1:
        return Outcome({resources[0]: work(resources[0])})
    outcome: Outcome[T] = Outcome()
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {resource: pool.submit(work, resource) for resource in resources}
        for resource, future in futures.items():
            error = future.exception()
            if error is None:
                outcome.results[resource] = future.result()
            else:
                outcome.failures[resource] = error
    return outcome


def report_failures(cmd: Any, outcome: Outcome[Any]) -> None:
    """Name each failed resource with its error, and see to it that the command fails after its output is printed.

    The CLI's own handling of --ids exits with 0 as long as one resource succeeded.
    """
    if not outcome.failures:
        return
    for resource, failure in outcome.failures.items():
        logger.error("%s: %s", resource.id, explained(failure) or f"{type(failure).__name__}: {failure}")
    total = len(outcome.failures) + len(outcome.results)
    summary = AzureResponseError(
        f"{len(outcome.failures)} of {total} resources failed; {len(outcome.results)} succeeded.",
        "Each failure is named above. The command can be run again for all: it writes nothing where nothing changes.")
    if not outcome.results:
        raise summary
    _fail_after_output(cmd, summary)


def _fail_after_output(cmd: Any, error: AzCLIError) -> None:
    from knack.events import EVENT_CLI_SUCCESSFUL_EXECUTE

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    cmd.cli_ctx.register_event(EVENT_CLI_SUCCESSFUL_EXECUTE, fail)
