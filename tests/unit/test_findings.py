# SPDX-License-Identifier: MIT
"""What findings amount to, and how they are printed."""

from __future__ import annotations

from typing import Any

import pytest
from azext_communication_identity.model.findings import FAILED, OK, UNKNOWN, WARNING, Finding, fix_hint, summary, worst


def result(*statuses: str, **more: Any) -> dict[str, Any]:
    return {"findings": [{"status": status, **more} for status in statuses]}


def test_a_finding_is_printed_without_what_it_doesnt_say() -> None:
    assert Finding("role", FAILED, "It's missing.", "one", "/scope", ("az a", "az b")).as_output() == {
        "check": "role", "status": "failed", "identity": "one", "scope": "/scope", "reason": "It's missing.", "fix": "az a\naz b"}
    assert Finding("role", OK, "").as_output() == {"check": "role", "status": "ok"}


@pytest.mark.parametrize(("statuses", "status"), [
    ([], OK), ([OK], OK), ([OK, WARNING], WARNING), ([UNKNOWN, WARNING, OK], UNKNOWN), ([WARNING, UNKNOWN, FAILED, OK], FAILED)])
def test_the_worst_status(statuses: list[str], status: str) -> None:
    assert worst(Finding("x", one, "") for one in statuses) == status


@pytest.mark.parametrize(("results", "text"), [
    ([], ""), ([result()], ""), ([result(OK, WARNING)], ""),
    ([result(FAILED)], "1 check failed."), ([result(FAILED, OK), result(FAILED)], "2 checks failed."),
    ([result(UNKNOWN)], "1 check is unknown."), ([result(UNKNOWN, UNKNOWN)], "2 checks are unknown."),
    ([result(FAILED, UNKNOWN)], "1 check failed, 1 is unknown."),
    ([result(*[FAILED] * 1000), result(*[UNKNOWN] * 2)], "1,000 checks failed, 2 are unknown.")])
def test_the_summary(results: list[dict[str, Any]], text: str) -> None:
    assert summary(results) == text


@pytest.mark.parametrize(("printed", "query"), [
    (result(FAILED, fix="az"), "findings[].fix"), ([result(OK), result(FAILED, fix="az")], "[].findings[].fix"),
    ({"findings": [{"status": OK}, {"status": FAILED, "fix": "az"}]}, "findings[].fix"),
    (result(FAILED), None), ([result(OK), result(UNKNOWN)], None), ([], None)])
def test_the_fix_hint_tells_how_to_print_the_fixes(printed: Any, query: str | None) -> None:
    expected = (f'To print the commands that fix what failed, use --query "{query}" --output tsv instead of --output table.')
    assert fix_hint(printed) == (expected if query else None)
