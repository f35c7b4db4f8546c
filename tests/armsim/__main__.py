# SPDX-License-Identifier: MIT
"""`python -m armsim`: serve until Ctrl-C, and say on standard output, in one line of JSON, how to reach it."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from . import fleet
from .clock import Clock, ScaledClock
from .patch_shapes import SHAPES
from .server import Armsim
from .state import SUBSCRIPTION, TENANT


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(prog="armsim", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the ARM endpoint (default: any free one)")
    parser.add_argument("--clock-scale", type=float, default=1.0, help="how much faster than real its time runs")
    parser.add_argument("--real-time", action="store_true", help="let a PATCH take 5 seconds")
    parser.add_argument("--patch", choices=SHAPES, default="communication",
                        help="answer PATCH as this service was recorded to")
    parser.add_argument("--seed-demo", action="store_true", help="begin with myApp and myAI in myResourceGroup")
    parser.add_argument("--resources", type=int, default=0, metavar="N",
                        help="begin with a fleet of N resources in two subscriptions")
    args = parser.parse_args()
    clock = Clock() if args.clock_scale == 1.0 else ScaledClock(args.clock_scale)
    sim = Armsim(clock, args.port, patch=SHAPES[args.patch], patch_seconds=5.0 if args.real_time else 0.0)
    if args.seed_demo:
        fleet.demo(sim.state)
    if args.resources:
        fleet.fill(sim.state, args.resources)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with sim:
        sys.stdout.write(json.dumps({"url": sim.url, "ca_file": sim.ca_file, "env": sim.env(),
                                     "subscription": SUBSCRIPTION, "tenant": TENANT}) + "\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
