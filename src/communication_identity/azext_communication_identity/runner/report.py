# SPDX-License-Identifier: MIT
"""Runs a command for its resources, and reports the results and failures: what is printed, and the exit code.

The failure of a single resource is raised. With several, each failure is printed, the same one of several resources
once; the exit code is 1 if any failed, also after the output of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any, NoReturn, TypeVar

from azure.cli.core.azclierror import (
    AuthenticationError,
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
from ..model.quoting import for_shell
from ..model.requests import Flow, RequestError
from ..model.resource_id import ResourceId
from ..model.unfinished import UnfinishedError
from .event_loop import InterruptedByUserError, run
from .messages import MOST_NAMES, heading, same_texts, warnings_in_order
from .runner import MOST_THREADS, Confirm, Outcome, Runner
from .terminal import progress_line, with_counts

logger = get_logger(__name__)
T = TypeVar("T")


def run_all(cmd: Any, targets: Sequence[Any], flow: Callable[[Any], Flow[T]], confirm: Confirm | None = None,
            what: str = "resources") -> Outcome[T]:
    """Run the flow of each target. `what`: what the targets are. Exits with 130 or 143 after Ctrl-C or SIGTERM."""
    def run_flow(target: Any) -> Flow[T]:
        keep(target)  # from warnings_in_order below, like show_warnings
        return flow(target)

    def ask(removals: Mapping[Any, Any]) -> None:
        show_warnings()
        if confirm:
            Context().run(confirm, removals)  # with a context of its own: what it warns of belongs to no single target

    runner: Runner[T] = Runner(Arm(cmd.cli_ctx, min(MOST_THREADS, len(targets))), targets, run_flow, ask)
    try:
        with warnings_in_order(targets) as (keep, show_warnings), progress_line(cmd.cli_ctx, what) as tick:
            return run(runner.run(tick))
    except InterruptedByUserError as interrupt:
        _log_interrupt(cmd, runner, targets, what)
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
    """What to print: one result or a list. Raises a single failure; reports several, and fails after the output."""
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
        explain(failure)  # here too, because core's `show` has an exception handler of its own
    return outcome.results[target]


def _log_failures(failures: Mapping[Any, Exception], resources: Sequence[ResourceId]) -> None:
    """Print each failure once, in the order given, with its resources, and each recommendation once."""
    errors = {one: explained(failures[one]) for one in resources if one in failures}
    printed: set[str] = set()
    for same, text in same_texts([(one, str(error or f"{type(failures[one]).__name__}: {failures[one]}"))
                                  for one, error in errors.items()]):
        recommended = [_for_all(*one) for one in same_texts([
            (resource, text) for resource in same for text in getattr(errors[resource], "recommendations", ())])]
        AzureResponseError(heading(same, text) + text, [one for one in recommended if one not in printed]).print_error()
        printed.update(recommended)


def _for_all(resources: Sequence[ResourceId], recommendation: str) -> str:
    """The recommendation for the first resource, for all of them if there are few and its command takes --ids."""
    if len(resources) > MOST_NAMES:
        return recommendation
    return recommendation.replace(f"--ids {resources[0].id}", " ".join(["--ids", *(one.id for one in resources)]))


def _rerun_helps(failure: BaseException) -> bool:
    """Whether the same command may succeed if it's run again."""
    if isinstance(failure, UnfinishedError):
        return not failure.remaining and (failure.is_interrupted or _rerun_helps(failure.cause))
    if isinstance(failure, RequestError):
        return (not failure.reply.permanent if isinstance(failure.reply, NoAnswer) else
                failure.reply.status in (408, 412, 429) or failure.reply.status >= 500)
    return (isinstance(failure, (AzureConnectionError, AzureInternalError, AzureResponseError, ServiceError))
            and not isinstance(failure, AuthenticationError))


def retry_hint(cmd: Any) -> str:
    """How to retry. `remove` can't simply run again: what is removed already is an error."""
    return {"assign": "Run the same command again; what is done is skipped.",
            "remove": "To retry, run the command again with only the IDs of the resources that failed.",
            }.get(str(cmd.name).rpartition(" ")[2], "To retry, run the command again.")


def _log_interrupt(cmd: Any, runner: Runner[Any], targets: Sequence[Any], what: str) -> None:
    """Print, after Ctrl-C, what is done, what failed, and (as an error) what the service may still be working on."""
    outcome = runner.outcome
    unfinished = [failure for failure in map(outcome.failures.get, targets)
                  if isinstance(failure, UnfinishedError) and failure.is_interrupted]
    failures = {target: failure for target, failure in outcome.failures.items() if failure not in unfinished}
    if what == "resources":
        _log_failures(failures, targets)
    done = with_counts(f"{len(outcome.results)} of {runner.total} {what} done", failed=len(failures))
    lines = ["Interrupted." if runner.total == 1 else f"Interrupted: {done}."]
    if len(unfinished) == 1:
        lines += [unfinished[0].accepted or str(unfinished[0].cause), unfinished[0].resource.to_see]
    elif unfinished:
        hint = "" if all(one.remaining for one in unfinished) else f" {retry_hint(cmd)}"
        lines += [f"The service may still be working on {len(unfinished)} resources.{hint}",
                  "To see their current identities, run:\naz communication identity show --ids "
                  + " ".join(for_shell(one.resource.id) for one in unfinished)]
    lines += dict.fromkeys(left for one in unfinished for left in one.remaining)
    (logger.error if unfinished else logger.warning)("%s", "\n".join(filter(None, lines)))


def fail_after_output(cli_ctx: Any, error: AzCLIError) -> None:
    """Make this command, and no later one of the process, exit with an error although there is output."""
    from knack.events import EVENT_CLI_POST_EXECUTE, EVENT_CLI_SUCCESSFUL_EXECUTE

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    def forget(*_: Any, **__: Any) -> None:
        cli_ctx.unregister_event(EVENT_CLI_SUCCESSFUL_EXECUTE, fail)
        cli_ctx.unregister_event(EVENT_CLI_POST_EXECUTE, forget)

    cli_ctx.register_event(EVENT_CLI_SUCCESSFUL_EXECUTE, fail)
    cli_ctx.register_event(EVENT_CLI_POST_EXECUTE, forget)
