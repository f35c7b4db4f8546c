# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Drives a life by hand: each request gets the next scripted reply, pauses and waits take no time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from azext_communication_identity.model.steps import Life, NextPoll, Pause, RefusedError, Reply, Request, Step
from azure.cli.core.azclierror import AzCLIError


@dataclass
class Played:
    """What a life asked for, and how it ended."""

    steps: list[Step] = field(default_factory=list)
    result: Any = None
    error: RefusedError | AzCLIError | None = None

    @property
    def requests(self) -> list[Request]:
        return [step for step in self.steps if isinstance(step, Request)]

    @property
    def pauses(self) -> list[Pause]:
        return [step for step in self.steps if isinstance(step, Pause)]

    @property
    def awaits(self) -> list[NextPoll]:
        return [step for step in self.steps if isinstance(step, NextPoll)]

    @property
    def said(self) -> tuple[str, list[str]]:
        """The error's text and its recommendations."""
        assert isinstance(self.error, AzCLIError), self.error
        return str(self.error), list(self.error.recommendations)

    @property
    def refused(self) -> RefusedError:
        assert isinstance(self.error, RefusedError), self.error
        return self.error


def play(life: Life[Any], *replies: Reply) -> Played:
    """Play a life to its end. All replies have to be used, and no more asked for."""
    played, left = Played(), list(replies)
    try:
        step = next(life)
        while True:
            played.steps.append(step)
            assert left or not isinstance(step, Request), f"no reply left for {step}"
            step = life.send(left.pop(0) if isinstance(step, Request) else None)
    except StopIteration as stop:
        played.result = stop.value
    except (RefusedError, AzCLIError) as error:
        played.error = error
    assert not left, f"not asked for: {left}; {played.error}"
    return played
