# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The prose that people read: documents, help, messages, comments. Checked with proselint, and for phrases that aren't
idiomatic English.
"""

from __future__ import annotations

import io
import re
import shutil
import tokenize
from collections.abc import Iterator
from pathlib import Path

from .environment import ROOT, SOURCE, WORK

PACKAGE = SOURCE / "azext_communication_identity"
UNIDIOMATIC = re.compile(r"\b(forbids? to|allows? to|what goes|who may|said in full|taken away|takes? away|for ever|"
                         r"in difference to|it is to be|is said to be skipped)\b", re.IGNORECASE)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """What is written for people."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), *sorted(SOURCE.glob("*.[mr][ds]*"))]


def texts() -> Iterator[tuple[Path, str]]:
    """Each file with its prose alone, line by line as in the file."""
    for path in documents():
        yield path, _without_code(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py")):
        if "tests" not in path.parts:
            yield path, _strings_and_comments(path.read_text(encoding="utf-8"))


def extract() -> Path:
    """Write the texts into a folder that proselint can check; return it."""
    folder = WORK / "prose"
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in texts():
        target = folder / f"{path.relative_to(ROOT)}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def unidiomatic() -> list[str]:
    """Where one of the phrases stands."""
    return [f"{path.relative_to(ROOT)}:{number}: {found.group()!r} isn't idiomatic" for path, text in texts()
            for number, line in enumerate(text.splitlines(), 1) for found in UNIDIOMATIC.finditer(line)]


def _without_code(text: str) -> str:
    text = FENCED.sub(lambda found: "\n" * found.group().count("\n"), text)
    return re.sub(r"`[^`\n]*`", "code", text)


def _strings_and_comments(code: str) -> str:
    lines = [""] * (code.count("\n") + 1)
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind = tokenize.tok_name[token.type]
        if kind in ("STRING", "COMMENT", "FSTRING_MIDDLE") and " " in token.string:
            for offset, line in enumerate(token.string.splitlines()):
                lines[token.start[0] - 1 + offset] += line.strip("\"'#") + " "
    return "\n".join(lines)
