# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""What armsim's PATCH and PUT do to identities: the table of shared/WIRE_FACTS.md, sections 4.1 and 4.2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from armsim import ArmState, ManualClock, errors
from armsim.errors import ArmError

SYSTEM = {"type": "SystemAssigned"}
BOTH = "SystemAssigned,UserAssigned"


@pytest.fixture
def state() -> ArmState:
    state = ArmState(ManualClock())
    for name in "ABC":
        state.add_user_identity(name, "g")
    return state


def expand(state: ArmState, block: dict[str, Any] | None) -> dict[str, Any] | None:
    """A block with A, B and C written out as resource IDs; "a" is A in lower case throughout."""
    if not block or "map" not in block:
        return block
    ids = {name: f"/subscriptions/{state.SUBSCRIPTION}/resourcegroups/g/providers/Microsoft.ManagedIdentity"
                 f"/userAssignedIdentities/{name.upper()}" for name in "ABCaX"}
    ids["a"] = ids["a"].lower()
    return {"type": block["type"], "userAssignedIdentities": {ids[name]: value for name, value in block["map"].items()}}


def summary(block: dict[str, Any] | None) -> str | None:
    """The type and the names, such as "SystemAssigned, UserAssigned A B"."""
    if block is None:
        return None
    return " ".join([block["type"], *sorted(key.rsplit("/", 1)[-1] for key in block.get("userAssignedIdentities", {}))])


def users(kind: str, *names: str, **nulls: None) -> dict[str, Any]:
    return {"type": kind, "map": {**{name: {} for name in names}, **nulls}}


@pytest.mark.parametrize(("before", "sent", "after"), [
    (None, SYSTEM, "SystemAssigned"),
    (SYSTEM, SYSTEM, "SystemAssigned"),
    (SYSTEM, {"type": "None"}, "None"),
    ({"type": "None"}, users("UserAssigned", "A"), "UserAssigned A"),
    (users("UserAssigned", "A"), {"type": BOTH}, "SystemAssigned, UserAssigned A"),
    (users(BOTH, "A"), SYSTEM, "SystemAssigned"),
    (users(BOTH, "A"), users("UserAssigned", "B", A=None), "UserAssigned B"),
    (users(BOTH, "A"), users(BOTH, "B"), "SystemAssigned, UserAssigned A B"),
    (users(BOTH, "A", "B"), users(BOTH, a=None), "SystemAssigned, UserAssigned B"),
    (users(BOTH, "A", "B", "C"), users("UserAssigned", A=None), "UserAssigned B C"),
    (users(BOTH, "A", "B"), {"type": "UserAssigned"}, "UserAssigned A B"),
    (users(BOTH, "A"), {"type": "None"}, "None"),
    (users(BOTH, "A"), None, "SystemAssigned, UserAssigned A"),
    (users(BOTH, "A"), {"type": "userassigned,systemassigned"}, "SystemAssigned, UserAssigned A"),
    (users(BOTH, "A"), {"type": "SystemAssigned, UserAssigned"}, "SystemAssigned, UserAssigned A"),
])
def test_patch(state: ArmState, before: Any, sent: Any, after: str) -> None:
    resource = state.add_resource("app", "g", identity=expand(state, before))
    body = {"tags": {}} if sent is None else {"identity": expand(state, sent)}
    state.patch_resource(resource, body)
    assert summary(state.identity_of(resource)) == after


@pytest.mark.parametrize(("before", "sent", "code", "words"), [
    (None, {"type": "SystemAssigned", "map": {}}, "FailedIdentityOperation", "a non-UserAssigned identity type"),
    (None, {"type": "UserAssigned"}, "MissingIdentityIds", "must not be null or empty"),
    (users("UserAssigned", "A"), users("UserAssigned", A=None), "MissingIdentityIds", "must not be null or empty"),
    (None, {"type": "UserAssigned", "map": {"A": {"x": 1}}}, "InvalidIdentityValues", "only be empty json objects"),
    (None, users("UserAssigned", "X"), "FailedIdentityOperation", "was not found."),
    (None, {"type": "UserAssigned", "userAssignedIdentities": {"mine": {}}}, "LinkedInvalidPropertyId", "'mine'"),
    (None, {"type": "Both"}, "InvalidIdentityType", "'Both'"),
])
def test_patch_refuses(state: ArmState, before: Any, sent: Any, code: str, words: str) -> None:
    resource = state.add_resource("app", "g", identity=expand(state, before))
    document = state.get_resource(resource)
    with pytest.raises(ArmError) as caught:
        state.patch_resource(resource, {"identity": expand(state, sent)})
    assert (caught.value.status, caught.value.code) == (400, code)
    assert words in caught.value.message
    assert state.get_resource(resource) == document


def test_stored_values_may_be_sent_back(state: ArmState) -> None:
    resource = state.add_resource("app", "g", identity=expand(state, users(BOTH, "A")))
    block = state.identity_of(resource)
    state.patch_resource(resource, {"identity": {key: block[key] for key in ("type", "userAssignedIdentities")}})
    assert state.identity_of(resource) == block


def test_null_is_not_for_put(state: ArmState) -> None:
    resource = state.add_resource("app", "g")
    body = {"location": "global", "identity": expand(state, users("UserAssigned", "B", A=None))}
    with pytest.raises(ArmError, match="InvalidIdentityValues"):
        state.put_resource(resource, body)


def test_a_service_that_replaces_the_map(state: ArmState) -> None:
    state.options.merge_patch = False
    resource = state.add_resource("app", "g", identity=expand(state, users("UserAssigned", "A")))
    state.patch_resource(resource, {"identity": expand(state, users("UserAssigned", "B"))})
    assert summary(state.identity_of(resource)) == "UserAssigned B"


def test_the_principal_stays_until_it_is_removed(state: ArmState) -> None:
    resource = state.add_resource("app", "g", identity=SYSTEM)
    first = state.identity_of(resource)["principalId"]
    state.patch_resource(resource, {"identity": expand(state, users(BOTH, "A"))})
    assert state.identity_of(resource)["principalId"] == first
    state.patch_resource(resource, {"identity": {"type": "None"}})
    state.patch_resource(resource, {"identity": SYSTEM})
    assert state.identity_of(resource)["principalId"] != first


def test_if_match(state: ArmState) -> None:
    resource = state.add_resource("app", "g")
    etag = state.get_resource(resource)[1]
    state.patch_resource(resource, {"identity": SYSTEM}, etag)
    with pytest.raises(ArmError, match="PreconditionFailed"):
        state.patch_resource(resource, {"identity": {"type": "None"}}, etag)
    state.patch_resource(resource, {"identity": {"type": "None"}}, "*")
    state.options.honour_if_match = False
    state.patch_resource(resource, {"identity": SYSTEM}, etag)
    assert summary(state.identity_of(resource)) == "SystemAssigned"


def test_a_put_settles_with_time(state: ArmState) -> None:
    resource = state.add_resource("app", "g")
    state.put_resource(resource, {"location": "global", "properties": {"dataLocation": "unitedstates"},
                                  "identity": expand(state, users("UserAssigned", "A"))})
    document = state.get_resource(resource)[0]
    assert document["properties"]["provisioningState"] == "Accepted"
    assert list(document["identity"]["userAssignedIdentities"].values()) == [{}]
    with pytest.raises(ArmError, match="Conflict"):
        state.patch_resource(resource, {"identity": {"type": "None"}})
    state.clock.sleep(12)
    document = state.get_resource(resource)[0]
    assert document["properties"]["provisioningState"] == "Succeeded"
    assert all(value["clientId"] for value in document["identity"]["userAssignedIdentities"].values())


@pytest.mark.parametrize(("code", "made"), [
    ("ResourceNotFound", errors.resource_not_found("T", "n", "g")),
    ("ResourceGroupNotFound", errors.group_not_found("g")),
    ("AuthorizationFailed", errors.authorization_failed("c", "a", "s")),
    ("LinkedInvalidPropertyId", errors.linked_invalid_property_id("myIdentity")),
    ("MissingSubscriptionRegistration", errors.not_registered("Microsoft.X")),
    ("RequestDisallowedByPolicy", errors.disallowed_by_policy("n", "s", "p")),
    ("RoleAssignmentExists", errors.role_assignment_exists()),
    ("PrincipalNotFound", errors.principal_not_found("00000000-0000-0000-0000-000000000000", "t")),
    ("FailedIdentityOperation", errors.identity_operation_failed("r", "429", "429", "m", 429)),
    ("PreconditionFailed", errors.precondition_failed("n")),
])
def test_errors_have_the_recorded_shape(shared: Path, code: str, made: ArmError) -> None:
    all_recorded = json.loads((shared / "data" / "recorded_arm_errors.json").read_text(encoding="utf-8"))
    recorded = next(one for one in all_recorded if one["code"] == code)
    body = recorded["response_body"]
    assert made.status == recorded["status"]
    assert set(made.body()) == set(body)
    assert {"code", "message"} <= set(made.body().get("error", made.body())) <= set(body.get("error", body))
    theirs = body.get("error", body)["message"].split("'")[0]
    assert made.message.split("'")[0].split(" ")[0] == theirs.split(" ")[0]
