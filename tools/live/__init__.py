# SPDX-License-Identifier: MIT
"""`dev.py live`: check every assumption about the real service, with the user's own login, and write down what the
service does. It creates one resource and some identities, and deletes them at the end.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..command_line import parser
from ..environment import for_demo
from ..private_az import install_extension, private_folder
from .arm import Arm, NoAnswerError
from .commands import Az, ask, command_questions, users_az
from .questions import QUESTIONS
from .sanitise import Sanitiser, known_secrets
from .scene import Scene
from .writing import Finding

REPORT = "live-report.json"
VERDICTS = {True: "holds", False: "DOES NOT HOLD", None: "not settled"}


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
        clean = Sanitiser(known_secrets(arm.endpoint, scene.group, account, arm.token)).text
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
            except NoAnswerError as error:
                holds, seen = Finding(None, str(error))
            except (LookupError, TypeError, AttributeError, ValueError) as error:
                holds, seen = Finding(None, f"an answer of a form that nobody expected ({type(error).__name__}: {error})")
            rows.append({"line": line, "question": clean(name), "assumption": assumption, "seen": clean(seen),
                         "verdict": VERDICTS[holds], "seconds": round(scene.arm.clock.now() - started)})
            say(f"{number:2}/{len(questions)} {line:4}{name}: {VERDICTS[holds]}")
    except NoAnswerError as error:
        stopped = str(error)
    except KeyboardInterrupt:
        stopped = "Ctrl-C"
    finally:
        _clean(scene, keep, say)
    if stopped:
        say(f"Stopped: {stopped}")
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


def _parse(args: Sequence[str]) -> Namespace:
    command = parser("live", "Check every assumption about the real service, with your own az login, and write down "
                             "what the service does. See docs/live.md.")
    command.add_argument("--resource-group", "-g", required=True,
                         help="an existing resource group; its contents don't change")
    command.add_argument("--subscription", help="name or ID (default: the one that az account show prints)")
    command.add_argument("--keep", action="store_true", help="keep what was created, and print how to delete it")
    command.add_argument("--yes", "-y", action="store_true", help="do not prompt for confirmation")
    return command.parse_args(args)
