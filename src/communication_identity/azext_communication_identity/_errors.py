# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""Errors of the service as errors for a person: what happened, why, and how to go on.

A table from ARM's error codes to functions. What isn't understood goes through with the service's own words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from azure.cli.core.azclierror import (
    AzCLIError,
    AzureConnectionError,
    AzureInternalError,
    AzureResponseError,
    BadRequestError,
    ForbiddenError,
    ResourceNotFoundError,
    UnauthorizedError,
    ValidationError,
)

from ._service_error import ServiceError, service_error

# The least role that holds an action; Contributor holds every action of the provider, Reader every read.
_ROLES = {"read": "Reader", "write": "Contributor"}


def explain(error: Exception) -> NoReturn:
    """The exception handler of all commands. Raises an azclierror, or the error itself where nothing is known of it."""
    known = explained(error)
    if known is None:
        raise error
    raise known from error


def explained(error: BaseException) -> AzCLIError | None:
    """The azclierror for an error of a command; None where nothing is known of it."""
    from azure.core.exceptions import AzureError, HttpResponseError
    from requests.exceptions import RequestException
    if isinstance(error, AzCLIError):
        return error
    if isinstance(error, HttpResponseError) and error.status_code is not None:
        return _from_service(service_error(error), getattr(error, "waited", None))
    if isinstance(error, (AzureError, RequestException)):
        return _from_connection(error)
    return None


def _from_service(error: ServiceError, waited: float | None) -> AzCLIError:
    if waited is not None:
        return AzureResponseError(
            f"The service is throttling: after {waited:.0f} seconds of waiting as it asked, it still refuses. "
            f"It said: {error.message or error.code}",
            "Try again later, with fewer resources at a time.")
    if error.code in _BY_CODE:
        return _BY_CODE[error.code](error)
    said = f"({error.code}) {error.message}" if error.code else f"The service answered with status {error.status}."
    if error.status >= 500:
        return AzureInternalError(f"The service failed: {said}",
                                  "Run the command again; it changes nothing that is there already.")
    return _BY_STATUS.get(error.status, AzureResponseError)(said)


def _from_connection(error: Exception) -> AzCLIError:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "certificate" in text.lower() or "ssl" in text.lower():
        how = ("If a proxy stands between, see https://learn.microsoft.com/cli/azure/use-cli-effectively"
               "#work-behind-a-proxy")
    else:
        how = "Check the network and the proxy settings, then run the command again; it changes nothing that is there "\
              "already."
    return AzureConnectionError(f"No usable answer from the service: {text}", how)


def _resource_not_found(error: ServiceError) -> AzCLIError:
    name, group = error.part("communicationServices"), error.part("resourceGroups")
    return ResourceNotFoundError(
        f"There is no Communication Services resource '{name}' in resource group '{group}' of subscription "
        f"'{error.part('subscriptions')}'.",
        f"To list the resources of that subscription, run:\naz communication identity list --subscription "
        f"{error.part('subscriptions')} --output table")


def _group_not_found(error: ServiceError) -> AzCLIError:
    return ResourceNotFoundError(
        f"There is no resource group '{error.part('resourceGroups')}' in subscription "
        f"'{error.part('subscriptions')}'.",
        f"To list its groups, run:\naz group list --subscription {error.part('subscriptions')} --output table")


def _subscription_not_found(error: ServiceError) -> AzCLIError:
    return ResourceNotFoundError(f"There is no subscription '{error.part('subscriptions')}' that this login can see.",
                                 "To list yours, run:\naz account list --output table")


def _authorization_failed(error: ServiceError) -> AzCLIError:
    action, scope = error.quoted("perform action"), error.quoted("over scope") or error.path
    role = _ROLES.get((action or "").rsplit("/", 1)[-1].lower(), "Contributor")
    return ForbiddenError(
        f"This login may not do that: the action '{action}' is missing at scope '{scope}'.",
        f"The role '{role}' holds it. Who may grant roles there can run:\n{_grant(error, role, scope)}\n"
        "If it was granted only now, log in again: az login")


def _linked_authorization_failed(error: ServiceError) -> AzCLIError:
    scope = error.quoted(r"linked scope\(s\)") or "IDENTITY_ID"
    return ForbiddenError(
        f"This login may change the resource, but it may not assign the user-assigned identity '{scope}'.",
        "To assign an identity needs the role 'Managed Identity Operator' on that identity. Who may grant roles there "
        f"can run:\n{_grant(error, 'Managed Identity Operator', scope)}")


def _grant(error: ServiceError, role: str, scope: str) -> str:
    return (f"az role assignment create --role \"{role}\" --assignee {error.quoted('with object id') or 'OBJECT_ID'} "
            f"--scope {scope}")


def _identity_operation_failed(error: ServiceError) -> AzCLIError:
    return BadRequestError(
        f"The service could not use the identity: {error.message}",
        "Check that each user-assigned identity exists:\naz identity list --query [].id --output tsv")


def _locked(error: ServiceError) -> AzCLIError:
    lock = error.quoted("following scope\\(s\\) are locked:") or error.path
    return ForbiddenError(
        f"A lock forbids to change the resource: '{lock}'. The service said: {error.message}",
        f"To see the locks, run:\naz lock list --resource-group {error.part('resourceGroups')} --output table\n"
        "Whoever owns the lock can remove it with az lock delete.")


def _disallowed_by_policy(error: ServiceError) -> AzCLIError:
    policies = [info.get("info") or {} for info in error.info if info.get("type") == "PolicyViolation"]
    names = ", ".join(f"'{policy.get('policyDefinitionDisplayName') or policy.get('policyDefinitionName')}' "
                      f"(assignment '{policy.get('policyAssignmentName')}')" for policy in policies)
    return ForbiddenError(
        f"A policy forbids the change: {names or error.message}",
        "To see what it asks for, run:\naz policy assignment list --disable-scope-strict-match --output table")


def _not_registered(error: ServiceError) -> AzCLIError:
    return ValidationError(
        f"Subscription '{error.part('subscriptions')}' is not registered for Communication Services.",
        f"To register it, run:\naz provider register -n Microsoft.Communication --wait --subscription "
        f"{error.part('subscriptions')}")


_BY_CODE: dict[str, Callable[[ServiceError], AzCLIError]] = {
    "ResourceNotFound": _resource_not_found,
    "ResourceGroupNotFound": _group_not_found,
    "SubscriptionNotFound": _subscription_not_found,
    "InvalidSubscriptionId": _subscription_not_found,
    "AuthorizationFailed": _authorization_failed,
    "LinkedAuthorizationFailed": _linked_authorization_failed,
    "FailedIdentityOperation": _identity_operation_failed,
    "ScopeLocked": _locked,
    "RequestDisallowedByPolicy": _disallowed_by_policy,
    "MissingSubscriptionRegistration": _not_registered,
}
_BY_STATUS: dict[int, Any] = {400: BadRequestError, 401: UnauthorizedError, 403: ForbiddenError,
                              404: ResourceNotFoundError}
