# SPDX-License-Identifier: MIT
"""Takes out of a recording what belongs to a person: names, IDs, hosts, tokens and signatures, each for a placeholder
that is the same everywhere.

A text is taken apart into words, and a word that is an address, or a part of one, into its parts, after all encodings
are undone. Parameters keep their names and lose their values, whatever they are called.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import platform
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

AZURE_HOST = "management.azure.com"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
USER = "user@example.com"
HOST = "host.example.com"
OUR_TAG = "made-by"

# Headers that a client of ARM goes by; all others are left out.
HEADERS = frozenset({
    "content-type", "etag", "azure-asyncoperation", "location", "retry-after", "date", "cache-control", "pragma",
    "expires", "x-content-type-options", "strict-transport-security", "x-ms-providerhub-traffic", "x-ms-failure-cause",
    "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after", "if-match"})
_RATE_LIMIT = "x-ms-ratelimit-remaining-"
_KEPT_PARAMETERS = frozenset({"api-version", "charset", "max-age"})
_KEPT_HOSTS = frozenset({"aka.ms", "learn.microsoft.com", "docs.microsoft.com", AZURE_HOST})
# The built-in role Reader, and placeholders.
_KEPT_GUIDS = ("acdd72a7-3385-48ef-bd42-f606fba81ae7", SUBSCRIPTION, "00000000-0000-4000-")
# Values by the name of their property.
_BY_NAME = {"createdBy": USER, "lastModifiedBy": USER, "hostName": HOST}
_CLAIMS = ("oid", "sub", "appid", "azp", "upn", "unique_name", "preferred_username", "name", "given_name",
           "family_name", "email", "puid", "ipaddr", "sid", "uti", "xms_mirid", "tid")
_ACCOUNT = ("tenantId", "homeTenantId", "tenantDefaultDomain", "tenantDisplayName", "name")

_BETWEEN_WORDS = re.compile(r"([\s\"'<>`]+)")
_BETWEEN_PARAMETERS = "[?#&;]"
_PATTERNS = (
    ("token", r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
    ("email", r"(?<![\w.+%#-])[\w.+%#-]+@[\w-]+(?:\.[\w-]+)+"),
    ("guid", r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])"),
    ("hash", r"\*[0-9a-f]{64}(?![0-9a-f])"),
    ("plain_guid", r"(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])"),
    ("address", r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"),
    ("host", r"(?<![\w-])(?:[\w-]+\.)+(?:azure|windows|microsoft|onmicrosoft|microsoftonline)\.(?:com|net|cn|us|de)"),
)
_MADE_UP = "*" + "f" * 56  # a hash of ours
_FIXED = {"token": "token", "email": USER, "address": "192.0.2.1"}


class Sanitiser:
    """Replaces what it knows, and what looks like it belongs to somebody."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = {value.lower(): placeholder for value, placeholder in known.items() if len(value) > 2}
        self._others: dict[str, str] = {}  # that are not known, but look like it
        known_pattern = "|".join(map(_alone, sorted(self._known, key=len, reverse=True))) or r"(?!)"
        named = "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS)
        self._pattern = re.compile(f"(?P<known>{known_pattern})|{named}", re.IGNORECASE)
        self._known_only = re.compile(known_pattern, re.IGNORECASE)

    def text(self, text: str) -> str:
        """A text without secrets, also one that is JSON."""
        if text.lstrip()[:1] in ("{", "["):
            try:
                return json.dumps(self.body(json.loads(text)), separators=(",", ":"), ensure_ascii=False)
            except ValueError:
                pass  # it only looks like JSON
        words = _BETWEEN_WORDS.split(self._plain(text))
        return self._decoding("".join(self._decoding(word, _address) for word in words))

    def body(self, body: Any) -> Any:
        """JSON without secrets, and without any tag but ours."""
        if isinstance(body, dict):
            tags = body.get("tags")
            if isinstance(tags, dict):
                body = {**body, "tags": {key: value for key, value in tags.items() if key == OUR_TAG}}
            return {key if key.isidentifier() else self.text(key):
                    _BY_NAME[key] if key in _BY_NAME and isinstance(value, str) else self.body(value)
                    for key, value in body.items()}
        if isinstance(body, list):
            return [self.body(value) for value in body]
        return self.text(body) if isinstance(body, str) else body

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that matter. An ETag, which may look like a GUID, stays what it is."""
        kept = {name: value for name, value in headers.items()
                if name.lower() in HEADERS or name.lower().startswith(_RATE_LIMIT)}
        return {name: self._known_only.sub("x", value) if name.lower() in ("etag", "if-match") else self.text(value)
                for name, value in kept.items()}

    def _decoding(self, text: str, change: Callable[[str], str] = str) -> str:
        """A text without secrets, encoded or not; it stays as it is written where nothing in it has to go."""
        decoded = _decoded(text)
        clean = self._plain(change(decoded))
        return text if clean == decoded else clean

    def _plain(self, text: str) -> str:
        return self._pattern.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        kind, found = str(match.lastgroup), match.group().lower()
        if kind == "known":
            return self._known[re.sub(r"\\+", r"\\", found)]
        if kind == "guid":
            return self._guid(found)
        if kind == "plain_guid":
            dashed = f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:]}"
            return self._known.get(dashed, self._guid(dashed)).replace("-", "")
        if kind == "hash" and not found.startswith(_MADE_UP):
            return self._numbered(found, f"{_MADE_UP.upper()}{{:08d}}")
        if kind == "host" and found not in _KEPT_HOSTS:
            return HOST
        return _FIXED.get(kind, match.group())

    def _guid(self, guid: str) -> str:
        return guid if guid.startswith(_KEPT_GUIDS) else self._numbered(guid, "00000000-0000-4000-8000-{:012d}")

    def _numbered(self, value: str, placeholder: str) -> str:
        return self._others.setdefault(value, placeholder.format(len(self._others) + 1))


def _alone(value: str) -> str:
    """A pattern for a value that is no part of a longer word; a backslash may be one or, escaped, several."""
    pattern = re.escape(value).replace(r"\\", r"\\+")
    return ("(?<![^\\W_])" if value[0].isalnum() else "") + pattern + ("(?![^\\W_])" if value[-1].isalnum() else "")


def _decoded(word: str) -> str:
    """A word with the encodings of addresses, JSON and HTML undone, however often they were applied."""
    before = ""
    while before != word:
        before = word
        word = html.unescape(unquote(word)).replace("\\/", "/")
        word = re.sub(r"\\+u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), word, flags=re.IGNORECASE)
    return word


def _address(text: str) -> str:
    """An absolute or relative address without hosts and values of parameters; other words as they are."""
    place, *parameters = re.split(f"({_BETWEEN_PARAMETERS})", text)
    before, slashes, after = place.partition("//")
    host, slash, path = after.partition("/")
    place = f"{_masked(before, True)}{slashes}{_host(host)}{slash}{path and _address(path)}"
    return place + "".join(_masked(one, False) if number % 2 else one for number, one in enumerate(parameters))


def _host(netloc: str) -> str:
    host = netloc.lower().rstrip(".,:!)")
    return host if not host or host in _KEPT_HOSTS else AZURE_HOST if host.endswith(f".{AZURE_HOST}") else HOST


def _masked(piece: str, first: bool) -> str:
    """A parameter with x for its value, as long as it was. `first`: it may also be a path, or any word."""
    name, equals, value = piece.partition("=")
    if not (name and equals):
        return piece if first else "x" * len(piece)
    name = name if first or re.fullmatch(r"[\w$.-]{1,24}", name) else "x"
    return f"{name}={value if name.lower() in _KEPT_PARAMETERS else 'x' * len(value)}"


def known_secrets(endpoint: str, subscription: str, group: str, account: Mapping[str, Any], token: str
                  ) -> dict[str, str]:
    """What is known to be secret before the first request, with its placeholders."""
    host = urlsplit(endpoint).netloc.lower()
    said = [*map(_claims(token).get, _CLAIMS), *map(account.get, _ACCOUNT), (account.get("user") or {}).get("name")]
    known = {str(value or ""): f"00000000-0000-4000-9000-{number:012d}"
             if re.fullmatch(r"[0-9a-fA-F-]{36}", str(value)) else USER for number, value in enumerate(said)}
    known |= {host.rsplit(":", 1)[0]: AZURE_HOST} if "." in host else {}
    return {**known, str(Path.home()): "~", platform.node(): HOST, host: AZURE_HOST, subscription: SUBSCRIPTION,
            group: "live-group"}


def _claims(token: str) -> Mapping[str, Any]:
    """What a token says of its owner; nothing where it can't be read."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}
