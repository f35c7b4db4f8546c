# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""`dev.py sim`: the local server, left running, and the lines that point a shell's az at it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence

from .command_line import parser
from .environment import Environment, for_demo
from .private_az import session


def run(args: Sequence[str]) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    command = parser("sim", "Start a simulation of Azure with one resource, log in, and print the lines that point "
                            "your shell's az at it.\nCtrl-C stops it.")
    command.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any that is free)")
    command.add_argument("--real-time", action="store_true", help="let operations take as long as Azure's do")
    command.add_argument("--clock-scale", type=float, default=1.0, help="how much faster the simulation's clock runs")
    command.add_argument("--resources", type=int, default=0, metavar="N",
                         help="add a fleet of N resources in two subscriptions")
    parsed = command.parse_args(args)
    server = ["--port", str(parsed.port), "--clock-scale", str(parsed.clock_scale)]
    server += ["--resources", str(parsed.resources)]
    server += ["--real-time"] if parsed.real_time else []
    venv = for_demo()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with session(venv, "--seed-demo", *server) as running:
        variables = {**running.server["env"], "AZURE_CONFIG_DIR": str(running.az.config),
                     "AZURE_EXTENSION_DIR": str(running.az.extensions), "AZURE_CORE_COLLECT_TELEMETRY": "no"}
        print(f"\nA simulation of Azure runs at {running.server['url']}. It has the resource myApp in myResourceGroup.")
        print("\nPaste into bash or zsh:\n\n" + bash_lines(venv, variables))
        print("\nOr paste into PowerShell:\n\n" + powershell_lines(venv, variables))
        print("\nThen try:  az communication identity assign --system-assigned -n myApp -g myResourceGroup")
        print("\nCtrl-C stops the simulation.", flush=True)
        while not stop.wait(1):
            pass
    print("Stopped.")
    return 0


def bash_lines(venv: Environment, variables: Mapping[str, str]) -> str:
    """Exports for bash."""
    lines = [f"export {key}='{value}'" for key, value in variables.items()]
    return "\n".join([*lines, f"export PATH='{venv.scripts}':\"$PATH\""])


def powershell_lines(venv: Environment, variables: Mapping[str, str]) -> str:
    """Assignments for PowerShell."""
    lines = [f"$env:{key} = '{value}'" for key, value in variables.items()]
    return "\n".join([*lines, f"$env:PATH = '{venv.scripts}' + [IO.Path]::PathSeparator + $env:PATH"])
