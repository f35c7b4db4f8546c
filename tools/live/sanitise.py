# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Takes out of a recording what belongs to a person: names, IDs, hosts, tokens and signatures, each for a placeholder
that is the same everywhere.
"""

from __future__ import annotations

import base64
import binascii
import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
_KEPT_PARAMETERS = frozenset({"api-version"})
_KEPT_HOSTS = frozenset({"aka.ms", "learn.microsoft.com", "docs.microsoft.com"})
_KEPT_GUIDS = frozenset({"acdd72a7-3385-48ef-bd42-f606fba81ae7"})  # the built-in role Reader
# Values by the name of their property.
_BY_NAME = {"createdBy": USER, "lastModifiedBy": USER, "hostName": HOST}
_CLAIMS = ("oid", "sub", "appid", "azp", "tid", "upn", "unique_name", "preferred_username", "name", "given_name",
           "family_name", "email", "puid", "ipaddr", "sid", "uti", "xms_mirid")

_URL = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)
_PATTERNS = (
    ("token", r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
    ("email", r"[\w.+%#-]+@[\w-]+(?:\.[\w-]+)+"),
    ("guid", r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])"),
    ("hash", r"(?:\*|%2A)[0-9a-f]{64}(?![0-9a-f])"),
    ("plain_guid", r"(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])"),
    ("address", r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"),
    ("host", r"(?:[\w-]+\.)+(?:azure|windows|microsoft|onmicrosoft|microsoftonline)\.(?:com|net|cn|us|de)"),
)
_FIXED = {"token": "token", "email": USER, "address": "192.0.2.1"}


class Sanitiser:
    """Replaces what it knows, and what looks like it belongs to somebody."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = {value.lower(): placeholder for value, placeholder in known.items() if len(value) > 2}
        self._guids: dict[str, str] = {value: value for value in _KEPT_GUIDS}
        self._hashes: dict[str, str] = {}
        longest_first = sorted(self._known, key=len, reverse=True)
        known_pattern = "|".join(rf"(?<![\w-]){re.escape(value)}(?![\w-])" for value in longest_first) or r"(?!)"
        named = "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS)
        self._pattern = re.compile(f"(?P<known>{known_pattern})|{named}", re.IGNORECASE)
        self._known_only = re.compile(known_pattern, re.IGNORECASE)

    def text(self, text: str) -> str:
        """A text without secrets."""
        parts, end = [], 0
        for match in _URL.finditer(text):
            parts += [self._plain(text[end:match.start()]), self.url(match.group())]
            end = match.end()
        return "".join([*parts, self._plain(text[end:])])

    def url(self, url: str) -> str:
        """An address; values of its parameters, such as signatures, are x of the same length."""
        parts = urlsplit(url)
        host = parts.netloc.lower()
        known = self._known.get(host)
        netloc = known or (host if host in _KEPT_HOSTS else AZURE_HOST if host.endswith(AZURE_HOST) else HOST)
        query = "&".join(self._parameter(one) for one in parts.query.split("&")) if parts.query else ""
        scheme = "https" if known else parts.scheme
        return f"{scheme}://{netloc}{self._plain(parts.path)}{'?' if query else ''}{query}"

    def body(self, body: Any) -> Any:
        """JSON without secrets, and without any tag but ours."""
        if isinstance(body, dict):
            tags = body.get("tags")
            if isinstance(tags, dict):
                body = {**body, "tags": {key: value for key, value in tags.items() if key == OUR_TAG}}
            return {self.text(key) if "/" in key or len(key) > 30 else key:
                    _BY_NAME[key] if key in _BY_NAME and isinstance(value, str) else self.body(value)
                    for key, value in body.items()}
        if isinstance(body, list):
            return [self.body(value) for value in body]
        return self.text(body) if isinstance(body, str) else body

    def body_text(self, text: str) -> str:
        """A body as it came."""
        try:
            return json.dumps(self.body(json.loads(text)), separators=(",", ":"), ensure_ascii=False)
        except ValueError:
            return self.text(text)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that matter. An ETag, which may look like a GUID, stays what it is."""
        kept = {name: value for name, value in headers.items()
                if name.lower() in HEADERS or name.lower().startswith(_RATE_LIMIT)}
        return {name: self._known_only.sub("x", value) if name.lower() in ("etag", "if-match") else self.text(value)
                for name, value in kept.items()}

    def _plain(self, text: str) -> str:
        return self._pattern.sub(self._replace, text)

    def _replace(self, match: re.Match[str]) -> str:
        kind, found = str(match.lastgroup), match.group().lower()
        if kind == "known":
            return self._known[found]
        if kind == "guid":
            return self._guid(found)
        if kind == "plain_guid":
            dashed = f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:]}"
            return self._known.get(dashed, "").replace("-", "") or self._guid(dashed).replace("-", "")
        if kind == "hash":
            return "*" + self._hashes.setdefault(found[-64:], f"{'F' * 56}{len(self._hashes) + 1:08d}")
        if kind == "host":
            return match.group() if found in _KEPT_HOSTS | {AZURE_HOST} else HOST
        return _FIXED[kind]

    def _guid(self, guid: str) -> str:
        return self._guids.setdefault(guid, f"00000000-0000-4000-8000-{len(self._guids):012d}")

    def _parameter(self, parameter: str) -> str:
        name, _, value = parameter.partition("=")
        return f"{name}={value if name.lower() in _KEPT_PARAMETERS else 'x' * len(value)}"


def known_secrets(endpoint: str, subscription: str, group: str, account: Mapping[str, Any], token: str
                  ) -> dict[str, str]:
    """What is known to be secret before the first request, with its placeholders."""
    host = urlsplit(endpoint).netloc.lower()
    claims = _claims(token)
    people = [str(claims.get(name) or "") for name in _CLAIMS if name not in ("tid",)]
    people += [str(account.get("user", {}).get("name") or ""), str(account.get("tenantDefaultDomain") or ""),
               str(account.get("tenantDisplayName") or ""), str(account.get("name") or "")]
    tenants = [str(claims.get("tid") or ""), str(account.get("tenantId") or ""), str(account.get("homeTenantId") or "")]
    known = dict.fromkeys(people, USER)
    known |= {person: f"00000000-0000-4000-9000-{number:012d}" for number, person in enumerate(people)
              if re.fullmatch(r"[0-9a-fA-F-]{36}", person)}
    known |= dict.fromkeys(tenants, "00000000-0000-4000-a000-000000000000")
    if "." in host:
        known[host.rsplit(":", 1)[0]] = AZURE_HOST
    known |= {str(Path.home()): "~", platform.node(): HOST}
    return {**known, host: AZURE_HOST, subscription: SUBSCRIPTION, group: "live-group"}


def _claims(token: str) -> Mapping[str, Any]:
    """What a token says of its owner; nothing where it can't be read."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}
