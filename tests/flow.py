# SPDX-License-Identifier: MIT
"""Drives a flow by hand: each request gets the next scripted reply; sleeps and delays take no time."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass, field
from typing import Any

from azext_communication_identity.model.answers import Reply
from azext_communication_identity.model.requests import (
    Flow,
    OperationEnded,
    PollDelay,
    Request,
    RequestError,
    Sleep,
    Step,
)
from azext_communication_identity.model.unfinished import UnfinishedError
from azure.cli.core.azclierror import AzCLIError


@dataclass
class Played:
    """What a flow awaited, and how it ended."""

    steps: list[Step] = field(default_factory=list)  # without `ended`
    ended: list[OperationEnded] = field(default_factory=list)
    result: Any = None
    error: RequestError | AzCLIError | UnfinishedError | CancelledError | None = None

    @property
    def requests(self) -> list[Request]:
        return [step for step in self.steps if isinstance(step, Request)]

    @property
    def sleeps(self) -> list[Sleep]:
        return [step for step in self.steps if isinstance(step, Sleep)]

    @property
    def delays(self) -> list[PollDelay]:
        return [step for step in self.steps if isinstance(step, PollDelay)]

    @property
    def cause(self) -> Any:
        """The error itself, or what caused an UnfinishedError."""
        return self.error.cause if isinstance(self.error, UnfinishedError) else self.error

    @property
    def message(self) -> tuple[str, list[str]]:
        """The error's text and its recommendations."""
        assert isinstance(self.cause, AzCLIError), self.error
        return str(self.cause), list(self.cause.recommendations)

    @property
    def refused(self) -> RequestError:
        assert isinstance(self.cause, RequestError), self.error
        return self.cause


def play(flow: Flow[Any], *replies: Reply, fail_at: tuple[int, BaseException] | None = None) -> Played:
    """Play a flow to its end. All replies have to be used, and no more asked for. `fail_at`: the number of the step
    that fails, and the exception; then, replies may be left.
    """
    played, left = Played(), list(replies)
    try:
        step = flow.send(None)
        while True:
            if isinstance(step, OperationEnded):
                played.ended.append(step)
            else:
                played.steps.append(step)
            if fail_at and len(played.steps) == fail_at[0] + 1:
                step = flow.throw(fail_at[1])
                continue
            assert left or not isinstance(step, Request), f"no reply left for {step}"
            step = flow.send(left.pop(0) if isinstance(step, Request) else None)
    except StopIteration as stop:
        played.result = stop.value
    except (RequestError, AzCLIError, UnfinishedError, CancelledError) as error:
        played.error = error
    assert fail_at or not left, f"not asked for: {left}; {played.error}"
    return played
