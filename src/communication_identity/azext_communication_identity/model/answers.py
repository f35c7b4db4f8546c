# SPDX-License-Identifier: MIT
"""Answers of Azure Resource Manager (ARM), and what they say: errors, codes, and how long to wait. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Union

from .quoting import printable

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
DEFAULT_THROTTLE = 5.0  # seconds to wait if a 429 names no time
TRANSIENT = (408, 500, *range(502, 600))  # 501 isn't: the service doesn't know the method
_MOST_DETAILS = 5  # of an error, to repeat
# "Retry after 2 seconds." (recorded inside FailedIdentityOperation), "try again after '6' seconds." (recorded, ARM).
_SECONDS_IN_TEXT = r"(?i:(?:retry|try again) after '?(\d{1,6})'? seconds)"


class Answer(NamedTuple):
    """An answer. `body`: its JSON; None if it has none. `headers`: names in lower case. `at`: when it came, in seconds.
    `waited`: how many seconds the request waited while ARM throttled it.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = NO_HEADERS
    text: str = ""
    at: float = 0.0
    waited: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the service said yes."""
        return 200 <= self.status < 300

    @property
    def is_malformed(self) -> bool:
        """Whether the body is neither an object nor null nor empty, such as a proxy's page."""
        return not isinstance(self.body, dict) and (self.body is not None or self.text.strip() not in ("", "null"))

    @property
    def retry_after(self) -> float | None:
        """Retry-After in seconds; a date (RFC 9110) is compared with the answer's own. None if it isn't understood."""
        text, date = self.headers.get("retry-after", ""), self.headers.get("date", "")
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text.strip()):
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - parsedate_to_datetime(date)).total_seconds())
        except (TypeError, ValueError, IndexError, OverflowError):  # what Python raises for no date, or half of one
            return None


class NoAnswer(NamedTuple):
    """No usable answer. `timed_out`: none came in time, and a retry would take as long. `permanent`: none will ever
    come. `is_network`: the connection failed. `status`, `body` and so on are those of an Answer that says nothing.
    """

    reason: str
    timed_out: bool = False
    permanent: bool = False
    at: float = 0.0
    status: int = 0
    body: None = None
    ok: bool = False
    retry_after: None = None
    is_malformed: bool = False
    headers: Mapping[str, str] = NO_HEADERS
    is_network: bool = False


Reply = Union[Answer, NoAnswer]


def is_transient(reply: Reply) -> bool:
    """Whether it makes sense to retry a request that changes nothing."""
    if isinstance(reply, NoAnswer):
        return not (reply.timed_out or reply.permanent)
    return reply.status in TRANSIENT


def is_not_found(reply: Reply) -> bool:
    """Whether ARM says that something doesn't exist. Not a proxy's 404, or one for a subscription or API version."""
    return (isinstance(reply, Answer) and reply.status == 404 and (reply.body is not None or not reply.text.strip())
            and error_code(reply) not in ("subscriptionnotfound", "invalidresourcetype"))


def seconds_asked_for(answer: Answer) -> float:
    """The longest wait, in seconds, that a 429 asks for: in Retry-After, in its text, or for Resource Graph's quota."""
    in_text = [float(seconds) for seconds in re.findall(_SECONDS_IN_TEXT, answer.text)]
    return max(answer.retry_after or 0.0, quota_resets_after(answer), *in_text) or DEFAULT_THROTTLE


def quota_resets_after(answer: Answer) -> float:
    """The seconds until Resource Graph grants new queries ("00:00:05"); 0 if the headers don't say."""
    match = re.fullmatch(r"(\d{1,3}):(\d\d):(\d\d)(?:\.\d+)?", answer.headers.get("x-ms-user-quota-resets-after", ""))
    if match is None:
        return 0.0
    hours, minutes, seconds = map(int, match.groups())
    return hours * 3600.0 + minutes * 60.0 + seconds


def error_of(reply: Reply) -> dict[str, Any]:
    """The value of "error" in an answer, or its body itself, with keys in lower case; empty if there is none."""
    body = _lower(reply.body)
    error = body.get("error", body)
    return {"message": error} if isinstance(error, str) else _lower(error)


def error_code(reply: Reply) -> str:
    """The code of an error answer, in lower case; empty if it has none."""
    return str(error_of(reply).get("code") or "").lower()


def error_text(error: Mapping[str, Any]) -> str:
    """The codes and messages of an error and its first details, which alone name the reason in Resource Graph."""
    texts: dict[str, None] = {}  # a set that keeps the order
    left = [dict(error)]
    while left and len(texts) < _MOST_DETAILS:
        one = _lower(left.pop(0))
        code, message = (text_of(one.get(key)) for key in ("code", "message"))
        text = " ".join(filter(None, (f"({code})" if code else "", message)))
        texts.update({text: None} if text else {})
        details = one.get("details")
        left += [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    return " ".join(texts)


def object_at(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key; empty if it isn't one."""
    found = body.get(key)
    return found if isinstance(found, Mapping) else {}


def text_of(value: Any) -> str:
    """A value that should be text, as it can be printed; empty if it isn't text."""
    return printable(value) if isinstance(value, str) else ""


def _lower(value: Any) -> dict[str, Any]:
    return {str(key).lower(): part for key, part in value.items()} if isinstance(value, dict) else {}
