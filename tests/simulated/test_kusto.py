# SPDX-License-Identifier: MIT
"""armsim's evaluator of Kusto queries, on tables written by hand."""

from __future__ import annotations

from typing import Any

import pytest
from armsim.kusto import Table, run

FRUIT = Table(("id", "name", "properties"), [
    {"id": "1", "name": "Apple",
     "properties": {"colour": "red", "Parts": {"core": 1, "odd.name": 2}, "tags": ["a", "b"]}},
    {"id": "2", "name": "pear", "properties": {"colour": None, "Parts": {}, "tags": []}},
    {"id": "3", "name": "blood-orange", "properties": {"colour": "Red orange", "tags": ["b"]}},
    {"id": "4", "name": None, "properties": None}])
PRICES = Table(("name", "price"), [
    {"name": "Apple", "price": 3}, {"name": "Apple", "price": 4}, {"name": "fig", "price": 9}])
TABLES = {"fruit": FRUIT, "Prices": PRICES}


def rows(query: str) -> list[dict[str, Any]]:
    return run(query, TABLES).rows


@pytest.mark.parametrize(("test", "ids"), [
    ("name =~ 'APPLE'", "1"),
    ("name == 'APPLE'", ""),
    ("name == 'Apple'", "1"),
    ("name != 'Apple'", "23"),
    ("name !~ 'apple'", "23"),
    ("name in~ ('APPLE', \"PEAR\")", "12"),
    ("name in ('APPLE', 'pear')", "2"),
    ("name !in ('APPLE', 'pear')", "134"),
    ("name !in~ ('APPLE', 'pear')", "34"),
    ("name has 'orange'", "3"),
    ("name has 'ORANGE'", "3"),
    ("name has 'rang'", ""),
    ("name has 'blood-orange'", "3"),
    ("name !has 'orange'", "124"),
    ("name contains 'rang'", "3"),
    ("name !contains 'P'", "34"),
    ("name startswith 'AP'", "1"),
    ("name endswith 'AR'", "2"),
    ("properties.colour =~ 'RED'", "1"),
    ("properties['colour'] =~ 'RED'", "1"),
    ("properties.Colour =~ 'RED'", ""),
    ("properties.Parts['odd.name'] == 2", "1"),
    ("properties.tags[0] == 'b'", "3"),
    ("properties.tags[-1] == 'b'", "13"),
    ("isnotempty(properties.colour)", "13"),
    ("isempty(properties.colour)", "24"),
    ("isnotnull(properties)", "123"),
    ("isnull(properties.Parts)", "34"),
    ("isnotnull(properties.Parts)", "12"),
    ("tostring(properties.Parts) == '{\"core\":1,\"odd.name\":2}'", "1"),
    ("tostring(properties) == ''", "4"),
    ("tolower(properties.colour) == 'red orange'", "3"),
    ("split(name, '-')[1] == 'orange'", "3"),
    ("split(name, '-')[-1] == 'orange'", "3"),
    ("id == '1' or id == '2' and name == 'pear'", "12"),
    ("(id == '1' or id == '2') and name == 'pear'", "2"),
    ("not(id == '1' or id == '2')", "34"),
    ("not(name =~ 'apple')", "234"),
])
def test_where(test: str, ids: str) -> None:
    assert "".join(row["id"] for row in rows(f"fruit | where {test}")) == ids


def test_tables_and_operators_follow_one_another() -> None:
    query = "FRUIT\n| where id in ('1', '3')\n| where name has 'orange'\n| project name"
    assert rows(query) == [{"name": "blood-orange"}]


def test_project_and_extend() -> None:
    table = run("fruit | take 1 | project id, paint = tostring(properties.colour), name", TABLES)
    assert table.columns == ("id", "paint", "name")
    assert table.rows == [{"id": "1", "paint": "red", "name": "Apple"}]
    table = run("fruit | limit 1 | extend core = properties.Parts.core, name = 'x' | project name, core", TABLES)
    assert table.rows == [{"name": "x", "core": 1}]


def test_mv_expand_gives_a_row_for_each_key_one_for_null_and_none_for_an_empty_bag() -> None:
    assert rows("fruit | mv-expand key = bag_keys(properties.Parts) | project id, key") == [
        {"id": "1", "key": "core"}, {"id": "1", "key": "odd.name"}, {"id": "3", "key": None}, {"id": "4", "key": None}]


def test_mv_expand_stops_at_its_limit() -> None:
    table = {"many": Table(("bag",), [{"bag": dict.fromkeys(map(str, range(500)))}])}
    assert len(run("many | mv-expand key = bag_keys(bag)", table).rows) == 128
    assert len(run("many | mv-expand key = bag_keys(bag) limit 400", table).rows) == 400


def test_order() -> None:
    assert [row["name"] for row in rows("fruit | order by name asc")] == [None, "Apple", "blood-orange", "pear"]
    assert [row["name"] for row in rows("fruit | sort by name")] == ["pear", "blood-orange", "Apple", None]
    assert [row["price"] for row in rows("prices | order by name asc, price desc")] == [4, 3, 9]


def test_distinct() -> None:
    assert rows("prices | distinct name") == [{"name": "Apple"}, {"name": "fig"}]


def test_join() -> None:
    joined = run("fruit | project id, name | join kind=inner (prices | project name, price) on name", TABLES)
    assert joined.columns == ("id", "name", "name1", "price")
    assert [(row["id"], row["price"]) for row in joined.rows] == [("1", 3), ("1", 4)]
    outer = ("fruit | extend key = tolower(name) | project id, key | join kind = leftouter "
             "(prices | extend low = tolower(name) | project low, price) on $left.key == $right.low")
    assert [(row["id"], row["price"]) for row in rows(outer)] == [
        ("1", 3), ("1", 4), ("2", None), ("3", None), ("4", None)]


@pytest.mark.parametrize(("literal", "text"), [
    (r"'it\'s'", "it's"), (r"'a\\b'", "a\\b"), (r'"say \"x\""', 'say "x"'), ("'\"'", '"'), (r"'tab\t'", "tab\t")])
def test_literals(literal: str, text: str) -> None:
    assert rows(f"fruit | take 1 | project x = {literal}") == [{"x": text}]


NOT_UNDERSTOOD = r"""
vegetables
fruit |
fruit | where
fruit | where name
fruit | where name =~
fruit | where colour == 'x'
fruit | where name =~ 'a' 'b'
fruit | where name like 'a'
fruit | where (name == 'a'
fruit | where name ~ 'a'
fruit | where name == 'open
fruit | where name == 'a\q'
fruit | where name == 'a'; drop
fruit | project
fruit | project colour
fruit | project properties.colour
fruit | extend name
fruit | project-away name
fruit | summarize count() by name
fruit | count
fruit | take name
fruit | mv-expand properties
fruit | mv-expand x = name
fruit | mv-expand x = bag_keys(properties) limit 401
fruit | mv-apply x = bag_keys(properties) on (where x == 'a')
fruit | order by properties
fruit | order name
fruit | distinct properties
fruit | join (prices) on name
fruit | join kind=anti (prices) on name
fruit | join kind=inner (prices) on id
fruit | where tostring(name, name) == 'a'
fruit | where strlen(name) == 1
fruit | where price > 0
fruit | where !name
fruit | where name !== 'a'
fruit fruit
fruit | where name[id] == 'a'
let x = 1; fruit
fruit | where name matches regex 'a'
"""


@pytest.mark.parametrize("query", ["", *NOT_UNDERSTOOD.strip().splitlines()])
def test_what_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(ValueError):
        rows(query)
