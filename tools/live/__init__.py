# SPDX-License-Identifier: MIT
"""`dev.py live`: check the assumptions about the real service, with the user's own login, and write down what the
service does. It creates one resource and some identities, and deletes them at the end.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..command_line import parser
from ..environment import for_demo
from ..private_az import install_extension, private_folder
from .arm import Arm, Block, Finding, NoAnswerError, block_of, kinds, users, words
from .questions import QUESTIONS, SOON, Question
from .sanitize import Sanitizer, known_secrets
from .scene import Scene

REPORT, LONGEST = "live-report.json", 2000  # characters of an answer, cut when it is clean: half an ID looks like none
VERDICTS = {True: "holds", False: "DOES NOT HOLD", None: "not settled"}
# The user's command index must not learn of another extension folder; no other setting plays a part.
OWN_SETTINGS = {"AZURE_CORE_USE_COMMAND_INDEX": "false", "AZURE_CORE_COLLECT_TELEMETRY": "no",
                "AZURE_CORE_NO_COLOR": "true", "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no"}
_GRANTED = ("ok, exit 0", "warning, exit 0")  # a warning says that the role was granted only just now
Az = Callable[..., "subprocess.CompletedProcess[str]"]
Runs = partial["subprocess.CompletedProcess[str]"]


def run(args: Sequence[str]) -> int:
    """Run it; 0: everything holds, 1: not, 2: it could not begin."""
    parsed = _parse(args)
    venv = for_demo()
    with private_folder() as folder:
        az = users_az(venv.python, folder / "extensions")
        subscription = ["--subscription", parsed.subscription] if parsed.subscription else []
        try:
            account = ask(az, "account", "show", *subscription)
            arm = Arm(ask(az, "cloud", "show")["endpoints"]["resourceManager"], lambda: str(ask(
                az, "account", "get-access-token", "--subscription", account["id"])["accessToken"]))
            scene = Scene(arm, account["id"], parsed.resource_group)
            scene.check()
        except NoAnswerError as error:
            print(error)
            return 2
        if not _agreed(scene, account, parsed.yes):
            return 2
        install_extension(venv, folder)
        clean = Sanitizer(known_secrets(arm.endpoint, scene.group, account, arm.token)).text
        report = live(scene, az, clean, keep=parsed.keep)
    Path(REPORT).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"Written: {REPORT}")
    return 0 if report["allHold"] else 1


def live(scene: Scene, az: Az, clean: Callable[[str], str], *, keep: bool = False,
         say: Callable[[str], None] = print) -> dict[str, Any]:
    """Make everything, ask, run the commands, and delete, also after Ctrl-C or a failure. Returns the report."""
    rows: list[dict[str, Any]] = []
    stopped, questions = "", [*QUESTIONS, *command_questions(scene, az)]
    try:
        say("Creating the resource and three identities (one to two minutes) …")
        scene.make()
        for number, (line, name, assumption, put) in enumerate(questions, 1):
            started = scene.arm.clock.now()
            try:
                holds, seen = put(scene)
            except (NoAnswerError, LookupError, TypeError, AttributeError, ValueError) as error:
                why = "" if isinstance(error, NoAnswerError) else "the answer has an unexpected form: "
                holds, seen = None, f"{why}{error}"
            rows.append({"line": line, "question": clean(name), "assumption": assumption, "seen": clean(seen)[:LONGEST],
                         "verdict": VERDICTS[holds], "seconds": round(scene.arm.clock.now() - started)})
            say(f"{number:2}/{len(questions)} {line:4}{name}: {VERDICTS[holds]}")
    except NoAnswerError as error:
        stopped = str(error)
    except KeyboardInterrupt:
        stopped = "Ctrl-C"
    finally:
        _clean(scene, keep, say)
    say(f"Stopped: {stopped}" if stopped else "Done.")
    return {"allHold": not stopped and all(row["verdict"] == VERDICTS[True] for row in rows),
            "stopped": clean(stopped), "requests": len(scene.arm.answers), "questions": rows}


def _clean(scene: Scene, keep: bool, say: Callable[[str], None]) -> None:
    """Delete everything, the last first; where that fails, or Ctrl-C comes again, say how to do it by hand."""
    try:
        for made in [] if keep else reversed(list(scene.made)):
            try:
                scene.delete(made)
            except NoAnswerError as error:
                say(str(error))
    except KeyboardInterrupt:
        say("Stopped while deleting.")
    if left := [f'"{made}"' for made in scene.made if "/roleAssignments/" not in made]:  # they go with their resource
        say(f"These resources still exist. To delete them, run:\n  az resource delete --ids {' '.join(left)}")


def _agreed(scene: Scene, account: dict[str, Any], yes: bool) -> bool:
    """Say what will be made, and ask."""
    print(f"In the resource group {scene.group} of the subscription {account['name']} ({scene.subscription}),\n"
          f"this creates the Communication Services resource {scene.name}, the user-assigned identities "
          f"{', '.join(identity.rsplit('/', 1)[-1] for identity in scene.users)},\nand for a short time a fourth "
          "identity and a role assignment (Reader) on that resource. They cost nothing.\nIt takes 15 to 40 minutes, "
          f"writes {REPORT} to this folder, and deletes what it created.")
    if not yes and not sys.stdin.isatty():
        print("Can't prompt for confirmation without a terminal. To continue without a prompt, add --yes.")
        return False
    try:
        return yes or input("Continue? (y/N) ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _parse(args: Sequence[str]) -> Any:
    command = parser("live", "Check the assumptions about the real service, with your own az login, and write down "
                             "what the service does. See docs/live.md.")
    command.add_argument("--resource-group", "-g", required=True,
                         help="an existing resource group; its contents don't change")
    command.add_argument("--subscription", help="name or ID (default: the one that az account show prints)")
    command.add_argument("--keep", action="store_true", help="keep what was created, and print how to delete it")
    command.add_argument("--yes", "-y", action="store_true", help="do not prompt for confirmation")
    return command.parse_args(args)


def users_az(python: str, extensions: Path) -> Az:
    """`az` with the user's login and settings, and an extension folder of ours; without a terminal."""
    env = {key: value for key, value in os.environ.items() if key != "AZURE_EXTENSION_DEV_SOURCES"}
    env |= {**OWN_SETTINGS, "AZURE_EXTENSION_DIR": str(extensions)}
    return lambda *args: subprocess.run([python, "-m", "azure.cli", *args, "-o", "json"], stdin=subprocess.DEVNULL,
                                        text=True, capture_output=True, check=False, env=env)


def ask(az: Az, *args: str) -> Any:
    """What `az` prints, as data. Raises NoAnswerError."""
    done = az(*args)
    if done.returncode:
        raise NoAnswerError(done.stderr.strip())
    return json.loads(done.stdout)


def command_questions(s: Scene, az: Az) -> list[Question]:
    """A question for each command: what it makes of a resource that has some identities."""
    where = ["-n", s.name, "-g", s.group]
    none, one, system, both = block_of(), block_of(s.one), block_of(system=True), block_of(s.one, system=True)
    every = block_of(s.one, s.two, system=True)

    def question(args: list[str], assumption: str, judge: Callable[[Scene, Runs], Finding]) -> Question:
        command = ["communication", "identity", *args]
        return ("", shlex.join(["az", *command]), assumption,
                lambda s: judge(s, partial(az, *command, "--subscription", s.subscription)))

    return [question(args, f"The resource then has {words(after)}.", partial(_done, before, after)) for
            before, args, after in (
                (none, ["show", *where], none),
                (none, ["assign", *where, "--system-assigned"], system),
                (system, ["assign", *where, "--user-assigned", s.one, s.two.rsplit("/", 1)[-1]], every),
                (both, ["assign", *where, "--system-assigned", "--user-assigned", s.one], both),
                (both, ["list", "-g", s.group], both),
                (both, ["wait", *where, "--created", "--timeout", "60"], both),
                (every, ["remove", *where, "--user-assigned", s.two], both),
                (both, ["remove", *where, "--system-assigned", "--yes"], one),
                (one, ["remove", *where, "--user-assigned", "[]", "--yes"], none))] + [
        question(["check", *where, "--role", "Reader", "--scope", s.resource],
                 "It misses the role before it is granted, and finds it afterward.", _checked)]


def _done(before: Block, wanted: Block, s: Scene, command: Runs) -> Finding:
    """Whether a command printed (`wait` doesn't), and the resource has, what is wanted."""
    s.bring(*users(before), system=kinds(before)[0])
    done, silent = command(), command.args[2] == "wait"
    block, printed = s.get().block, json.loads(done.stdout or "null") or {}
    if isinstance(printed, list):
        printed = next((one for one in printed if str(one.get("id")).lower() == s.resource.lower()), {})
    right = done.returncode == 0 and kinds(wanted) == kinds(block) == kinds(block if silent else printed)
    return right, (f"exit {done.returncode}: {done.stderr.strip()}; it printed {words(printed)}; "
                   f"the resource has {words(block)}")


def _checked(s: Scene, check: Runs) -> Finding:
    def status() -> str:
        done = check()
        if "misspelled or not recognized" in done.stderr:
            raise NoAnswerError("The extension has no command check")
        return f"{json.loads(done.stdout or '{}').get('status') or done.stderr.strip()}, exit {done.returncode}"

    s.bring(system=True)
    without, (made, _) = status(), s.grant()
    with_it, _ = s.until(status, _GRANTED.__contains__, SOON)
    s.delete(made)
    right = None if "unknown, exit 1" in (without, with_it) else without == "failed, exit 1" and with_it in _GRANTED
    return right, f"without the role: {without}; with it: {with_it}"
