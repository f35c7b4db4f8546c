# SPDX-License-Identifier: MIT
"""What role assignments let a principal do, with the definitions of built-in roles as Azure gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from armsim.roles import RECORDED
from azext_communication_identity.model import action_patterns
from azext_communication_identity.model.action_patterns import ALL, NONE, PART, UNDECIDED, Element, coverage
from azext_communication_identity.model.permissions import (
    EVERYTHING,
    Access,
    Assignment,
    Deny,
    assignment_of,
    data_actions,
    deny_of,
    elements_of,
    judge,
    reaches,
)
from hypothesis import given, settings
from hypothesis import strategies as st

ROLES = {one["roleName"]: elements_of(one["permissions"]) or () for one in RECORDED}
GUIDS = {one["roleName"]: one["name"] for one in RECORDED}
BY_GUID = {guid: ROLES[name] for name, guid in GUIDS.items()}
AI = data_actions("Microsoft.CognitiveServices/*")
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
WRITE = data_actions(f"{BLOBS}/write", f"{BLOBS}/add/action")
SUB = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUP = f"{SUB}/resourceGroups/rg"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
CONTAINER = f"{ACCOUNT}/blobServices/default/containers/c"
MANAGEMENT = "/providers/Microsoft.Management/managementGroups/mg"
ME, TEAM, ZERO = "00000000-0000-0000-0000-0000000000aa", "00000000-0000-0000-0000-0000000000bb", "0" * 32
NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
USER, SPEECH = "Cognitive Services User", "Cognitive Services Speech Contributor"
MANAGER = "Azure AI Project Manager"  # its definition has a condition
BLOB_WRITER, BLOB_READER = "Storage Blob Data Contributor", "Storage Blob Data Reader"

# Data actions of each role: those of Azure AI, those that write blobs.
COVERED = {
    USER: (ALL, NONE), "Cognitive Services Data Reader": (PART, NONE), "Cognitive Services Contributor": (NONE, NONE),
    "Contributor": (NONE, NONE), "Owner": (NONE, NONE), "Reader": (NONE, NONE),
    "Storage Account Contributor": (NONE, NONE), BLOB_WRITER: (NONE, ALL), "Storage Blob Data Owner": (NONE, ALL),
    BLOB_READER: (NONE, NONE), "User Access Administrator": (NONE, NONE), "Storage Blob Delegator": (NONE, NONE),
    SPEECH: (PART, NONE), "Cognitive Services Speech User": (PART, NONE),
    "Role Based Access Control Administrator": (NONE, NONE), "Cognitive Services OpenAI Contributor": (PART, NONE),
    "Cognitive Services OpenAI User": (PART, NONE), "Azure AI Developer": (PART, NONE),
    "Azure AI Administrator": (NONE, NONE), "Cognitive Services Data Contributor (Preview)": (ALL, NONE),
    "Communication and Email Service Owner": (NONE, NONE), MANAGER: (ALL, NONE), "Azure AI User": (ALL, NONE),
    "Azure AI Account Owner": (NONE, NONE)}


def row(role: str, scope: str = ACCOUNT, *, made: timedelta = timedelta(days=30), name: str = "1", **properties: Any
        ) -> Assignment:
    """An assignment as ARM shows it."""
    created = (NOW - made).strftime("%Y-%m-%dT%H:%M:%S.1234567Z")
    role_id = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{GUIDS.get(role, role).upper()}"
    return assignment_of({"id": name, "properties": {
        "roleDefinitionId": role_id, "principalId": ME, "principalType": "ServicePrincipal", "scope": scope,
        "condition": None, "createdOn": created, **properties}})


def verdict(*rows: Assignment, need: Sequence[Element] = AI, target: str = ACCOUNT, denies: Sequence[Deny] = (),
            roles: Any = None, role: str = "") -> Access:
    return judge(need, target, rows, BY_GUID if roles is None else roles, denies, now=NOW, role=role)


def short(access: Access) -> tuple[str, str]:
    return access.status, access.why


# ---- patterns --------------------------------------------------------------------------------------------------------


def test_data_actions_are_compared_without_case() -> None:
    assert data_actions("A/*", "b") == (Element(("da/*", "db")),)


@pytest.mark.parametrize("name", COVERED)
def test_data_actions_of_the_built_in_roles(name: str) -> None:
    assert (coverage(AI, ROLES[name]), coverage(WRITE, ROLES[name])) == COVERED[name]


def test_the_table_is_that_of_the_definitions() -> None:
    assert list(ROLES) == list(COVERED)
    assert len({one["name"] for one in RECORDED}) == 24


@pytest.mark.parametrize("name", ROLES)
def test_every_role_contains_itself_and_owner_contains_all_actions(name: str) -> None:
    assert coverage(ROLES[name], ROLES[name]) == ALL
    actions = [element._replace(patterns=tuple(one for one in element.patterns if one[0] == "a"))
               for element in ROLES[name]]
    assert coverage(actions, ROLES["Owner"]) == (ALL if any(one.patterns for one in actions) else UNDECIDED)


@pytest.mark.parametrize(("need", "held", "expected"), [
    ("Reader", "Contributor", ALL), ("Contributor", "Owner", ALL), ("Owner", "Contributor", PART),
    ("Contributor", "Reader", PART), ("Role Based Access Control Administrator", "User Access Administrator", ALL),
    ("Storage Blob Data Reader", BLOB_WRITER, ALL), (BLOB_WRITER, "Storage Blob Data Owner", ALL),
    ("Storage Blob Data Owner", BLOB_WRITER, PART), (BLOB_WRITER, "Owner", PART),
    ("Cognitive Services Speech User", SPEECH, ALL), (USER, "Owner", PART),
    (BLOB_READER, "Cognitive Services Data Reader", NONE)])
def test_roles_that_contain_others(need: str, held: str, expected: str) -> None:
    assert coverage(ROLES[need], ROLES[held]) == expected


def elements(*parts: tuple[str, str]) -> list[Element]:
    """Of texts of patterns and exceptions, between blanks."""
    return [Element(tuple(patterns.split()), tuple(exceptions.split())) for patterns, exceptions in parts]


@pytest.mark.parametrize(("need", "granted", "expected"), [
    ([("a/*", "")], [("a/*", "")], ALL),
    ([("a/b/*", "")], [("a/*", "")], ALL),
    ([("a/*", "")], [("a/b/*", "")], PART),
    ([("a/*", "")], [("b/*", "")], NONE),
    ([("a/read", "")], [("*/read", "")], ALL),
    ([("a/read", "")], [("*/rea", "")], NONE),
    ([("a/x/read", "")], [("a/*/read", "")], ALL),
    ([("ab", "")], [("a*b", "")], ALL),  # a wildcard stands for nothing, too
    ([("a*b*c", "")], [("a*c", "")], ALL),
    ([("a*c", "")], [("a*b*c", "")], PART),
    ([("a**c", "")], [("a*c", "")], ALL),
    ([("*", "")], [("*a*", "*a*"), ("*a*", "")], PART),
    ([("*", "")], [("*", "*a*"), ("*a*", "")], ALL),  # each element for itself: what one leaves out, another has
    ([("*", "*a*")], [("*", "*ab* *a*")], ALL),
    ([("*", "*ab*")], [("*", "*a*")], PART),
    ([("x", "")], [("x", "x")], NONE),
    ([("x", "")], [("x", "y")], ALL),
    ([("x y", "")], [("x", ""), ("y", "")], ALL),
    ([("x y", "")], [("x", "")], PART),
    ([("x", "x")], [("*", "")], UNDECIDED),  # nothing is needed
    ([], [("*", "")], UNDECIDED),
    ([("x", "")], [], NONE),
    # Whether /*/ stands for / isn't documented.
    ([("a/read", "")], [("a/*/read", "")], PART),
    ([("a/x/y/read", "")], [("a/*/read", "")], ALL),
    ([("a/xread", "")], [("a/*/read", "")], NONE),
    ([("a/read", "")], [("*", "a/*/read")], PART),
    ([("a/b", "")], [("a/*/*/b", "")], PART),
    ([("a/b", "")], [("a/*b", "")], ALL),
    ([("ab", "")], [("a*/b", "")], NONE),
    ([("a/b", "")], [("a*/b", "")], ALL),
    ([("a//b", "")], [("a/*/b", "")], ALL),
    ([("b", "")], [("/*/b", "")], NONE),
])
def test_coverage(need: Any, granted: Any, expected: str) -> None:
    assert coverage(elements(*need), elements(*granted)) == expected


def test_too_much_to_look_at_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    need, granted = elements(("a*b", "")), elements(("a*", ""))
    monkeypatch.setattr(action_patterns, "_MOST_STATES", 3)
    assert coverage(need, granted) == ALL
    monkeypatch.setattr(action_patterns, "_MOST_STATES", 2)
    assert coverage(need, granted) == UNDECIDED
    monkeypatch.setattr(action_patterns, "_MOST_STATES", 5)  # enough only where /*/ stands for / too
    assert coverage(elements(("a/*/*/b", "")), elements(("*", ""))) == UNDECIDED
    monkeypatch.setattr(action_patterns, "_MOST_STATES", 6)
    assert coverage(elements(("a/*/*/b", "")), elements(("*", ""))) == ALL


PATTERNS = st.text("ab*", max_size=5)
ELEMENTS = st.lists(st.builds(lambda some, others: Element(tuple(some), tuple(others)),
                              st.lists(PATTERNS, max_size=2), st.lists(PATTERNS, max_size=2)), max_size=3)
TEXTS = ["".join(letters) for length in range(8) for letters in product("abz", repeat=length)]
ORDER = [NONE, PART, ALL]


def matches(given_elements: Sequence[Element], text: str) -> bool:
    def among(patterns: Sequence[str]) -> bool:
        return any(re.fullmatch(".*".join(map(re.escape, one.split("*"))), text) for one in patterns)
    return any(among(one.patterns) and not among(one.exceptions) for one in given_elements)


@settings(deadline=None)
@given(ELEMENTS, ELEMENTS)
def test_coverage_is_what_trying_every_text_gives(need: list[Element], granted: list[Element]) -> None:
    found = {matches(granted, text) for text in TEXTS if matches(need, text)}
    if found:
        assert coverage(need, granted) == (PART if len(found) == 2 else ALL if found == {True} else NONE)


@settings(deadline=None)
@given(ELEMENTS, ELEMENTS, ELEMENTS)
def test_more_never_takes_away(need: list[Element], granted: list[Element], more: list[Element]) -> None:
    before = coverage(need, granted)
    if before != UNDECIDED:
        assert ORDER.index(coverage(need, [*granted, *more])) >= ORDER.index(before)


@settings(deadline=None)
@given(ELEMENTS, st.lists(PATTERNS, min_size=1, max_size=3), st.data())
def test_a_wider_pattern_never_narrows(need: list[Element], patterns: list[str], data: st.DataObject) -> None:
    wider = list(patterns)
    at = data.draw(st.integers(0, len(wider) - 1))
    cut = data.draw(st.integers(0, len(wider[at])))
    wider[at] = f"{wider[at][:cut]}*{wider[at][cut + data.draw(st.integers(0, 1)):]}"
    before = coverage(need, [Element(tuple(patterns))])
    if before != UNDECIDED:
        assert ORDER.index(coverage(need, [Element(tuple(wider))])) >= ORDER.index(before)


# ---- what ARM says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("permissions", "expected"), [
    ([], ()),
    ([{"actions": ["A/*"], "notActions": ["A/B"], "dataActions": ["D"], "notDataActions": ["D/X"]}],
     (Element(("aa/*", "dd"), ("aa/b", "dd/x")),)),
    ([{"actions": None}], (Element(()),)),
    ([{"dataActions": ["*"], "condition": "c"}, {}], (Element(("d*",), (), True), Element(()))),
    (None, None), ({}, None), ("*", None), ([None], None), ([{"actions": "*"}], None), ([{"dataActions": [1]}], None),
    ([{"notActions": "*"}], None), ([{"actions": []}, {"notDataActions": [None]}], None)])
def test_elements_of_a_definition(permissions: Any, expected: Any) -> None:
    assert elements_of(permissions) == expected


def test_an_assignment_as_arm_shows_it() -> None:
    shown = {"id": "/x", "properties": {
        "roleDefinitionId": "/subscriptions/S/providers/Microsoft.Authorization/roleDefinitions/ABC", "principalId": "P",
        "principalType": "Group", "scope": "/S", "condition": "c", "createdOn": "2025-08-12T23:48:54.6082276Z"}}
    assert assignment_of(shown) == Assignment("/x", "abc", "/S", "p", True, True,
                                              datetime(2025, 8, 12, 23, 48, 54, tzinfo=timezone.utc))


@pytest.mark.parametrize(("properties", "key", "expected"), [
    ({"principalType": "ServicePrincipal"}, "through_group", False), ({}, "through_group", False),
    ({"principalType": "ForeignGroup"}, "through_group", True), ({"condition": None}, "conditional", False),
    ({"createdOn": None}, "created", None), ({"createdOn": "2025-08-12T23:48:54.6082276+02:00"}, "created", None),
    ({"createdOn": "yesterdayZ"}, "created", None), (None, "role", "none"), ([], "created", None)])
def test_assignments_that_say_less(properties: Any, key: str, expected: Any) -> None:
    assert getattr(assignment_of({"properties": properties}), key) == expected


@pytest.mark.parametrize(("scope", "target", "expected"), [
    (ACCOUNT, ACCOUNT, True), (GROUP.lower(), ACCOUNT, True), (SUB, ACCOUNT.upper(), True), ("/", ACCOUNT, True),
    (f"{GROUP}/", ACCOUNT, True), (GROUP[:-1], ACCOUNT, False), (f"{GROUP}X", ACCOUNT, False), (CONTAINER, ACCOUNT, False), (ACCOUNT, CONTAINER, True),
    (MANAGEMENT, ACCOUNT, True), (MANAGEMENT.upper(), SUB, True), (SUB, MANAGEMENT, False),
    (f"{GROUP}2", ACCOUNT, False)])
def test_where_a_scope_reaches(scope: str, target: str, expected: bool) -> None:
    assert reaches(scope, target) is expected


DENY = [{"actions": [], "dataActions": ["Microsoft.CognitiveServices/*"]}]


def deny(target: str = ACCOUNT, scope: str = GROUP, principals: Any = ((ME, "ServicePrincipal"),), excluded: Any = (),
         **properties: Any) -> Deny | None:
    shown = {"permissions": DENY, "scope": scope, "principals": [{"id": one, "type": kind} for one, kind in principals],
             "excludePrincipals": [{"id": one, "type": kind} for one, kind in excluded], **properties}
    return deny_of({"id": "/deny", "properties": shown}, target, [ME, TEAM])


CERTAIN, MAYBE = Deny("/deny", AI, True), Deny("/deny", AI, False)


@pytest.mark.parametrize("principals", [["?"], "?", 1, [None, {}]])
def test_a_deny_assignment_of_whom_cannot_be_read_may_apply(principals: Any) -> None:
    shown = {"scope": GROUP, "permissions": DENY, "principals": principals}
    assert deny_of({"id": "/deny", "properties": shown}, ACCOUNT, [ME]) == MAYBE


@pytest.mark.parametrize(("given_in", "expected"), [
    ({}, CERTAIN),
    ({"scope": SUB}, CERTAIN),
    ({"scope": CONTAINER}, None),
    ({"scope": f"{GROUP}2"}, None),
    ({"doNotApplyToChildScopes": True}, None),
    ({"doNotApplyToChildScopes": True, "scope": ACCOUNT.upper()}, CERTAIN),
    ({"doNotApplyToChildScopes": True, "target": GROUP}, CERTAIN),
    ({"principals": [(ZERO, "SystemDefined")]}, CERTAIN),
    ({"principals": [("00000000-0000-0000-0000-000000000000", "Everyone")]}, CERTAIN),
    ({"principals": [(ME.upper().replace("-", ""), None)]}, CERTAIN),
    ({"principals": [(TEAM, "Group")]}, CERTAIN),
    ({"principals": [("other", "Group")]}, MAYBE),  # it may be in that group
    ({"principals": [("other", "User")]}, None),
    ({"principals": []}, None),
    ({"principals": [(ZERO, "SystemDefined")], "excluded": [(ME, "ServicePrincipal")]}, None),
    ({"principals": [(ZERO, "SystemDefined")], "excluded": [(TEAM, "Group")]}, None),
    ({"principals": [(ZERO, "SystemDefined")], "excluded": [("other", "User")]}, CERTAIN),
    ({"principals": [(ZERO, "SystemDefined")], "excluded": [("other", "Group")]}, MAYBE),
    ({"condition": "c"}, MAYBE),
    ({"denyAssignmentEffect": "enforced"}, CERTAIN),
    ({"denyAssignmentEffect": "audit"}, MAYBE),
    ({"permissions": None}, Deny("/deny", EVERYTHING, False)),
    ({"permissions": [{**DENY[0], "condition": "c"}]}, Deny("/deny", (AI[0]._replace(conditional=True),), False)),
    ({"excludePrincipals": None}, CERTAIN),
    ({"excludePrincipals": "?"}, MAYBE),
    ({"excludePrincipals": [None, {"id": "other", "type": "User"}]}, MAYBE),
    ({"principals": [], "excluded": [], "permissions": 1}, None),
    ({"principals": [], "excludePrincipals": None}, None),
])
def test_deny_assignments(given_in: dict[str, Any], expected: Deny | None) -> None:
    assert deny(**given_in) == expected


# ---- verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROLES)
def test_each_built_in_role_for_each_purpose(name: str) -> None:
    said = {ALL: ("unknown", "condition") if name == MANAGER else ("ok", "granted"), PART: ("unknown", "part"),
            NONE: ("failed", "missing")}
    assert short(verdict(row(name))) == said[COVERED[name][0]]
    assert short(verdict(row(name), need=WRITE)) == said[COVERED[name][1]]


MINUTES, HOURS, TODAY, LONG_AGO = timedelta(minutes=9), timedelta(hours=5), timedelta(hours=23), timedelta(hours=25)
IN_GROUP = {"principalType": "Group", "principalId": TEAM}


@pytest.mark.parametrize(("rows", "expected"), [
    ([], ("failed", "missing")),
    ([row(USER)], ("ok", "granted")),
    ([row(USER, GROUP.upper())], ("ok", "granted")),
    ([row(USER, "/")], ("ok", "granted")),
    ([row(USER, MANAGEMENT)], ("ok", "granted")),
    ([row(USER, f"{GROUP}2")], ("failed", "missing")),
    ([row(USER, CONTAINER)], ("failed", "below")),
    ([row(SPEECH, GROUP), row(USER, CONTAINER)], ("unknown", "part")),
    ([row(USER, condition="c")], ("unknown", "condition")),
    ([row(USER, condition="c"), row(USER, SUB)], ("ok", "granted")),
    ([row(USER, condition="c"), row("unreadable")], ("unknown", "unreadable")),
    ([row("unreadable")], ("unknown", "unreadable")),
    ([row("unreadable", CONTAINER)], ("failed", "below")),
    ([row("unreadable"), row(USER)], ("ok", "granted")),
    ([row(SPEECH), row(MANAGER)], ("unknown", "condition")),
    ([row(USER, made=MINUTES)], ("warning", "new")),
    ([row(USER, made=-HOURS)], ("warning", "new")),
    ([row(USER, made=timedelta(minutes=10))], ("ok", "granted")),
    ([row(USER, made=MINUTES), row(USER, GROUP)], ("ok", "granted")),
    ([row(USER, made=TODAY, **IN_GROUP)], ("warning", "new")),
    ([row(USER, made=LONG_AGO, **IN_GROUP)], ("ok", "granted")),
    ([row(USER, made=TODAY, **IN_GROUP), row(USER, made=HOURS)], ("ok", "granted")),
    ([row(USER, MANAGEMENT, made=TODAY)], ("warning", "new")),
    ([row(USER, MANAGEMENT, made=LONG_AGO)], ("ok", "granted")),
    ([row(USER, MANAGEMENT, made=TODAY), row(USER, made=HOURS)], ("ok", "granted")),
    ([row(USER, createdOn=None)], ("warning", "new")),
])
def test_assignments(rows: list[Assignment], expected: tuple[str, str]) -> None:
    assert short(verdict(*rows)) == expected


def test_an_action_at_a_management_group_takes_minutes() -> None:
    assert short(verdict(row("Reader", MANAGEMENT, made=HOURS), need=ROLES["Reader"])) == ("ok", "granted")


HALVES = {"one": elements(("dmicrosoft.cognitiveservices/*", "dmicrosoft.cognitiveservices/accounts/*")),
          "other": elements(("dmicrosoft.cognitiveservices/accounts/*", "")), "nothing": []}


def test_parts_that_cover_the_whole_together() -> None:
    whole = verdict(row("one", name="a"), row("nothing", name="n"), row("other", GROUP, made=MINUTES, name="b"),
                    row("other", made=MINUTES - timedelta(minutes=1), name="c"), roles=HALVES)
    assert short(whole) == ("warning", "new")
    assert [one.id for one in whole.assignments] == ["b", "a"]
    assert whole.settled == NOW.replace(microsecond=0) + timedelta(minutes=1)
    assert short(verdict(row("one"), row("nothing"), roles=HALVES)) == ("unknown", "part")
    assert short(verdict(row("nothing"), roles=HALVES)) == ("failed", "missing")


def test_the_reason_names_the_assignments_that_are_it() -> None:
    owner, user, old = row("Owner", name="owner"), row(USER, name="a"), row(USER, made=timedelta(days=99), name="z")
    assert verdict(owner, user, old) == Access("ok", "granted", (old,), (), old.settled(data=True))
    asked = row(USER, condition="c", name="asked")
    assert verdict(owner, asked) == Access("unknown", "condition", (asked,))
    hidden = row("unreadable", name="hidden")
    assert verdict(owner, asked, hidden) == Access("unknown", "unreadable", (hidden,))
    speech, inside = row(SPEECH, name="speech"), row(USER, CONTAINER, name="inside")
    assert verdict(owner, speech) == Access("unknown", "part", (speech,))
    assert verdict(owner, inside) == Access("failed", "below", (inside,))
    assert verdict(owner, row(USER, f"{GROUP}2")) == Access("failed", "missing")


UNRELATED = Deny("/unrelated", tuple(elements(("a* dmicrosoft.storage/*", ""))), True)
OPENAI = Deny("/openai", data_actions("Microsoft.CognitiveServices/accounts/OpenAI/*"), True)
HIDDEN = Deny("/hidden", EVERYTHING, False)


@pytest.mark.parametrize(("rows", "denies", "expected", "named"), [
    ([row(USER)], [CERTAIN], ("failed", "denied"), [CERTAIN]),
    ([row(USER)], [UNRELATED], ("ok", "granted"), []),
    ([row(USER)], [UNRELATED, OPENAI, MAYBE], ("failed", "denied"), [OPENAI]),
    ([row(USER)], [MAYBE, UNRELATED], ("unknown", "may-be-denied"), [MAYBE]),
    ([row(USER), row(SPEECH)], [MAYBE], ("unknown", "may-be-denied"), [MAYBE]),
    ([row(USER, made=MINUTES)], [HIDDEN], ("unknown", "may-be-denied"), [HIDDEN]),
    ([row(USER, condition="c")], [CERTAIN], ("failed", "denied"), [CERTAIN]),
    ([row(USER, condition="c")], [MAYBE], ("unknown", "condition"), []),
    ([row(SPEECH)], [CERTAIN], ("failed", "denied"), [CERTAIN]),
    ([row(SPEECH)], [MAYBE], ("unknown", "part"), []),
    ([], [CERTAIN], ("failed", "denied"), [CERTAIN]),  # no role would help
    ([], [MAYBE], ("failed", "missing"), []),
])
def test_denials(rows: list[Assignment], denies: list[Deny], expected: tuple[str, str], named: list[Deny]) -> None:
    access = verdict(*rows, denies=denies)
    assert (short(access), list(access.denies)) == (expected, named)
    assert access.assignments == ((rows[0],) if expected[0] in ("ok", "unknown") else ())


@pytest.mark.parametrize(("asked", "rows", "expected"), [
    (MANAGER, [row(MANAGER)], ("ok", "granted")),  # the conditions of its definition belong to it
    (MANAGER, [row(MANAGER, condition="c")], ("unknown", "condition")),
    (MANAGER, [row("Owner"), row(USER)], ("ok", "granted")),
    ("Reader", [row("Contributor")], ("ok", "granted")),
    ("Contributor", [row("Reader")], ("failed", "missing")),  # a part of a role isn't the role
    ("Contributor", [row("Contributor", made=MINUTES)], ("warning", "new")),
    ("Owner", [row("unreadable")], ("unknown", "unreadable")),
    (BLOB_WRITER, [row("Owner")], ("failed", "missing")),
    (BLOB_WRITER, [row(BLOB_WRITER, CONTAINER)], ("failed", "below")),
    (BLOB_WRITER, [row(BLOB_READER), row(BLOB_WRITER, CONTAINER)], ("failed", "below")),
    (BLOB_WRITER, [row("Owner"), row("Storage Blob Data Owner", SUB)], ("ok", "granted")),
])
def test_a_role(asked: str, rows: list[Assignment], expected: tuple[str, str]) -> None:
    assert short(verdict(*rows, need=ROLES[asked], role=GUIDS[asked])) == expected


def test_a_role_whose_definition_only_says_what_is_needed() -> None:
    role = GUIDS["Reader"]
    assert short(verdict(row("Reader"), need=ROLES["Reader"], roles={}, role=role)) == ("ok", "granted")
    assert short(verdict(row("Reader", condition="c"), need=ROLES["Reader"], roles={}, role=role)) == (
        "unknown", "condition")
    assert short(verdict(row("Owner"), need=ROLES["Reader"], roles={}, role=role)) == ("unknown", "unreadable")
    assert short(verdict(row("Owner"), need=(), role=role)) == ("unknown", "undecided")


def test_what_cannot_be_decided_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action_patterns, "_MOST_STATES", 1)
    assert short(verdict(row(USER))) == ("unknown", "undecided")
    assert short(verdict(row("Reader"), need=ROLES["Reader"], role=GUIDS["Reader"])) == ("unknown", "undecided")


NAMES = st.sampled_from(sorted(ROLES))
HELD = st.lists(st.builds(row, NAMES, st.sampled_from([SUB, GROUP, ACCOUNT, CONTAINER]),
                          made=st.sampled_from([MINUTES, HOURS, LONG_AGO]), condition=st.sampled_from([None, "c"])),
                max_size=3)
DENIES = st.lists(st.sampled_from([CERTAIN, MAYBE, OPENAI, UNRELATED]), max_size=2)
BEST = ["failed", "unknown", "warning", "ok"]


@settings(deadline=None, max_examples=50)
@given(HELD, HELD, DENIES, DENIES)
def test_more_roles_never_take_access_away_and_more_denials_never_give_any(
        held: list[Assignment], more: list[Assignment], denies: list[Deny], others: list[Deny]) -> None:
    before = BEST.index(verdict(*held, denies=denies).status)
    assert BEST.index(verdict(*held, *more, denies=denies).status) >= before
    assert BEST.index(verdict(*held, denies=[*denies, *others]).status) <= before
