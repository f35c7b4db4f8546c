# SPDX-License-Identifier: MIT
"""Turns whatever ends a command into an error of azure-cli: what happened, why, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NoReturn

from azure.cli.core.azclierror import AzCLIError, AzureConnectionError, AzureResponseError, ValidationError

from ..model.answers import NoAnswer
from ..model.quoting import printable
from ..model.requests import RequestError
from ..model.unfinished import UnfinishedError
from .advice import AGAIN, DEBUG, advise


def explain(error: Exception) -> NoReturn:
    """The exception handler of all commands. Raises an azclierror, or the error itself if it's unknown."""
    known = explained(error)
    if known is None:
        raise error
    raise known from error


def explained(error: Exception) -> AzCLIError | None:
    """The azclierror for an error of a command; None if the error is unknown."""
    if isinstance(error, AzCLIError):
        return error
    if isinstance(error, RequestError):
        return _no_answer(error.reply) if isinstance(error.reply, NoAnswer) else advise(error.request, error.reply)
    if isinstance(error, UnfinishedError):
        return _unfinished(error)
    from knack.util import CLIError  # nobody is logged in, or core can't use what is set on this machine
    from requests.exceptions import RequestException  # the login's own requests
    if isinstance(error, CLIError):
        return ValidationError("\n".join(map(printable, str(error).splitlines())))
    return _no_answer(NoAnswer(first_line(error), is_network=True)) if isinstance(error, RequestException) else None


def _unfinished(error: UnfinishedError) -> AzCLIError:
    """The error that ended a command, with what was accepted before and what is still to be done. The commands that do
    it are in the message, which is printed even with --only-show-errors; advice to run the same command again goes.
    """
    cause = None if error.is_interrupted else explained(error.cause)  # type: ignore[arg-type]  # else an Exception
    kind: Any = type(cause) if type(cause).__module__ == AzCLIError.__module__ else AzureResponseError
    reason = "Interrupted." if error.is_interrupted else f"{type(error.cause).__name__}: {error.cause}"
    lines = [str(cause) if cause else reason, error.accepted, *error.remaining]
    ways = [one for one in (cause.recommendations if cause else ())
            if not (error.remaining and re.search(r"(?i)\btry again|\bcommand again", one))]
    return kind("\n".join(filter(None, lines)), recommendation=list(dict.fromkeys([*ways, error.resource.to_see])))


def _no_answer(reply: NoAnswer) -> AzCLIError:
    """The error for a missing or unusable answer. It blames the network and the proxy only if nothing came."""
    if "certificate" in reply.reason.lower() or "ssl" in reply.reason.lower():
        how = "If you use a proxy, see https://learn.microsoft.com/cli/azure/use-cli-effectively#work-behind-a-proxy"
    elif reply.is_network or reply.timed_out:
        how = f"Check the network and the proxy settings. {AGAIN}"
    else:
        how = DEBUG if reply.permanent else f"{AGAIN} {DEBUG}"
    return AzureConnectionError(f"No usable response from the service: {reply.reason}", how)


def reasons(errors: Iterable[Exception]) -> str:
    """The reasons of several failures, each once, on separate lines."""
    return "\n".join(dict.fromkeys(str(explained(error) or error) for error in errors))


def first_line(error: Exception) -> str:
    """The first line of an error's text, or the name of its class if it has none."""
    said = str(error).strip()
    return printable(said.splitlines()[0]) if said else type(error).__name__
