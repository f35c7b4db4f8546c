# SPDX-License-Identifier: MIT
"""What role assignments let a principal do: their role definitions together, minus deny assignments.

The rules: azure-docs, articles/role-based-access-control, role-definitions.md and deny-assignments.md. Where one of
them isn't certain, or something can't be read, the verdict is "unknown" and never "ok".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from .action_patterns import ALL, NONE, PART, UNDECIDED, Element, coverage
from .answers import object_at
from .findings import FAILED, OK, UNKNOWN, WARNING
from .resource_id import last_segment

EVERYTHING = (Element(("*",), conditional=True),)  # what a definition that can't be read may grant or deny
_EVERYONE = "0" * 32  # in a deny assignment: all principals
_NO_GROUPS = ("user", "serviceprincipal", "device")
_MANAGEMENT_GROUPS = "/providers/microsoft.management/managementgroups/"
# Until a role assignment works everywhere (troubleshooting.md): 10 minutes; late, if it grants data actions at a
# management group (hours) or goes through a group (a day).
_SETTLES, _SETTLES_LATE = timedelta(minutes=10), timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=timezone.utc)


class Assignment(NamedTuple):
    """A role assignment. `role`: the GUID of its definition. `created`: None if it isn't known."""

    id: str
    role: str
    scope: str
    principal_id: str
    through_group: bool
    conditional: bool
    created: datetime | None

    def settled(self, *, data: bool) -> datetime:
        """When it works everywhere. `data`: whether it has to grant data actions, too."""
        late = self.through_group or (data and not self.scope.lower().startswith("/subscriptions/"))
        created = min(self.created or _NEVER, _NEVER - _SETTLES_LATE)
        return created + (_SETTLES_LATE if late else _SETTLES) if self.created else _NEVER


class Deny(NamedTuple):
    """A deny assignment that applies at the target. `certain`: to this principal, and without a condition."""

    id: str
    elements: tuple[Element, ...]
    certain: bool


class Access(NamedTuple):
    """The verdict. `status`: as in findings.py. `why`: a key of the reasons in `_verdict` of actions/check.py.
    `assignments` and `denies`: those that are the reason. `settled`: when the access works everywhere.
    """

    status: str
    why: str
    assignments: tuple[Assignment, ...] = ()
    denies: tuple[Deny, ...] = ()
    settled: datetime | None = None


def data_actions(*patterns: str) -> tuple[Element, ...]:
    """What is needed if these data actions are."""
    return (Element(tuple(f"d{pattern.lower()}" for pattern in patterns)),)


def elements_of(permissions: Any) -> tuple[Element, ...] | None:
    """The elements of a definition's `permissions`; None if they can't be understood."""
    if not isinstance(permissions, list) or not all(isinstance(one, dict) for one in permissions):
        return None
    found = []
    for one in permissions:
        patterns, exceptions = _patterns(one, "actions", "dataActions"), _patterns(one, "notActions", "notDataActions")
        if patterns is None or exceptions is None:
            return None
        found.append(Element(patterns, exceptions, bool(one.get("condition"))))
    return tuple(found)


def _patterns(element: Mapping[str, Any], *keys: str) -> tuple[str, ...] | None:
    lists = [element.get(key) or [] for key in keys]
    if not all(isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in lists):
        return None
    return tuple(kind + text.lower() for kind, texts in zip("ad", lists) for text in texts)


def assignment_of(row: Mapping[str, Any]) -> Assignment:
    """A role assignment from ARM's JSON."""
    properties = object_at(row, "properties")
    return Assignment(str(row.get("id")), last_segment(str(properties.get("roleDefinitionId"))).lower(),
                      str(properties.get("scope")), str(properties.get("principalId")).lower(),
                      _is_group(properties.get("principalType")), bool(properties.get("condition")),
                      _time(str(properties.get("createdOn"))))


def is_readable(row: Mapping[str, Any], principal: str) -> bool:
    """Whether this is a role assignment of a principal, or of a group."""
    properties = object_at(row, "properties")
    return (all(isinstance(properties.get(key), str) for key in ("roleDefinitionId", "scope", "principalId"))
            and (properties["principalId"].lower() == principal.lower() or _is_group(properties.get("principalType"))))


def deny_of(row: Mapping[str, Any], target: str, principals: Collection[str]) -> Deny | None:
    """A deny assignment, if it may apply at the target to `principals`: an ID, and those of its known groups."""
    properties = object_at(row, "properties")
    scope, elements = properties.get("scope"), elements_of(properties.get("permissions"))
    if isinstance(scope, str) and (not reaches(scope, target) or (properties.get("doNotApplyToChildScopes")
                                   and _with_slash(scope) != _with_slash(target))):
        return None
    known = {_guid_digits(one) for one in principals} | {_EVERYONE}
    whom = properties.get("principals")
    named, excluded = _principals("?" if whom is None else whom), _principals(properties.get("excludePrincipals"))
    if known & excluded.keys() or not (known & named.keys() or any(named.values())):
        return None
    elements = EVERYTHING if elements is None else elements
    certain = (isinstance(scope, str) and known & named.keys() and not any(excluded.values())
               and not any(one.conditional for one in elements)
               and not properties.get("condition") and properties.get("denyAssignmentEffect") in (None, "enforced"))
    return Deny(str(row.get("id")), elements, bool(certain))


def reaches(scope: str, target: str) -> bool:
    """Whether what is assigned at a scope applies at a target. ARM names no management groups but those above it."""
    return _with_slash(scope).startswith(_MANAGEMENT_GROUPS) or _with_slash(target).startswith(_with_slash(scope))


def _with_slash(scope: str) -> str:
    return f"{scope.rstrip('/').lower()}/"


def _is_group(principal_type: Any) -> bool:
    return str(principal_type).lower().endswith("group")  # Group, ForeignGroup


def _principals(listed: Any) -> dict[str, bool]:
    """Whether each may be a group, by its ID."""
    several = listed if isinstance(listed, list) else [listed] if listed else []
    return dict((_guid_digits(one.get("id")), str(one.get("type")).lower() not in _NO_GROUPS)
                if isinstance(one, dict) else (str(one), True) for one in several)


def _guid_digits(guid: Any) -> str:
    return str(guid).replace("-", "").lower()


def _time(text: str) -> datetime | None:
    try:  # without the fractions of a second: older versions of Python don't read all seven digits
        return datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc) if text.endswith("Z") else None
    except ValueError:
        return None


def judge(need: Sequence[Element], target: str,  # pylint: disable=too-many-return-statements  # one for each verdict
          assignments: Iterable[Assignment], roles: Mapping[str, Sequence[Element] | None], denies: Sequence[Deny], *,
          now: datetime, role: str = "") -> Access:
    """Whether the assignments of one principal give it all that is needed at a target. `roles`: the elements of each
    definition by GUID; None or absent if it can't be read. `role`: the GUID, if what is needed is that role: holding it
    is enough whatever conditions its definition has, and holding a part of it isn't.
    """
    roles = {**roles, role: need}
    data = any(pattern.startswith("d") for element in need for pattern in element.patterns)
    every = sorted(assignments, key=lambda one: one.settled(data=data))
    unread = {one for one in every if roles.get(one.role) is None}
    given = {one: [element._replace(conditional=one.conditional or (element.conditional and one.role != role))
                   for element in (EVERYTHING if one in unread else roles[one.role] or ())] for one in every}
    here = [one for one in every if reaches(one.scope, target)]
    hits = {deny: coverage(need, deny.elements) for deny in denies}
    denied = tuple(deny for deny, hit in hits.items() if deny.certain and hit in (ALL, PART))
    doubtful = tuple(deny for deny, hit in hits.items() if hit != NONE)

    def covered(by: Sequence[Assignment], *, maybe: bool = True) -> str:
        return coverage(need, [element for one in by for element in given[one] if maybe or not element.conditional])

    def enough(by: Sequence[Assignment]) -> bool:
        return covered(by, maybe=False) == ALL

    if denied:
        return Access(FAILED, "denied", (), denied)
    if enough(here):
        least = next(here[:count] for count in range(1, len(here) + 1) if enough(here[:count]))
        settled, least = least[-1].settled(data=data), _fewest(least, enough)
        if doubtful:
            return Access(UNKNOWN, "may-be-denied", tuple(least), doubtful)
        return Access(*((WARNING, "new") if settled > now else (OK, "granted")), tuple(least), (), settled)
    possible = covered(here)
    if possible == ALL:
        asked = tuple(one for one in here if any(element.conditional for element in given[one]))
        hidden = tuple(one for one in asked if one in unread)
        return Access(UNKNOWN, "unreadable", hidden) if hidden else Access(UNKNOWN, "condition", asked)
    if possible == UNDECIDED or (possible == PART and not role):
        return Access(UNKNOWN, possible, tuple(one for one in here if covered([one]) != NONE))
    below = tuple(one for one in every if one not in here and reaches(target, one.scope))
    if covered([*here, *below]) == ALL:
        return Access(FAILED, "below", below)
    return Access(FAILED, "missing")


def _fewest(by: list[Assignment], enough: Callable[[Sequence[Assignment]], bool]) -> list[Assignment]:
    """Leave out what isn't needed for it to be enough. The newest first."""
    for one in by[:-1]:
        fewer = [other for other in by if other is not one]
        by = fewer if enough(fewer) else by
    return by[::-1]
