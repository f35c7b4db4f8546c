# SPDX-License-Identifier: MIT
"""Patterns of actions, and whether some of them contain all that others do: exact, since `*` is the only wildcard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

ALL, PART, NONE, UNDECIDED = "all", "part", "none", "undecided"
_MOST_STATES = 20_000  # about a second; what roles hold takes less than a thousand


class Element(NamedTuple):
    """One element of a definition's `permissions`. Patterns are in lower case, behind "a" for an action and "d" for a
    data action; in both, `*` stands for any characters, `/` and none included.
    """

    patterns: tuple[str, ...]
    exceptions: tuple[str, ...] = ()
    conditional: bool = False


def coverage(need: Sequence[Element], granted: Sequence[Element]) -> str:
    """How much of what is needed is granted; conditions don't count here. Azure's own roles are written as if `/*/`
    stood for `/` too, which its documentation doesn't say: ALL and NONE are what holds both ways.
    """
    found = {_coverage(need, granted, loose=loose) for loose in (False, True)}
    if len(found) == 1:
        return found.pop()
    return UNDECIDED if UNDECIDED in found else PART


def _coverage(need: Sequence[Element], granted: Sequence[Element], *, loose: bool) -> str:
    """Try every text that may be needed. Those that bring the patterns into the same state are tried at once."""
    globs = _Globs([pattern for one in (*need, *granted) for pattern in one.patterns + one.exceptions], loose=loose)
    alive = globs.places([pattern for one in need for pattern in one.patterns])
    wanted, given = globs.ends(need), globs.ends(granted)
    found: set[bool] = set()
    queue, seen = [globs.start], {globs.start}
    while queue and len(found) < 2:
        state = queue.pop()
        if _accepts(wanted, state):
            found.add(_accepts(given, state))
        new = {after for after in (globs.after(state, places) for places in globs.characters) if after & alive} - seen
        seen |= new
        queue += new
        if len(seen) > _MOST_STATES:
            return UNDECIDED
    if not found:
        return UNDECIDED  # nothing is needed
    return PART if len(found) == 2 else ALL if True in found else NONE


def _accepts(elements: Sequence[tuple[int, int]], state: int) -> bool:
    return any(state & patterns and not state & exceptions for patterns, exceptions in elements)


class _Globs:
    """Matches many patterns at once. A state is a set of bits: one for each place in each pattern, and for its end."""

    def __init__(self, patterns: Iterable[str], *, loose: bool) -> None:
        self._stars = self._optional = self.start = size = 0
        characters: dict[str, int] = {}
        self._spans: dict[str, tuple[int, int]] = {}  # the first place and the end of each pattern
        for pattern in dict.fromkeys(patterns):
            self.start |= 1 << size
            self._spans[pattern] = size, size + len(pattern)
            for place, character in enumerate(pattern, size):
                if character == "*":
                    self._stars |= 1 << place
                else:
                    characters[character] = characters.get(character, 0) | 1 << place
                if loose and pattern.startswith("/*/", place - size):
                    self._optional |= 1 << place
            size += len(pattern) + 1
        self.start = self._closed(self.start)
        self.characters = {0, *characters.values()}  # the places of each; 0: of those that are in no pattern

    def after(self, state: int, places: int) -> int:
        """The state after a character that is at these places."""
        return self._closed((state & places) << 1 | state & self._stars)

    def _closed(self, state: int) -> int:
        """With what is reached without a character."""
        more = state | (state & self._stars) << 1 | (state & self._optional) << 2
        return state if more == state else self._closed(more)

    def places(self, patterns: Iterable[str]) -> int:
        """All places and ends of these patterns."""
        return sum((2 << end) - (1 << first) for first, end in {self._spans[pattern] for pattern in patterns})

    def ends(self, elements: Iterable[Element]) -> list[tuple[int, int]]:
        """The ends of the patterns and of the exceptions of each element."""
        return [(self._ends(element.patterns), self._ends(element.exceptions)) for element in elements]

    def _ends(self, patterns: Iterable[str]) -> int:
        return sum(1 << self._spans[pattern][1] for pattern in set(patterns))
