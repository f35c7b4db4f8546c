# SPDX-License-Identifier: MIT
"""The logins of the CLI, and the token of each: one thread fetches it for all, and a failed login isn't asked again."""

from __future__ import annotations

import re
import time
from base64 import b64encode, urlsafe_b64decode
from copy import copy
from logging import LogRecord
from threading import Lock
from typing import Any, NamedTuple

from azure.cli.core.azclierror import AuthenticationError, AzCLIError, ResourceNotFoundError, UnauthorizedError

from ..model.answers import Answer
from ..model.quoting import for_shell
from .advice import LOG_IN
from .errors import first_line

_RENEW = 300  # seconds before a token expires
_SAME_CHALLENGE = 60.0  # seconds in which a token that answered a challenge answers the same one


class Login(NamedTuple):
    """A tenant and a user that the CLI is logged in with. `subscription`: one of theirs, to get the credentials."""

    tenant: str
    user: str
    subscription: str
    subscriptions: frozenset[str]  # all of them, in lower case
    is_tenant_only: bool = False  # the tenant stands in the place of a subscription


def _accounts(cli_ctx: Any) -> list[dict[str, Any]]:
    """Every subscription that the CLI knows, as its profile holds it."""
    from azure.cli.core._profile import Profile
    found: list[dict[str, Any]] = Profile(cli_ctx=cli_ctx).load_cached_subscriptions()
    return found


def logins(cli_ctx: Any) -> list[Login]:
    """Every login of the CLI."""
    known: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for account in _accounts(cli_ctx):
        known.setdefault((account["tenantId"], account["user"]["name"]), []).append(account)
    return [Login(*login, accounts[0]["id"], frozenset(one["id"].lower() for one in accounts),
                  all(str(one.get("name")).startswith("N/A") for one in accounts)) for login, accounts in known.items()]


def home_tenants(cli_ctx: Any) -> dict[str, str]:
    """The tenant that each subscription belongs to, by subscription in lower case."""
    return {one["id"].lower(): one.get("homeTenantId") or one["tenantId"] for one in _accounts(cli_ctx)}


def customer_tenants(cli_ctx: Any) -> dict[str, str]:
    """The tenants of the subscriptions that a login manages from another tenant (Azure Lighthouse), in the same way."""
    return {one["id"].lower(): one["homeTenantId"] for one in _accounts(cli_ctx)
            if one.get("homeTenantId") and one["homeTenantId"] != one["tenantId"]}


class Logins:  # pylint: disable=too-few-public-methods  # a table
    """Which login can see which subscription."""

    def __init__(self, cli_ctx: Any) -> None:
        self.all = logins(cli_ctx)
        self._by_subscription = {one: login for login in self.all for one in login.subscriptions}

    def of(self, subscription: str) -> Login | None:
        """The login for a subscription. If the CLI's profile doesn't hold it, the only login there is: it may reach it
        all the same, and ARM decides. None if nobody is logged in, for whom the CLI has its own error.
        """
        known = self._by_subscription.get(subscription.lower())
        if known is None and len(self.all) > 1:
            raise ResourceNotFoundError(
                f"Azure CLI doesn't know the subscription '{subscription}', and you are logged in to several tenants.",
                "If access was granted recently, run:\naz account list --refresh\nTo list the subscriptions that it "
                "knows, run:\naz account list --all --output table")
        return known or next(iter(self.all), None)


def require_subscription(login: Login | None, path: str) -> None:
    """Raise ResourceNotFoundError for what is in no subscription: `az login --allow-no-subscriptions` and a tenant
    without any put the tenant, named "N/A(tenant level account)", in the place of the subscription.
    """
    if login and login.is_tenant_only and path.lower().startswith(f"/subscriptions/{login.tenant.lower()}/"):
        raise ResourceNotFoundError(
            f"You are logged in to tenant '{login.tenant}' without a subscription.", "Specify the subscription of the "
            "resource with --subscription. If access was granted recently, run:\naz account list --refresh")


def _has_no_command(record: LogRecord) -> bool:
    """A filter for core's own warning of a challenge, since the error names the same command."""
    return "az login" not in record.getMessage()


class LoginCredential:  # pylint: disable=too-many-instance-attributes  # the token, its failures, and whose it is
    """The credential of one login, as azure-core's policies use it. Safe for threads. `failure`: why no request of this
    login is sent any more.

    azure-core keeps a token for each client and drops it when it's challenged. Here, a token that answered a challenge
    (claims, such as multifactor authentication) replaces the plain one for all requests of the login.
    """

    def __init__(self, login: Login | None, credential: Any, failure: AzCLIError | None = None) -> None:
        self.failure = failure
        self._login, self._credential = login, credential
        self._lock = Lock()
        self._token: Any = None
        self._scopes: tuple[str, ...] = ()
        self._claims: str | None = None
        self._since = 0.0  # when the token was fetched
        self._failed: list[Exception] = []  # of all attempts

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """A token. Raises a failure of the login for all that ask, one of the connection for those that waited."""
        claims, failed_before = options.get("claims"), len(self._failed)
        with self._lock:
            self.raise_if_failed()
            if self._failed[failed_before:]:
                raise copy(self._failed[-1])  # each thread adds its traceback
            if self._token and self._token.expires_on > time.time() + _RENEW and (
                    claims is None or (claims == self._claims and time.monotonic() - self._since < _SAME_CHALLENGE)):
                return self._token
            claims, self._scopes = claims or self._claims, scopes  # a renewed token is as strong as the one before
            self._token = self._fetch({**options, "claims": claims} if claims else options)
            self._claims, self._since = claims, time.monotonic()
            return self._token

    def raise_if_failed(self) -> None:
        """Raise the failure of this login, if it has failed."""
        if self.failure:
            raise copy(self.failure)

    def fail_challenged(self, claims: str) -> AzCLIError:
        """The login can't answer a challenge: nothing of it is sent from now on. `claims`: decoded."""
        self.failure = self.failure or self._needs_another_proof(claims)
        return self.failure

    def _fetch(self, options: dict[str, Any]) -> Any:
        from azure.core.exceptions import AzureError, ServiceResponseError
        from knack.log import get_logger
        from knack.util import CLIError
        from msal.exceptions import MsalError
        from requests.exceptions import RequestException
        core_logger = get_logger("azure.cli.core.auth.util")
        core_logger.addFilter(_has_no_command)
        try:
            token = self._credential.get_token(*self._scopes, **options)
            int(token.expires_on)
            return token
        except MsalError as error:  # the login service failed; this error can't be copied
            self._failed.append(ServiceResponseError(str(error)))
            raise self._failed[-1] from error
        except (AzureError, RequestException) as error:
            self._failed.append(error)
            raise
        except (AzCLIError, CLIError, ValueError, LookupError, TypeError, AttributeError, OSError) as error:
            # MSAL uses the parts of a token response without a check.
            claims = options.get("claims")
            self.failure = self._needs_another_proof(claims) if claims else _no_token(error)
            raise self.failure from error
        finally:
            core_logger.removeFilter(_has_no_command)

    def _needs_another_proof(self, claims: str) -> AzCLIError:
        from azure.cli.core import __version__
        tenant = f" --tenant {for_shell(self._login.tenant)}" if self._login else ""
        scope = f" --scope {for_shell(self._scopes[0])}" if self._scopes else ""
        whose = f" to tenant '{self._login.tenant}'" if self._login else ""
        # `az login --claims-challenge` takes standard base64 with padding, unlike the header of the challenge.
        challenge = b64encode(claims.encode()).decode()
        command = (f"az login{tenant}{scope} --claims-challenge {for_shell(challenge)}"
                   if tuple(map(int, __version__.split(".")[:2])) >= (2, 76) else f"az logout\naz login{tenant}")
        return AuthenticationError(
            f"Your login{whose} needs stronger authentication, such as multifactor authentication.",
            recommendation=f"To log in with it, run:\n{command}")


def challenge_of(answer: Answer) -> str:
    """The claims that a 401 asks for (multifactor authentication, for example), decoded; empty if there are none."""
    header = answer.headers.get("www-authenticate", "")
    found = (re.search(r"""(?i)\bclaims\s*=\s*["']?([-\w+/]+=*)""", header)
             if "insufficient_claims" in header.lower() else None)
    if not found:
        return ""
    try:
        return urlsafe_b64decode(found.group(1) + "=" * (-len(found.group(1)) % 4)).decode()
    except ValueError:  # not base64, or not UTF-8
        return ""


def credential_of(cli_ctx: Any, login: Login | None) -> LoginCredential:
    """The credential of a login. It has failed already if MSAL can't use the login service's description of itself."""
    from azure.cli.core._profile import Profile
    found = failure = None
    try:
        found, _, _ = Profile(cli_ctx=cli_ctx).get_login_credentials(
            subscription_id=login.subscription if login else None)
    except (ValueError, LookupError, TypeError, AttributeError, PermissionError) as error:
        failure = _no_token(error)
    return LoginCredential(login, found, failure)


def _no_token(error: Exception) -> AzCLIError:
    """The error for a login that gets no usable token. The CLI's own text may have no content ("None, None")."""
    from knack.util import CLIError
    said = first_line(error) if isinstance(error, (CLIError, ValueError, OSError)) else ""
    if not re.sub(r"None|\W", "", said):
        said = "the login service returned none, and gave no reason."
    elif isinstance(error, AzCLIError):
        return error
    return UnauthorizedError(f"Azure CLI couldn't get a token: {said}", LOG_IN)
