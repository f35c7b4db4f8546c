# SPDX-License-Identifier: MIT
"""How messages show values: quoted, printable, and ready to paste into a shell."""

from __future__ import annotations

import shlex

import pytest
from azext_communication_identity.model.quoting import for_display, for_shell, printable
from azext_communication_identity.model.resource_id import ResourceId
from hypothesis import given
from hypothesis import strategies as st

GUID = "00000000-0000-0000-0000-00000000000a"


@pytest.mark.parametrize(("value", "expected"), [
    ("", ""), ("a b\u00e4\U0001f600", "a b\u00e4\U0001f600"), ("a\tb\x1b[2J\x7f\x9b", r"a\tb\x1b[2J\x7f\x9b"), ("\ud800\u202e\u2028", r"\ud800\u202e\u2028"),
])
def test_nothing_moves_a_cursor(value: str, expected: str) -> None:
    assert printable(value) == expected


@given(st.text())
def test_anything_is_printable(value: str) -> None:
    assert printable(value).isprintable()
    assert printable(value).encode().decode() == printable(value)


@pytest.mark.parametrize(("value", "expected"), [
    ("a'b", "'a'b'"), ("a\nb\x07\u202eä", r"'a\nb\x07\u202eä'"), ("x" * 320, f"'{'x' * 320}'"),
    ("a" * 101 + "-" * 119 + "b" * 101, f"'{'a' * 100}…{'b' * 100}'"),
])
def test_shown(value: str, expected: str) -> None:
    assert for_display(value) == expected


@pytest.mark.parametrize(("value", "expected"), [
    ("rg-1_a.b", "rg-1_a.b"), ("gr\u00fcppe", "gr\u00fcppe"), (f"/subscriptions/{GUID}/x:y", f"/subscriptions/{GUID}/x:y"),
    ("rg(1)", '"rg(1)"'), ("/a b", '"/a b"'), ("", '""'), ("a,b", '"a,b"'), ("*", '"*"'), ("a'b", '"a\'b"'),
    ("$HOME", "'$HOME'"), ("a`b", "'a`b'"), ('a"b', "'a\"b'"), ("a!", "'a!'"), ("$'", "'$'\"'\"''"),
    ("a\nb;c", "'a\\nb;c'"), ("\u202e", "'\\u202e'"),
    # PowerShell takes typographic quotes for plain ones
    ("Bob\u2019s role", '"Bob\u2019s role"'), ("a\u201c;b;\u201d", "'a\u201c;b;\u201d'"),
    ("$x\u2019;b;\u2018", "'$x\\u2019;b;\\u2018'"), ("\u201e\u201a\u201b", "'\u201e\\u201a\\u201b'"),
])
def test_pasted(value: str, expected: str) -> None:
    assert for_shell(value) == expected


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"], exclude_characters="\u2018\u2019\u201a\u201b") | st.just(" ")))
def test_a_shell_reads_what_was_meant(value: str) -> None:
    assert shlex.split(for_shell(value)) == [value]


@pytest.mark.parametrize("group", ["g", "g" * 90])
def test_errors_tell_one_long_id_from_another(group: str) -> None:
    one, other = (ResourceId(GUID, group, "n" * 63 + end).id for end in "ab")
    assert for_display(one) == f"'{one}'"
    assert for_display(one) != for_display(other)
    assert for_display("x" * 500 + "a") != for_display("x" * 500 + "b")
    assert len(for_display("x" * 10_000)) < 250
