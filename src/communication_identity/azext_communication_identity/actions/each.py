# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Does the same work for one resource or many: shows progress in a terminal, stops at once on Ctrl-C and SIGTERM, and
reports every failure.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn, TypeVar

from azure.cli.core.azclierror import AzCLIError, AzureResponseError, ManualInterrupt
from azure.cli.core.commands.client_factory import get_subscription_id
from knack.log import get_logger

from ..arm.client import Arm, Login
from ..arm.errors import explain, explained
from ..model.identity import described, identities_of
from ..model.names import Resource
from ..model.steps import Life
from .schedule import MOST_WORKERS, Results, Schedule
from .sender import Clock

logger = get_logger(__name__)
T = TypeVar("T")
K = TypeVar("K", Resource, Login)
CLOCK = Clock()
QUIET = 2.0  # seconds that one resource can take before progress is shown


def for_each(cmd: Any, resources: Sequence[K], life: Callable[[K], Life[T]],
             ready: Callable[[Mapping[Any, Any]], None] | None = None) -> Results[T]:
    """Run the life of each resource to its end."""
    arm = Arm(cmd.cli_ctx, min(MOST_WORKERS, len(resources)))
    schedule: Schedule[T] = Schedule({resource: partial(life, resource) for resource in resources}, arm.send, CLOCK,
                                     ready)
    with interruptible(lambda: _interrupted(cmd, schedule)), signs_of_life(cmd.cli_ctx) as tick:
        try:
            return schedule.run(tick)
        except ManualInterrupt:  # the answer to a question is no: what failed before is still to be reported
            _log_failures(schedule.outcome, resources)
            raise


def results(cmd: Any, outcome: Results[T], resources: Sequence[Resource]) -> T | list[T]:
    """What to print: the result of a single resource, or a list of several results in the order given. Raises the
    failure of a single resource. Reports the failures of several, and fails the command after its output is printed.
    """
    if len(resources) == 1:
        return _only(outcome, resources[0])
    _report(cmd, outcome, resources)
    return [outcome.results[resource] for resource in resources if resource in outcome.results]


def _only(outcome: Results[T], resource: Resource) -> T:
    """The result of a single resource. Raises its failure."""
    for failure in outcome.failures.values():
        explain(failure)  # here, because core's `show` has its own exception handler
    return outcome.results[resource]


def _report(cmd: Any, outcome: Results[Any], resources: Sequence[Resource]) -> None:
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


def _log_failures(outcome: Results[Any], resources: Sequence[Any]) -> None:
    """Print the error of each failed resource, in the order given, and each recommendation once."""
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


def result_of(cmd: Any, resource: Resource, life: Callable[[Resource], Life[T]]) -> T:
    """The result of a single life. Raises its failure."""
    return _only(for_each(cmd, [resource], life), resource)


def in_subscription(cmd: Any, life: Callable[[str], Life[T]]) -> T:
    """The result of a life in the command's own subscription. Raises its failure."""
    return result_of(cmd, Resource(get_subscription_id(cmd.cli_ctx), "", ""), lambda whole: life(whole.subscription))


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


@contextmanager
def interruptible(message: Callable[[], str]) -> Iterator[None]:
    """While the body runs, let Ctrl-C exit with 130 and SIGTERM with 143 (128 + the signal's number, as shells report
    it), after printing the text that `message` returns. A second Ctrl-C ends the process without a message.
    """
    in_main = threading.current_thread() is threading.main_thread()  # signals can be handled only there
    before = signal.signal(signal.SIGTERM, _terminate) if in_main else None
    try:
        yield
    except (KeyboardInterrupt, _Terminated) as stop:
        number = signal.SIGINT if isinstance(stop, KeyboardInterrupt) else signal.SIGTERM
        if in_main:
            signal.signal(signal.SIGINT, lambda *_: sys.exit(128 + number))
        logger.warning(message())
        raise SystemExit(128 + number) from None
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)


class _Terminated(BaseException):
    """SIGTERM arrived."""


def _terminate(_signal: int, _frame: Any) -> None:
    raise _Terminated


def _interrupted(cmd: Any, schedule: Schedule[Any]) -> str:
    writing = [run for run in schedule.runs if run in schedule.sender.wrote]
    outcome, lines = schedule.outcome, ["Interrupted."]
    if schedule.total > 1:
        lines = [f"Interrupted: {len(outcome.results)} of {schedule.total} resources done, {len(outcome.failures)} "
                 "failed."]
    if len(writing) == 1:
        target = writing[0].target
        lines.append(f"The service may still be working on '{target.name}'. {target.to_see}")
    elif writing:
        lines.append(f"The service may still be working on {len(writing)} resources. {_again(cmd)}")
    for run in writing:
        run.life.close()  # which says what else isn't done
    return " ".join(lines)


@contextmanager
def signs_of_life(cli_ctx: Any) -> Iterator[Callable[[Schedule[Any]], None]]:
    """Yields a function that shows the progress of a schedule in the CLI's own progress line."""
    if (not is_terminal(sys.stderr) or cli_ctx.only_show_errors
            or cli_ctx.config.getboolean("core", "disable_progress_bar", False)):
        yield lambda _: None
        return
    controller = cli_ctx.get_progress_controller()
    shown: list[str] = []  # the last message
    handlers = logging.getLogger("cli").handlers  # knack's; all of the CLI's messages go through them

    def show(schedule: Schedule[Any]) -> None:
        seconds, outcome = schedule.seconds, schedule.outcome
        if schedule.total == 1 and seconds < QUIET:
            return
        shown[:] = [f"Waiting for {schedule.waits_for or 'the service to answer'}, {seconds:.0f} s"
                    if schedule.total == 1 else
                    f"{len(outcome.results)} of {schedule.total} resources done, {len(outcome.failures)} failed, "
                    f"{schedule.sender.throttled} throttled, {schedule.total - len(outcome)} remaining"]
        controller.add(message=shown[0])

    def make_room(_message: logging.LogRecord) -> bool:
        if shown:
            controller.active_progress.clear()  # otherwise, a message would continue the progress line
        return True

    for handler in handlers:
        handler.addFilter(make_room)
    try:
        yield show
    finally:
        for handler in handlers:
            handler.removeFilter(make_room)
        if shown:
            controller.end()


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal. A process can start without the stream (None), or with a closed one."""
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:  # closed
        return False
