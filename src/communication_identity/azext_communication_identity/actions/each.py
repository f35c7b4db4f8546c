# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Does the same work for one resource or many, reports every failure, and stops at once on Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, TypeVar

from azure.cli.core.azclierror import AzCLIError, AzureResponseError, ManualInterrupt
from knack.log import get_logger

from ..arm.client import Arm
from ..model.identity import described, identities_of
from ..model.names import for_shell
from ..model.steps import Life
from .schedule import MOST_WORKERS, WORKERS, Results, Schedule, Target
from .sender import Clock
from .terminal import interruptible, signs_of_life

logger = get_logger(__name__)
T = TypeVar("T")
K = TypeVar("K", bound=Target)
CLOCK = Clock()


def for_each(cmd: Any, resources: Sequence[K], life: Callable[[K], Life[T]],
             ready: Callable[[Mapping[Any, Any]], None] | None = None) -> Results[T]:
    """Run the life of each resource to its end."""
    subscriptions = {resource.subscription.lower() for resource in resources}
    arm = Arm(cmd.cli_ctx, min(WORKERS * len(subscriptions), MOST_WORKERS, len(resources)))
    schedule: Schedule[T] = Schedule({resource: partial(life, resource) for resource in resources}, arm.send, CLOCK,
                                     ready)
    with interruptible(lambda: _interrupted(cmd, schedule)), signs_of_life(cmd.cli_ctx) as tick:
        try:
            return schedule.run(tick)
        except ManualInterrupt:  # the answer to a question is no: what failed before is still to be reported
            _log_failures(schedule.outcome, resources)
            raise


def results(cmd: Any, outcome: Results[T], resources: Sequence[K]) -> T | list[T]:
    """What to print: the result of a single resource, or a list of several results in the order given. Raises the
    failure of a single resource. Reports the failures of several, and fails the command after its output is printed.
    """
    if len(resources) == 1:
        for failure in outcome.failures.values():
            if isinstance(failure, Exception):
                from ..arm.errors import explain
                explain(failure)  # here, because core's `show` has its own exception handler
            raise failure
        return outcome.results[resources[0]]
    _report(cmd, outcome, resources)
    return [outcome.results[resource] for resource in resources if resource in outcome.results]


def count_changes(outcome: Results[dict[str, Any]]) -> None:
    """The last line of a dry run over many resources."""
    changing = [block for block in outcome.results.values() if block["changes"]]
    added, removed = (sum(len(_names(block[one]) - _names(block[other])) for block in changing)
                      for one, other in (("after", "before"), ("before", "after")))
    assignments = {(one["change"], one["roleName"], one["scope"],  # several resources may share an identity
                    block["id"] if one["identity"] == "SystemAssigned" else one["identity"].lower())
                   for block in changing for one in block["roleAssignments"]}
    logger.warning("%d of %d resources would change: %d identities added, %d removed, %d role assignments affected.",
                   len(changing), len(outcome), added, removed, len(assignments))


def _names(block: dict[str, Any]) -> set[str]:
    return set(described(identities_of(block)))


def _report(cmd: Any, outcome: Results[Any], resources: Sequence[Target]) -> None:
    """Report the failed resources, and fail the command."""
    if not outcome.failures:
        return
    _log_failures(outcome, resources)
    summary = AzureResponseError(
        f"{len(outcome.failures)} of {len(outcome)} resources failed; {len(outcome.results)} succeeded.",
        f"Each failure is reported above. {_again(cmd)}")
    if not outcome.results:
        raise summary
    _fail_after_output(cmd.cli_ctx, summary)


def _log_failures(outcome: Results[Any], resources: Sequence[Target]) -> None:
    """Print the error of each failed resource, in the order given, and each recommendation once."""
    from ..arm.errors import explained
    recommendations: dict[str, None] = {}  # a set that keeps the order
    for resource in resources:
        failure = outcome.failures.get(resource)
        if failure is None:
            continue
        error = explained(failure)
        logger.error("%s: %s", resource.id, error or f"{type(failure).__name__}: {failure}")
        recommendations.update(dict.fromkeys(error.recommendations if error else ()))
    for recommendation in recommendations:
        logger.warning(recommendation)


def _again(cmd: Any) -> str:
    """How to retry. Removing what is removed already is an error."""
    return {"assign": "Run the command again to retry; unchanged resources are skipped.",
            "remove": "To retry, run the command again with only the IDs of the resources that failed.",
            }.get(str(cmd.name).rpartition(" ")[2], "To retry, run the command again.")


def _fail_after_output(cli_ctx: Any, error: AzCLIError) -> None:
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


def _interrupted(cmd: Any, schedule: Schedule[Any]) -> str:
    writing = [run for run in schedule.runs if run in schedule.sender.wrote]
    outcome, lines = schedule.outcome, ["Interrupted."]
    if schedule.total > 1:
        lines = [f"Interrupted: {len(outcome.results)} of {schedule.total} resources done, {len(outcome.failures)} "
                 "failed."]
    if len(writing) == 1:
        target = writing[0].target
        lines.append(f"The service may still be working on '{target.name}'. To see its current identities, run:\n"
                     f"az communication identity show --ids {for_shell(target.id)}")
    elif writing:
        lines.append(f"The service may still be working on {len(writing)} resources. {_again(cmd)}")
    for run in writing:
        run.life.close()  # which says what else isn't done
    return " ".join(lines)
