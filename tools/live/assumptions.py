# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The line of docs/service-behaviour.md that each question settles: the only place where the two meet."""

from __future__ import annotations

import re
from functools import cache

from ..environment import ROOT

DOCUMENT = ROOT / "docs" / "service-behaviour.md"

# Question: line. In the order in which they are put. What is assumed is the first line of the question's docstring.
LINES = {
    "patch-taken": "A1",
    "patch-synchronous": "A1",
    "busy-while-running": "A1",
    "values-filled": "A1",
    "put-settles-early": "A25",
    "spelling-of-both": "K11",
    "nothing-else-changes": "K34",
    "map-merged": "A2",
    "null-removes": "A3",
    "type-without-map": "A4",
    "map-needs-type": "K21",
    "empty-user-assigned": "K22",
    "last-removed": "A5",
    "new-principal": "K12",
    "if-match-fresh": "A6",
    "if-match-old": "A6",
    "precondition-body": "A6",
    "if-match-weak": "A6",
    "write-while-busy": "A7",
    "patch-while-patching": "A7",
    "key-casing-kept": "A8",
    "keys-without-case": "A8",
    "gone-stays-listed": "A9",
    "gone-refused": "A9",
    "gone-removed": "A9",
    "unknown-identity": "A10",
    "versions-alike": "A11",
    "graph-soon": "A13",
    "graph-row": "A15",
    "role-at-once": "A14",
    "not-throttled": "A12",  # these two last: they look at all requests
    "retry-after": "A12",
}


@cache
def document_lines() -> dict[str, str]:
    """The lines of the document by number: A1, K12, …"""
    if not DOCUMENT.is_file():
        return {}
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.findall(r"^- \*\*([AK]\d+)\*\* (.*?)(?=^- \*\*|^#|^$)", text, re.MULTILINE | re.DOTALL)
    return {number: " ".join(words.split()) for number, words in found}


def source(number: str) -> str:
    """What a line says of its source until now."""
    words = document_lines().get(number, "")
    match = re.search(r"(?:Why|Source): (.*?)(?: To verify:| \[\w+\]|$)", words)
    return match.group(1) if match else "docs/service-behaviour.md"
