# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""The spellings of values that scripts use."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from azure.cli.core.azclierror import InvalidArgumentValueError

from azext_communication_identity._validators import split_ids
from azext_communication_identity._values import FlagAction, IdentityListAction, parse_flag, parse_list


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "yes", "Y", "t", "1", " true "])
def test_true(word: str) -> None:
    assert parse_flag(word) is True


@pytest.mark.parametrize("word", ["false", "False", "no", "N", "f", "0"])
def test_false(word: str) -> None:
    assert parse_flag(word) is False


@pytest.mark.parametrize("word", ["", "on", "maybe", "2"])
def test_neither(word: str) -> None:
    with pytest.raises(InvalidArgumentValueError, match="neither true nor false"):
        parse_flag(word)


@pytest.mark.parametrize(("words", "expected"), [
    ([], []),
    (["a"], ["a"]),
    (["a", "b"], ["a", "b"]),
    (["[a,b]"], ["a", "b"]),
    (["[a,", "b]"], ["a", "b"]),
    (['["a","b"]'], ["a", "b"]),
    (["['a','b']"], ["a", "b"]),
    (["[a]"], ["a"]),
    (["[]"], []),
    (["[ ]"], []),
    (["[system]"], ["[system]"]),
    (["[a,]"], ["a", ""]),
    ([""], [""]),
])
def test_lists(words: list[str], expected: list[str]) -> None:
    assert parse_list(words) == expected


@pytest.mark.parametrize("text", ["[1]", "[null]", '[["a"]]', '[{"id": "a"}]'])
def test_a_list_of_something_else(text: str) -> None:
    with pytest.raises(InvalidArgumentValueError, match="is not a list of user-assigned identities"):
        parse_list([text])


@pytest.mark.parametrize(("line", "expected"), [
    ([], {"flag": None, "ids": None}),
    (["--flag"], {"flag": True, "ids": None}),
    (["--flag=FALSE"], {"flag": False, "ids": None}),
    (["--ids", "a", "b", "--flag", "no", "--ids", "[c,d]"], {"flag": False, "ids": ["a", "b", "c", "d"]}),
    (["--ids"], {"flag": None, "ids": []}),
])
def test_actions(line: list[str], expected: dict[str, Any]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--flag", action=FlagAction, nargs="?")
    parser.add_argument("--ids", action=IdentityListAction, nargs="*")
    assert vars(parser.parse_args(line)) == expected


@pytest.mark.parametrize(("values", "expected"), [
    (["/a", "/b"], ["/a", "/b"]),
    (["/a\n/b\n"], ["/a", "/b"]),
    (['["/a", "/b"]'], ["/a", "/b"]),
    (['[{"id": "/a", "name": "x"}, {"id": "/b"}]'], ["/a", "/b"]),
    (['{"id":', '"/a"}'], ["/a"]),
    (["[]"], []),
    ([""], []),
    (['[{"name": "x"}]'], ["{'name': 'x'}"]),
    (["[oops"], ["[oops"]),
])
def test_ids(values: list[str], expected: list[str]) -> None:
    assert split_ids(values) == expected
