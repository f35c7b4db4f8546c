# SPDX-License-Identifier: MIT
"""Runs a command for its resources, and reports the results and failures: what is printed, and the exit code.

The failure of a single resource is raised. With several, each failure is printed, the same one of several resources
once; the exit code is 1 if any failed, also after the output of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from azure.cli.core.azclierror import (
    AzCLIError,
    AzureConnectionError,
    AzureInternalError,
    AzureResponseError,
    ManualInterrupt,
    ServiceError,
)
from azure.cli.core.commands.client_factory import get_subscription_id
from knack.log import get_logger

from ..arm.client import Arm
from ..arm.errors import explain, explained
from ..model.answers import NoAnswer
from ..model.requests import Flow, RequestError
from ..model.resource_id import ResourceId
from ..model.unfinished import UnfinishedError
from .event_loop import InterruptedByUserError, run
from .runner import MOST_THREADS, Confirm, Outcome, Runner
from .terminal import progress_line

logger = get_logger(__name__)
T = TypeVar("T")
_MOST_NAMES = 5  # of resources with the same failure


def run_all(cmd: Any, targets: Sequence[Any], flow: Callable[[Any], Flow[T]], confirm: Confirm | None = None
            ) -> Outcome[T]:
    """Run the flow of each target to its end. Exits with 130 or 143 after Ctrl-C or SIGTERM."""
    runner: Runner[T] = Runner(Arm(cmd.cli_ctx, min(MOST_THREADS, len(targets))), targets, flow, confirm)
    try:
        with progress_line(cmd.cli_ctx) as tick:
            return run(runner.run(tick))
    except InterruptedByUserError as interrupt:
        _log_interrupt(cmd, runner, targets)
        raise SystemExit(interrupt.exit_code) from None
    except ManualInterrupt:  # the answer to a question is no: what failed before is still to be reported
        _log_failures(runner.outcome.failures, targets)
        raise


def run_one(cmd: Any, resource: ResourceId, flow: Callable[[ResourceId], Flow[T]]) -> T:
    """The result of a single flow. Raises its failure."""
    return single_result(run_all(cmd, [resource], flow), resource)


def run_in_subscription(cmd: Any, flow: Callable[[str], Flow[T]]) -> T:
    """The result of a flow in the command's own subscription. Raises its failure."""
    return run_one(cmd, ResourceId(get_subscription_id(cmd.cli_ctx), "", ""), lambda whole: flow(whole.subscription))


def report(cmd: Any, outcome: Outcome[T], resources: Sequence[ResourceId]) -> T | list[T]:
    """What to print: the result of a single resource, or a list of several results in the order given. Raises the
    failure of a single resource. Reports the failures of several, and fails the command after its output is printed.
    """
    if len(resources) == 1:
        return single_result(outcome, resources[0])
    if outcome.failures:
        _log_failures(outcome.failures, resources)
        summary = AzureResponseError(
            f"{len(outcome.failures)} of {len(outcome)} resources failed; {len(outcome.results)} succeeded.",
            retry_hint(cmd) if any(map(_rerun_helps, outcome.failures.values())) else None)
        if not outcome.results:
            raise summary
        fail_after_output(cmd.cli_ctx, summary)
    return [outcome.results[resource] for resource in resources if resource in outcome.results]


def single_result(outcome: Outcome[T], target: Any) -> T:
    """The result of a single target. Raises its failure."""
    for failure in outcome.failures.values():
        explain(failure)  # here, because core's `show` has its own exception handler
    return outcome.results[target]


def _log_failures(failures: Mapping[Any, Exception], resources: Sequence[Any]) -> None:
    """Print each failure once, in the order given, with its resources, and each recommendation once."""
    groups: dict[str, list[Any]] = {}
    for resource in resources:
        if resource in failures:
            text = _text(failures[resource])
            groups.setdefault(text.replace(resource.id, "").replace(f"'{resource.name}'", ""), []).append(resource)
    recommendations: dict[str, None] = {}  # a set that keeps the order
    for same in groups.values():
        failure = failures[same[0]]
        error = explained(failure)
        new = [one for one in (error.recommendations if error else ()) if one not in recommendations]
        recommendations.update(dict.fromkeys(new))
        AzureResponseError(f"{_named(same)}: {_text(failure)}", new).print_error()


def _text(failure: Exception) -> str:
    return str(explained(failure) or f"{type(failure).__name__}: {failure}")


def _named(resources: Sequence[Any]) -> str:
    """One resource by its ID, several by their number and the first names."""
    if len(resources) == 1:
        return str(resources[0].id)
    names = ", ".join(resource.name for resource in resources[:_MOST_NAMES])
    more = len(resources) - _MOST_NAMES
    return f"{len(resources)} resources ({names}{f' and {more} more' if more > 0 else ''})"


def _rerun_helps(failure: Exception) -> bool:
    """Whether the same command may succeed if it's run again."""
    if isinstance(failure, UnfinishedError):
        return not failure.remaining
    if isinstance(failure, RequestError):
        return isinstance(failure.reply, NoAnswer) or failure.reply.status in (408, 409, 412, 429) or (
            failure.reply.status >= 500)
    return isinstance(failure, (AzureConnectionError, AzureInternalError, AzureResponseError, ServiceError))


def retry_hint(cmd: Any) -> str:
    """How to retry. Removing what is removed already is an error."""
    return {"assign": "Run the same command again; what is done is skipped.",
            "remove": "To retry, run the command again with only the IDs of the resources that failed.",
            }.get(str(cmd.name).rpartition(" ")[2], "To retry, run the command again.")


def _log_interrupt(cmd: Any, runner: Runner[Any], targets: Sequence[Any]) -> None:
    """Say what failed before, what is done, and what was accepted: as an error if anything was, because then something
    is to be done.
    """
    outcome = runner.outcome
    unfinished = [failure for failure in outcome.failures.values()
                  if isinstance(failure, UnfinishedError) and failure.is_interrupted]
    failures = {target: failure for target, failure in outcome.failures.items() if failure not in unfinished}
    _log_failures(failures, targets)
    lines = ["Interrupted." if runner.total == 1 else
             f"Interrupted: {len(outcome.results)} of {runner.total} resources done, {len(failures)} failed."]
    if len(unfinished) == 1:
        lines += [unfinished[0].accepted, unfinished[0].resource.to_see]
    elif unfinished:
        lines += [f"The service may still be working on {len(unfinished)} resources. {retry_hint(cmd)}"]
    lines += [left for one in unfinished for left in one.remaining]
    (logger.error if unfinished else logger.warning)("%s", "\n".join(filter(None, lines)))


def fail_after_output(cli_ctx: Any, error: AzCLIError) -> None:
    """Make this command fail after its output is printed, but no later command of the same process. Otherwise, the CLI
    would exit with 0 if at least one resource succeeded.
    """
    from knack.events import EVENT_CLI_POST_EXECUTE, EVENT_CLI_SUCCESSFUL_EXECUTE

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    def forget(*_: Any, **__: Any) -> None:
        cli_ctx.unregister_event(EVENT_CLI_SUCCESSFUL_EXECUTE, fail)
        cli_ctx.unregister_event(EVENT_CLI_POST_EXECUTE, forget)

    cli_ctx.register_event(EVENT_CLI_SUCCESSFUL_EXECUTE, fail)
    cli_ctx.register_event(EVENT_CLI_POST_EXECUTE, forget)
