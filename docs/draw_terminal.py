# SPDX-License-Identifier: MIT

"""Runs a few commands, against the simulation, and draws a terminal with what they printed, in SVG."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from armsim import Armsim  # noqa: E402  # from tests
from az import Az  # noqa: E402  # as above

APP = "-n myApp -g myResourceGroup"
SHOWN = (
    f"az communication identity assign --system-assigned {APP}",
    f"az communication identity assign --user-assigned myIdentty {APP}",
    f"az communication identity assign --user-assigned myIdentity {APP} --dry-run --output table",
    f"az communication identity assign --user-assigned myIdentity {APP} --output table",
    "az communication identity list --output table",
)
TITLE = "A terminal: az communication identity assigns identities, explains a misspelled name, and lists the result"


def main(folder: Path, extensions: Path, picture: Path) -> None:
    """Each command line, and what it printed."""
    console = Console(record=True, width=124, file=io.StringIO())
    with Armsim() as sim:
        sim.state.add_resource("myApp", "myResourceGroup")
        sim.state.add_user_identity("myIdentity", "myResourceGroup")
        az = Az(folder / "terminal", extensions, sim.env())
        az.log_in(sim.url)
        for line in SHOWN:
            done = az(shlex.split(line)[1:])
            console.print(Text(f"$ {line}", style="bold green"))
            for printed in (done.stderr + done.stdout).rstrip().splitlines():
                console.print(Text(printed, style="red" if printed.startswith("ERROR") else ""))
            console.print()
    svg = console.export_svg(title="az communication identity", unique_id="terminal")
    # No fonts from elsewhere: the picture stands on its own. The title is what screen readers read.
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    picture.write_text(re.sub(r"(<svg [^>]*)>", rf'\1 role="img"><title>{TITLE}</title>', svg, count=1),
                       encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
