# SPDX-License-Identifier: MIT
"""What can happen to a request: the arguments of an armsim Fault, by name."""

from __future__ import annotations

from typing import Any

HTML = {"kind": "raw", "body": "<html>Sign in to the network</html>"}
FAULTS: dict[str, dict[str, Any]] = {
    **{f"status-{status}": {"status": status, "code": "Injected"} for status in (408, 409, 412, 500, 502, 503, 504)},
    "throttled": {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "7"}},
    "identity-throttled": {"status": 429, "code": "FailedIdentityOperation",
                           "message": "Request is temporarily throttled … Retry after 9 seconds."},
    "retry-after-503": {"status": 503, "headers": {"Retry-After": "3"}},
    "reset-before": {"kind": "reset-before"},
    "reset-after": {"kind": "reset-after"},
    "truncated": {"kind": "truncate"},
    "html-200": {**HTML, "status": 200},
    "html-502": {**HTML, "status": 502},
    "json-list": {"kind": "raw", "status": 200, "body": "[]", "content_type": "application/json"},
    "empty": {"kind": "empty"},
    "empty-no-effect": {"kind": "empty-no-effect"},
    "ignored": {"kind": "ignore"},
}
FOREVER = 10**6
