# SPDX-License-Identifier: MIT
"""Errors of Azure Resource Manager, with the words that were recorded of it (docs/service-behavior.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ArmError(Exception):
    """An error answer. `wrapped`: inside {"error": …}, as ARM itself does; some providers don't (K32)."""

    status: int
    code: str
    message: str
    extra: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    wrapped: bool = True

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        error = {"code": self.code, "message": self.message, **self.extra}
        return {"error": error} if self.wrapped else error


# The built-in policy that asks for an identity.
IDENTITY_POLICY = "bcff6755-335b-484d-b435-d1161db39cdc"
IDENTITY_POLICY_NAME = "Communication service resource should use a managed identity"
GATEWAY = {"x-ms-failure-cause": "gateway"}


def resource_not_found(kind: str, name: str, group: str) -> ArmError:
    """No such resource (K28)."""
    return ArmError(404, "ResourceNotFound",
                    f"The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details "
                    "please go to https://aka.ms/ARMResourceNotFoundFix", headers=GATEWAY)


def group_not_found(group: str) -> ArmError:
    """No such resource group (K28)."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.", headers=GATEWAY)


def subscription_not_found(subscription: str) -> ArmError:
    """No such subscription (A27)."""
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.",
                    headers=GATEWAY)


def authorization_failed(client: str, action: str, scope: str) -> ArmError:
    """The login lacks an action (K28)."""
    return ArmError(403, "AuthorizationFailed",
                    f"The client '{client}' with object id '{client}' does not have authorization to perform action "
                    f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
                    "refresh your credentials.", headers=GATEWAY)


def linked_authorization_failed(client: str, action: str, scope: str, linked: str) -> ArmError:
    """The login may not assign a user-assigned identity (K27)."""
    return ArmError(403, "LinkedAuthorizationFailed",
                    f"The client '{client}' with object id '{client}' has permission to perform action '{action}' on "
                    f"scope '{scope}'; however, it does not have permission to perform action "
                    "'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) "
                    f"'{linked}' or the linked scope(s) are invalid.", headers=GATEWAY)


def identity_operation_failed(resource: str, status: str, code: str, message: str, http_status: int = 400) -> ArmError:
    """ARM's frame around an error of the identity service (as in K33)."""
    inner = json.dumps({"error": {"code": code, "message": message}}, separators=(",", ":"))
    return ArmError(http_status, "FailedIdentityOperation",
                    f"Identity operation for resource '{resource}' failed with error 'Failed to perform resource "
                    f"identity operation. Status: '{status}'. Response: '{inner}'.'.", headers=GATEWAY)


def map_without_user_assigned(resource: str) -> ArmError:
    """A map of identities with a type that isn't UserAssigned (K21)."""
    return identity_operation_failed(resource, "BadRequest", "BadRequest",
                                     "The request format was unexpected, a non-UserAssigned identity type should not "
                                     "contain: userAssignedIdentities")


def identity_not_found(resource: str, identity: str) -> ArmError:
    """A user-assigned identity that doesn't exist (K26, A10)."""
    return identity_operation_failed(resource, "BadRequest", "BadRequest", f"Resource '{identity}' was not found.")


def missing_identity_ids() -> ArmError:
    """UserAssigned without an identity (K22)."""
    return ArmError(400, "MissingIdentityIds",
                    "The identity ids must not be null or empty for 'UserAssigned' identity type.", headers=GATEWAY)


def invalid_identity_value(identity: str) -> ArmError:
    """A value in the map that is neither {} nor null nor the stored one (K23)."""
    return ArmError(400, "InvalidIdentityValues",
                    f"Invalid value for the identities '{identity}'. The 'UserAssignedIdentities' property keys should "
                    "only be empty json objects, null or the resource existing property", headers=GATEWAY)


def null_in_put() -> ArmError:
    """null in the map of a PUT (K24)."""
    return ArmError(400, "InvalidIdentityValues",
                    "The 'UserAssignedIdentities' property keys should only be empty null during PATCH requests.",
                    headers=GATEWAY)


def null_in_patch() -> ArmError:
    """null in the map of a PATCH, where a service doesn't take it (A3)."""
    return ArmError(400, "InvalidIdentityValues",
                    "The 'UserAssignedIdentities' property keys should only be empty json objects.", headers=GATEWAY)


def linked_invalid_property_id(value: str) -> ArmError:
    """A key of the map that is no ARM ID (K25)."""
    return ArmError(400, "LinkedInvalidPropertyId",
                    f"Property id '{value}' at path '' is invalid. Expect fully qualified resource Id that start with "
                    "'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.", headers=GATEWAY)


def precondition_failed(name: str) -> ArmError:
    """If-Match names another ETag (A6). The shape is that of Private DNS (K32), the words are ours."""
    return ArmError(412, "PreconditionFailed", f"The resource {name} has been modified (etag mismatch).", wrapped=False)


def conflict() -> ArmError:
    """An operation is running (A7). The words are those of Compute (K35)."""
    return ArmError(409, "Conflict",
                    "The request failed due to conflict with a concurrent request. To resolve it, please refer to "
                    "https://aka.ms/activitylog to get more details on the conflicting requests.")


def scope_locked(scope: str, locked: str) -> ArmError:
    """A lock refuses it (K29)."""
    return ArmError(409, "ScopeLocked",
                    f"The scope '{scope}' cannot perform write operation because following scope(s) are locked: "
                    f"'{locked}'. Please remove the lock and try again.", headers=GATEWAY)


def policy_definition_not_found(name: str) -> ArmError:
    """No policy definition of that name (A28)."""
    return ArmError(404, "PolicyDefinitionNotFound", f"The policy definition '{name}' could not be found.",
                    headers=GATEWAY)


def disallowed_by_policy(name: str, scope: str, assignment: str) -> ArmError:
    """The policy refuses it (K30, K31)."""
    info = {"policyDefinitionDisplayName": IDENTITY_POLICY_NAME, "policyDefinitionEffect": "Deny",
            "policyDefinitionId": f"/providers/Microsoft.Authorization/policyDefinitions/{IDENTITY_POLICY}",
            "policyDefinitionName": IDENTITY_POLICY, "policyAssignmentName": assignment,
            "policyAssignmentId": f"{scope}/providers/Microsoft.Authorization/policyAssignments/{assignment}",
            "policyAssignmentDisplayName": assignment, "policyAssignmentScope": scope}
    identifiers = json.dumps([{"policyAssignment": {"name": assignment, "id": info["policyAssignmentId"]},
                               "policyDefinition": {"name": IDENTITY_POLICY_NAME, "id": info["policyDefinitionId"]}}])
    return ArmError(403, "RequestDisallowedByPolicy",
                    f"Resource '{name}' was disallowed by policy. Policy identifiers: '{identifiers}'.",
                    {"target": name, "additionalInfo": [{"type": "PolicyViolation", "info": info}]}, GATEWAY)


def not_registered(namespace: str) -> ArmError:
    """The subscription is not registered for a provider (K28)."""
    message = (f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found "
               "for how to register subscriptions.")
    return ArmError(409, "MissingSubscriptionRegistration", message,
                    {"details": [{"code": "MissingSubscriptionRegistration", "target": namespace, "message": message}]},
                    GATEWAY)


def throttled(subscription: str, seconds: int) -> ArmError:
    """ARM's token bucket is empty (K36; for the whole tenant A34)."""
    whose, code = f"subscription '{subscription}'", "SubscriptionRequestsThrottled"
    if not subscription:
        whose, code = "the tenant", "TenantRequestsThrottled"
    return ArmError(429, code, f"Number of requests for {whose} exceeded the limit. Please try again after '{seconds}' "
                               "seconds.", headers={"Retry-After": str(seconds), **GATEWAY})


def too_many_queries(headers: dict[str, str]) -> ArmError:
    """Resource Graph's quota is used up (A18)."""
    return ArmError(429, "RateLimiting", "Please provide below info when asking for support.", headers=headers)


def principal_not_found(principal_id: str, tenant: str) -> ArmError:
    """The directory doesn't know the principal yet (K38)."""
    return ArmError(400, "PrincipalNotFound",
                    f"Principal {principal_id.replace('-', '')} does not exist in the directory {tenant}. Check that "
                    "you have the correct principal ID. If you are creating this principal and then immediately "
                    "assigning a role, this error might be related to a replication delay. In this case, set the role "
                    "assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See "
                    "https://aka.ms/docs-principaltype")


def role_assignment_exists() -> ArmError:
    """The same role, principal and scope (K39)."""
    return ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")


def role_assignment_update_not_permitted() -> ArmError:
    """The name of another role assignment (K54)."""
    return ArmError(400, "RoleAssignmentUpdateNotPermitted",
                    "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")


def role_definition_not_found(guid: str) -> ArmError:
    """No such role definition (K40)."""
    return ArmError(404, "RoleDefinitionDoesNotExist",
                    f"The specified role definition with ID '{guid.replace('-', '')}' does not exist.")


def policy_token_missing(name: str, scope: str, assignment: str, change_reference: bool) -> ArmError:
    """A policy that evaluates outside of Azure, and a write without its token (K52)."""
    policy_id = f"{scope}/providers/Microsoft.Authorization/policyAssignments/{assignment}"
    info = {"policyAssignmentName": assignment, "policyAssignmentId": policy_id, "policyAssignmentScope": scope,
            "policyDefinitionEffect": "Deny", "missingPolicyTokenDetails": {
                "shouldDeny": True, "isChangeReferenceRequired": change_reference}}
    identifiers = json.dumps([{"policyAssignment": {"name": assignment, "id": policy_id}}])
    return ArmError(403, "RequestDisallowedByPolicy",
                    f"Resource '{name}' was disallowed by policy. Policy identifiers: '{identifiers}'.",
                    {"target": name, "additionalInfo": [{"type": "PolicyViolation", "info": info}]}, GATEWAY)


def unsupported_filter(text: str) -> ArmError:
    """A filter that lists of assignments don't take (K66)."""
    return ArmError(400, "UnsupportedQuery",
                    f"The filter '{text}' is not supported. Supported filters are either 'atScope()' or 'principalId "
                    "eq '{value}' or assignedTo('{value}')'.")


def unknown_to_this_cloud(kind: str, version: str, known: Iterable[str]) -> ArmError:
    """An API version that other clouds know (A37)."""
    return ArmError(400, "NoRegisteredProviderFound",
                    f"No registered resource provider found for location 'eastus' and API version '{version}' for "
                    f"type '{kind.rsplit('/', 1)[-1]}'. The supported api-versions are '{', '.join(sorted(known))}'. "
                    "The supported locations are 'eastus'.", headers=GATEWAY)


def container_not_found() -> ArmError:
    """No such blob container (A36)."""
    return ArmError(404, "ContainerNotFound", "The specified container does not exist.")


def missing_api_version() -> ArmError:
    """A request without api-version (A27)."""
    return ArmError(400, "MissingApiVersionParameter",
                    "The api-version query parameter (?api-version=) is required for all requests.", headers=GATEWAY)


def unknown_route(path: str) -> ArmError:
    """A resource type or API version that armsim doesn't know (K28)."""
    return ArmError(404, "InvalidResourceType", f"The resource type could not be found: '{path}'.", headers=GATEWAY)
