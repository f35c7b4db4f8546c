# SPDX-License-Identifier: MIT

"""Draws what `dev.py picture` captured as a terminal, in SVG."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

TITLE = "A terminal: az communication identity assigns identities, explains a misspelled name, and lists the result"


def main(captured: Path, picture: Path) -> None:
    """Draw the steps: each a command line and what it printed."""
    console = Console(record=True, width=124, file=io.StringIO())
    for line, output in json.loads(captured.read_text(encoding="utf-8")):
        console.print(Text(f"$ {line}", style="bold green"))
        for printed in output.rstrip().splitlines():
            console.print(Text(printed, style="red" if printed.startswith("ERROR") else ""))
        console.print()
    svg = console.export_svg(title="az communication identity", unique_id="terminal")
    # No fonts from elsewhere: the picture stands on its own. The title is what screen readers read.
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"(<svg [^>]*)>", rf'\1 role="img"><title>{TITLE}</title>', svg, count=1)
    picture.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
