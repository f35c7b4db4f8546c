# SPDX-License-Identifier: MIT
"""Golden files: text as it has to be, in tests/golden. `dev.py test --update-golden` writes them."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str, update: bool) -> None:
    """Compare text with a golden file, or write it."""
    path = FOLDER / name
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} differs; look at it, then run dev.py test --update-golden"
