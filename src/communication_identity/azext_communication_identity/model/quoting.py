# SPDX-License-Identifier: MIT
"""How messages show a value: quoted, printable, ready to paste into a shell. Pure."""

from __future__ import annotations

import re

_SHOWN = 320  # characters of a bad value that an error repeats: enough for a long resource ID


def for_display(value: str) -> str:
    """A value as errors show it: quoted, printable, without the middle if it's too long, as IDs differ at the ends."""
    text = value if len(value) <= _SHOWN else f"{value[:100]}…{value[-100:]}"
    return f"'{printable(text)}'"


def for_shell(value: str) -> str:
    """A value as a command to paste contains it, quoted only if a shell would split or interpret it. Double quotes are
    the ones that every shell knows; single quotes are for what Bash and PowerShell interpret inside double quotes.
    PowerShell takes typographic quotes for plain ones: single ones inside single quotes are escaped.
    """
    text = printable(value)
    if re.fullmatch(r"[-\w./:]+", text):
        return text
    if not re.search('["$`!\\\\\u201c\u201d\u201e]', text):
        return f'"{text}"'
    text = re.sub("[\u2018-\u201b]", lambda quote: quote.group().encode("unicode_escape").decode(), text)
    return "'" + text.replace("'", "'\"'\"'") + "'"


def printable(text: str) -> str:
    """Text with control characters and halves of surrogate pairs escaped, so that it can't move a terminal's cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
