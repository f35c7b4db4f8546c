# SPDX-License-Identifier: MIT
"""Takes out of a text what belongs to a person: names, IDs, hosts, tokens and signatures. A word is decoded, and taken
apart if it may be an address; parameters keep their names and lose their values, whatever they are called.
"""

from __future__ import annotations

import base64
import html
import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

HOST, USER = "host.example.com", "user@example.com"
_KEPT_HOSTS = ("", "management.azure.com", "aka.ms", "learn.microsoft.com")
_CLAIMS = ("sub", "name", "given_name", "family_name", "upn", "unique_name", "preferred_username", "email", "puid")
_PATTERNS = {
    r"\beyJ[\w-]+\.[\w-]+\.[\w-]*": "token",
    r"(?<![\w.+%#-])[\w.+%#-]+@[\w-]+(?:\.[\w-]+)+": USER,
    r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])": "192.0.2.1",
    r"(?<![\w-])(?!management\.azure\.|learn\.microsoft\.)(?:[\w-]+\.)+"
    r"(?:azure|windows|microsoft|onmicrosoft|microsoftonline)\.(?:com|net|cn|us|de)": HOST,
}
_GUID = re.compile(r"(?<![0-9a-z])[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12,}(?![0-9a-z])", re.IGNORECASE)
_PARAMETER = re.compile(r"(^|[?#&;])([^=?#&;]*)(=?)([^?#&;]*)")


class Sanitizer:
    """Replaces what it knows, and what looks like it belongs to somebody."""

    def __init__(self, known: Mapping[str, str]) -> None:
        patterns = {rf"(?<![a-z0-9]){re.escape(value)}(?![a-z0-9])": known[value]
                    for value in sorted(known, key=len, reverse=True) if len(value) > 2}
        self._patterns = [(re.compile(one, re.IGNORECASE), new) for one, new in {**patterns, **_PATTERNS}.items()]
        self._guids: dict[str, str] = {}

    def text(self, text: str) -> str:
        """A text without secrets, and without encodings."""
        words = re.split(r"([\s\"'<>`]+)", self._plain(text))
        return self._plain(_decoded("".join(self._plain(_address(_decoded(word))) for word in words)))

    def _plain(self, text: str) -> str:
        for pattern, placeholder in self._patterns:
            text = pattern.sub(placeholder, text)
        return _GUID.sub(self._guid, text)

    def _guid(self, match: re.Match[str]) -> str:
        """The same for the same, so that a reader can compare them."""
        guid = match.group().lower().replace("-", "")
        return match.group() if guid.startswith("0000000000004000") else self._guids.setdefault(
            guid, f"00000000-0000-4000-8000-{len(self._guids) + 1:012d}")


def _decoded(word: str) -> str:
    """A word with the encodings of addresses, JSON and HTML undone, however often they were applied."""
    before = ""
    while before != word:
        before = word
        word = re.sub(r"\\+u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), word, flags=re.IGNORECASE)
        word = re.sub(r"\\+([\\/])", r"\1", html.unescape(unquote(word)))
    return word


def _address(text: str) -> str:
    """An absolute or relative address without hosts and values of parameters; other words as they are."""
    text = re.sub("//([^/?#&;]*)", lambda found: found[0] if found[1].lower().rstrip(".,:!)") in _KEPT_HOSTS
                  else f"//{HOST}", text)
    return _PARAMETER.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    """A parameter without its value; the first may also be a path, or any word."""
    separator, name, equals, value = match.groups()
    version = name.lower() == "api-version" and re.fullmatch(r"[\d-]{10}(-preview)?", value)
    if version or [separator, name, equals].count("") > 1:
        return match[0]
    known = equals and (not separator or re.fullmatch(r"[\w$.-]{,24}", name))
    return f"{separator}{name if known else 'xxx'}{equals}{equals and 'xxx'}"


def known_secrets(endpoint: str, group: str, account: Mapping[str, Any], token: str) -> dict[str, str]:
    """What is known to be secret before the first request, with its placeholders; GUIDs are found anyway."""
    host = urlsplit(endpoint).netloc.lower()
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}=="))
    except (IndexError, ValueError):
        claims = {}
    said = [*map(claims.get, _CLAIMS), *map(account.get, ("tenantDefaultDomain", "tenantDisplayName", "name")),
            (account.get("user") or {}).get("name"), Path.home().name]
    return {**{str(one): USER for one in said if one}, platform.node(): HOST, group: "GROUP",
            host.rsplit(":", 1)[0]: _KEPT_HOSTS[1], host: _KEPT_HOSTS[1]}
