# SPDX-License-Identifier: MIT
"""Runs a few commands, and a fleet, against the simulation, and draws the terminals that they ran in, in SVG."""

from __future__ import annotations

import io
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from armsim import Armsim, Throttle  # noqa: E402  # from tests
from az import Az  # noqa: E402  # as above

APP = "-n myApp -g myResourceGroup"
SHOWN = (
    f"az communication identity assign --system-assigned {APP}",
    f"az communication identity assign --user-assigned myIdentty {APP}",
    f"az communication identity assign --user-assigned myIdentity {APP} --dry-run -o table",
    f"az communication identity assign --user-assigned myIdentity {APP} --query type -o tsv",
    f"az communication identity check {APP} -o table",
)
TITLE = "A terminal: az communication identity assigns identities, explains a misspelled name, and checks that they work"

SIZE = 300
LIST = "az communication identity list --all-subscriptions"
FLEET = (f"{LIST} --query \"[?type=='None'].id\" -o tsv |",
         '    az communication identity assign --ids "@-" --system-assigned -o none')
COUNT = f"{LIST} --query \"length([?type=='None'])\""
PROGRESS_TITLE = f"A terminal: {SIZE} resources without an identity get one, and a line counts them"
LINE, LEFT, TOP, WIDTH, HOLD = 22, 20, 62, 900, 4.0
Frame = tuple[float, str]


def main(folder: Path, extensions: Path) -> None:
    """Draw both."""
    with Armsim() as sim:
        sim.state.add_resource("myApp", "myResourceGroup")
        sim.state.add_user_identity("myIdentity", "myResourceGroup")
        az = Az(folder / "terminal", extensions, sim.env())
        az.log_in(sim.url)
        (DOCS / "terminal.svg").write_text(_terminal(az), encoding="utf-8")
    with Armsim(patch_seconds=2.0, throttle=Throttle()) as sim:
        for number in range(SIZE):
            sim.state.add_resource(f"app{number:03}", "myResourceGroup")
        az = Az(folder / "fleet", extensions, sim.env())
        az.log_in(sim.url)
        frames = list(_watched(az, "\n".join(FLEET)))
        left = az(shlex.split(COUNT)[1:]).ok().stdout.strip()
    (DOCS / "fleet-progress.svg").write_text(_drawn(frames, left), encoding="utf-8")


def _terminal(az: Az) -> str:
    console = Console(record=True, width=100, file=io.StringIO())
    for line in SHOWN:
        done = az(shlex.split(line)[1:])
        console.print(Text(f"$ {line}", style="bold green"))
        for printed in (done.stderr + done.stdout).rstrip().splitlines():
            console.print(Text(printed, style="red" if printed.startswith("ERROR") else ""))
        console.print()
    svg = console.export_svg(title="az communication identity", unique_id="terminal")
    # No fonts from elsewhere: the picture stands on its own. The title is what screen readers read.
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return re.sub(r"(<svg [^>]*)>", rf'\1 role="img"><title>{TITLE}</title>', svg, count=1)


def _watched(az: Az, script: str) -> Iterator[Frame]:
    """Each line that counts resources, and when it was first shown, in seconds since the start."""
    ours, theirs = pty.openpty()
    command = f'az() {{ {shlex.join(az.command([]))} "$@"; }}\n{script}'
    started, before = time.monotonic(), ""
    process = subprocess.Popen(["bash", "-c", command], env={**az.environment(), "TERM": "xterm"}, stdin=theirs,
                               stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    while True:
        try:
            chunk = os.read(ours, 65536).decode()
        except OSError:  # Linux says EIO when the other side is gone
            break
        for line in re.findall(rf"\d+ of {SIZE} resources[^\r\n\x1b]*", chunk):
            if line != before:
                yield time.monotonic() - started, line.strip(" -\\|/.")
            before = line
    os.close(ours)
    if process.wait():
        raise RuntimeError("the fleet failed")


def _drawn(frames: list[Frame], left: str) -> str:
    total = frames[-1][0] + 1.0 + HOLD
    shots = [(0.0, "", ""), *((at, line, "") for at, line in frames), (frames[-1][0] + 1.0, f"$ {COUNT}", left)]
    steps = "".join(f"{at / total * 100:.2f}%{{transform:translateY({-2 * LINE * number}px)}}"
                    for number, (at, _, _) in enumerate(shots))
    strip = "".join(_text(TOP + (len(FLEET) + 2 * number + row) * LINE, line, "prompt" if line.startswith("$") else "")
                    for number, (_, *lines) in enumerate(shots) for row, line in enumerate(lines) if line)
    height = TOP + (len(FLEET) + 2) * LINE
    end = f"transform:translateY({-2 * LINE * (len(shots) - 1)}px)"
    top = TOP + (len(FLEET) - 1) * LINE + 6
    return f"""<svg role="img" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">
<title>{escape(PROGRESS_TITLE)}</title>
<style>
text{{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#c5c8c6;white-space:pre}}
.prompt{{fill:#98a84b;font-weight:bold}}
@keyframes play{{{steps}100%{{{end}}}}}
.strip{{animation:play {total:.1f}s step-end infinite}}
@media (prefers-reduced-motion:reduce){{.strip{{animation:none;{end}}}}}
</style>
<clipPath id="window"><rect x="0" y="{top}" width="{WIDTH}" height="{2 * LINE}"/></clipPath>
<rect width="{WIDTH}" height="{height}" rx="8" fill="#292929"/>
<circle cx="22" cy="22" r="6" fill="#ff5f57"/>
<circle cx="42" cy="22" r="6" fill="#febc2e"/>
<circle cx="62" cy="22" r="6" fill="#28c840"/>
{_text(TOP, f"$ {FLEET[0]}", "prompt")}{_text(TOP + LINE, FLEET[1], "prompt")}
<g clip-path="url(#window)"><g class="strip">{strip}</g></g>
</svg>
"""


def _text(y: int, line: str, kind: str) -> str:
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{LEFT}" y="{y}"{css}>{escape(line, quote=False)}</text>\n'


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
