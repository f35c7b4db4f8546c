# SPDX-License-Identifier: MIT
"""Turns the service's errors into messages for users: what happened, why, and what to do next.

A table maps ARM's error codes to functions. Unknown errors keep the service's own message, and no sentence uses a part
that the answer doesn't have. Shapes as recorded: {"error": {"code", "message"}}, and without the "error" around it
(Private DNS, 412).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote, urlsplit

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

from ..model.answers import Answer, NoAnswer, error_of, error_text, seconds_asked_for, text_of
from ..model.quoting import for_shell
from ..model.requests import RequestError
from ..model.resource_id import GUID
from ..model.unfinished import UnfinishedError

# The least privileged built-in roles (Azure's list of built-in roles): Contributor has every action of a provider
# except those of Microsoft.Authorization, and Reader has every read action.
RBAC_ADMINISTRATOR = "Role Based Access Control Administrator"
_AGAIN = "To retry, run the command again."
_LOG_IN = "To log in again, run:\naz login"


class ServiceError(NamedTuple):
    """The content of an error answer. Every text may be empty. `text`: code and message with those of its details.
    `path`: the path of the request, unescaped.
    """

    status: int
    code: str
    message: str
    text: str
    path: str
    info: tuple[dict[str, Any], ...] = ()

    @property
    def message_shown(self) -> str:
        """The service's own message."""
        return self.text or f"The service returned status {self.status}."

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


def explain(error: Exception) -> NoReturn:
    """The exception handler of all commands. Raises an azclierror, or the error itself if it's unknown."""
    known = explained(error)
    if known is None:
        raise error
    raise known from error


def explained(error: Exception) -> AzCLIError | None:
    """The azclierror for an error of a command; None if the error is unknown."""
    if isinstance(error, AzCLIError):
        return error
    if isinstance(error, RequestError):
        if isinstance(error.reply, NoAnswer):
            return _no_answer(error.reply.reason)
        return _from_service(service_error(error), error.reply)
    if isinstance(error, UnfinishedError):
        return _unfinished(error)
    from requests.exceptions import RequestException  # the login's own requests
    return _no_answer(first_line(error)) if isinstance(error, RequestException) else None


def _unfinished(error: UnfinishedError) -> AzCLIError:
    """The error of what ended a command, with what was accepted before and what is still to be done. The commands that
    do it belong to the message, which is printed even with --only-show-errors.
    """
    cause = None if error.is_interrupted else explained(error.cause)  # type: ignore[arg-type]  # else an Exception
    kind: Any = type(cause) if type(cause).__module__ == AzCLIError.__module__ else AzureResponseError
    lines = [str(cause) if cause else "Interrupted.", error.accepted, *error.remaining]
    ways = [*(cause.recommendations if cause else ()), error.resource.to_see]
    return kind("\n".join(filter(None, lines)), recommendation=list(dict.fromkeys(ways)))


def challenge_of(answer: Answer) -> str:
    """The claims that a 401 asks for (multifactor authentication, for example), decoded; empty if it asks for none, or
    if they can't be decoded.
    """
    header = answer.headers.get("www-authenticate", "")
    found = re.search(r'(?i)\bclaims="([^"]+)"', header) if "insufficient_claims" in header else None
    if not found:
        return ""
    try:
        return urlsafe_b64decode(found.group(1) + "=" * (-len(found.group(1)) % 4)).decode()
    except ValueError:  # not base64, or not UTF-8
        return ""


def service_error(error: RequestError) -> ServiceError:
    """Read the answer. Code and message are empty where it isn't an ARM error."""
    reply = error.reply
    inner = error_of(reply)
    info = inner.get("additionalinfo")
    return ServiceError(status=reply.status,
                        code=text_of(inner.get("code")), message=text_of(inner.get("message")),
                        text=error_text(inner), path=unquote(urlsplit(error.request.path).path),
                        info=tuple(item for item in info if isinstance(item, dict)) if isinstance(info, list) else ())


def reasons(errors: Iterable[Exception]) -> str:
    """The reasons of several failures, each once, on separate lines."""
    return "\n".join(dict.fromkeys(str(explained(error) or error) for error in errors))


def login_failed(error: Exception) -> AzCLIError:
    """The error for a login that gets no usable token. The CLI's own text may have no content ("None, None")."""
    from knack.util import CLIError
    said = str(error).partition("\n")[0] if isinstance(error, (CLIError, ValueError, OSError)) else ""
    if not re.sub(r"None|\W", "", said):
        said = "the login service's response has none, and names no reason."
    elif isinstance(error, AzCLIError):
        return error
    return UnauthorizedError(f"Azure CLI couldn't get a token: {said}", _LOG_IN)


def first_line(error: Exception) -> str:
    """The first line of an error's text, or the name of its class if it has none."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _from_service(error: ServiceError, answer: Answer) -> AzCLIError:
    if answer.status == 429:
        asked = f"it asks for a wait of {seconds_asked_for(answer):.0f} seconds"
        if answer.waited:
            asked = f"after {answer.waited:.0f} seconds of waiting, {asked}"
        return AzureResponseError(f"The service is throttling requests: {asked}. It said: {error.message_shown}",
                                  "Try again later, with fewer resources at a time.")
    kind = _BY_CODE.get(error.code.lower())
    known = kind(error) if kind else None
    if known:
        return known
    if error.status == 401 or re.match(r"(?i)(Expired|Invalid)AuthenticationToken", error.code):
        return UnauthorizedError(error.message_shown, _LOG_IN)
    if error.status >= 500:
        return AzureInternalError(f"The service failed: {error.message_shown}", _AGAIN)
    return _BY_STATUS.get(error.status, AzureResponseError)(error.message_shown)


def _no_answer(reason: str) -> AzCLIError:
    if "certificate" in reason.lower() or "ssl" in reason.lower():
        how = ("If you use a proxy, see https://learn.microsoft.com/cli/azure/use-cli-effectively"
               "#work-behind-a-proxy")
    else:
        how = f"Check the network and the proxy settings. {_AGAIN}"
    return AzureConnectionError(f"No usable response from the service: {reason}", how)


def _resource_not_found(error: ServiceError) -> AzCLIError | None:
    name, group, subscription = error.segment("communicationServices"), error.segment("resourceGroups"), \
        error.segment("subscriptions")
    if not (name and group and subscription) or "/providers/microsoft.authorization/" in error.path.lower():
        return None
    return ResourceNotFoundError(
        f"There is no Communication Services resource '{name}' in resource group '{group}' of subscription "
        f"'{subscription}'.",
        f"To list the resources in that subscription, run:\n"
        f"az communication identity list --subscription {subscription} --output table")


def _group_not_found(error: ServiceError) -> AzCLIError | None:
    group, subscription = error.segment("resourceGroups"), error.segment("subscriptions")
    if not (group and subscription):
        return None
    return ResourceNotFoundError(
        f"There is no resource group '{group}' in subscription '{subscription}'.",
        f"To list its resource groups, run:\naz group list --subscription {subscription} --output table")


def _subscription_not_found(error: ServiceError) -> AzCLIError | None:
    subscription = error.segment("subscriptions")
    if not subscription:
        return None
    return ResourceNotFoundError(f"There is no subscription '{subscription}' that you have access to.",
                                 "To list your subscriptions, run:\naz account list --output table")


def _authorization_failed(error: ServiceError) -> AzCLIError | None:
    action, scope = error.quoted("perform action"), error.quoted("over scope")
    if not (action and scope):
        return None
    role, where = least_role(action), re.sub(r"(?i)/providers/Microsoft\.Authorization/.*", "", scope) or "/"
    return ForbiddenError(
        f"You don't have permission to perform '{action}' on '{scope}'.",
        f"The role '{role}' grants it. Ask someone who can assign roles there to run:\n{_grant(error, role, where)}\n"
        "If access was granted recently, run az login again.")


def least_role(action: str) -> str:
    """The least privileged built-in role that has an action."""
    provider, _, rest = action.lower().partition("/")
    if rest.endswith("/read"):
        return "Reader"
    if provider == "microsoft.authorization":
        return RBAC_ADMINISTRATOR
    return "Managed Identity Operator" if rest.endswith("/assign/action") else "Contributor"


def _linked_authorization_failed(error: ServiceError) -> AzCLIError | None:
    listed = re.search(r"linked scope\(s\)\s*('[^']*'(?:\s*,\s*'[^']*')*)", error.message)
    scopes = list(dict.fromkeys(re.findall(r"[^',\s][^',]*", listed.group(1)))) if listed else []
    if not scopes:
        return None
    role, several = "Managed Identity Operator", len(scopes) > 1
    named = ", ".join(f"'{scope}'" for scope in scopes)
    grants = "\n".join(_grant(error, role, scope) for scope in scopes)
    return ForbiddenError(
        f"You don't have permission to assign the user-assigned {'identities' if several else 'identity'} {named}.",
        f"Assigning {'an' if several else 'this'} identity requires the '{role}' role on it. "
        f"Ask someone who can assign roles there to run:\n{grants}")


def _grant(error: ServiceError, role: str, scope: str) -> str:
    assignee = for_shell(error.quoted("with object id") or "OBJECT_ID")
    return f"az role assignment create --role {for_shell(role)} --assignee {assignee} --scope {for_shell(scope)}"


def _identity_operation_failed(error: ServiceError) -> AzCLIError:
    named = re.search(rf"(?i)/subscriptions/({GUID})/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/",
                      error.message)
    where = f" --subscription {named.group(1)}" if named else error.subscription_option
    return BadRequestError(
        f"The service could not use the identity: {error.message_shown}",
        f'To check that each user-assigned identity exists, run:\naz identity list{where} --query "[].id" --output tsv')


def _locked(error: ServiceError) -> AzCLIError:
    locked, group = error.quoted(r"following scope\(s\) are locked:"), error.segment("resourceGroups")
    of_group = f" --resource-group {for_shell(group)}" if group else ""
    return ForbiddenError(
        f"The resource is locked. {error.message_shown}" if not locked else f"The resource is locked by '{locked}'."
        if "/locks/" in locked.lower() else f"The resource is locked by the lock on '{locked}'.",
        f"To list the locks, run:\naz lock list{of_group}{error.subscription_option} --output table\n"
        "The owner of the lock can delete it with az lock delete.")


def _disallowed_by_policy(error: ServiceError) -> AzCLIError:
    policies = [info["info"] for info in error.info
                if info.get("type") == "PolicyViolation" and isinstance(info.get("info"), dict)]
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


def _not_registered(error: ServiceError) -> AzCLIError | None:
    subscription = error.segment("subscriptions")
    namespace = error.quoted("namespace") or "Microsoft.Communication"
    if not subscription:
        return None
    return ValidationError(
        f"Subscription '{subscription}' isn't registered to use '{namespace}'.",
        f"To register it, run:\naz provider register -n {for_shell(namespace)} --wait --subscription {subscription}")


_BY_CODE: dict[str, Callable[[ServiceError], AzCLIError | None]] = {
    "resourcenotfound": _resource_not_found,
    "resourcegroupnotfound": _group_not_found,
    "subscriptionnotfound": _subscription_not_found,
    "invalidsubscriptionid": _subscription_not_found,
    "authorizationfailed": _authorization_failed,
    "linkedauthorizationfailed": _linked_authorization_failed,
    "failedidentityoperation": _identity_operation_failed,
    "scopelocked": _locked,
    "requestdisallowedbypolicy": _disallowed_by_policy,
    "missingsubscriptionregistration": _not_registered,
}
_BY_STATUS: dict[int, Any] = {400: BadRequestError, 403: ForbiddenError, 404: ResourceNotFoundError}
