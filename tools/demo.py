# SPDX-License-Identifier: MIT
"""`dev.py demo`: Microsoft's how-to, with the real az, against a local server."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from .command_line import parser
from .environment import CommandFailedError, for_demo
from .private_az import Session, session

APP = "--name myApp --resource-group myResourceGroup"
ROLE = '--role "Cognitive Services User" --scope {ai}'

# What a command is for, and the command as typed; {id} is the resource ID that `az identity create` prints.
WALK = (
    ("Enable the system-assigned identity.", f"az communication identity assign --system-assigned {APP}"),
    ("Create an identity that several resources can share.",
     "az identity create --resource-group myResourceGroup --name myIdentity"),
    ("Assign it too. The first one stays.", f"az communication identity assign {APP} --user-assigned {{id}}"),
    ("What the resource has now:", f"az communication identity show {APP} --output table"),
    ("What would change with a role? A dry run shows it, and changes nothing.",
     f"az communication identity assign {APP} --system-assigned {ROLE} --dry-run --output table"),
    ("Grant the role.", f"az communication identity assign {APP} --system-assigned {ROLE} --output none"),
    ("What the identities may do:", f"az communication identity show {APP} --roles --output table"),
    ("Which resources use it?", "az communication identity list --user-assigned myIdentity --output table"),
    ("Remove the shared identity from the resource. It still exists.",
     f"az communication identity remove {APP} --user-assigned {{id}}"),
    ("Remove the system-assigned identity and its role assignment. In a terminal, this asks first.",
     f"az communication identity remove {APP} --system-assigned --delete-role-assignments --yes"),
    ("Back at the start:", f"az communication identity show {APP}"),
)
CHECK = f"az communication identity check {APP}"


def run(args: Sequence[str]) -> int:
    """Walk through the how-to. Every command must succeed."""
    parser("demo", "Run the commands of Microsoft's how-to with the real az, against a simulation of Azure on this "
                   "machine.").parse_args(args)
    venv = for_demo()
    with session(venv, "--seed-demo") as running:
        print("\nThese commands talk to a simulation on this machine, not to Azure. It has one resource, myApp.\n")
        for words, line in WALK:
            _step(running, words, line)
        _step(running, "Does it work?", f"{CHECK} --output table", expected=1)
        fix = _step(running, "The command that fixes it:", f'{CHECK} --query "findings[].fix" --output tsv', expected=1)
        _step(running, "Run it.", f"{fix.strip()} --output none")
        _step(running, "Now it works.", f"{CHECK} --output table")
    print("To try commands of your own, run: python3 dev.py sim")
    return 0


def _step(running: Session, words: str, line: str, *, expected: int = 0) -> str:
    """Run a command, and return what it prints. Raises CommandFailedError for another exit code than expected."""
    group = f"/subscriptions/{running.server['subscription']}/resourceGroups/myResourceGroup"
    identity = (f"{group.replace('resourceGroups', 'resourcegroups')}/providers/Microsoft.ManagedIdentity"
                "/userAssignedIdentities/myIdentity")
    typed = line.format(id=identity, ai=f"{group}/providers/Microsoft.CognitiveServices/accounts/myAI")
    print(f"# {words}\n$ {typed}", flush=True)
    done = subprocess.run(running.az.command(shlex.split(typed)[1:]), env=running.az.environment(), check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    print(f"{done.stdout}\n", flush=True)
    if done.returncode != expected:
        raise CommandFailedError(shlex.split(typed), done.returncode)
    return done.stdout
