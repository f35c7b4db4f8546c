# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

r"""What a command line says: turns its words, as any shell passes them on, into resource IDs and names, lists and
flags, or a helpful error. Pure: no I/O, no SDK.

Only unambiguous values are repaired, and every result still goes through the checks.

| where it comes from | what arrives | repaired to |
|---|---|---|
| CRLF script in bash, `$(az ... -o tsv)` on Windows | `ID\r`, white space around it | `ID` |
| Windows PowerShell 5.1, pipe or file with a byte order mark | `\ufeffID` | `ID` |
| the same, read in a Windows code page | `ï»¿ID` (cp1252), `∩╗┐ID` (cp437), `´╗┐ID` (cp850) | `ID` |
| Windows PowerShell 5.1, `>` (UTF-16) | `I\0D\0`, with or without a byte order mark | `ID` |
| cmd, where single quotes are plain letters | `'ID'`, `'ID1, ID2'` | `ID`; `ID1`, `ID2` |
| PowerShell, an array with commas and blanks | `ID1,` `ID2`; `ID1,ID2` | `ID1`, `ID2` |
| PowerShell 5.1 and cmd, which remove the double quotes | `[ID1,ID2]`, `[{id:ID,name:app}]` | `ID1`, `ID2`; `ID` |
| PowerShell 7 and bash, JSON as it is | `["ID"]`, `[{"id": "ID"}]`, `"ID"` | `ID` |
| Git Bash, which mistakes an ID for a path | `C:/Program Files/Git/subscriptions/...` | `/subscriptions/...` |
| Git Bash, the usual way around that | `//subscriptions/...` | `/subscriptions/...` |
| a browser: the address of the resource in the portal | `https://portal.azure.com/#@t/resource/ID/overview` | `ID` |

Every part of a URL matches one of the patterns below. They accept only one thing that a URL must not contain, non-ASCII
letters in the name of a group, and the SDK escapes these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from azure.cli.core.azclierror import InvalidArgumentValueError

# 1-63 characters, ^[-\w]+$ (OpenAPI document of Microsoft.Communication 2025-09-01, communicationServiceName).
_RESOURCE_NAME = r"[-0-9A-Za-z_]{1,63}"
# 1-90 characters and no period at the end (Azure naming rules); ARM allows non-ASCII letters here. Not the KELVIN SIGN
# and the LONG S: where IDs are compared without case, they would pass for a k and an s.
_GROUP_NAME = r"(?![-\w.()]*[\u212a\u017f])[-\w.()]{0,89}[-\w()]"
GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
# Alphanumerics, hyphens and underscores, a letter or digit first, at most 128 (Azure naming rules).
_IDENTITY_NAME = r"[0-9A-Za-z][-0-9A-Za-z_]{0,127}"

# Not compiled here: that would slow down every command, and most don't need them.
# `a`: without it, Python takes the KELVIN SIGN for a k and the LONG S for an s. `u-i`: a group may have more letters.
_RESOURCE_ID = (rf"(?ia:/subscriptions/({GUID})/resourceGroups/((?u-i:{_GROUP_NAME}))"
                rf"/providers/Microsoft\.Communication/communicationServices/({_RESOURCE_NAME})/?)")
_IDENTITY_ID = (rf"(?ia:/subscriptions/({GUID})/resourceGroups/((?u-i:{_GROUP_NAME}))"
                rf"/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/({_IDENTITY_NAME})/?)")

_SHOWN = 320  # characters of a bad value that an error repeats: enough for a long resource ID

_TRUE = ("true", "yes", "y", "t", "1")
_FALSE = ("false", "no", "n", "f", "0")

# A byte order mark, and what its UTF-8 bytes turn into in cp1252, cp437, cp850 and in Python's C locale.
_MARKS = "(?:\ufeff|\u00ef\u00bb\u00bf|\u2229\u2557\u2510|\u00b4\u2557\u2510|\udcef\udcbb\udcbf)+"
# The same of UTF-16.
_WIDE_MARKS = ("\ufeff", "\u00ff\u00fe", "\u00fe\u00ff", "\udcff\udcfe", "\udcfe\udcff")
# How an ID begins, without its first slash. `a`: no letter beyond ASCII that folds to one.
_ROOT = rf"(?ia:subscriptions/{GUID}|providers/Microsoft\.)"
_WORD = r"[^\s/\\:*?\"'<>|%,\[\]{}]+"
_FOLDER = rf"(?!\.+/){_WORD}(?:[ \n]{_WORD})*"
_START = r"(?:(?<=[\s,:\[\"'])|^)"
_GIT_BASH = rf"{_START}[A-Za-z]:/(?:{_FOLDER}/)*?(?={_ROOT})"
_PORTAL = (rf"{_START}(?ia:https://(?:[-a-z0-9]+\.)*portal\.[-a-z0-9.]+/(?:\?[^#\s]*)?#(?:@[-\w.]*/)?resource)"
           rf"(/{_ROOT}[^\s,\"'\[\]{{}}]*)")


class Resource(NamedTuple):
    """One communicationServices resource: the three parts of its ID that vary."""

    subscription: str
    group: str
    name: str

    @property
    def id(self) -> str:
        """The ARM resource ID."""
        return (f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
                f"/providers/Microsoft.Communication/communicationServices/{self.name}")

    @property
    def to_see(self) -> str:
        """How to see its identities, as errors recommend it."""
        return f"To see its current identities, run:\naz communication identity show --ids {for_shell(self.id)}"

    @property
    def to_wait(self) -> str:
        """How to wait for an operation on it, as errors recommend it."""
        return ("To wait for it to finish, run:\n"
                f"az communication identity wait --updated --ids {for_shell(self.id)}")


class Consent(Enum):
    """What to do before a removal that deletes the system-assigned identity, leaves no identity, or removes all
    user-assigned identities without naming them. Don't use its truth value; compare with `is`.
    """

    YES = "yes"  # --yes, or the setting core.disable_confirm_prompt
    ASK = "ask"  # standard input is a terminal
    GO_ON = "go on"  # no terminal, and the command line names the resources and identities
    REFUSE = "refuse"  # the resource IDs come from standard input, so there is no one to ask


def parse_resource_id(value: str) -> Resource:
    """The resource that an ID names. Raises InvalidArgumentValueError that names the value and the fix."""
    match = re.fullmatch(_RESOURCE_ID, value.strip())
    if not match:
        raise InvalidArgumentValueError(
            f"{for_display(value)} is not the resource ID of a Communication Services resource.",
            "A resource ID looks like /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers"
            "/Microsoft.Communication/communicationServices/NAME. To list the IDs of your resources, run:\n"
            'az communication identity list --query "[].id" --output tsv')
    return Resource(*match.groups())


def check_resource_name(name: str) -> str:
    """The name of a resource, or InvalidArgumentValueError."""
    if not re.fullmatch(_RESOURCE_NAME, name):
        raise InvalidArgumentValueError(
            f"{for_display(name)} is not a valid name for a Communication Services resource.",
            "A name can have 1 to 63 letters, digits, hyphens and underscores. To list your resources, run:\n"
            "az communication identity list --output table")
    return name


def check_group_name(name: str) -> str:
    """The name of a resource group, or InvalidArgumentValueError."""
    if not re.fullmatch(_GROUP_NAME, name):
        raise InvalidArgumentValueError(
            f"{for_display(name)} is not a valid name for a resource group.",
            "A name can have 1 to 90 letters, digits, hyphens, underscores, periods and parentheses, and can't end "
            "with a period. To list your resource groups, run:\naz group list --output table")
    return name


def check_subscription(subscription: str) -> str:
    """A subscription ID, or InvalidArgumentValueError. The CLI passes on unknown names as they are."""
    if not re.fullmatch(GUID, subscription):
        raise InvalidArgumentValueError(
            f"{for_display(subscription)} is not a subscription that you have access to.",
            "To list your subscriptions, run:\naz account list --output table")
    return subscription


def check_user_assigned(value: str) -> str:
    """The name or resource ID of a user-assigned identity, without surrounding blanks and a trailing slash. Raises
    InvalidArgumentValueError that names the value and the fix.
    """
    text = value.strip()
    if re.fullmatch(_IDENTITY_ID, text):
        return text.rstrip("/")
    if re.fullmatch(GUID, text):
        raise InvalidArgumentValueError(
            f"{for_display(value)} is a client ID or a principal ID, not the resource ID of a user-assigned identity.",
            "To find the resource ID, run:\n"
            f"az identity list --query \"[?clientId=='{text}' || principalId=='{text}'].id\" --output tsv")
    if text.lower() in ("null", "none"):
        raise InvalidArgumentValueError(
            f"{for_display(value)} looks like the result of an empty query, not the name of a user-assigned identity.",
            "A --query that finds nothing prints 'None' with --output tsv and 'null' with --output json. Check the "
            "command that the value comes from. If an identity has this name, specify its resource ID.")
    if re.fullmatch(_IDENTITY_NAME, text):
        return text
    raise InvalidArgumentValueError(*_why_not_an_identity(value, text))


def _why_not_an_identity(value: str, text: str) -> tuple[str, str]:
    find = 'To list the resource IDs of your identities, run:\naz identity list --query "[].id" --output tsv'
    if not text:
        return ("--user-assigned contains an empty value.",
                f"If the value comes from a variable, check that it is set. Specify a name or resource ID. {find}")
    if text.strip("[]").lower() in ("system", "systemassigned"):
        return (f"{for_display(value)} is not a user-assigned identity.",
                "For the system-assigned identity, use --system-assigned.")
    if text == "??":
        return ("--user-assigned doesn't support '??'.",
                "To see how to specify identities, run:\naz communication identity assign --help")
    if re.match(r"\[-?\d+\]", text):
        return (f"--user-assigned doesn't support setting one element of a list: {for_display(value)}",
                f"Specify the identity itself: --user-assigned {text.partition('=')[2] or 'ID_OR_NAME'}")
    return (f"{for_display(value)} is neither the name nor the resource ID of a user-assigned identity.",
            "A resource ID looks like /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers"
            f"/Microsoft.ManagedIdentity/userAssignedIdentities/NAME. {find}")


def user_assigned_id(name_or_id: str, resource: Resource) -> str:
    """The resource ID of a user-assigned identity. A name means the resource's own group and subscription; its ID is
    spelled with lower-case "resourcegroups", as Microsoft.ManagedIdentity itself spells its IDs (recorded).
    """
    if name_or_id.startswith("/"):
        return name_or_id
    return (f"/subscriptions/{resource.subscription}/resourcegroups/{resource.group}"
            f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name_or_id}")


def parse_flag(value: str) -> bool:
    """The value of a flag, in any case: true, yes, y, t, 1 or false, no, n, f, 0."""
    word = clean_value(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidArgumentValueError(f"{for_display(value)} is neither true nor false.",
                                    "Use the flag alone, or with true or false.")


def from_git_bash(words: Iterable[str]) -> bool:
    """Whether Git Bash turned an ID into the path of a file."""
    return re.search(_GIT_BASH, "\n".join(words)) is not None


def clean_value(text: str) -> str:
    """A single value: a name, a role, a scope. It is never split."""
    return _repaired(_trimmed(text))


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
    root: list[Any] = []
    stack: list[list[Any] | dict[str, Any]] = [root]
    key, before = "", ""
    for token in re.findall(r"[\[\]{},]|[^\[\]{},]+", text):
        top = stack[-1]
        word = token.strip()
        if not word:
            continue
        if word in "]}":
            if isinstance(top, list) != (word == "]") or len(stack) == 1:
                return None
            stack.pop()
        elif word in "[{":
            new: list[Any] | dict[str, Any] = [] if word == "[" else {}
            _put(top, key, new)
            stack.append(new)
        elif word == ",":
            if before in (",", "["):
                _put(top, key, "")  # nothing between two commas: an unset variable, which the checks refuse
        elif isinstance(top, dict):
            key, _, value = word.partition(":")
            key = _trimmed(key)
            if value:
                _put(top, key, _trimmed(value))
        else:
            _put(top, key, _trimmed(word))
        before = word
    return root[0] if len(root) == 1 and len(stack) == 1 else None


def _put(where: list[Any] | dict[str, Any], key: str, value: Any) -> None:
    if isinstance(where, list):
        where.append(value)
    else:
        where[key] = value


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
    text = _marks_off(_narrow(text))
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        text = _marks_off(text[1:-1])
    return text


def _marks_off(text: str) -> str:
    return re.sub(rf"\A\s*{_MARKS}", "", text).strip()


def _narrow(text: str) -> str:
    """UTF-16 that was read as a text of single bytes: every second character is a NUL."""
    bare = next((text[len(mark):] for mark in _WIDE_MARKS if text.startswith(mark)), text)
    for zeros, letters in ((bare[1::2], bare[::2]), (bare[::2], bare[1::2])):
        if len(bare) > 3 and not zeros.strip("\0") and "\0" not in letters:
            return letters
    return text


def for_display(value: str) -> str:
    """A value as errors show it: quoted, with control characters escaped, and without the middle if it's too long,
    because IDs differ at their ends.
    """
    text = value if len(value) <= _SHOWN else f"{value[:100]}…{value[-100:]}"
    return f"'{_printable(text)}'"


def for_shell(value: str) -> str:
    """A value as a command to paste contains it, quoted only if a shell would split or interpret it. Double quotes are
    the ones that every shell knows; single quotes are for what Bash and PowerShell interpret inside double quotes.
    """
    text = _printable(value)
    if re.fullmatch(r"[-\w./:]+", text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'" if re.search(r'["$`!\\]', text) else f'"{text}"'


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
