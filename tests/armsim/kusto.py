# SPDX-License-Identifier: MIT
"""The part of the Kusto query language in which the extension asks, over tables in memory (K43). What isn't in it is a
ValueError, never a guess: what runs here is meant to mean the same in Azure Resource Graph.

    TABLE | where TEST or TEST | mv-expand NAME = bag_keys(PATH) limit N | project NAME, NAME = VALUE | order by ID asc

TEST: VALUE =~ 'text', VALUE endswith 'text', VALUE in~ ('text', …). VALUE: 'text', a path, tostring(a path).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Expression = Callable[[Row], Any]

MAX_ROW_LIMIT = 400  # of mv-expand, for each row (K43)
_TOKEN = re.compile(r"\s*('(?:[^'\\\n]|\\[\\'])*'|mv-expand\b|in~|=~|[A-Za-z_]\w*|\d+|[|(),.=])")


@dataclass
class Table:
    """Rows, and the columns that each of them has."""

    columns: tuple[str, ...]
    rows: list[Row]


def run(query: str, tables: Mapping[str, Table]) -> Table:
    """The answer to a query. Raises ValueError for what isn't understood, and for unknown tables and columns."""
    parser = _Parser(query)
    name = parser.take()
    if name not in tables:
        raise ValueError(f"unknown table {name!r}")
    table = tables[name]
    while parser.peek():
        parser.expect("|")
        parser.columns = table.columns
        operator = parser.take()
        if operator not in _OPERATORS:
            raise ValueError(f"unknown operator {operator!r}")
        table = _OPERATORS[operator](parser, table)
    return table


class _Parser:
    """Reads a query; `columns`: those of the table at this point."""

    def __init__(self, query: str) -> None:
        self.tokens: list[str] = []
        self.columns: tuple[str, ...] = ()
        at = 0
        while query[at:].strip():
            match = _TOKEN.match(query, at)
            if match is None:
                raise ValueError(f"not understood: {query[at:at + 40]!r}")
            self.tokens.append(match.group(1))
            at = match.end()

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self) -> str:
        return self.tokens.pop(0) if self.tokens else ""

    def accept(self, token: str) -> bool:
        return self.peek() == token and bool(self.take())

    def expect(self, *tokens: str) -> None:
        for token in tokens:
            if not self.accept(token):
                raise ValueError(f"expected {token!r}, found {self.peek()!r}")

    def several(self, read: Callable[[], Any]) -> list[Any]:
        found = [read()]
        while self.accept(","):
            found.append(read())
        return found

    def name(self) -> str:
        name = self.take()
        if not name.isidentifier():
            raise ValueError(f"expected a name, found {name!r}")
        return name

    def column(self) -> str:
        name = self.name()
        if name not in self.columns:
            raise ValueError(f"unknown column {name!r}")
        return name

    def text(self) -> str:
        literal = self.take()
        if not literal.startswith("'"):
            raise ValueError(f"expected a text, found {literal!r}")
        return re.sub(r"\\(.)", r"\1", literal[1:-1])

    def value(self) -> Expression:
        """A text, a path, or `tostring` of a path: nothing for null."""
        if self.peek().startswith("'"):
            text = self.text()
            return lambda _row: text
        if self.accept("tostring"):
            self.expect("(")
            path = self.path()
            self.expect(")")
            return lambda row: _text(path(row))
        return self.path()

    def path(self) -> Expression:
        """A column and names in it; null where there are none. Names compare with case."""
        names = [self.column()]
        while self.accept("."):
            names.append(self.name())

        def read(row: Row) -> Any:
            found: Any = row
            for name in names:
                found = found.get(name) if isinstance(found, dict) else None
            return found
        return read

    def test(self) -> Callable[[Row], bool]:
        """All compare without case."""
        value, sign = self.value(), self.take()
        if sign == "in~":
            self.expect("(")
            texts = [text.lower() for text in self.several(self.text)]
            self.expect(")")
            return lambda row: _text(value(row)).lower() in texts
        if sign not in ("=~", "endswith"):
            raise ValueError(f"not understood: {sign!r}")
        text = self.text().lower()
        if sign == "=~":
            return lambda row: _text(value(row)).lower() == text
        return lambda row: _text(value(row)).lower().endswith(text)


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"armsim makes no text of {value!r}")
    return value or ""


def _where(parser: _Parser, table: Table) -> Table:
    tests = [parser.test()]
    while parser.accept("or"):
        tests.append(parser.test())
    return Table(table.columns, [row for row in table.rows if any(test(row) for test in tests)])


def _expand(parser: _Parser, table: Table) -> Table:
    """A row for each key; one with null for null, none for an empty bag (K55)."""
    name = parser.name()
    parser.expect("=", "bag_keys", "(")
    bag = parser.path()
    parser.expect(")", "limit")
    limit = int(parser.take())
    if limit > MAX_ROW_LIMIT:
        raise ValueError(f"mv-expand gives {MAX_ROW_LIMIT} rows at most")
    rows = [{**row, name: key} for row in table.rows
            for key in ([None] if bag(row) is None else list(bag(row))[:limit])]
    return Table((*table.columns, name), rows)


def _project(parser: _Parser, table: Table) -> Table:
    def item() -> tuple[str, Expression]:
        if parser.tokens[1:2] == ["="]:
            name = parser.name()
            parser.expect("=")
            return name, parser.value()
        name = parser.column()
        return name, lambda row: row[name]

    made = dict(parser.several(item))
    return Table(tuple(made), [{name: value(row) for name, value in made.items()} for row in table.rows])


def _order(parser: _Parser, table: Table) -> Table:
    parser.expect("by")
    column = parser.column()
    parser.expect("asc")  # without it, Kusto's order is descending
    return Table(table.columns, sorted(table.rows, key=lambda row: _text(row[column])))


_OPERATORS: dict[str, Callable[[_Parser, Table], Table]] = {
    "where": _where, "mv-expand": _expand, "project": _project, "order": _order}
