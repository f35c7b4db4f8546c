# SPDX-License-Identifier: MIT
"""What `check` finds, and what that amounts to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

OK, WARNING, UNKNOWN, FAILED = "ok", "warning", "unknown", "failed"
SEVERITY = (FAILED, UNKNOWN, WARNING, OK)


class Finding(NamedTuple):
    """One thing that was checked. `identity`: "system-assigned", or a resource ID. `fix`: commands, ready to paste."""

    check: str
    status: str
    reason: str
    identity: str = ""
    scope: str = ""
    fix: Sequence[str] = ()

    def as_output(self) -> dict[str, str]:
        """As `check` prints it: without the keys that say nothing."""
        output = {"check": self.check, "status": self.status, "identity": self.identity, "scope": self.scope,
                  "reason": self.reason, "fix": "\n".join(self.fix)}
        return {key: value for key, value in output.items() if value}


def worst(findings: Iterable[Finding]) -> str:
    """The worst status of several findings."""
    return min((finding.status for finding in findings), key=SEVERITY.index, default=OK)


def summary(results: Iterable[Mapping[str, Any]]) -> str:
    """How many checks failed or are unknown; empty if none."""
    counts = Counter(finding["status"] for result in results for finding in result["findings"])
    failed, unknown = counts[FAILED], counts[UNKNOWN]
    parts = [f"{_checks(failed)} failed"] if failed else []
    if unknown:
        parts.append(f"{unknown if failed else _checks(unknown)} {'is' if unknown == 1 else 'are'} unknown")
    return f"{', '.join(parts)}." if parts else ""


def fix_hint(printed: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str | None:
    """How to print the commands that fix what failed; None if there are none."""
    results, query = ([printed], "findings[].fix") if isinstance(printed, Mapping) else (printed, "[].findings[].fix")
    has_fix = any("fix" in finding for one in results for finding in one["findings"])
    return (f'To print the commands that fix what failed, use --query "{query}" --output tsv instead of --output table.'
            if has_fix else None)


def _checks(count: int) -> str:
    return "1 check" if count == 1 else f"{count:,} checks"
