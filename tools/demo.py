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
    ("The resource gets an identity of its own.", f"az communication identity assign --system-assigned {APP}"),
    ("An identity that several resources can share …",
     "az identity create --resource-group myResourceGroup --name myIdentity"),
    ("… is added. The first one stays.", f"az communication identity assign {APP} --user-assigned {{id}}"),
    ("What it has now:", f"az communication identity show {APP} --output table"),
    ("What would a role change? A dry run tells, and changes nothing.",
     f"az communication identity assign {APP} --system-assigned {ROLE} --dry-run --output table"),
    ("The role is granted.", f"az communication identity assign {APP} --system-assigned {ROLE} --output none"),
    ("What the identities may do:", f"az communication identity show {APP} --roles --output table"),
    ("Who uses the shared identity?", "az communication identity list --user-assigned myIdentity --output table"),
    ("The shared identity is removed from the resource; it still exists.",
     f"az communication identity remove {APP} --user-assigned {{id}}"),
    ("Its own identity goes for good, and its role with it. In a terminal, this asks first.",
     f"az communication identity remove {APP} --system-assigned --delete-role-assignments --yes"),
    ("Back at the start:", f"az communication identity show {APP}"),
)


def run(args: Sequence[str]) -> int:
    """Walk through the how-to. Every command must succeed."""
    parser("demo", "Run the commands of Microsoft's how-to with the real az, against a simulation of Azure on this "
                   "machine.").parse_args(args)
    venv = for_demo()
    with session(venv, "--seed-demo") as running:
        print("\nThese commands talk to a simulation on this machine, not to Azure. It has one resource, myApp.\n")
        for words, line in WALK:
            print(f"# {words}")
            _step(running, line)
    print("To try commands of your own, run: python3 dev.py sim")
    return 0


def _step(running: Session, line: str) -> None:
    group = f"/subscriptions/{running.server['subscription']}/resourceGroups/myResourceGroup"
    identity = (f"{group.replace('resourceGroups', 'resourcegroups')}/providers/Microsoft.ManagedIdentity"
                "/userAssignedIdentities/myIdentity")
    typed = line.format(id=identity, ai=f"{group}/providers/Microsoft.CognitiveServices/accounts/myAI")
    print(f"$ {typed}", flush=True)
    command = running.az.command(shlex.split(typed)[1:])
    exit_code = subprocess.run(command, env=running.az.environment(), stdin=subprocess.DEVNULL,
                               check=False).returncode
    print(flush=True)
    if exit_code:
        raise CommandFailedError(shlex.split(typed), exit_code)
