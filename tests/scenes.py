# SPDX-License-Identifier: MIT
"""What tests of the commands set up and look at, in few words."""

from __future__ import annotations

from typing import Any

from armsim import Armsim

APP = ["-n", "myApp", "-g", "rg"]
SUB = "00000000-0000-0000-0000-000000000001"
OTHER = "00000000-0000-0000-0000-000000000002"
AI = f"/subscriptions/{SUB}/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts/ai"
ELSEWHERE = f"/subscriptions/{OTHER}/resourceGroups/ai/providers/Microsoft.CognitiveServices/accounts/ai"
USER = "Cognitive Services User"
USER_ID = "a97b65f3-24c7-4388-baec-2e87135dc908"
READER_ID = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
GRAPH = "/providers/Microsoft.ResourceGraph/resources"

# Error codes that the extension explains, an unknown one, and bodies that hold little else.
CODES = ["ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound", "InvalidSubscriptionId",
         "AuthorizationFailed", "LinkedAuthorizationFailed", "FailedIdentityOperation", "ScopeLocked",
         "RequestDisallowedByPolicy", "MissingSubscriptionRegistration", "RoleDefinitionDoesNotExist", "Unknown"]
BODIES: list[Any] = [
    {"error": {"code": "{code}"}}, {"code": "{code}"}, {"error": {"code": "{code}", "message": None}},
    {"error": {"code": "{code}", "message": "", "additionalInfo": [{"type": "PolicyViolation", "info": {}}, None]}},
    {"error": {"code": "{code}", "message": "Words of the service.",
               "additionalInfo": [{"type": "PolicyViolation", "info": {"policyDefinitionName": None}}]}},
    {"error": "{code}"}, {"error": {"code": 1, "message": []}}]


def line(verb: str, *words: str) -> list[str]:
    """The words behind `az`."""
    return ["communication", "identity", verb, *words]


def block(*users: str, system: bool = False) -> dict[str, Any]:
    """An identity block as a PUT takes it."""
    kinds = ["SystemAssigned"] * system + ["UserAssigned"] * bool(users)
    return {"type": ",".join(kinds) or "None",
            **({"userAssignedIdentities": {identity: {} for identity in users}} if users else {})}


def writes(sim: Armsim) -> list[str]:
    """The methods of the requests that change something."""
    return [request.method for request in sim.requests if request.method in ("PUT", "PATCH", "DELETE")]


def has(sim: Armsim, resource: str) -> tuple[bool, list[str]]:
    """Whether a resource has the system-assigned identity, and its user-assigned identities."""
    found = sim.state.identity_of(resource) or {}
    return "SystemAssigned" in found.get("type", ""), list(found.get("userAssignedIdentities", {}))


def granted(sim: Armsim) -> list[tuple[str, str, str]]:
    """Scope, role GUID and principal of each role assignment."""
    return [(one["properties"]["scope"], one["properties"]["roleDefinitionId"].rsplit("/", 1)[-1],
             one["properties"]["principalId"]) for one in sim.state.authorization.assignments.values()]


def said(error: Any) -> str:
    """An error with its recommendations."""
    return "\n".join([str(error), *getattr(error, "recommendations", [])])
