# SPDX-License-Identifier: MIT
"""What armsim's PATCH and PUT do to identities. The table of PATCH is of recordings in Azure/azure-cli and
Azure/azure-cli-extensions: test_user_assigned_identity.yaml (storage), test_vm_explicit_msi.yaml (virtual machines),
test_backup_identity.yaml (recovery services). Where an error comes from is said in armsim/errors.py.
"""

from __future__ import annotations

import json
import re
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


def block_of(state: ArmState, resource: str) -> dict[str, Any]:
    return state.identity_of(resource) or {}


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
    block = block_of(state, resource)
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
    first = block_of(state, resource)["principalId"]
    state.patch_resource(resource, {"identity": expand(state, users(BOTH, "A"))})
    assert block_of(state, resource)["principalId"] == first
    state.patch_resource(resource, {"identity": {"type": "None"}})
    state.patch_resource(resource, {"identity": SYSTEM})
    assert block_of(state, resource)["principalId"] != first


def test_if_match(state: ArmState) -> None:
    resource = state.add_resource("app", "g")
    etag = state.get_resource(resource)[1]
    state.patch_resource(resource, {"identity": SYSTEM}, etag)
    with pytest.raises(ArmError, match="PreconditionFailed"):
        state.patch_resource(resource, {"identity": {"type": "None"}}, etag)
    state.patch_resource(resource, {"identity": {"type": "None"}}, "*")
    state.options.honor_if_match = False
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


GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Recordings of Azure/azure-cli (d8453938) and Azure/azure-cli-extensions (3177bb19), */tests/latest/recordings: the
# status, whether ARM's own gateway says it (x-ms-failure-cause), and what it says.
ERRORS = [
    ("test_acr_agentpool.yaml", 404, True, "The Resource '.+' under resource group '.+' was not found. For more "
     "details please go to https://aka.ms/ARMResourceNotFoundFix", errors.resource_not_found("T", "n", "g")),
    ("test_resource_group_no_wait.yaml", 404, True, "Resource group '.+' could not be found.",
     errors.group_not_found("g")),
    ("test_backup_csr.yaml", 403, True, "The client '.+' with object id '.+' does not have authorization to perform "
     "action '.+' over scope '.+' or the scope is invalid. If access was recently granted, please refresh your "
     "credentials.", errors.authorization_failed("c", "a", "s")),
    ("test_account_cmk_encryption.yaml", 400, True, "Property id 'myIdentity' at path '' is invalid. Expect fully "
     "qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace"
     "}/'.", errors.linked_invalid_property_id("myIdentity")),
    ("test_create_service.yaml", 409, True, "The subscription is not registered to use namespace '.+'. "
     "See https://aka.ms/rps-not-found for how to register subscriptions.", errors.not_registered("Microsoft.X")),
    ("test_input_create_policy_violation.yaml", 403, True, "Resource '.+' was disallowed by policy. Policy "
     "identifiers: '.+'.", errors.disallowed_by_policy("n", "s", "p")),
    ("test_aks_create_default_service_without_skip_role_assignment.yaml", 409, False, "The role assignment already "
     "exists.", errors.role_assignment_exists()),
    ("test_aks_create_and_update_with_http_proxy_config.yaml", 400, False, "Principal [0-9a-f]{32} does not exist in "
     f"the directory {GUID}. Check that you have the correct principal ID. If you are creating this principal and then "
     "immediately assigning a role, this error might be related to a replication delay. In this case, set the role "
     "assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See "
     "https://aka.ms/docs-principaltype",
     errors.principal_not_found("00000000-0000-0000-0000-000000000000", ArmState.TENANT)),
    ("test_aks_create_with_app_routing_enabled_and_nginx_specified_abbrv.yaml", 429, True, "Identity operation for "
     "resource '.+' failed with error 'Failed to perform resource identity operation. Status: '429'. Response: '.+'.'.",
     errors.identity_operation_failed("r", "429", "429", "m", 429)),
    ("test_PatchRecordSet_IfMatchFailure_ExpectError.yaml", 412, False, "The .+ has been modified (etag mismatch).",
     errors.precondition_failed("n")),
    ("test_guest_attestation_extension_and_msi.yaml", 409, False, "The request failed due to conflict with a "
     "concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the "
     "conflicting requests.", errors.conflict()),
    ("test_content_key_policy_create_with_playready_success.yaml", 429, None, "Number of requests for subscription "
     "'.+' .*exceeded the .*limit. Please try again after '.+' seconds.", errors.throttled("s", 6)),
]


def says(message: str, text: str) -> bool:
    """Whether a message is a text whose parts in quotes and other patterns may differ."""
    escaped = re.escape(text).replace(re.escape(".+"), ".+").replace(re.escape(".*"), ".*")
    for pattern in (GUID, "[0-9a-f]{32}"):
        escaped = escaped.replace(re.escape(pattern), pattern)
    return re.fullmatch(escaped, message) is not None


@pytest.mark.parametrize(("recording", "status", "gateway", "text", "made"), ERRORS)
def test_errors_say_what_was_recorded(recording: str, status: int, gateway: bool | None, text: str, made: ArmError
                                      ) -> None:
    assert made.status == status
    assert says(made.message, text), made.message
    assert ("error" in made.body()) is (recording != "test_PatchRecordSet_IfMatchFailure_ExpectError.yaml")
    assert gateway in (None, "x-ms-failure-cause" in made.headers)  # None: the recorder removes it there


@pytest.mark.parametrize(("recording", "status", "gateway", "text", "made"), ERRORS)
def test_the_table_is_that_of_the_data(shared: Path, recording: str, status: int, gateway: bool | None, text: str,
                                       made: ArmError) -> None:
    all_recorded = json.loads((shared / "data" / "recorded_arm_errors.json").read_text(encoding="utf-8"))
    recorded = next(one for one in all_recorded if f"/{recording} #" in one["source"])
    body = recorded["response_body"]
    error = body.get("error", body)
    assert (recorded["status"], error["code"]) == (status, made.code)
    assert says(error["message"], text), error["message"]
    assert set(made.body()) == set(body)
    assert {"code", "message"} <= set(made.body().get("error", made.body())) <= set(error)
    assert gateway in (None, "x-ms-failure-cause" in {name.lower() for name in recorded["response_headers"]})
