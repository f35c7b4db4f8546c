# SPDX-License-Identifier: MIT
"""armsim's evaluator of Kusto queries, on a table written by hand."""

from __future__ import annotations

from typing import Any

import pytest
from armsim.kusto import Table, run

FRUIT = Table(("id", "name", "properties"), [
    {"id": "1", "name": "Apple", "properties": {"color": "red", "Parts": {"core": 1, "odd.name": 2}}},
    {"id": "2", "name": "pear", "properties": {"color": None, "Parts": {}}},
    {"id": "3", "name": "blood-orange", "properties": {"color": "Dark Red"}},
    {"id": "4", "name": None, "properties": None}])


def rows(query: str) -> list[dict[str, Any]]:
    return run(query, {"fruit": FRUIT}).rows


@pytest.mark.parametrize(("test", "ids"), [
    ("name =~ 'APPLE'", "1"), ("name =~ 'appl'", ""), ("name in~ ('APPLE', 'Pear')", "12"), ("name in~ ('')", "4"),
    ("name endswith 'AR'", "2"), ("name endswith 'app'", ""), ("properties.color =~ 'RED'", "1"),
    ("tostring(properties.color) endswith 'RED'", "13"), ("properties.Color =~ 'RED'", ""),
    ("tostring(properties.color) =~ ''", "24"), ("name =~ 'pear' or id =~ '1' or id =~ '9'", "12")])
def test_where(test: str, ids: str) -> None:
    assert "".join(row["id"] for row in rows(f"fruit | where {test}")) == ids


def test_operators_follow_one_another() -> None:
    table = run("fruit\n| where id in~ ('1', '3')\n| where name endswith 'e'\n| project name, paint = properties.color"
                "| order by paint asc", {"fruit": FRUIT})
    assert table == Table(("name", "paint"), [{"name": "blood-orange", "paint": "Dark Red"},
                                              {"name": "Apple", "paint": "red"}])


def test_mv_expand_gives_a_row_for_each_key_one_for_null_and_none_for_an_empty_bag() -> None:
    assert rows("fruit | mv-expand key = bag_keys(properties.Parts) limit 400 | project id, key") == [
        {"id": "1", "key": "core"}, {"id": "1", "key": "odd.name"}, {"id": "3", "key": None}, {"id": "4", "key": None}]


def test_mv_expand_stops_at_its_limit() -> None:
    table = {"many": Table(("bag",), [{"bag": dict.fromkeys(map(str, range(500)))}])}
    assert len(run("many | mv-expand key = bag_keys(bag) limit 400", table).rows) == 400


def test_order_puts_null_first() -> None:
    assert [row["name"] for row in rows("fruit | order by name asc")] == [None, "Apple", "blood-orange", "pear"]


@pytest.mark.parametrize(("literal", "text"), [(r"'it\'s'", "it's"), (r"'a\\b'", "a\\b"), ("'\"|'", '"|')])
def test_literals(literal: str, text: str) -> None:
    assert rows(f"fruit | where id =~ '1' | project x = {literal}") == [{"x": text}]


NOT_UNDERSTOOD = r"""
vegetables
fruit fruit
fruit |
fruit | where
fruit | where name
fruit | where name =~
fruit | where color =~ 'x'
fruit | where name =~ 'a' 'b'
fruit | where name == 'a'
fruit | where name =~ name
fruit | where properties =~ 'a'
fruit | where (name =~ 'a')
fruit | where name =~ 'a' and id =~ '1'
fruit | where name in~ ('a'
fruit | where name =~ 'open
fruit | where name =~ 'a\q'
fruit | where name =~ 'a'; drop
fruit | where tolower(name) =~ 'a'
fruit | project
fruit | project color
fruit | project properties.color
fruit | extend x = name
fruit | summarize count() by name
fruit | mv-expand properties
fruit | mv-expand x = bag_keys(properties)
fruit | mv-expand x = bag_keys(properties) limit 401
fruit | mv-expand x = bag_keys(properties) limit many
fruit | order by name
fruit | order by name desc
fruit | order by properties asc
fruit | order name asc
let x = 1; fruit
"""


@pytest.mark.parametrize("query", ["", *NOT_UNDERSTOOD.strip().splitlines()])
def test_what_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(ValueError):
        rows(query)
