# SPDX-License-Identifier: MIT
"""The part of the Kusto query language that the extension uses, over tables in memory (K43). What it doesn't know is a
ValueError, never a guess: what runs here is meant to mean the same in Azure Resource Graph.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Expression = Callable[[Row], Any]

ROW_LIMIT, MAX_ROW_LIMIT = 128, 400  # of mv-expand, for each row (K43)
_TOKEN = re.compile(r"""\s*(?:
    (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    | (?P<number>-?\d+)
    | (?P<word>mv-expand\b|mv-apply\b|project-\w+|[A-Za-z_]\w*)
    | (?P<sign>=~|!~|==|!=|<=|>=|!(?=[a-z])|[=<>|(),.\[\]$])
)""", re.VERBOSE)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_LITERALS = {"true": True, "false": False}


@dataclass
class Table:
    """Rows, and the columns that each of them has."""

    columns: tuple[str, ...]
    rows: list[Row]


def run(query: str, tables: Mapping[str, Table]) -> Table:
    """The answer to a query. Raises ValueError for what isn't understood, and for unknown tables and columns."""
    parser = _Parser(query, tables)
    table = parser.pipeline()
    parser.end()
    return table


class _Parser:
    """Reads and runs a query in one go: each operator takes the table that the one before left."""

    def __init__(self, query: str, tables: Mapping[str, Table]) -> None:
        self.tables = {name.lower(): table for name, table in tables.items()}
        self.tokens = _tokens(query)
        self.at = 0
        self.columns: tuple[str, ...] = ()

    # ---- tokens ------------------------------------------------------------------------------------------------------

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *values: str) -> str | None:
        """Take the next token if it is one of these words or signs."""
        kind, value = self.peek()
        if kind in ("word", "sign") and value in values:
            self.at += 1
            return value
        return None

    def expect(self, value: str) -> None:
        if not self.accept(value):
            raise ValueError(f"expected {value!r}, found {self.peek()[1]!r}")

    def word(self) -> str:
        kind, value = self.take()
        if kind != "word":
            raise ValueError(f"expected a name, found {value!r}")
        return value

    def end(self) -> None:
        if self.peek()[0] != "end":
            raise ValueError(f"not understood: {self.peek()[1]!r}")

    # ---- tables and operators ----------------------------------------------------------------------------------------

    def pipeline(self) -> Table:
        """A table and what is done to it."""
        name = self.word()
        if name.lower() not in self.tables:
            raise ValueError(f"unknown table {name!r}")
        table = self.tables[name.lower()]
        while self.accept("|"):
            self.columns = table.columns
            table = self.operator(self.word(), table)
        return table

    def operator(self, name: str, table: Table) -> Table:
        if name == "where":
            test = self.expression()
            return Table(table.columns, [row for row in table.rows if _truth(test(row))])
        if name in ("project", "extend"):
            return self.project(table, keep=name == "extend")
        if name == "mv-expand":
            return self.expand(table)
        if name in ("order", "sort"):
            return self.order(table)
        if name == "distinct":
            return _distinct(table, self.names())
        if name in ("take", "limit"):
            return Table(table.columns, table.rows[:self.number()])
        if name == "join":
            return self.join(table)
        raise ValueError(f"unknown operator {name!r}")

    def project(self, table: Table, keep: bool) -> Table:
        made: dict[str, Expression] = {}
        while True:
            kind, name = self.peek()
            following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ("end", "")
            if kind == "word" and following == ("sign", "="):
                self.at += 2
                made[name] = self.expression()
            elif keep:
                raise ValueError("extend needs names")
            else:
                made[self.column()] = _column(name)
            if not self.accept(","):
                break
        rows = [{**(row if keep else {}), **{name: value(row) for name, value in made.items()}} for row in table.rows]
        before = tuple(name for name in table.columns if name not in made) if keep else ()
        return Table((*before, *made), rows)

    def expand(self, table: Table) -> Table:
        """`mv-expand name = list [limit n]`: a row for each element; one with null for null, none for [] (K55)."""
        name = self.word()
        self.expect("=")
        value = self.expression()
        limit = self.number() if self.accept("limit") else ROW_LIMIT
        if limit > MAX_ROW_LIMIT:
            raise ValueError(f"mv-expand gives {MAX_ROW_LIMIT} rows at most")
        rows = []
        for row in table.rows:
            elements = value(row)
            if elements is not None and not isinstance(elements, list):
                raise ValueError("mv-expand needs a list")
            rows += [{**row, name: element} for element in ([None] if elements is None else elements)[:limit]]
        return Table((*(column for column in table.columns if column != name), name), rows)

    def order(self, table: Table) -> Table:
        """Without `asc` or `desc` it is descending, as in Kusto."""
        self.expect("by")
        rows = table.rows
        keys: list[tuple[str, bool]] = []
        while True:
            column = self.column()
            keys.append((column, self.accept("asc", "desc") != "asc"))
            if not self.accept(","):
                break
        for column, down in reversed(keys):
            if any(isinstance(row[column], (dict, list)) for row in rows):
                raise ValueError(f"order by can't compare {column!r}: it is dynamic")
            rows = sorted(rows, key=lambda row: (row[column] is not None, row[column] or ""), reverse=down)
        return Table(table.columns, rows)

    def join(self, table: Table) -> Table:
        """`join kind=leftouter|inner (query) on column`, or `on $left.a == $right.b`."""
        self.expect("kind")
        self.expect("=")
        kind = self.word()
        if kind not in ("leftouter", "inner"):
            raise ValueError(f"unknown join {kind!r}")
        self.expect("(")
        right = self.pipeline()
        self.expect(")")
        self.expect("on")
        left_key, right_key = self.join_keys()
        if left_key not in table.columns or right_key not in right.columns:
            raise ValueError("join on an unknown column")
        names = {column: f"{column}1" if column in table.columns else column for column in right.columns}
        nothing = dict.fromkeys(names.values())
        rows = []
        for row in table.rows:
            matches = [{names[key]: value for key, value in other.items()} for other in right.rows
                       if other[right_key] == row[left_key]]
            rows += [{**row, **match} for match in matches or ([nothing] if kind == "leftouter" else [])]
        return Table((*table.columns, *names.values()), rows)

    def join_keys(self) -> tuple[str, str]:
        if not self.accept("$"):
            both = self.word()
            return both, both
        self.expect("left")
        self.expect(".")
        left = self.word()
        self.expect("==")
        self.expect("$")
        self.expect("right")
        self.expect(".")
        return left, self.word()

    def column(self) -> str:
        name = self.word()
        if name not in self.columns:
            raise ValueError(f"unknown column {name!r}")
        return name

    def names(self) -> list[str]:
        names = [self.column()]
        while self.accept(","):
            names.append(self.column())
        return names

    def number(self) -> int:
        kind, value = self.take()
        if kind != "number":
            raise ValueError(f"expected a number, found {value!r}")
        return int(value)

    # ---- expressions -------------------------------------------------------------------------------------------------

    def expression(self) -> Expression:
        parts = [self.conjunction()]
        while self.accept("or"):
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else lambda row: any(_truth(part(row)) for part in parts)

    def conjunction(self) -> Expression:
        parts = [self.comparison()]
        while self.accept("and"):
            parts.append(self.comparison())
        return parts[0] if len(parts) == 1 else lambda row: all(_truth(part(row)) for part in parts)

    def comparison(self) -> Expression:
        left = self.value()
        negated = self.accept("!") is not None
        sign = self.accept("==", "!=", "=~", "!~", *_SEARCHES, "in~", "in")
        if sign is None:
            if negated:
                raise ValueError("not understood: '!'")
            return left
        if sign in ("in", "in~"):
            return self.membership(left, negated)
        if negated and sign not in _SEARCHES:
            raise ValueError(f"not understood: '!{sign}'")
        right = self.value()
        test = _TESTS[sign]
        return lambda row: test(left(row), right(row)) != negated

    def membership(self, left: Expression, negated: bool) -> Expression:
        """`in (…)` with case and `in~ (…)` without."""
        same = _same_without_case if self.tokens[self.at - 1][1] == "in~" else _same
        self.expect("(")
        values = [self.value()]
        while self.accept(","):
            values.append(self.value())
        self.expect(")")
        return lambda row: any(same(left(row), value(row)) for value in values) != negated

    def value(self) -> Expression:
        kind, text = self.take()
        if (kind, text) == ("sign", "("):
            inner = self.expression()
            self.expect(")")
            return inner
        if kind == "text":
            literal = re.sub(r"\\(.)", lambda match: _escape(match.group(1)), text[1:-1])
            return lambda _row: literal
        if kind == "number":
            return lambda _row: int(text)
        if kind == "word" and text in _LITERALS:
            return lambda _row: _LITERALS[text]
        if kind == "word" and self.peek() == ("sign", "("):
            return self.call(text)
        if kind == "word" and text in self.columns:
            return self.path(_column(text))
        raise ValueError(f"unknown name {text!r}")

    def call(self, name: str) -> Expression:
        self.expect("(")
        arguments = [self.expression()]
        while self.accept(","):
            arguments.append(self.expression())
        self.expect(")")
        function = _FUNCTIONS.get((name, len(arguments)))
        if function is None:
            raise ValueError(f"unknown function {name!r}/{len(arguments)}")
        return self.path(lambda row: function(*(argument(row) for argument in arguments)))

    def path(self, value: Expression) -> Expression:
        """What follows a value: `.name`, `['name']` and `[number]`."""
        while True:
            if self.accept("."):
                value = _member(value, self.word())
            elif self.accept("["):
                kind, text = self.take()
                if kind not in ("text", "number"):
                    raise ValueError(f"not understood in brackets: {text!r}")
                value = _member(value, text[1:-1] if kind == "text" else int(text))
                self.expect("]")
            else:
                return value


def _tokens(query: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while query[at:].strip():
        match = _TOKEN.match(query, at)
        if match is None:
            raise ValueError(f"not understood: {query[at:at + 40]!r}")
        kind = str(match.lastgroup)
        at = match.end()
        value = match.group(kind)
        if kind == "word" and value == "in" and query[at:at + 1] == "~":
            value, at = "in~", at + 1
        tokens.append((kind, value))
    return tokens


def _escape(character: str) -> str:
    if character in "\\'\"":
        return character
    if character not in _ESCAPES:
        raise ValueError(f"unknown escape \\{character}")
    return _ESCAPES[character]


def _column(name: str) -> Expression:
    return lambda row: row[name]


def _member(value: Expression, key: str | int) -> Expression:
    """A property of a bag or an element of a list; null where there is none, as in Kusto. Names compare with case."""
    def read(row: Row) -> Any:
        whole = value(row)
        if isinstance(key, str):
            return whole.get(key) if isinstance(whole, dict) else None
        return whole[key] if isinstance(whole, list) and -len(whole) <= key < len(whole) else None
    return read


def _distinct(table: Table, names: Iterable[str]) -> Table:
    columns = tuple(names)
    rows: dict[tuple[Any, ...], Row] = {}
    for row in table.rows:
        if any(isinstance(row[name], (dict, list)) for name in columns):
            raise ValueError("distinct can't compare what is dynamic")
        rows.setdefault(tuple(row[name] for name in columns), {name: row[name] for name in columns})
    return Table(columns, list(rows.values()))


# ---- what values are compared and turned with ------------------------------------------------------------------------


def _text(value: Any) -> str:
    """`tostring`: JSON without blanks for what is dynamic, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"neither true nor false: {value!r}")
    return value


def _same(left: Any, right: Any) -> bool:
    return left is not None and left == right


def _same_without_case(left: Any, right: Any) -> bool:
    return left is not None and _text(left).lower() == _text(right).lower()


def _has(left: Any, right: Any) -> bool:
    """Whether whole terms, runs of letters and digits, are there."""
    return re.search(rf"(?<![^\W_]){re.escape(_text(right))}(?![^\W_])", _text(left), re.IGNORECASE) is not None


def _bag_keys(bag: Any) -> list[str] | None:
    return list(bag) if isinstance(bag, dict) else None


_Test = Callable[[Any, Any], bool]
_SEARCHES: dict[str, _Test] = {
    "has": _has,
    "contains": lambda left, right: _text(right).lower() in _text(left).lower(),
    "startswith": lambda left, right: _text(left).lower().startswith(_text(right).lower()),
    "endswith": lambda left, right: _text(left).lower().endswith(_text(right).lower())}
_TESTS: dict[str, _Test] = {
    **_SEARCHES, "==": _same, "=~": _same_without_case,
    "!=": lambda left, right: left is not None and left != right,
    "!~": lambda left, right: left is not None and not _same_without_case(left, right)}
_FUNCTIONS: dict[tuple[str, int], Callable[..., Any]] = {  # by name and number of arguments
    ("tostring", 1): _text,
    ("tolower", 1): lambda value: _text(value).lower(),
    ("isempty", 1): lambda value: _text(value) == "",
    ("isnotempty", 1): lambda value: _text(value) != "",
    ("isnull", 1): lambda value: value is None,
    ("isnotnull", 1): lambda value: value is not None,
    ("not", 1): lambda value: not _truth(value),
    ("split", 2): lambda value, sign: _text(value).split(sign),
    ("bag_keys", 1): _bag_keys}
