# SPDX-License-Identifier: MIT
"""Values as shells hand them over: a row for each shell, and anything at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from azext_communication_identity.model.resource_id import check_user_assigned, parse_resource_id
from azext_communication_identity.model.role_assignments import check_role, check_scope
from azext_communication_identity.model.shell_words import clean_list, clean_value, from_git_bash, parse_flag
from azure.cli.core.azclierror import InvalidArgumentValueError
from hypothesis import given
from hypothesis import strategies as st

SUB = "00000000-0000-0000-0000-00000000000a"
A, B = (f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Communication/communicationServices/{name}"
        for name in ("app", "other"))
ROLE = f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions/{SUB}"
STRICT = (rf"/subscriptions/{'[0-9a-f]' * 8}-({'[0-9a-f]' * 4}-){{3}}{'[0-9a-f]' * 12}/resourceGroups/[^/?#%\\\s]+"
          r"/providers/Microsoft\.Communication/communicationServices/[-\w]{1,63}/?")
LINES = json.dumps([{"id": A, "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {B: {"clientId": "c"}}},
                    {"id": B, "name": "other"}], indent=2).splitlines()


@pytest.mark.parametrize(("words", "expected"), [
    pytest.param([A], [A], id="bash"),
    pytest.param([A, B], [A, B], id="bash, two words"),
    pytest.param([f"{A}\n{B}\n"], [A, B], id="bash, $(... -o tsv) in quotes"),
    pytest.param([f"{A} {B}"], [A, B], id="bash, a variable in quotes"),
    pytest.param([f"{A}\t{B}"], [A, B], id="bash, tsv columns"),
    pytest.param([f"{A}\r"], [A], id="bash, CRLF script"),
    pytest.param([f"{A}\r\n{B}\r\n"], [A, B], id="cmd, file with CRLF"),
    pytest.param([f" {A}\t"], [A], id="copied with white space"),
    pytest.param([f"\u00a0{A}\u00a0"], [A], id="copied from a page, no-break spaces"),
    pytest.param([f"\ufeff{A}\n{B}"], [A, B], id="PowerShell 5.1, pipe with BOM"),
    pytest.param([f"\u00ef\u00bb\u00bf{A}"], [A], id="PowerShell 5.1, BOM read as cp1252"),
    pytest.param([f"\u2229\u2557\u2510{A}"], [A], id="PowerShell 5.1, BOM read as cp437"),
    pytest.param([f"\u00b4\u2557\u2510{A}"], [A], id="PowerShell 5.1, BOM read as cp850"),
    pytest.param([f"\udcef\udcbb\udcbf{A}"], [A], id="C locale, BOM as surrogates"),
    pytest.param([f"\ufeff\r\n{A}"], [A], id="PowerShell 5.1, BOM in a line of its own"),
    pytest.param([f'\ufeff["{A}"]'], [A], id="PowerShell 5.1, BOM before JSON"),
    pytest.param([f"'{A}'"], [A], id="cmd, single quotes"),
    pytest.param([f"'{A}", f"{B}'"], [A, B], id="cmd, single quotes around two"),
    pytest.param([f"'{A},", f"{B}'"], [A, B], id="cmd, single quotes around a list"),
    pytest.param([f'"{A}"'], [A], id="a JSON string"),
    pytest.param([f'"{A}","{B}"'], [A, B], id="JSON strings with commas"),
    pytest.param([f"{A},", B], [A, B], id="PowerShell, array with a blank"),
    pytest.param([f"{A},{B}"], [A, B], id="PowerShell, array"),
    pytest.param([f"{A},"], [A], id="trailing comma"),
    pytest.param([A, ",", B], [A, B], id="comma between"),
    pytest.param([f"[{A},{B}]"], [A, B], id="PowerShell 5.1, JSON list without quotes"),
    pytest.param([f"[{A},", f"{B}]"], [A, B], id="PowerShell 5.1, JSON list without quotes, split"),
    pytest.param([f"[{{id:{A},name:app}},{{id:{B}}}]"], [A, B], id="PowerShell 5.1, JSON objects without quotes"),
    pytest.param([line.replace('"', "") for line in LINES], [A, B], id="PowerShell 5.1, lines of -o json"),
    pytest.param(LINES, [A, B], id="PowerShell 7, lines of -o json"),
    pytest.param([f'["{A}","{B}"]'], [A, B], id="bash, JSON list"),
    pytest.param([f"['{A}','{B}']"], [A, B], id="bash, shorthand list with quotes"),
    pytest.param([f'{{"id": "{A}"}}'], [A], id="bash, JSON object"),
    pytest.param([f"C:/Program Files/Git{A}"], [A], id="Git Bash"),
    pytest.param(["C:/Program", f"Files/Git{A}"], [A], id="Git Bash, split at the space"),
    pytest.param([f"D:/tools/PortableGit{A}", f"c:/msys64{B}"], [A, B], id="Git Bash elsewhere, MSYS2"),
    pytest.param([f"C:/Users/Jo Do/AppData/Local/Programs/Git{A},", f"C:/Program Files/Git{B}"], [A, B],
                 id="Git Bash of one user, with comma"),
    pytest.param([f"C:{A}"], [A], id="MSYS with its root at the drive"),
    pytest.param([f"/{A}"], [A], id="Git Bash, two slashes"),
    pytest.param([f"https://portal.azure.com/#@contoso.onmicrosoft.com/resource{A}/overview"], [A], id="portal"),
    pytest.param([f"https://portal.azure.com/#resource{A}"], [A], id="portal, no tenant"),
    pytest.param([f"https://portal.azure.com/#resource{A}X/keys"], [f"{A}X"], id="portal, a name that ends with X"),
    pytest.param([f"https://portal.azure.com/#resource{A}X/"], [f"{A}X"], id="portal, a slash behind the ID"),
    pytest.param([f"https://ms.portal.azure.com/?feature.x=1#@{SUB}/resource{A}/identity"], [A], id="portal, feature"),
    pytest.param([f"https://portal.azure.us/#@x/resource{A}", f"https://portal.azure.cn/#@x/resource{B}/keys"], [A, B],
                 id="portals of other clouds"),
])
def test_what_shells_make_of_resource_ids(words: list[str], expected: list[str]) -> None:
    assert clean_list(words) == expected


@pytest.mark.parametrize(("words", "expected"), [
    pytest.param([], [], id="no word"),
    pytest.param(["a", "b"], ["a", "b"], id="bash"),
    pytest.param(["a,b"], ["a", "b"], id="PowerShell, array"),
    pytest.param(["[a,b]"], ["a", "b"], id="shorthand list"),
    pytest.param(["[a]"], ["a"], id="shorthand list of one"),
    pytest.param(["[a,]"], ["a"], id="shorthand list, trailing comma"),
    pytest.param(["[]"], [], id="empty list"),
    pytest.param(["[ ]"], [], id="empty list with a blank"),
    pytest.param(['"[]"'], [], id="cmd, empty list in quotes"),
    pytest.param(["'a'"], ["a"], id="cmd, single quotes"),
    pytest.param([""], [""], id="unset variable in quotes"),
    pytest.param(["a", ""], ["a", ""], id="two variables, one unset"),
    pytest.param(["[,]"], [""], id="a list of two unset variables is not the empty list"),
    pytest.param(['[""]'], [""], id="a JSON list of an unset variable is not the empty list"),
    pytest.param(["a,,b"], ["a", "", "b"], id="a variable between commas is unset"),
    pytest.param(["\ufeff"], [""], id="a file of nothing but a BOM"),
    pytest.param(["my identity"], ["my identity"], id="a name with a space is one bad name, not two"),
    pytest.param(["[system]"], ["[system]"], id="azure-cli's word elsewhere"),
    pytest.param(["[0]=a"], ["[0]=a"], id="shorthand, a part of a list"),
    pytest.param(["[0]=[a]"], ["[0]=[a]"], id="shorthand, a list as a part of a list"),
    pytest.param(["??"], ["??"], id="shorthand, help"),
    pytest.param(["[null]"], ["null"], id="JSON null"),
    pytest.param(["[a,,b]"], ["a", "", "b"], id="shorthand list, a variable between commas is unset"),
    pytest.param(["[,a]"], ["", "a"], id="shorthand list, the first variable is unset"),
    pytest.param(["{id:a:b}"], ["a:b"], id="an object without quotes, a colon in its value"),
    pytest.param(["{id:X,name:[b,c]}"], ["X"], id="an object without quotes, a list in it"),
    pytest.param(["[{id:a,tags:{id:x}}]"], ["a"], id="an object without quotes, an object in it"),
    pytest.param(["{a]}"], ["{a]}"], id="brackets that don't match"),
    pytest.param(["[{id:a]]"], ["[{id:a]]"], id="an object that isn't closed"),
    pytest.param(["{id:a,,name:b}"], [""], id="an object without quotes, an unset variable behind its ID"),
    pytest.param(["[a}]"], ["[a}]"], id="brackets that don't match either"),
    pytest.param(["[a]b]"], ["[a]b]"], id="brackets that close too often"),
    pytest.param(["[a][b]"], ["[a][b]"], id="two lists"),
    pytest.param(["[[a]"], ["[[a]"], id="a list that isn't closed"),
    pytest.param(["[a]]"], ["[a]]"], id="a list that is closed twice"),
    pytest.param(["[X]"], ["X"], id="shorthand list of a capital letter"),
    pytest.param(["[a,XX,b]"], ["a", "XX", "b"], id="shorthand list with capital letters"),
    pytest.param(["{id:a,id2:X}"], ["a"], id="an object without quotes, two keys"),
    pytest.param([","], [""], id="nothing but a comma"),
    pytest.param(["a", "b", ","], ["a", "b"], id="trailing comma in a word of its own"),
    pytest.param(["a,b,c,"], ["a", "b", "c"], id="trailing comma after three"),
    pytest.param(["''"], [""], id="cmd, an unset variable in single quotes"),
    pytest.param(["'"], ["'"], id="one quote"),
    pytest.param(["XaX"], ["XaX"], id="letters that are no quotes"),
    pytest.param(["''a'"], ["''a'"], id="three quotes"),
    pytest.param(["'a''"], ["'a''"], id="three quotes, two of them behind"),
])
def test_what_shells_make_of_names(words: list[str], expected: list[str]) -> None:
    assert clean_list(words) == expected


@pytest.mark.parametrize(("words", "expected"), [
    ([f"{A},{B}"], [A, B]),
    ([f"C:/Program Files/Git{A}", "/providers/Microsoft.Management/managementGroups/mg"],
     [A, "/providers/Microsoft.Management/managementGroups/mg"]),
    (["C:/Program Files/Git/providers/Microsoft.Management/managementGroups/mg"],
     ["/providers/Microsoft.Management/managementGroups/mg"]),
    ([f"/subscriptions/{SUB}/providers/Microsoft.X/things/one, two"],
     [f"/subscriptions/{SUB}/providers/Microsoft.X/things/one, two"]),
    ([f"https://portal.azure.com/#@x/resource/subscriptions/{SUB}/resourceGroups/rg/overview"],
     [f"/subscriptions/{SUB}/resourceGroups/rg"]),
])
def test_scopes(words: list[str], expected: list[str]) -> None:
    assert clean_list(words, names=False) == expected
    assert [check_scope(value) for value in expected] == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("myApp\r", "myApp"), ("\ufeffmyApp", "myApp"), ("'Reader'", "Reader"), (" Key Vault Reader ", "Key Vault Reader"),
    (f"C:/Program Files/Git{ROLE}", ROLE), (f"/{ROLE}", ROLE), ("[]", "[]"), ("a,b", "a,b"), ("it's", "it's"),
    ("myApp,", "myApp"), ("'myApp',\r", "myApp"), ('"Key Vault Reader,"', "Key Vault Reader"), (f"{ROLE},", ROLE),
    ("a\0b", "a\0b"), ("aXbX", "aXbX"), ("X" + A, "X" + A),
])
def test_single_values(text: str, expected: str) -> None:
    assert clean_value(text) == expected


@pytest.mark.parametrize(("words", "expected"), [
    ([f"C:/Program Files/Git{A}"], True), (["C:/Program", f"Files/Git{A}"], True), (["x", f"C:/msys64{A}"], True), ([f"'C:/msys64{A}'"], True),
    ([A], False), ([f"/{A}"], False), (["C:/Program Files/Git/ids.json"], False), (["ids.json"], False), ([], False),
])
def test_from_git_bash(words: list[str], expected: bool) -> None:
    assert from_git_bash(words) is expected


@pytest.mark.parametrize("text", [
    '[1]', '[["a"]]', '[{"name": "a"}]', '[{"id": 1}]', "{}", "[{name:a}]", '{"id": null}', "[[a]]"])
def test_a_list_of_something_else(text: str) -> None:
    with pytest.raises(InvalidArgumentValueError, match="is not a list of names or resource IDs"):
        clean_list([text])


def test_a_list_nested_without_end() -> None:
    with pytest.raises(InvalidArgumentValueError, match="is not a list"):
        clean_list(["[" * 100_000 + "]" * 100_000])


@pytest.mark.parametrize("text", [
    f"C:/Program Files/..{A}", f"C:/Program Files/Git/x?{A}", f"C:/%2e%2e{A}", f"file:///C:/Git{A}", f"https://evil{A}",
    f"https://portal.azure.com.evil/x{A}", f"https://portal.azure.com/#@x/resource{A}%2f..", f"Git{A}", f"../Git{A}",
    f"https://portal.azure.com/#@x/resource{A}/../y", f"\\\\server\\Git{A}", f"'{A}", f'"{A}\'', f"''{A}''", f"[{A}",
    f"C:/Program  Files/Git{A}", A.replace("/sub", "/\u017fub"), A.replace("/res", "/re\u017f"), f"{A}\0",
    f"\ufeff{A}\u200b",
    A.replace("/providers", "https://portal.azure.com/#@x/resource/providers"), f"xhttps://portal.azure.com/#resource{A}",
    f"C:/Git{A.replace('Communication', 'Compute')}", f"C:/Git{A}/../x", "[{id:" + A, A[:-3] + "\0a\0p\0p",
])
def test_what_has_no_single_meaning_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentValueError):
        for value in clean_list([text]):
            parse_resource_id(value)


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "yes", "Y", "t", "1", " true ", "true\r", "'true'"])
def test_true(word: str) -> None:
    assert parse_flag(word) is True


@pytest.mark.parametrize("word", ["false", "False", "no", "N", "f", "0"])
def test_false(word: str) -> None:
    assert parse_flag(word) is False


@pytest.mark.parametrize("word", ["", "on", "maybe", "2", "ye\u017f"])
def test_neither(word: str) -> None:
    with pytest.raises(InvalidArgumentValueError, match="isn't a valid value"):
        parse_flag(word)


# ---- anything --------------------------------------------------------------------------------------------------------

nasty = st.sampled_from([
    "", " ", "\r", "\n", "\0", "'", '"', ",", "[", "]", "{", "}", ":", "id:", "..", "/", "//", "%2f", "?", "#",
    "\ufeff", "\u00ef\u00bb\u00bf", "\u00ff\u00fe", "\u212a", "\u017f", "\u202e", "C:/", "C:/Program Files/Git",
    "/overview", "null", "https://portal.azure.com/#@x/resource", A, B, A.upper(), "??", "[0]="])
texts = st.lists(nasty | st.text(max_size=5), max_size=6).map("".join)
mangled = st.builds(lambda at, what: A[:at] + what + A[at:], st.integers(0, len(A)), texts)


@given(words=st.lists(texts | mangled, max_size=3))
def test_anything_is_cleaned_or_refused(words: list[str]) -> None:
    """What gets through the checks was there as a whole, and nothing is made from pieces."""
    for check, names in ((parse_resource_id, True), (check_user_assigned, True), (check_scope, False)):
        try:
            values = clean_list(words, names=names)
        except InvalidArgumentValueError:
            continue
        for value in values:
            if passes(check, value) and check is parse_resource_id:
                assert re.fullmatch(STRICT, value.strip(), re.ASCII | re.IGNORECASE)
                assert value in "\n".join(words)


def passes(check: Callable[[str], object], value: str) -> bool:
    try:
        check(value)
    except InvalidArgumentValueError:
        return False
    return True


@given(text=texts | mangled)
def test_any_single_value_is_cleaned_or_refused(text: str) -> None:
    for check in (check_role, check_scope, check_user_assigned, parse_resource_id):
        passes(check, clean_value(text))
    passes(parse_flag, text)


manglers: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([
    str, lambda one: one + "\r\n", lambda one: "\ufeff" + one, lambda one: "\u00ef\u00bb\u00bf" + one,
    lambda one: f"'{one}'",
    lambda one: f'"{one}"', lambda one: one + ",", lambda one: f"[{one}]", lambda one: f"[{{id:{one}}}]",
    lambda one: f'["{one}"]', lambda one: "C:/Program Files/Git" + one, lambda one: "/" + one,
    lambda one: f"https://portal.azure.com/#@x/resource{one}/overview"])


@given(mangle=manglers, outer=st.sampled_from([str, lambda one: f" {one}\r\n", lambda one: "\ufeff" + one]))
def test_one_shell_after_the_other(mangle: Callable[[str], str], outer: Callable[[str], str]) -> None:
    text = mangle(A)
    assert clean_list([outer(text)]) == [A]
