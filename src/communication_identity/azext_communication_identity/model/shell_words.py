# SPDX-License-Identifier: MIT
r"""The words of a command line as shells pass them on, turned into single values, lists and flags. Pure.

Only unambiguous values are repaired, and every result still goes through the checks.

| where it comes from | what arrives | repaired to |
|---|---|---|
| CRLF script in bash, `$(az ... -o tsv)` on Windows | `ID\r`, white space around it | `ID` |
| Windows PowerShell 5.1, pipe or file with a byte order mark | `\ufeffID` | `ID` |
| the same, read in a Windows code page | `ï»¿ID` (cp1252), `∩╗┐ID` (cp437), `´╗┐ID` (cp850) | `ID` |
| cmd, where single quotes are plain letters | `'ID'`, `'ID1, ID2'` | `ID`; `ID1`, `ID2` |
| PowerShell, an array with commas and blanks | `ID1,` `ID2`; `ID1,ID2` | `ID1`, `ID2` |
| PowerShell 5.1 and cmd, which remove the double quotes | `[ID1,ID2]`, `[{id:ID,name:app}]` | `ID1`, `ID2`; `ID` |
| PowerShell 7 and bash, JSON as it is | `["ID"]`, `[{"id": "ID"}]`, `"ID"` | `ID` |
| Git Bash, which mistakes an ID for a path | `C:/Program Files/Git/subscriptions/...` | `/subscriptions/...` |
| Git Bash, the usual way around that | `//subscriptions/...` | `/subscriptions/...` |
| a browser: the address of the resource in the portal | `https://portal.azure.com/#@t/resource/ID/overview` | `ID` |
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from azure.cli.core.azclierror import InvalidArgumentValueError

from .quoting import for_display
from .resource_id import GUID

_TRUE = ("true", "yes", "y", "t", "1")
_FALSE = ("false", "no", "n", "f", "0")
# A byte order mark, and what its UTF-8 bytes turn into in cp1252, cp437, cp850 and in Python's C locale.
_MARKS = "(?:\ufeff|\u00ef\u00bb\u00bf|\u2229\u2557\u2510|\u00b4\u2557\u2510|\udcef\udcbb\udcbf)+"
# How an ID begins, without its first slash. `a`: no letter beyond ASCII that folds to one.
_ROOT = rf"(?ia:subscriptions/{GUID}|providers/Microsoft\.)"
_WORD = r"[^\s/\\:*?\"'<>|%,\[\]{}]+"
_FOLDER = rf"(?!\.+/){_WORD}(?:[ \n]{_WORD})*"
_START = r"(?:(?<=[\s,:\[\"'])|^)"
_GIT_BASH = rf"{_START}[A-Za-z]:/(?:{_FOLDER}/)*?(?={_ROOT})"
_PORTAL = (rf"{_START}(?ia:https://(?:[-a-z0-9]+\.)*portal\.[-a-z0-9.]+/(?:\?[^#\s]*)?#(?:@[-\w.]*/)?resource)"
           rf"(/{_ROOT}[^\s,\"'\[\]{{}}]*)")


def parse_flag(value: str) -> bool:
    """The value of a flag, in any case: true, yes, y, t, 1 or false, no, n, f, 0."""
    word = clean_value(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidArgumentValueError(f"{for_display(value)} isn't a valid value.", "Use true or false, or no value.")


def from_git_bash(words: Iterable[str]) -> bool:
    """Whether Git Bash turned an ID into the path of a file."""
    return re.search(_GIT_BASH, "\n".join(words)) is not None


def clean_value(text: str) -> str:
    """A single value: a name, a role, a scope. It is never split."""
    return _repaired(_trimmed(_trimmed(text).rstrip(",")))


def clean_list(words: Sequence[str], *, names: bool = True) -> list[str]:
    """The values in the words of one option. `names`: whether a comma always separates values, as in lists of names and
    IDs. In a list of scopes, it separates only before the next scope. Raises InvalidArgumentValueError for a list of
    anything but strings and objects with an `id`.
    """
    trimmed = [_trimmed(word) for word in words]
    text = _trimmed(_repaired("\n".join(word for word in trimmed if word)))
    empty = [""] * trimmed.count("")
    if text[:1] + text[-1:] in ("[]", "{}") and text != "[system]":  # valid in azure-cli's own commands, refused here
        return _structured(text) + empty
    comma = r"\s*,\s*" if names else r"\s*,\s*(?=[\"'/]|$)"
    items = re.split(rf"{comma}|\s*[\r\n]+\s*|\s+(?=[\"']?/)", text) if text else []
    if len(items) > 1 and not items[-1]:
        del items[-1]  # a trailing comma
    return [_trimmed(item) for item in items] + empty


def flatten(items: Any, text: str) -> list[str]:
    """The strings of a parsed list, and the `id` of each object in it."""
    found = [item.get("id") if isinstance(item, dict) else "null" if item is None else item
             for item in (items if isinstance(items, list) else [items])]
    if not all(isinstance(item, str) for item in found):
        raise InvalidArgumentValueError(
            f"{for_display(text)} is not a list of names or resource IDs.",
            'Separate them with spaces (ID1 ID2), or use a JSON list: ["ID1","ID2"].')
    return [_trimmed(str(item)) for item in found]


def _structured(text: str) -> list[str]:
    """The values in JSON, or in JSON whose double quotes a shell removed."""
    try:
        return flatten(json.loads(text), text)
    except (ValueError, RecursionError):
        pass  # not JSON, or nested without end
    parsed = _without_quotes(text)
    return [text] if parsed is None else flatten(parsed, text)


def _without_quotes(text: str) -> Any:
    """A list or an object whose strings have no quotes: `[a,b]`, `[{id:a,name:b}]`. None if the text is neither."""
    stack: list[tuple[str, str, list[tuple[str, Any]]]] = [("[", "", [])]  # of each: "[" or "{", its key, its values
    key = before = ""
    for word in filter(None, map(str.strip, re.findall(r"[\[\]{},]|[^\[\]{},]+", text))):
        begin, own_key, inside = stack[-1]
        if word in "]}":
            if begin + word not in ("[]", "{}") or len(stack) == 1:
                return None
            stack.pop()
            stack[-1][2].append((own_key, dict(inside) if begin == "{" else [value for _, value in inside]))
        elif word in "[{":
            stack.append((word, key, []))
        elif word == ",":
            if before in (",", "["):
                inside.append((key, ""))  # nothing between two commas: an unset variable, which the checks refuse
        elif begin == "{":
            key, _, value = word.partition(":")
            key = _trimmed(key)
            if value:
                inside.append((key, _trimmed(value)))
        else:
            inside.append((key, _trimmed(word)))
        before = word
    root = stack[0][2]
    return root[0][1] if len(root) == 1 and len(stack) == 1 else None


def _repaired(text: str) -> str:
    """IDs that Git Bash, its usual workaround, or the portal's address bar changed."""
    text = re.sub(_GIT_BASH, "/", text)
    text = re.sub(rf"{_START}//+(?={_ROOT})", "/", text)
    return re.sub(_PORTAL, lambda match: _without_page(match.group(1)), text)


def _without_page(path: str) -> str:
    """An ID without the name of a portal page at its end: the parts of an ID come in pairs."""
    parts = path.strip("/").split("/")
    return "/" + "/".join(parts[:-1] if len(parts) % 2 else parts)


def _trimmed(text: str) -> str:
    """Text without white space, byte order marks and one pair of quotes around it."""
    text = _without_marks(text)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        text = _without_marks(text[1:-1])
    return text


def _without_marks(text: str) -> str:
    return re.sub(rf"\A\s*{_MARKS}", "", text).strip()
