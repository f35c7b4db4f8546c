# SPDX-License-Identifier: MIT
"""Whole command lines before any call, in the CLI's own parser: what is meant, what is refused and how it ends."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azext_communication_identity._validators import (
    validate_assign,
    validate_list,
    validate_remove,
    validate_resources,
    validate_wait,
    warn_of_git_bash,
)
from azext_communication_identity.runner.terminal import Consent
from azure.cli.core.azclierror import (
    ArgumentUsageError,
    FileOperationError,
    InvalidArgumentValueError,
    MutuallyExclusiveArgumentError,
    NoTTYError,
    RequiredArgumentMissingError,
)

SUB = "00000000-0000-0000-0000-00000000000a"
A, B = (f"/subscriptions/{SUB}/resourceGroups/rg/providers/Microsoft.Communication/communicationServices/{name}"
        for name in ("app", "other"))
SCOPE = f"/subscriptions/{SUB}"
Validator = Callable[[Any, Namespace], None]
DEFAULTS: dict[str, Any] = {
    "resource_name": "app", "resource_group_name": "rg", "resources": None, "system_assigned": False,
    "user_assigned": None, "roles": None, "scopes": None, "dry_run": False, "delete_role_assignments": False,
    "yes": False, "_subscription": None, "all_subscriptions": False, "created": False, "updated": False, "deleted": False, "exists": False,
    "custom": None}


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    monkeypatch.setattr(sys, "argv", ["az"])


def validated(validator: Validator, *, confirm_off: bool = False, **arguments: Any) -> Namespace:
    """The namespace of a command line with these arguments, after the validator."""
    config = SimpleNamespace(getboolean=lambda *_: confirm_off)
    cmd = SimpleNamespace(cli_ctx=SimpleNamespace(data={"subscription_id": SUB}, config=config))
    namespace = Namespace(**{**DEFAULTS, **arguments})
    warn_of_git_bash(namespace)
    validator(cmd, namespace)
    return namespace


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["az", "communication", "identity", "remove", *words])


# ---- which resources -------------------------------------------------------------------------------------------------

def test_name_and_group_are_cleaned() -> None:
    found = validated(validate_resources, resource_name="\ufeff'app'\r", resource_group_name=" rg\r").resources
    assert [resource.id for resource in found] == [A]


def test_every_ids_counts_once_in_order() -> None:
    found = validated(validate_resources, resources=[[B, A.upper()], [f"[{A},{B}]"]]).resources
    assert [resource.id.lower() for resource in found] == [B.lower(), A.lower()]


@pytest.mark.parametrize("arguments", [
    {"resource_name": None}, {"resource_group_name": None}, {"resources": [[]]}, {"resources": [[""]]}])
def test_no_resource_ends_as_argparse_does(monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any]) -> None:
    typed(monkeypatch, "--ids", "")
    with pytest.raises(SystemExit) as caught:
        validated(validate_resources, **arguments)
    assert caught.value.code == 2


def test_a_file_of_identities_is_no_file_of_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "--ids", "", "--user-assigned", "@ids.txt")
    with pytest.raises(SystemExit) as caught:
        validated(validate_assign, resources=[[""]], user_assigned=[["a"]])
    assert caught.value.code == 2


@pytest.mark.parametrize("word", ["@-", "@ids.txt", "--ids=@-", "--i=@-"])
@pytest.mark.parametrize("text", ["", "[]", "\ufeff", "\n"])
def test_nothing_to_do(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, word: str, text: str) -> None:
    typed(monkeypatch, "--ids", word)
    assert validated(validate_remove, resources=[[text]], system_assigned=True).resources == []
    assert "There is nothing to do" in caplog.text


@pytest.mark.parametrize(("arguments", "ignored"), [
    ({"resource_name": None, "resource_group_name": None}, []), ({"resource_name": None}, ["--resource-group"]),
    ({"_subscription": "s"}, ["--name", "--resource-group", "--subscription"])])
def test_what_is_typed_beside_ids_is_ignored(caplog: pytest.LogCaptureFixture, arguments: dict[str, Any],
                                             ignored: list[str]) -> None:
    found = validated(validate_resources, resources=[[B]], **arguments)
    assert [resource.id for resource in found.resources] == [B]
    assert [record.getMessage() for record in caplog.records] == [
        f"option '{option}' will be ignored due to use of '--ids'." for option in ignored]


def test_one_warning_for_git_bash(caplog: pytest.LogCaptureFixture) -> None:
    changed = validated(validate_assign, resources=[["C:/Program", f"Files/Git{A}", f"D:/Git{B}"]],
                        user_assigned=[["mi"]], roles=[["Reader"]], scopes=[[f"C:/Program Files/Git{SCOPE}"]])
    assert [resource.id for resource in changed.resources] == [A, B]
    assert changed.scopes == [SCOPE]
    assert caplog.text.count("MSYS_NO_PATHCONV=1") == 1


# ---- which identities ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("validator", "arguments"), [
    (validate_assign, {}), (validate_assign, {"user_assigned": [["[]"]]}), (validate_remove, {}),
    (validate_list, {"user_assigned": [["[]"]]}),
])
def test_no_identity_ends_as_argparse_does(validator: Validator, arguments: dict[str, Any],
                                           caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SystemExit) as caught:
        validated(validator, **arguments)
    assert caught.value.code == 2
    assert "--user-assigned" in caplog.text


@pytest.mark.parametrize(("name", "text"), [
    ("ids.json", '["a", "b"]'), ("IDS.JSON", '["a", {"id": "b"}]'), ("ids.yaml", "- a\n- b\n"), ("ids.yml", "[a, 'b']"),
])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding=encoding)
    assert validated(validate_assign, user_assigned=[["c", str(file)], ["d\r"]]).user_assigned == ["c", "a", "b", "d"]


@pytest.mark.parametrize(("name", "text"), [
    ("ids.json", "[]"), ("ids.json", '"a"'), ("ids.json", "[a"), ("ids.json", ""), ("ids.yaml", "a: b"),
    ("ids.yaml", "[a"), ("ids.yaml", "a: 'b"), ("ids.yaml", "\t"), ("ids.yaml", ""), ("absent.json", None),
    ("bad\0name.json", None),
])
def test_a_bad_file(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(FileOperationError) as caught:
        validated(validate_assign, user_assigned=[[str(tmp_path / name)]])
    assert name.replace("\0", "\\x00") in str(caught.value)
    assert caught.value.recommendations


@pytest.mark.parametrize("text", ["[1]", '[["a"]]', '[{"name": "a"}]'])
def test_a_file_of_something_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "ids.json").write_text(text)
    with pytest.raises(InvalidArgumentValueError, match="is not a list of names or resource IDs"):
        validated(validate_assign, user_assigned=[[str(tmp_path / "ids.json")]])


def test_the_file_of_a_bad_value_is_refused_before_all_else(tmp_path: Path) -> None:
    (tmp_path / "ids.json").write_text(json.dumps(["a/../b"]))
    with pytest.raises(InvalidArgumentValueError, match="a/../b"):
        validated(validate_assign, user_assigned=[[str(tmp_path / "ids.json")]])


# ---- roles -----------------------------------------------------------------------------------------------------------

def test_every_scope_counts_once() -> None:
    found = validated(validate_assign, system_assigned=True, roles=[["'Reader'\r"], ["reader"]], scopes=[[SCOPE, A], [A.upper(), B]])
    assert (found.roles, [scope.lower() for scope in found.scopes]) == (["reader"], [SCOPE, A.lower(), B.lower()])


@pytest.mark.parametrize("arguments", [
    {"roles": [["Reader"]]}, {"scopes": [[SCOPE]]}, {"roles": [["Reader"]], "scopes": [["[]"]]}])
def test_role_and_scope_go_together(arguments: dict[str, Any]) -> None:
    with pytest.raises(RequiredArgumentMissingError, match="requires --"):
        validated(validate_assign, system_assigned=True, **arguments)


def test_a_role_that_git_bash_converted_and_split() -> None:
    role = f"/providers/Microsoft.Authorization/roleDefinitions/{SUB}"
    words = ["C:/Program", f"Files/Git{role}"]
    assert validated(validate_assign, system_assigned=True, roles=[words], scopes=[[SCOPE]]).roles == [role]
    with pytest.raises(InvalidArgumentValueError, match="is not a valid name or ID of a role"):
        validated(validate_assign, system_assigned=True, roles=[[*words, "Reader"]], scopes=[[SCOPE]])


def test_a_role_with_spaces_needs_quotes() -> None:
    with pytest.raises(InvalidArgumentValueError, match="--role takes one role, but 3 words follow it") as caught:
        validated(validate_assign, system_assigned=True, roles=[["Cognitive", "Services", "User"]], scopes=[[SCOPE]])
    assert caught.value.recommendations == ['Quote a name that contains spaces: --role "Cognitive Services User"']


def test_role_assignments_of_user_assigned_identities_stay() -> None:
    with pytest.raises(ArgumentUsageError, match="requires --system-assigned"):
        validated(validate_remove, user_assigned=[["a"]], delete_role_assignments=True)


# ---- what a removal asks ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("line", "arguments", "expected"), [
    ("--system-assigned", {"system_assigned": True}, Consent.PROCEED),
    ("--user-assigned a", {"user_assigned": [["a"]]}, Consent.PROCEED),
    ("--user-assigned []", {"user_assigned": [["[]"]]}, Consent.PROCEED),
    ("--user-assigned=[]", {"user_assigned": [["[]"]]}, Consent.PROCEED),
    ("--user-assigned a --user-assigned", {"user_assigned": [["a"], []]}, Consent.PROCEED),
    ("--user-assigned --yes", {"user_assigned": [[]], "yes": True}, Consent.YES),
    ("--user-assigned --dry-run", {"user_assigned": [[]], "dry_run": True}, Consent.PROCEED),
    ("--ids @-", {"resources": [[A]], "user_assigned": [["a"]]}, Consent.NEEDS_YES),
    ("--ids=@/dev/stdin", {"resources": [[A]], "user_assigned": [["a"]]}, Consent.NEEDS_YES),
    ("--ids @-", {"resources": [[A]], "system_assigned": True, "yes": True}, Consent.YES),
    ("--ids @-", {"resources": [[A]], "system_assigned": True, "dry_run": True}, Consent.PROCEED),
    ("--ids @ids.txt", {"resources": [[A], [B]], "user_assigned": [["a"]]}, Consent.NEEDS_YES),
    ("--ids @- --system-assigned", {"resources": [[""]], "system_assigned": True}, Consent.PROCEED),
    ("--user-assigned @-", {"user_assigned": [["a"]]}, Consent.PROCEED),
])
def test_consent_without_a_terminal(monkeypatch: pytest.MonkeyPatch, line: str, arguments: dict[str, Any],
                                    expected: Consent) -> None:
    typed(monkeypatch, *line.split())
    assert validated(validate_remove, **arguments).yes is expected


@pytest.mark.parametrize(("line", "arguments"), [
    ("--user-assigned", {"user_assigned": [[]]}),
    ("--user-assigned ''", {"user_assigned": [[], []]}),
    (f"--ids {A} --system-assigned", {"resources": [[A]], "user_assigned": [["a"]], "system_assigned": True}),
    ("--user-assigned --system-assigned", {"user_assigned": [[]], "system_assigned": True}),
    ("--ids @- --system-assigned", {"resources": [[A]], "system_assigned": True}),
    ("--ids @- --user-assigned []", {"resources": [[A]], "user_assigned": [["[]"]]}),
    ("--user-assigned @ids.json", {"user_assigned": [["[]"]]}),
])
def test_refused_before_any_call(monkeypatch: pytest.MonkeyPatch, line: str, arguments: dict[str, Any]) -> None:
    typed(monkeypatch, *line.split())
    with pytest.raises(NoTTYError, match="Nothing was removed") as caught:
        validated(validate_remove, **arguments)
    assert "--yes" in caught.value.recommendations[0]


def test_consent_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    assert validated(validate_remove, user_assigned=[[]]).yes is Consent.ASK
    assert validated(validate_remove, user_assigned=[[]], yes=True).yes is Consent.YES
    assert validated(validate_remove, user_assigned=[[]], confirm_off=True).yes is Consent.YES
    assert validated(validate_remove, user_assigned=[[]], dry_run=True).yes is Consent.PROCEED


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert validated(validate_remove, system_assigned=True).yes is Consent.PROCEED
    with (tmp_path / "x").open("w") as closed:
        pass
    monkeypatch.setattr(sys, "stdin", closed)
    assert validated(validate_remove, system_assigned=True).yes is Consent.PROCEED


# ---- list and wait ---------------------------------------------------------------------------------------------------

def test_list_takes_identities() -> None:
    assert validated(validate_list, user_assigned=[["a,b"], ["'c'"]]).user_assigned == ["a", "b", "c"]
    assert validated(validate_list, resource_group_name="rg\r").resource_group_name == "rg"


def test_all_subscriptions_and_a_group() -> None:
    with pytest.raises(MutuallyExclusiveArgumentError):
        validated(validate_list, all_subscriptions=True)


@pytest.mark.parametrize("query", ["[[", "identity.", "nothing(name)", "'", "length()"])
def test_wait_for_a_query_that_is_none(query: str) -> None:
    with pytest.raises(InvalidArgumentValueError, match="is not a JMESPath query"):
        validated(validate_wait, custom=query)


def test_wait_for_a_property_that_may_come() -> None:
    assert validated(validate_wait, custom="contains(identity.type, 'User')").custom


def test_wait_for_a_query_whose_mistake_shows_later() -> None:
    find = validated(validate_wait, custom="identity && nothing(name)").custom
    with pytest.raises(InvalidArgumentValueError, match="is not a JMESPath query"):
        find({"identity": {"type": "None"}})


def test_wait_for_nothing() -> None:
    with pytest.raises(RequiredArgumentMissingError, match="condition to wait for is missing"):
        validated(validate_wait)
