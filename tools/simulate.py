# SPDX-License-Identifier: MIT
"""`dev.py sim`: the local server, left running, and a file for the shell that points its az there."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .command_line import parser
from .environment import WORK, for_demo
from .private_az import Session, session

BASH, POWERSHELL = WORK / "sim.sh", WORK / "sim.ps1"


def run(args: Sequence[str]) -> int:
    """Serve until Ctrl-C, SIGTERM, or the window is closed."""
    command = parser("sim", "Start a simulation of Azure with one resource, log in, and write a file that points your "
                            "shell's az at it.\nCtrl-C stops it.")
    command.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1 (default: any that is free)")
    command.add_argument("--real-time", action="store_true",
                         help="let a change take 5 seconds; without it, none")
    command.add_argument("--clock-scale", type=float, default=1.0, metavar="FACTOR",
                         help="seconds that pass in the simulation in each second of yours (default: 1)")
    command.add_argument("--resources", type=int, default=0, metavar="N",
                         help="add a fleet of N resources in two subscriptions (default: none)")
    parsed = command.parse_args(args)
    if parsed.port and _in_use(parsed.port):
        command.exit(1, f"dev.py sim: port {parsed.port} is in use. Choose another, or leave out --port.\n")
    server = ["--port", str(parsed.port), "--clock-scale", str(parsed.clock_scale)]
    server += ["--resources", str(parsed.resources)]
    server += ["--real-time"] if parsed.real_time else []
    venv = for_demo()
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        signal.signal(getattr(signal, name, signal.SIGTERM), lambda *_: stop.set())
    with session(venv, "--seed-demo", *server) as running, _shell_files(running, venv.scripts):
        print("\n".join(_introduction(running)), flush=True)
        while not stop.wait(1):
            pass
    with contextlib.suppress(OSError):  # the window is gone
        print("Stopped.", flush=True)
    return 0


def _in_use(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name != "nt")  # as the server does
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


@contextlib.contextmanager
def _shell_files(running: Session, scripts: Path) -> Iterator[None]:
    """The files to source, gone at the end."""
    variables = {**running.server["env"], "AZURE_CONFIG_DIR": str(running.az.config),
                 "AZURE_EXTENSION_DIR": str(running.az.extensions), "AZURE_CORE_COLLECT_TELEMETRY": "no"}
    texts = {BASH: bash_lines(scripts, variables), POWERSHELL: powershell_lines(scripts, variables)}
    WORK.mkdir(exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        for path, text in texts.items():
            if path.is_file() and path.read_text(encoding="utf-8") == text:  # not that of a simulation started later
                path.unlink()


def _introduction(running: Session) -> Iterator[str]:
    """What is there, how to get there, what to try."""
    fleet = running.az("communication identity list --all-subscriptions").ok().json
    without = sum(one["type"] == "None" for one in fleet)
    identities = {one.lower() for row in fleet for one in row.get("userAssignedIdentities") or {}}
    yield f"\nA simulation of Azure runs at {running.server['url']}. It has:"
    yield "  - the resource myApp in the resource group myResourceGroup, which has no identity"
    yield "  - the Azure AI resource myAI in the same group"
    if len(fleet) > 1:
        yield (f"  - a fleet of {len(fleet) - 1} more resources in two subscriptions, with {len(identities)} "
               f"user-assigned identities; {without - 1} resources have no identity")
    yield "\nIn another shell, run one of these. From then on, its az talks to the simulation only:"
    yield f"  . {shlex.quote(_shown(BASH))}{'':20} bash, zsh"
    yield f"  . {_powershell(_shown(POWERSHELL))}{'':17} PowerShell"
    yield "\nThen try:"
    yield "  az communication identity assign --system-assigned -n myApp -g myResourceGroup"
    yield "  az communication identity list --all-subscriptions --output table"
    if len(fleet) > 1:
        yield ("  az communication identity list --all-subscriptions --query \"[?type=='None'].id\" -o tsv |\n"
               "      az communication identity assign --system-assigned --ids \"@-\" --dry-run --output table")
    yield "\nCtrl-C stops the simulation. Then close the shells that used it: their az can't reach Azure."


def _shown(path: Path) -> str:
    """As short as it works from the current folder; PowerShell needs a folder's name before a file's."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def bash_lines(scripts: Path, variables: Mapping[str, str]) -> str:
    """Exports for bash."""
    lines = [f"export {key}={shlex.quote(value)}" for key, value in variables.items()]
    return "\n".join([*lines, f'export PATH={shlex.quote(str(scripts))}:"$PATH"']) + "\n"


def powershell_lines(scripts: Path, variables: Mapping[str, str]) -> str:
    """Assignments for PowerShell."""
    lines = [f"$env:{key} = {_powershell(value)}" for key, value in variables.items()]
    return "\n".join([*lines, f"$env:PATH = {_powershell(str(scripts))} + [IO.Path]::PathSeparator + $env:PATH"]) + "\n"


def _powershell(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
