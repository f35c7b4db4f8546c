# SPDX-License-Identifier: MIT
"""What users read if the service refuses a request: what happened, why, and what to do next.

A table maps ARM's error codes to functions. Unknown errors keep the service's own message, and no sentence uses a part
that the answer doesn't have. Shapes as recorded: {"error": {"code", "message"}}, and without the "error" around it
(Private DNS, 412).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from azure.cli.core.azclierror import (
    AzCLIError,
    AzureInternalError,
    AzureResponseError,
    BadRequestError,
    ForbiddenError,
    ResourceNotFoundError,
    UnauthorizedError,
    ValidationError,
)

from ..model.answers import Answer, error_of, error_text, seconds_asked_for, text_of
from ..model.quoting import for_display, for_shell, printable
from ..model.requests import Request, UpdateIdentity
from ..model.resource_id import GUID

# The least privileged built-in roles (Azure's list of built-in roles): Contributor has every action of a provider
# except those of Microsoft.Authorization, and Reader has every read action.
_RBAC_ADMINISTRATOR, _OPERATOR = "Role Based Access Control Administrator", "Managed Identity Operator"
AGAIN = "To retry, run the command again."
LOG_IN = "To log in again, run:\naz login"
DEBUG = "To see the whole response, run the command again with --debug."
# What a 400 says if the service takes no PATCH of the identity.
_NOT_PATCHED = (r"(?i)\bidentity\b.*(?:not|can't) be (?:patched|updated|changed|modified)"
                r"|\bpatch.*(?:not|n't) (?:be )?(?:support|allow|permit)|(?:not|n't) (?:support|allow|permit).*\bpatch"
                r"|unsupported.*\bpatch|\bpatch.*unsupported|method ?not ?(?:allowed|supported)"
                r"|(?:could not find|unknown|unrecognized|unexpected) (?:member|property|field)\W+identity\b(?!\.)"
                r"|\bidentity\W+is (?:immutable|read-?only)")


class Refusal(NamedTuple):
    """An error answer; each text may be empty. `text`: codes and messages, also of its details. `path`: unescaped."""

    request: Request
    answer: Answer
    code: str
    message: str
    text: str
    path: str

    @property
    def message_shown(self) -> str:
        """The service's own message."""
        return self.text or f"The service returned status {self.answer.status}."

    def segment(self, name: str) -> str:
        """The segment that follows `name` in the path of the request, e.g. the group after "resourceGroups"."""
        match = re.search(rf"/{name}/([^/]+)", self.path, re.IGNORECASE)
        return match.group(1) if match else ""

    @property
    def subscription_option(self) -> str:
        """The option for a command that lists something in the subscription of the request. Empty if it has none."""
        subscription = self.segment("subscriptions")
        return f" --subscription {for_shell(subscription)}" if subscription else ""

    def quoted(self, before: str) -> str:
        """The text in single quotes that follows the words `before` in the message."""
        match = re.search(rf"{before}\s*'([^']*)'", self.message)
        return match.group(1) if match else ""


def advise(request: Request, answer: Answer) -> AzCLIError:
    """The error for a request that the service refused."""
    inner = error_of(answer)
    error = Refusal(request, answer, code=text_of(inner.get("code")), message=text_of(inner.get("message")),
                    text=error_text(inner) or (for_display(answer.text.strip()) if answer.body else ""),
                    path=printable(unquote(urlsplit(request.path).path)))
    if answer.status == 429:
        return _throttled(error)
    return _BY_CODE.get(error.code.lower(), _by_path)(error) or _by_status(error)


def _throttled(error: Refusal) -> AzCLIError:
    asked, waited = f"it asks for a wait of {seconds_asked_for(error.answer):.0f} seconds", error.answer.waited
    if waited:
        asked = f"after {waited:.0f} seconds of waiting, {asked}"
    return AzureResponseError(f"The service is throttling requests: {asked}. It said: {error.message_shown}",
                              "Try again later, with fewer resources at a time.")


def _by_status(error: Refusal) -> AzCLIError:
    """The error for a code that is unknown, or for an answer that isn't ARM's."""
    status = error.answer.status
    if status == 401 or re.match(r"(?i)(Expired|Invalid)AuthenticationToken", error.code):
        return UnauthorizedError(error.message_shown, LOG_IN)
    if isinstance(error.request, UpdateIdentity) and (
            status in (405, 501) or error.code.lower() == "propertychangenotallowed"
            or (status == 400 and re.search(_NOT_PATCHED, error.text))):
        return BadRequestError(
            f"The service doesn't accept a PATCH of the identity. Nothing was changed. It said: {error.message_shown}",
            "Change the identity in the Azure portal, or with Microsoft's extension, whose PUT writes the whole "
            "resource. To replace this extension with it, run:\naz extension remove --name communication-identity\n"
            "az extension add --name communication")
    if status >= 500:
        return AzureInternalError(f"The service failed: {error.message_shown}", AGAIN)
    kind = _BY_STATUS.get(status, AzureResponseError)
    if status < 400 or (not error.text and error.answer.body is None and error.answer.text.strip()):
        return kind(f"Something other than Azure Resource Manager answered, with status {status}.",
                    "It may be a proxy, or a network that asks you to sign in. Check the proxy settings. "
                    f"{AGAIN}")
    if status == 409:
        return kind(error.text or "The service refused the change because of the state of the resource (status 409), "
                    "and gives no reason.", "Another change may be in progress. Wait a few minutes, then run the "
                    "command again.")
    return kind(error.text) if error.text else kind(
        f"The service refused the request with status {status}, and gives no reason.", DEBUG)


def _by_path(error: Refusal) -> AzCLIError | None:
    """What isn't there, or not registered; None if the path of the request doesn't name it."""
    name, group, subscription = map(error.segment, ("communicationServices", "resourceGroups", "subscriptions"))
    is_of_roles = "/providers/microsoft.authorization/" in error.path.lower()
    namespace = error.quoted("namespace") or "Microsoft.Communication"
    no_subscription = (
        subscription, ResourceNotFoundError, f"There is no subscription '{subscription}' that you have access to.",
        "To list your subscriptions, run:\naz account list --output table")
    is_named, kind, what, how = {
        "resourcenotfound": (
            name and group and subscription and not is_of_roles, ResourceNotFoundError,
            f"There is no Communication Services resource '{name}' in resource group '{group}' of subscription "
            f"'{subscription}'.",
            f"To list the resources in that subscription, run:\n"
            f"az communication identity list --subscription {subscription} --output table"),
        "resourcegroupnotfound": (
            group and subscription, ResourceNotFoundError,
            f"There is no resource group '{group}' in subscription '{subscription}'.",
            f"To list its resource groups, run:\naz group list --subscription {subscription} --output table"),
        "subscriptionnotfound": no_subscription,
        "invalidsubscriptionid": no_subscription,
        "missingsubscriptionregistration": (
            subscription, ValidationError, f"Subscription '{subscription}' isn't registered to use '{namespace}'.",
            f"To register it, run:\naz provider register -n {for_shell(namespace)} --wait --subscription "
            f"{subscription}"),
    }.get(error.code.lower(), ("", AzCLIError, "", ""))
    return kind(what, how) if is_named else None


def _wrong_tenant(error: Refusal) -> AzCLIError | None:
    tenant = re.search(rf"must match[^']*'https?://[^/']+/({GUID})", error.message)
    return UnauthorizedError(error.text, f"To log in to the tenant of the subscription, run:\naz login --tenant "
                                         f"{tenant.group(1)}") if tenant else None


def _authorization_failed(error: Refusal) -> AzCLIError | None:
    action, scope = error.quoted("perform action"), error.quoted("over scope")
    if not (action and scope):
        return None
    where = re.sub(r"(?i)/providers/Microsoft\.Authorization(?:/.*)?$", "", scope) or "/"
    if "condition not fulfilled" in error.message:
        return ForbiddenError(
            f"You have a role that permits '{action}' on '{scope}', but a condition on its assignment prevents this.",
            "Ask someone who can assign roles there to change the condition. To see it, run:\naz role assignment list "
            f'--include-inherited --assignee {_who(error)} --scope {for_shell(where)} --query "[].condition"')
    # A resource that is written was read before.
    may_be_mistyped = "scope is invalid" in error.message and not isinstance(error.request, UpdateIdentity)
    return ForbiddenError(
        f"You don't have permission to perform '{action}' on '{scope}'{_or_absent(where) if may_be_mistyped else ''}.",
        f"The role '{_least_role(action)}' grants it. Ask someone who can assign roles there to run:\n"
        f"{_grant(error, _least_role(action), where)}\nIf access was granted recently, run az login again.")


def _or_absent(scope: str) -> str:
    """What may not exist: ARM doesn't tell those who may not see it. A missing subscription has an error of its own."""
    found = re.search(r"(?i)/resourceGroups/([^/]+)(?:/.*/([^/]+))?", scope)
    if not found:
        return ""
    resource = f"'{found.group(2)}' or " if found.group(2) else ""
    return f", or {resource}the group '{found.group(1)}' doesn't exist"


def _least_role(action: str) -> str:
    """The least privileged built-in role that has an action."""
    provider, _, rest = action.lower().partition("/")
    if rest.endswith("/read"):
        return "Reader"
    if provider == "microsoft.authorization":
        return _RBAC_ADMINISTRATOR
    return _OPERATOR if rest.endswith("/assign/action") else "Contributor"


def _linked_authorization_failed(error: Refusal) -> AzCLIError | None:
    subscription = error.quoted("linked subscription")
    if subscription:  # "however the current tenant '…' is not authorized to access …", "… was not found"
        return ForbiddenError(
            f"The resource can't use an identity of subscription '{subscription}': that subscription doesn't exist, or "
            "belongs to another tenant. An identity must belong to the resource's tenant.",
            "To list the identities in the resource's subscription, run:\naz identity list"
            f'{error.subscription_option} --query "[].id" --output tsv')
    listed = re.search(r"linked scope\(s\)\s*('[^']*'(?:\s*,\s*'[^']*')*)", error.message)
    scopes = list(dict.fromkeys(re.findall(r"[^',\s][^',]*", listed.group(1)))) if listed else []
    if not scopes:
        return None
    several = len(scopes) > 1
    named = ", ".join(f"'{scope}'" for scope in scopes)
    grants = "\n".join(_grant(error, _OPERATOR, scope) for scope in scopes)
    return ForbiddenError(
        f"You don't have permission to assign the user-assigned {'identities' if several else 'identity'} {named}.",
        f"Assigning {'an' if several else 'this'} identity requires the '{_OPERATOR}' role on it. "
        f"Ask someone who can assign roles there to run:\n{grants}")


def _grant(error: Refusal, role: str, scope: str) -> str:
    return f"az role assignment create --role {for_shell(role)} --assignee {_who(error)} --scope {for_shell(scope)}"


def _who(error: Refusal) -> str:
    return for_shell(error.quoted("with object id") or "OBJECT_ID")


def _identity_operation_failed(error: Refusal) -> AzCLIError:
    named = re.search(rf"(?i)/subscriptions/({GUID})/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/",
                      error.message)
    where = f" --subscription {named.group(1)}" if named else error.subscription_option
    body = error.request.body if isinstance(error.request, UpdateIdentity) else {}
    is_of_users = named or not body or body["identity"].get("userAssignedIdentities")
    return BadRequestError(
        f"The service couldn't use the identity: {error.message_shown}",
        f"To check that each user-assigned identity exists, run:\naz identity list{where} "
        '--query "[].id" --output tsv' if is_of_users else "Run the command again in a few minutes.")


def _locked(error: Refusal) -> AzCLIError:
    locked, group = error.quoted(r"following scope\(s\) are locked:"), error.segment("resourceGroups")
    of_group = f" --resource-group {for_shell(group)}" if group else ""
    return ForbiddenError(
        f"The resource is locked. {error.message_shown}" if not locked else f"The lock '{locked}' prevents the change."
        if "/locks/" in locked.lower() else f"A lock on '{locked}' prevents the change.",
        f"To list the locks, run:\naz lock list{of_group}{error.subscription_option} --output table\n"
        "The owner of the lock can delete it with az lock delete.")


def _disallowed_by_policy(error: Refusal) -> AzCLIError | None:
    if error.answer.status == 401:  # a claims challenge that can't be read
        return None
    listed = error_of(error.answer).get("additionalinfo")
    policies = [one["info"] for one in (listed if isinstance(listed, list) else ())
                if isinstance(one, dict) and one.get("type") == "PolicyViolation" and isinstance(one.get("info"), dict)]
    names = ", ".join(filter(None, map(_policy_text, policies)))
    ways = ["To list the policy assignments, run:\n"
            f"az policy assignment list --disable-scope-strict-match{error.subscription_option} --output table"]
    wanted = [policy["missingPolicyTokenDetails"] for policy in policies
              if isinstance(policy.get("missingPolicyTokenDetails"), dict)]
    if wanted or "token" in error.message.lower():
        ways.append("The policy requires a policy token. Run the command again with --acquire-policy-token" + (
            " and --change-reference ID." if any(one.get("isChangeReferenceRequired") for one in wanted) else "."))
    return ForbiddenError(f"Azure Policy denied the change: {names or error.message_shown}", ways)


def _policy_text(policy: dict[str, Any]) -> str:
    name = text_of(policy.get("policyDefinitionDisplayName")) or text_of(policy.get("policyDefinitionName"))
    assignment = text_of(policy.get("policyAssignmentName"))
    return " ".join(filter(None, (f"'{name}'" if name else "", f"(assignment '{assignment}')" if assignment else "")))


_BY_CODE: dict[str, Callable[[Refusal], AzCLIError | None]] = {
    "invalidauthenticationtokentenant": _wrong_tenant,
    "authorizationfailed": _authorization_failed,
    "linkedauthorizationfailed": _linked_authorization_failed,
    "failedidentityoperation": _identity_operation_failed,
    "scopelocked": _locked,
    "requestdisallowedbypolicy": _disallowed_by_policy,
}
_BY_STATUS: dict[int, Any] = {400: BadRequestError, 403: ForbiddenError, 404: ResourceNotFoundError}
