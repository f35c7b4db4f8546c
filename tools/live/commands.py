# SPDX-License-Identifier: MIT
"""The commands, run as a user runs them, and what the service has after each."""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple

from .arm import NoAnswerError
from .login import Az, Run
from .questions import SOON
from .scene import CannotAskError, Scene
from .writing import State, kinds, state, words


class Ran(NamedTuple):
    """A command, whether it did what it should (None: that can't be told), what it did, and in what time."""

    line: str
    holds: bool | None
    seen: str
    seconds: float


def run_all(scene: Scene, az: Az) -> list[Ran]:
    """Run every command; a failure doesn't stop the next ones."""
    try:
        scene.bring()
        before = ""
    except (CannotAskError, NoAnswerError) as error:
        before = f"the resource was not empty at the start ({error}); "
    where, both = ["-n", scene.name, "-g", scene.group], state(scene.one, scene.two, system=True)
    steps: list[tuple[list[str], State]] = [
        (["show", *where], state()),
        (["assign", *where, "--system-assigned"], state(system=True)),
        (["assign", *where, "--user-assigned", scene.one, scene.two.rsplit("/", 1)[-1]], both),
        (["assign", *where, "--system-assigned", "--user-assigned", scene.one], both),
        (["list", "-g", scene.group], both),
        (["wait", *where, "--created", "--timeout", "60"], both),
        (["remove", *where, "--user-assigned", scene.two], state(scene.one, system=True)),
        (["remove", *where, "--system-assigned", "--yes"], state(scene.one)),
        (["show", *where], state(scene.one)),
        (["remove", *where, "--user-assigned", "[]", "--yes"], state()),
    ]
    return [*(_run(scene, az, args, wanted, before) for args, wanted in steps), _check(scene, az, where)]


def _az(scene: Scene, az: Az, args: list[str]) -> Run:
    return az(["communication", "identity", *args, "--subscription", scene.subscription, "-o", "json"])


def _run(scene: Scene, az: Az, args: list[str], wanted: State, before: str) -> Ran:
    line, started = f"az communication identity {shlex.join(args)}", scene.arm.clock.now()
    run = _az(scene, az, args)
    seconds = scene.arm.clock.now() - started
    if run.exit_code:
        return Ran(line, False, f"{before}exit {run.exit_code}: {run.stderr.strip()[:500]}", seconds)
    try:
        block = scene.get().block
    except NoAnswerError as error:
        return Ran(line, False, f"{before}then the resource can't be read: {error}", seconds)
    printed = _printed(run)
    if isinstance(printed, list):
        printed = next((one for one in printed if str(one.get("id")).lower() == scene.resource.lower()), None)
    printed = printed if isinstance(printed, dict) else None
    if args[0] == "wait" or kinds(block) == kinds(printed) == wanted:
        return Ran(line, True, before + words(block), seconds)
    named = ["system-assigned"] * wanted[0] + sorted(user.rsplit("/", 1)[-1] for user in wanted[1])
    return Ran(line, False, f"{before}wanted {', '.join(named) or 'no identity'}; printed {words(printed)}; "
                            f"the resource has {words(block)}", seconds)


def _check(scene: Scene, az: Az, where: list[str]) -> Ran:
    """Whether `check` misses a role before it is granted, and finds it afterwards."""
    args = ["check", *where, "--role", "Reader", "--scope", scene.resource]
    line, started = f"az communication identity {shlex.join(args)}", scene.arm.clock.now()

    def seconds() -> float:
        return float(scene.arm.clock.now() - started)

    try:
        scene.bring(system=True)
        run = _az(scene, az, args)
        if "misspelled or not recognized" in run.stderr:
            return Ran(line, None, "not answered: the extension has no command check", seconds())
        before = _status(run)
        made, _ = scene.grant()
        granted = seconds()
        while (after := _status(_az(scene, az, args))) not in _GRANTED and seconds() - granted < SOON:
            scene.arm.clock.sleep(5)
        scene.delete(made)
    except (CannotAskError, NoAnswerError) as error:
        return Ran(line, None, f"not answered: {error}", seconds())
    right = None if "unknown, exit 1" in (before, after) else before == "failed, exit 1" and after in _GRANTED
    return Ran(line, right, f"without the role: {before}; with it: {after}", seconds())


_GRANTED = ("ok, exit 0", "warning, exit 0")  # a warning says that the role was granted only just now


def _status(run: Run) -> str:
    found = _printed(run)
    return f"{found.get('status') if isinstance(found, dict) else run.stderr.strip()[:500]}, exit {run.exit_code}"


def _printed(run: Run) -> Any:
    try:
        return json.loads(run.stdout or "null")
    except ValueError:
        return None
