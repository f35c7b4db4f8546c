# SPDX-License-Identifier: MIT
"""All tables, in Markdown, and all bounds that aren't met."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import fleets, listing, one_command
from .measuring import Data

PARTS = {part.__name__.rsplit(".", 1)[-1]: part for part in (one_command, fleets, listing)}
BEGIN, END = "<!-- benchmarks/report.py writes from here -->\n", "<!-- to here -->"


def report(data: Mapping[str, Data]) -> str:
    """The tables of the parts for which there is data."""
    return "\n\n".join(f"{part.table(data[name])}\n\n{_where(data[name]['machine'])}"
                       for name, part in PARTS.items() if name in data) + "\n"


def missed(data: Mapping[str, Data]) -> list[str]:
    """The bounds that these parts don't meet, a sentence each."""
    return [sentence for name, part in PARTS.items() if name in data for sentence in part.missed(data[name])]


def write_into(document: Path, text: str) -> None:
    """Put the text between the two marks of a document."""
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _where(machine: Data) -> str:
    return (f"Measured on {machine['date']}: {machine['system']}, {machine['processor']}, {machine['processors']} "
            f"processors, Python {machine['python']}, azure-cli {machine['azure-cli']}.")
