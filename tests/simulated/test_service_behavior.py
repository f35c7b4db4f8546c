# SPDX-License-Identifier: MIT
"""docs/service-behavior.md and armsim agree: no rule without a line, and no simulated line without a rule."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "service-behavior.md").read_text(encoding="utf-8")
_LINE = re.compile(r"^- \*\*([AK]\d+)\*\* (.*?)(?=^- \*\*|^#|\Z)", re.MULTILINE | re.DOTALL)
_RANGE = re.compile(r"\b([AK])(\d+) to [AK](\d+)\b")
_NUMBER = re.compile(r"\b[AK]\d+\b")
LINES = {number: " ".join(text.split()) for number, text in _LINE.findall(PAGE)}


def numbers(text: str) -> set[str]:
    """The numbers that a text names, "K3 to K5" written out."""
    between = {f"{letter}{number}" for letter, first, last in _RANGE.findall(text)
               for number in range(int(first), int(last) + 1)}
    return between | set(_NUMBER.findall(text))


NAMED = {number: path.name for path in sorted((ROOT / "tests" / "armsim").glob("*.py"))
         for number in numbers(path.read_text(encoding="utf-8"))}


def test_the_page_has_lines_of_both_kinds_each_once() -> None:
    found = [number for number, _ in _LINE.findall(PAGE)]
    assert len(found) == len(set(found)) > 80
    assert [f"A{number}" for number in range(1, 15)] == [number for number in found if number[0] == "A"][:14]


def test_what_armsim_names_is_on_the_page() -> None:
    assert {number: path for number, path in NAMED.items() if number not in LINES} == {}


def test_what_is_simulated_is_named_in_armsim() -> None:
    assert {number: text for number, text in LINES.items() if text.endswith("[armsim]") and number not in NAMED} == {}


def test_every_known_line_has_a_source_and_every_assumption_a_reason_and_a_way_to_verify_it() -> None:
    for number, text in LINES.items():
        for part in ("Source: ", ) if number.startswith("K") else ("Why: ", "To verify: "):
            assert part in text, number


def test_lines_refer_to_lines() -> None:
    assert numbers(PAGE) <= set(LINES)
