# SPDX-License-Identifier: MIT
"""The commands, run as a user runs them, and what the service has after each."""

from __future__ import annotations

import json
import shlex
from functools import partial
from typing import Any, NamedTuple

from .arm import NoAnswerError
from .login import Az, Run
from .questions import SOON
from .scene import CannotAskError, Scene
from .writing import Finding, State, kinds, state, words

_GRANTED = ("ok, exit 0", "warning, exit 0")  # a warning says that the role was granted only just now


class Ran(NamedTuple):
    """A command, whether it did what it should (None: that can't be told), what it did, and in what time."""

    line: str
    holds: bool | None
    seen: str
    seconds: float


def run_all(scene: Scene, az: Az) -> list[Ran]:
    """Run every command; a failure doesn't stop the next ones."""
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
        (["check", *where, "--role", "Reader", "--scope", scene.resource], state(system=True)),
    ]
    ran, before = [], ""
    try:
        scene.bring()
    except (CannotAskError, NoAnswerError) as error:
        before = f"the resource was not empty at the start ({error}); "
    for args, wanted in steps:
        started = scene.arm.clock.now()
        command = partial(az, ["communication", "identity", *args, "--subscription", scene.subscription, "-o", "json"])
        try:
            holds, seen = _check(scene, command) if args[0] == "check" else _judged(scene, command(), args[0], wanted)
        except (CannotAskError, NoAnswerError) as error:
            holds, seen = None, f"not answered: {error}"
        seconds = scene.arm.clock.now() - started
        ran.append(Ran(f"az communication identity {shlex.join(args)}", holds, before + seen, seconds))
    return ran


def _judged(scene: Scene, run: Run, verb: str, wanted: State) -> Finding:
    """Whether a command printed, and the resource has, what is wanted."""
    if run.exit_code:
        return Finding(False, f"exit {run.exit_code}: {run.stderr.strip()[:500]}")
    block, printed = scene.get().block, _printed(run)
    if isinstance(printed, list):
        printed = next((one for one in printed if str(one.get("id")).lower() == scene.resource.lower()), None)
    printed = printed if isinstance(printed, dict) else None
    if verb == "wait" or kinds(block) == kinds(printed) == wanted:
        return Finding(True, words(block))
    named = ["system-assigned"] * wanted[0] + sorted(identity.rsplit("/", 1)[-1] for identity in wanted[1])
    return Finding(False, f"wanted {', '.join(named) or 'no identity'}; printed {words(printed)}; "
                          f"the resource has {words(block)}")


def _check(scene: Scene, check: partial[Run]) -> Finding:
    """Whether `check` misses a role before it is granted, and finds it afterwards."""
    scene.bring(system=True)
    run = check()
    if "misspelled or not recognized" in run.stderr:
        raise CannotAskError("the extension has no command check")
    without, (made, _), granted = _status(run), scene.grant(), scene.arm.clock.now()
    while (with_it := _status(check())) not in _GRANTED and scene.arm.clock.now() - granted < SOON:
        scene.arm.clock.sleep(5)
    scene.delete(made)
    right = None if "unknown, exit 1" in (without, with_it) else without == "failed, exit 1" and with_it in _GRANTED
    return Finding(right, f"without the role: {without}; with it: {with_it}")


def _status(run: Run) -> str:
    found = _printed(run)
    return f"{found.get('status') if isinstance(found, dict) else run.stderr.strip()[:500]}, exit {run.exit_code}"


def _printed(run: Run) -> Any:
    try:
        return json.loads(run.stdout or "null")
    except ValueError:
        return None
