# SPDX-License-Identifier: MIT
"""Messages about resources. Those of several come in the order of the resources, and the same one only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from knack.log import get_logger

from ..model.quoting import printable
from ..model.resource_id import ResourceId

logger = get_logger(__name__)
MOST_NAMES = 5  # of resources with the same message
_kept: ContextVar[list[str] | None] = ContextVar("kept", default=None)  # the task of each flow sets its own


def warn(text: str) -> None:
    """Print a warning, or keep it until it's the resource's turn. Control characters of the service are escaped."""
    text = "\n".join(map(printable, text.split("\n")))
    kept = _kept.get()
    if kept is None:
        logger.warning("%s", text)
    else:
        kept.append(text)


@contextmanager
def warnings_in_order(targets: Sequence[Any]) -> Iterator[tuple[Callable[[Any], None], Callable[[], None]]]:
    """Yields a function that a target's task calls to keep its warnings, and one that prints all that were kept."""
    kept: dict[Any, list[str]] = {target: [] for target in targets}

    def keep(target: Any) -> None:
        _kept.set(kept[target] if len(targets) > 1 else None)

    def show() -> None:
        for same, text in same_texts([(target, text) for target in targets for text in kept[target]]):
            logger.warning("%s%s", heading(same, text) if len(same) > 1 and _is_own(same[0], text) else "", text)
        for texts in kept.values():
            texts.clear()

    try:
        yield keep, show
    finally:
        show()


def same_texts(texts: Sequence[tuple[Any, str]]) -> list[tuple[list[Any], str]]:
    """Each text once, with its targets. The own name and ID of a target make no difference between texts."""
    groups: dict[str, tuple[list[Any], str]] = {}
    for target, text in texts:
        groups.setdefault(_without_own(target, text), ([], text))[0].append(target)
    return list(groups.values())


def heading(same: Sequence[ResourceId], text: str) -> str:
    """What stands before a message: the ID of a single resource, or the number of several and some of their names."""
    if len(same) == 1:
        return f"{same[0].id}: "
    names = ", ".join(resource.name for resource in same[:MOST_NAMES])
    more = f" and {len(same) - MOST_NAMES} more" if len(same) > MOST_NAMES else ""
    return f"{len(same)} resources ({names}{more}){', for example' if _is_own(same[0], text) else ''}: "


def counted(count: int, one: str, many: str) -> str:
    """A number of things in words; empty if there is none."""
    return f"{count} {one if count == 1 else many}" if count else ""


def _is_own(target: Any, text: str) -> bool:
    """Whether a text names the target."""
    return _without_own(target, text) != text.lower()


def _without_own(target: Any, text: str) -> str:
    if not isinstance(target, ResourceId):
        return text.lower()
    return text.lower().replace(target.id.lower(), "").replace(f"'{target.name.lower()}'", "")
