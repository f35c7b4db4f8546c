# SPDX-License-Identifier: MIT
"""Whatever ends a command after a write was accepted, its error says so, and what is still to be done. Pure."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from azure.cli.core.azclierror import AzCLIError

from .resource_id import ResourceId


class UnfinishedError(Exception):
    """A failure after a write was accepted, or may have been. `accepted`: a sentence that says so; empty if the cause
    does. `remaining`: what is still to be done, each with the command that does it.
    """

    def __init__(self, resource: ResourceId, cause: BaseException, said: str, left: tuple[str, ...] = ()) -> None:
        super().__init__(said)
        self.resource, self.cause, self.accepted, self.remaining = resource, cause, said, left

    @property
    def is_interrupted(self) -> bool:
        """Whether Ctrl-C or SIGTERM ended it."""
        return isinstance(self.cause, CancelledError)


class AcceptedError(AzCLIError):  # type: ignore[misc]  # azure-cli has no types
    """Mixed into an error that says itself that the service accepted the change."""


@contextmanager
def accepted(resource: ResourceId, sentence: Callable[[], str]) -> Iterator[None]:
    """Turn any failure in the block into an UnfinishedError, if `sentence` returns one at that moment."""
    try:
        yield
    except UnfinishedError:
        raise
    except (Exception, CancelledError) as error:  # pylint: disable=broad-except  # it is raised again, with more to say
        said = sentence()
        if not said:
            raise
        raise UnfinishedError(resource, error, "" if isinstance(error, AcceptedError) else said) from error


@contextmanager
def remaining(what: Callable[[], str]) -> Iterator[None]:
    """Add what is still to be done to an UnfinishedError that ends the block."""
    try:
        yield
    except UnfinishedError as error:
        left = what()
        raise UnfinishedError(error.resource, error.cause, error.accepted,
                              (*error.remaining, left) if left else error.remaining) from error.cause
