# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The five commands, run as a user runs them, and what the service has after each."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .arm import NoAnswerError
from .scene import CannotAskError, Scene
from .writing import kinds, words


@dataclass(frozen=True)
class Run:
    """How a run of `az` ended."""

    exit_code: int
    stdout: str
    stderr: str


Az = Callable[[Sequence[str]], Run]
State = tuple[bool, frozenset[str]]


@dataclass(frozen=True)
class Ran:
    """A command, what it did and whether it did what it should."""

    line: str
    holds: bool
    seen: str
    seconds: float


def run_all(scene: Scene, az: Az) -> list[Ran]:
    """Run every command; a failure doesn't stop the next ones."""
    none, one = frozenset[str](), frozenset({scene.one.lower()})
    both = one | {scene.two.lower()}
    try:
        scene.bring()
        before = ""
    except (CannotAskError, NoAnswerError) as error:
        before = f"the resource was not empty at the start ({error}); "
    where = ["-n", scene.name, "-g", scene.group]
    steps: list[tuple[list[str], State]] = [
        (["show", *where], (False, none)),
        (["assign", *where, "--system-assigned"], (True, none)),
        (["assign", *where, "--user-assigned", scene.one, scene.two.rsplit("/", 1)[-1]], (True, both)),
        (["assign", *where, "--system-assigned", "--user-assigned", scene.one], (True, both)),
        (["list", "-g", scene.group], (True, both)),
        (["wait", *where, "--created", "--timeout", "60"], (True, both)),
        (["remove", *where, "--user-assigned", scene.two], (True, one)),
        (["remove", *where, "--system-assigned", "--yes"], (False, one)),
        (["show", *where], (False, one)),
        (["remove", *where, "--user-assigned", "[]", "--yes"], (False, none)),
    ]
    return [_run(scene, az, words, wanted, before) for words, wanted in steps]


def _run(scene: Scene, az: Az, args: list[str], wanted: State, before: str) -> Ran:
    started = scene.arm.clock.now()
    run = az(["communication", "identity", *args, "--subscription", scene.subscription, "-o", "json"])
    seconds = scene.arm.clock.now() - started
    line = f"az communication identity {shlex.join(args)}"
    if run.exit_code:
        return Ran(line, False, f"{before}exit {run.exit_code}: {run.stderr.strip()[:500]}", seconds)
    try:
        resource = scene.get()
    except NoAnswerError as error:
        return Ran(line, False, f"{before}then the resource can't be read: {error}", seconds)
    printed = _printed(scene, args[0], run.stdout)
    right = args[0] == "wait" or kinds(resource.block) == kinds(printed) == wanted
    said = words(resource.block) if right else (
        f"wanted {_words(wanted)}; printed {words(printed)}; the resource has {words(resource.block)}")
    return Ran(line, right, before + said, seconds)


def _printed(scene: Scene, verb: str, stdout: str) -> dict[str, Any] | None:
    """The block that a command printed, of our resource."""
    try:
        found = json.loads(stdout or "null")
    except ValueError:
        return None
    if verb == "list" and isinstance(found, list):
        found = next((one for one in found if str(one.get("id")).lower() == scene.resource.lower()), None)
    return found if isinstance(found, dict) else None


def _words(state: State) -> str:
    system, users = state
    return ", ".join(["system-assigned"] * system + sorted(user.rsplit("/", 1)[-1] for user in users)) or "no identity"
