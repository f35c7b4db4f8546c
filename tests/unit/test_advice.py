# SPDX-License-Identifier: MIT
"""The whole text of each error: what happened, and what to do next."""

from __future__ import annotations

from asyncio import CancelledError
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from azext_communication_identity.arm.errors import explain, explained, reasons
from azext_communication_identity.arm.login import challenge_of
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import Get, Put, Request, RequestError, UpdateIdentity
from azext_communication_identity.model.resource_id import ResourceId
from azext_communication_identity.model.unfinished import UnfinishedError
from azure.cli.core import azclierror as errors
from knack.util import CLIError
from requests.exceptions import ConnectionError as NoConnection

SUB, OTHER = (f"00000000-0000-0000-0000-00000000000{number}" for number in "12")
RESOURCE = ResourceId(SUB, "rg", "app")
IDENTITY = f"/subscriptions/{OTHER}/resourceGroups/x/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
PATH = RESOURCE.id
PATCH = UpdateIdentity(RESOURCE, {"identity": {"type": "SystemAssigned"}})
PATCH_OF_USERS = UpdateIdentity(RESOURCE, {"identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}})
AGAIN = "To retry, run the command again."
NETWORK = f"Check the network and the proxy settings. {AGAIN}"
DEBUG = "To see the whole response, run the command again with --debug."
OTHER_EXTENSION = (
    "Change the identity in the Azure portal, or with Microsoft's extension, whose PUT writes the whole resource. To replace this "
    "extension with it, run:\naz extension remove --name communication-identity\naz extension add --name communication")
SIGN_IN = f"It may be a proxy, or a network that asks you to sign in. Check the proxy settings. {AGAIN}"
IN_PROGRESS = "Another change may be in progress. Wait a few minutes, then run the command again."
POLICIES = f"To list the policy assignments, run:\naz policy assignment list --disable-scope-strict-match --subscription {SUB} --output table"
LIST_IDENTITIES = 'To check that each user-assigned identity exists, run:\naz identity list --subscription {} --query "[].id" --output tsv'


def service(status: int, code: Any = "X", message: Any = "No.", **more: Any) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, **more}})


def violated(**policy: Any) -> dict[str, Any]:
    return {"additionalInfo": [{"type": "Other", "info": {"policyDefinitionName": "z"}}, "?", {"type": "PolicyViolation", "info": "?"},
                               {"type": "PolicyViolation", "info": policy}]}


def forbidden(action: str, scope: str, more: str = "") -> Answer:
    return service(403, "AuthorizationFailed", f"The client 'c' with object id '{OTHER}' does not have authorization to perform action "
                                               f"'{action}' over scope '{scope}'{more}")


def grant(role: str, scope: str) -> str:
    return (f"The role '{role}' grants it. Ask someone who can assign roles there to run:\n"
            f"az role assignment create --role {role if ' ' not in role else chr(34) + role + chr(34)} --assignee {OTHER} --scope {scope}\n"
            "If access was granted recently, run az login again.")


@pytest.mark.parametrize(("request_", "reply", "kind", "said", "ways"), [
    # by code
    (Get(PATH), service(404, "resourceNotFound"), errors.ResourceNotFoundError,
     f"There is no Communication Services resource 'app' in resource group 'rg' of subscription '{SUB}'.",
     [f"To list the resources in that subscription, run:\naz communication identity list --subscription {SUB} --output table"]),
    (Get(f"{PATH}/providers/Microsoft.Authorization/x"), service(404, "ResourceNotFound"), errors.ResourceNotFoundError, "(ResourceNotFound) No.", []),
    (Get(f"/subscriptions/{SUB}/resourceGroups/rg"), service(404, "ResourceNotFound"), errors.ResourceNotFoundError, "(ResourceNotFound) No.", []),
    (Get(PATH), service(404, "ResourceGroupNotFound"), errors.ResourceNotFoundError, f"There is no resource group 'rg' in subscription '{SUB}'.",
     [f"To list its resource groups, run:\naz group list --subscription {SUB} --output table"]),
    (Get(f"/subscriptions/{SUB}"), service(404, "ResourceGroupNotFound"), errors.ResourceNotFoundError, "(ResourceGroupNotFound) No.", []),
    (Get(PATH), service(404, "SubscriptionNotFound"), errors.ResourceNotFoundError, f"There is no subscription '{SUB}' that you have access to.",
     ["To list your subscriptions, run:\naz account list --output table"]),
    (Get(PATH), service(400, "InvalidSubscriptionId"), errors.ResourceNotFoundError, f"There is no subscription '{SUB}' that you have access to.",
     ["To list your subscriptions, run:\naz account list --output table"]),
    (Get("/x"), service(404, "SubscriptionNotFound"), errors.ResourceNotFoundError, "(SubscriptionNotFound) No.", []),
    (Get(PATH), service(401, "InvalidAuthenticationTokenTenant", f"It must match the tenant 'https://sts.windows.net/{OTHER}/' of it."),
     errors.UnauthorizedError, f"(InvalidAuthenticationTokenTenant) It must match the tenant 'https://sts.windows.net/{OTHER}/' of it.",
     [f"To log in to the tenant of the subscription, run:\naz login --tenant {OTHER}"]),
    (Get(PATH), service(409, "MissingSubscriptionRegistration", "Not registered to use namespace 'Microsoft.Other'."), errors.ValidationError,
     f"Subscription '{SUB}' isn't registered to use 'Microsoft.Other'.",
     [f"To register it, run:\naz provider register -n Microsoft.Other --wait --subscription {SUB}"]),
    (Get(PATH), service(409, "MissingSubscriptionRegistration"), errors.ValidationError, f"Subscription '{SUB}' isn't registered to use 'Microsoft.Communication'.",
     [f"To register it, run:\naz provider register -n Microsoft.Communication --wait --subscription {SUB}"]),
    (Get("/x"), service(403, "MissingSubscriptionRegistration"), errors.ForbiddenError, "(MissingSubscriptionRegistration) No.", []),
    # permissions
    (Get(PATH), forbidden("Microsoft.X/y/read", PATH), errors.ForbiddenError,
     f"You don't have permission to perform 'Microsoft.X/y/read' on '{PATH}'.", [grant("Reader", PATH)]),
    (Get(PATH), forbidden("Microsoft.X/y/write", PATH, " or the scope is invalid."), errors.ForbiddenError,
     f"You don't have permission to perform 'Microsoft.X/y/write' on '{PATH}', or 'app' or the group 'rg' doesn't exist.", [grant("Contributor", PATH)]),
    (PATCH, forbidden("Microsoft.X/y/write", PATH, " or the scope is invalid."), errors.ForbiddenError,
     f"You don't have permission to perform 'Microsoft.X/y/write' on '{PATH}'.", [grant("Contributor", PATH)]),
    (Get(PATH), forbidden("Microsoft.X/y/write", f"/subscriptions/{SUB}/resourceGroups/rg", " or the scope is invalid."), errors.ForbiddenError,
     f"You don't have permission to perform 'Microsoft.X/y/write' on '/subscriptions/{SUB}/resourceGroups/rg', or the group 'rg' doesn't exist.",
     [grant("Contributor", f"/subscriptions/{SUB}/resourceGroups/rg")]),
    (Get(PATH), forbidden("Microsoft.X/y/write", f"/subscriptions/{SUB}", " or the scope is invalid."), errors.ForbiddenError,
     f"You don't have permission to perform 'Microsoft.X/y/write' on '/subscriptions/{SUB}'.", [grant("Contributor", f"/subscriptions/{SUB}")]),
    (Put("/x", {}), forbidden("Microsoft.Authorization/roleAssignments/write", f"{PATH}/providers/Microsoft.Authorization/roleAssignments/1"),
     errors.ForbiddenError, "You don't have permission to perform 'Microsoft.Authorization/roleAssignments/write' on "
     f"'{PATH}/providers/Microsoft.Authorization/roleAssignments/1'.", [grant("Role Based Access Control Administrator", PATH)]),
    (Put("/x", {}), forbidden("Microsoft.Authorization/roleAssignments/write", "/providers/Microsoft.Authorization/roleAssignments/1"), errors.ForbiddenError,
     "You don't have permission to perform 'Microsoft.Authorization/roleAssignments/write' on '/providers/Microsoft.Authorization/roleAssignments/1'.",
     [grant("Role Based Access Control Administrator", "/")]),
    (Get(PATH), forbidden("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", IDENTITY), errors.ForbiddenError,
     f"You don't have permission to perform 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on '{IDENTITY}'.",
     [grant("Managed Identity Operator", IDENTITY)]),
    (Put("/x", {}), forbidden("Microsoft.X/y/write", PATH, ": condition not fulfilled"), errors.ForbiddenError,
     f"You have a role that permits 'Microsoft.X/y/write' on '{PATH}', but a condition on its assignment prevents this.",
     ["Ask someone who can assign roles there to change the condition. To see it, run:\naz role assignment list --include-inherited "
      f'--assignee {OTHER} --scope {PATH} --query "[].condition"']),
    (Get(PATH), service(403, "AuthorizationFailed", "perform action 'x'"), errors.ForbiddenError, "(AuthorizationFailed) perform action 'x'", []),
    (PATCH, service(403, "LinkedAuthorizationFailed", f"the current tenant 't' is not authorized to access linked subscription '{OTHER}'."), errors.ForbiddenError,
     f"The resource can't use an identity of subscription '{OTHER}': that subscription doesn't exist, or belongs to another tenant. An identity must "
     "belong to the resource's tenant.",
     [f'To list the identities in the resource\'s subscription, run:\naz identity list --subscription {SUB} --query "[].id" --output tsv']),
    (PATCH, service(403, "LinkedAuthorizationFailed", f"not on the linked scope(s) '{IDENTITY}'"), errors.ForbiddenError,
     f"You don't have permission to assign the user-assigned identity '{IDENTITY}'.",
     ["Assigning this identity requires the 'Managed Identity Operator' role on it. Ask someone who can assign roles there to run:\n"
      f'az role assignment create --role "Managed Identity Operator" --assignee OBJECT_ID --scope {IDENTITY}']),
    (PATCH, service(403, "LinkedAuthorizationFailed", "not on the linked scope(s) '/a','/b'"), errors.ForbiddenError,
     "You don't have permission to assign the user-assigned identities '/a', '/b'.",
     ["Assigning an identity requires the 'Managed Identity Operator' role on it. Ask someone who can assign roles there to run:\n"
      'az role assignment create --role "Managed Identity Operator" --assignee OBJECT_ID --scope /a\n'
      'az role assignment create --role "Managed Identity Operator" --assignee OBJECT_ID --scope /b']),
    # identities, locks and policies
    (PATCH, service(400, "FailedIdentityOperation"), errors.BadRequestError, "The service couldn't use the identity: (FailedIdentityOperation) No.",
     ["Run the command again in a few minutes."]),
    (PATCH_OF_USERS, service(400, "FailedIdentityOperation"), errors.BadRequestError,
     "The service couldn't use the identity: (FailedIdentityOperation) No.", [LIST_IDENTITIES.format(SUB)]),
    (PATCH, service(400, "FailedIdentityOperation", f"There is no '{IDENTITY}'."), errors.BadRequestError,
     f"The service couldn't use the identity: (FailedIdentityOperation) There is no '{IDENTITY}'.", [LIST_IDENTITIES.format(OTHER)]),
    (PATCH, service(409, "ScopeLocked", f"The following scope(s) are locked: '{PATH}/providers/Microsoft.Authorization/LOCKS/keep'."), errors.ForbiddenError,
     f"The lock '{PATH}/providers/Microsoft.Authorization/LOCKS/keep' prevents the change.",
     [f"To list the locks, run:\naz lock list --resource-group rg --subscription {SUB} --output table\n"
      "The owner of the lock can delete it with az lock delete."]),
    (PATCH, service(409, "ScopeLocked"), errors.ForbiddenError, "The resource is locked. (ScopeLocked) No.",
     [f"To list the locks, run:\naz lock list --resource-group rg --subscription {SUB} --output table\n"
      "The owner of the lock can delete it with az lock delete."]),
    (PATCH, service(403, "RequestDisallowedByPolicy"), errors.ForbiddenError, "Azure Policy denied the change: (RequestDisallowedByPolicy) No.", [POLICIES]),
    (PATCH, service(403, "RequestDisallowedByPolicy", additionalInfo="?"), errors.ForbiddenError,
     "Azure Policy denied the change: (RequestDisallowedByPolicy) No.", [POLICIES]),
    (PATCH, service(403, "RequestDisallowedByPolicy", **violated(policyDefinitionDisplayName="Only mine", policyAssignmentName="a")), errors.ForbiddenError,
     "Azure Policy denied the change: 'Only mine' (assignment 'a')", [POLICIES]),
    (PATCH, service(403, "RequestDisallowedByPolicy", "A TOKEN is missing.", **violated(policyDefinitionName="b")), errors.ForbiddenError,
     "Azure Policy denied the change: 'b'", [POLICIES, "The policy requires a policy token. Run the command again with --acquire-policy-token."]),
    (PATCH, service(403, "RequestDisallowedByPolicy", **violated(policyAssignmentName="c", missingPolicyTokenDetails={"isChangeReferenceRequired": True})),
     errors.ForbiddenError, "Azure Policy denied the change: (assignment 'c')",
     [POLICIES, "The policy requires a policy token. Run the command again with --acquire-policy-token and --change-reference ID."]),
    # by status
    (PATCH, service(405), errors.BadRequestError, "The service doesn't accept a PATCH of the identity. Nothing was changed. It said: (X) No.", [OTHER_EXTENSION]),
    (PATCH, service(400, "X", "Patching isn't supported."), errors.BadRequestError,
     "The service doesn't accept a PATCH of the identity. Nothing was changed. It said: (X) Patching isn't supported.", [OTHER_EXTENSION]),
    (PATCH, Answer(501), errors.BadRequestError,
     "The service doesn't accept a PATCH of the identity. Nothing was changed. It said: The service returned status 501.", [OTHER_EXTENSION]),
    (Get(PATH), service(501), errors.AzureInternalError, "The service failed: (X) No.", [AGAIN]),
    (Get(PATH), service(405), errors.AzureResponseError, "(X) No.", []), (PATCH, service(400), errors.BadRequestError, "(X) No.", []),
    (Get(PATH), Answer(500), errors.AzureInternalError, "The service failed: The service returned status 500.", [AGAIN]),
    (Get(PATH), Answer(302), errors.AzureResponseError, "Something other than Azure Resource Manager answered, with status 302.", [SIGN_IN]),
    (Get(PATH), Answer(403, None, text="<html>"), errors.ForbiddenError, "Something other than Azure Resource Manager answered, with status 403.", [SIGN_IN]),
    (Get(PATH), Answer(403, None, text=" "), errors.ForbiddenError, "The service refused the request with status 403, and gives no reason.", [DEBUG]),
    (Get(PATH), Answer(403, {}, text="{}"), errors.ForbiddenError, "The service refused the request with status 403, and gives no reason.", [DEBUG]),
    (Get(PATH), service(409), errors.AzureResponseError, "(X) No.", [IN_PROGRESS]),
    (Get(PATH), Answer(409), errors.AzureResponseError, "The service refused the change because of the state of the resource (status 409), and gives no reason.",
     [IN_PROGRESS]),
    (Get(PATH), Answer(429, headers={"retry-after": "7"}), errors.AzureResponseError,
     "The service is throttling requests: it asks for a wait of 7 seconds. It said: The service returned status 429.",
     ["Try again later, with fewer resources at a time."]),
    (Get(PATH), service(429, "AuthorizationFailed")._replace(headers={"retry-after": "7"}, waited=59.6), errors.AzureResponseError,
     "The service is throttling requests: after 60 seconds of waiting, it asks for a wait of 7 seconds. It said: (AuthorizationFailed) No.",
     ["Try again later, with fewer resources at a time."]),
    # no answer
    (Get(PATH), NoAnswer("self-signed CERTIFICATE"), errors.AzureConnectionError, "No usable response from the service: self-signed CERTIFICATE",
     ["If you use a proxy, see https://learn.microsoft.com/cli/azure/use-cli-effectively#work-behind-a-proxy"]),
    (Get(PATH), NoAnswer("SSL: bad"), errors.AzureConnectionError, "No usable response from the service: SSL: bad",
     ["If you use a proxy, see https://learn.microsoft.com/cli/azure/use-cli-effectively#work-behind-a-proxy"]),
    (Get(PATH), NoAnswer("reset", is_network=True), errors.AzureConnectionError, "No usable response from the service: reset",
     [NETWORK]),
    (Get(PATH), NoAnswer("late", timed_out=True), errors.AzureConnectionError, "No usable response from the service: late",
     [NETWORK]),
    (Get(PATH), NoAnswer("odd"), errors.AzureConnectionError, "No usable response from the service: odd", [f"{AGAIN} {DEBUG}"]),
    (Get(PATH), NoAnswer("odd", permanent=True), errors.AzureConnectionError, "No usable response from the service: odd", [DEBUG]),
])
def test_the_text(request_: Request, reply: Reply, kind: type[Exception], said: str, ways: list[str]) -> None:
    error = explained(RequestError(request_, reply))
    assert error is not None
    assert (type(error), str(error), error.recommendations) == (kind, said, ways)


# ---- other errors ----------------------------------------------------------------------------------------------------

def test_an_error_of_azure_cli_stays_as_it_is_and_a_defect_too() -> None:
    known: Exception = errors.ForbiddenError("no")
    defect = ZeroDivisionError("x")
    assert explained(known) is known
    assert explained(defect) is None
    for error in (known, defect):
        with pytest.raises(type(error)) as caught:
            explain(error)
        assert caught.value is error


@pytest.mark.parametrize(("error", "kind", "said", "ways"), [
    (CLIError("Run\x1b az login\nfirst"), errors.ValidationError, "Run\\x1b az login\nfirst", []),
    (NoConnection("reset\nmore"), errors.AzureConnectionError, "No usable response from the service: reset", [NETWORK]),
    (NoConnection(), errors.AzureConnectionError, "No usable response from the service: ConnectionError", [NETWORK])])
def test_an_error_of_the_login(error: Exception, kind: type[Exception], said: str, ways: list[str]) -> None:
    found = explained(error)
    assert found is not None
    assert (type(found), str(found), found.recommendations) == (kind, said, ways)


@pytest.mark.parametrize("claims", ['{"a":1}', '{"a":12}', '{"a":123}', '{"\u00fc>?":1234}'])
def test_the_claims_of_a_challenge(claims: str) -> None:
    """Base64 of URLs, mostly without its padding."""
    encoded = urlsafe_b64encode(claims.encode()).decode()
    for text in (encoded, encoded.rstrip("=")):
        answer = Answer(401, headers={"www-authenticate": f'Bearer error="insufficient_claims", CLAIMS="{text}"'})
        assert challenge_of(answer) == claims


@pytest.mark.parametrize("header", ['claims="eyJhIjoxfQ=="', 'error="insufficient_claims"', 'error="insufficient_claims", claims="_w"',
                                    'error="insufficient_claims", claims="e"', None])
def test_what_is_no_challenge(header: str | None) -> None:
    assert challenge_of(Answer(401, headers={} if header is None else {"www-authenticate": header})) == ""


def test_each_reason_is_named_once() -> None:
    refused = RequestError(Get(PATH), service(403))
    assert reasons([refused, ValueError("odd"), RequestError(Get("/x"), service(403))]) == "(X) No.\nodd"


@pytest.mark.parametrize(("cause", "accepted", "left", "kind", "said", "ways"), [
    (RequestError(Get(PATH), service(500)), "It was accepted.", (), errors.AzureInternalError, "The service failed: (X) No.\nIt was accepted.", [AGAIN]),
    (RequestError(Get(PATH), service(500)), "", ("To go on, run:\naz x",), errors.AzureInternalError, "The service failed: (X) No.\nTo go on, run:\naz x", []),
    (RequestError(Get(PATH), Answer(429)), "It was accepted.", ("az x",), errors.AzureResponseError,
     "The service is throttling requests: it asks for a wait of 5 seconds. It said: The service returned status 429.\nIt was accepted.\naz x", []),
    (CancelledError(), "It was accepted.", (), errors.AzureResponseError, "Interrupted.\nIt was accepted.", []),
    (ZeroDivisionError("x"), "It was accepted.", (), errors.AzureResponseError, "ZeroDivisionError: x\nIt was accepted.", [])])
def test_what_was_accepted_stays_said(cause: BaseException, accepted: str, left: tuple[str, ...], kind: type[Exception], said: str,
                                      ways: list[str]) -> None:
    error = explained(UnfinishedError(RESOURCE, cause, accepted, left))
    assert error is not None
    assert (type(error), str(error), error.recommendations) == (kind, said, [*ways, RESOURCE.to_see])
