# SPDX-License-Identifier: MIT
"""`dev.py live`: check every assumption about the real service, with the user's own login, and write down what the
service does. It creates one resource and some identities, and deletes them at the end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..command_line import parser
from ..environment import for_demo
from ..private_az import install_extension, private_folder
from .arm import Arm, NoAnswerError
from .commands import Ran, run_all
from .login import Az, Login
from .questions import QUESTIONS, Questions, put
from .report import VERDICTS, Report
from .sanitise import Sanitiser, known_secrets
from .scene import CannotAskError, Scene
from .writing import Finding

Say = Callable[[str], None]


def run(args: Sequence[str]) -> int:
    """Run it; 0: everything holds, 1: not, 2: it could not begin."""
    parsed = _parse(args)
    venv = for_demo()
    with private_folder() as folder:
        login = Login(venv.python, folder / "extensions")
        try:
            subscription = ["--subscription", parsed.subscription] if parsed.subscription else []
            account = login.ask("account", "show", *subscription)
            arm = Arm(login.ask("cloud", "show")["endpoints"]["resourceManager"], lambda: login.token(account["id"]))
            scene = Questions(arm, account["id"], parsed.resource_group)
            scene.check()
        except (CannotAskError, NoAnswerError) as error:
            print(error)
            return 2
        if not _agreed(scene, account, parsed.yes):
            return 2
        install_extension(venv, folder)
        report = live(scene, login, keep=parsed.keep)
    secrets = known_secrets(arm.endpoint, scene.subscription, scene.group, account, arm.token)
    for path in report.write(Path.cwd(), Sanitiser(secrets)):
        print(f"Written: {path}")
    return 0 if report.all_hold else 1


def live(scene: Questions, az: Az, *, keep: bool = False, say: Say = print) -> Report:
    """Make everything, ask, run the commands, delete; also after Ctrl-C or a failure."""
    findings: dict[str, Finding] = {}
    commands: list[Ran] = []
    stopped = ""
    try:
        say("Creating the resource and three identities (one to two minutes) …")
        scene.make()
        for number, (key, question) in enumerate(QUESTIONS.items(), 1):
            findings[key] = put(key, scene)
            say(f"{number:2}/{len(QUESTIONS)} {question.line:4}{key}: {VERDICTS[findings[key].holds]}")
        say("Running the commands …")
        commands += run_all(scene, az)
    except (CannotAskError, NoAnswerError) as error:
        stopped = str(error)
    except KeyboardInterrupt:
        stopped = "Ctrl-C"
    finally:
        _clean(scene, keep, say)
    if stopped:
        say(f"Stopped: {stopped}")
    return Report(findings, commands, scene.arm.exchanges, scene.resource, stopped)


def _clean(scene: Scene, keep: bool, say: Say) -> None:
    """Delete everything, the last first; where that fails, or Ctrl-C comes again, say how to do it by hand."""
    if not keep:
        say("Deleting what was created …")
        try:
            for made in reversed(list(scene.made)):
                scene.delete(made)
        except KeyboardInterrupt:
            say("Stopped while deleting.")
    if scene.made:
        say("These resources still exist. To delete them, run:")
        for command in scene.delete_commands():
            say(f"  {command}")


def _agreed(scene: Scene, account: dict[str, Any], yes: bool) -> bool:
    """Say what will be made, and ask."""
    print(f"In the resource group {scene.group} of the subscription {account['name']} ({scene.subscription}),\n"
          f"this creates the Communication Services resource {scene.name}, the user-assigned identities "
          + ", ".join(identity.rsplit("/", 1)[-1] for identity in scene.users)
          + ",\nand for a short time a fourth identity and a role assignment (Reader) on that resource. They cost "
            "nothing.\nIt takes 15 to 40 minutes, writes live-report.md, live-report.json and live-recording.yaml to "
            "this folder,\nand deletes what it created.")
    if yes:
        return True
    if not sys.stdin.isatty():
        print("Can't prompt for confirmation without a terminal. To continue without a prompt, add --yes.")
        return False
    try:
        return input("Continue? (y/N) ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _parse(args: Sequence[str]) -> argparse.Namespace:
    command = parser("live", "Check every assumption about the real service, with your own az login, and write down "
                             "what the service does. See docs/live.md.")
    command.add_argument("--resource-group", "-g", required=True,
                         help="an existing resource group; its contents don't change")
    command.add_argument("--subscription", help="name or ID (default: the one that az account show prints)")
    command.add_argument("--keep", action="store_true", help="keep what was created, and print how to delete it")
    command.add_argument("--yes", "-y", action="store_true", help="do not prompt for confirmation")
    return command.parse_args(args)
