# SPDX-License-Identifier: MIT
"""The user's own `az`, and the commands, run as a user runs them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .arm import NoAnswerError
from .questions import SOON, Question
from .scene import Scene
from .writing import Block, Finding, block_of, kinds, users, words

# The user's command index must not learn of another extension folder; no other setting plays a part.
OWN_SETTINGS = {"AZURE_CORE_USE_COMMAND_INDEX": "false", "AZURE_CORE_COLLECT_TELEMETRY": "no",
                "AZURE_CORE_NO_COLOR": "true", "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no"}
_GRANTED = ("ok, exit 0", "warning, exit 0")  # a warning says that the role was granted only just now
Az = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def users_az(python: str, extensions: Path) -> Az:
    """`az` with the user's login and settings, and an extension folder of ours; without a terminal."""
    env = {key: value for key, value in os.environ.items() if key != "AZURE_EXTENSION_DEV_SOURCES"}
    env |= {**OWN_SETTINGS, "AZURE_EXTENSION_DIR": str(extensions)}
    return lambda args: subprocess.run([python, "-m", "azure.cli", *args], stdin=subprocess.DEVNULL, text=True,
                                       capture_output=True, check=False, env=env)


def ask(az: Az, *args: str) -> Any:
    """What `az` prints, as data. Raises NoAnswerError."""
    done = az([*args, "--output", "json"])
    if done.returncode:
        raise NoAnswerError(f"exit {done.returncode}: {done.stderr.strip()[:500]}")
    return json.loads(done.stdout or "null")


def command_questions(s: Scene, az: Az) -> list[Question]:
    """A question for each command: what it makes of a resource that has these identities."""
    where = ["-n", s.name, "-g", s.group]
    none, one, system, both = block_of(), block_of(s.one), block_of(system=True), block_of(s.one, system=True)
    all_three = block_of(s.one, s.two, system=True)

    def question(before: Block, after: Block, *args: str) -> Question:
        return ("", shlex.join(_words(args)), f"The resource then has {words(after)}.",
                lambda s: _done(s.bring(*users(before), system=kinds(before)[0]), az, args, after))

    role = ("check", *where, "--role", "Reader", "--scope", s.resource)
    return [
        question(none, none, "show", *where),
        question(none, system, "assign", *where, "--system-assigned"),
        question(system, all_three, "assign", *where, "--user-assigned", s.one, s.two.rsplit("/", 1)[-1]),
        question(both, both, "assign", *where, "--system-assigned", "--user-assigned", s.one),
        question(both, both, "list", "-g", s.group),
        question(both, both, "wait", *where, "--created", "--timeout", "60"),
        question(all_three, both, "remove", *where, "--user-assigned", s.two),
        question(both, one, "remove", *where, "--system-assigned", "--yes"),
        question(one, none, "remove", *where, "--user-assigned", "[]", "--yes"),
        ("", shlex.join(_words(role)), "It misses the role before it is granted, and finds it afterwards.",
         lambda s: _checked(s, lambda: az([*_words(role)[1:], "--subscription", s.subscription, "-o", "json"]))),
    ]


def _words(args: Sequence[str]) -> list[str]:
    return ["az", "communication", "identity", *args]


def _done(s: Scene, az: Az, args: Sequence[str], wanted: Block) -> Finding:
    """Whether a command printed, and the resource has, what is wanted."""
    try:
        printed = ask(az, *_words(args)[1:], "--subscription", s.subscription)
    except NoAnswerError as error:
        return Finding(False, str(error))
    block = s.get().block
    if isinstance(printed, list):
        printed = next((one for one in printed if str(one.get("id")).lower() == s.resource.lower()), None)
    right = args[0] == "wait" or kinds(printed or {}) == kinds(wanted)
    return Finding(right and kinds(block) == kinds(wanted),
                   f"it printed {words(printed or {})}; the resource has {words(block)}")


def _checked(s: Scene, check: Callable[[], subprocess.CompletedProcess[str]]) -> Finding:
    def status() -> str:
        run = check()
        if "misspelled or not recognized" in run.stderr:
            raise NoAnswerError("The extension has no command check")
        return f"{json.loads(run.stdout or '{}').get('status') or run.stderr.strip()[:500]}, exit {run.returncode}"

    without, (made, _) = status() if s.bring(system=True) else "", s.grant()
    with_it, _ = s.until(status, _GRANTED.__contains__, SOON)
    s.delete(made)
    right = None if "unknown, exit 1" in (without, with_it) else without == "failed, exit 1" and with_it in _GRANTED
    return Finding(right, f"without the role: {without}; with it: {with_it}")
