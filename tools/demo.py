# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py demo`: Microsoft's how-to, with the real az, against a local server."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from .command_line import parser
from .environment import CommandFailedError, for_demo
from .private_az import Session, session

APP = "--name myApp --resource-group myResourceGroup"

# Each line as typed; {id} is the resource ID that `az identity create` printed, {group} that of the resource group.
ROLE = '--role "Cognitive Services User" --scope {ai}'

WALK = (
    "az communication identity assign --system-assigned --name myApp --resource-group myResourceGroup",
    "az identity create --resource-group myResourceGroup --name myIdentity",
    f"az communication identity assign {APP} --user-assigned {{id}}",
    f"az communication identity show {APP} --output table",
    f"az communication identity assign {APP} --system-assigned {ROLE} --dry-run --output table",
    f"az communication identity assign {APP} --system-assigned {ROLE} --output none",
    f"az communication identity show {APP} --roles --output table",
    "az communication identity list --user-assigned myIdentity --output table",
    f"az communication identity remove {APP} --user-assigned {{id}}",
    f"az communication identity remove {APP} --system-assigned --delete-role-assignments --yes",
    f"az communication identity show {APP}",
)


def run(args: Sequence[str]) -> int:
    """Walk through the how-to. Every command must succeed."""
    parser("demo", "Run the commands of Microsoft's how-to with the real az, against a simulation of Azure on this "
                   "machine.").parse_args(args)
    venv = for_demo()
    with session(venv, "--seed-demo") as running:
        print("\nThese commands talk to a simulation on this machine, not to Azure. It has one resource, myApp.\n")
        for line in WALK:
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
