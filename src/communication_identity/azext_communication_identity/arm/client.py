# SPDX-License-Identifier: MIT
"""How requests reach ARM: as calls of azure-mgmt-communication and azure-mgmt-msi, with the CLI's login, proxy, logging
and headers. Every answer is the JSON from the wire with its headers, whatever its status: the models of the SDKs have
no ETag, and their operations raise an error for an accepted 202.
"""

from __future__ import annotations

import json
import re
from email.utils import formatdate
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from azure.cli.core.azclierror import AzureConnectionError

from ..model.answers import Answer, NoAnswer, Reply
from ..model.quoting import for_display
from ..model.requests import ListRequest, OneRequest, Request, UpdateIdentity
from .errors import first_line
from .login import Login, LoginCredential, Logins, challenge_of, credential_of, require_subscription

API_VERSION = "2023-04-01"  # the first stable one whose PATCH takes the identity block
HEADERS = frozenset(("etag", "date", "retry-after", "azure-asyncoperation", "location", "www-authenticate",
                     "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after", "x-ms-tenant-subscription-limit-hit"))


class _AnswerReceived(Exception):  # noqa: N818  # it isn't an error
    """Carries the answer, its only argument, out of an SDK's operation, before the operation judges it."""


class Arm:  # pylint: disable=too-few-public-methods  # login_of, an attribute, is the other one
    """Sends requests with the login that can see a subscription. Safe for threads."""

    def __init__(self, cli_ctx: Any, connections: int = 1) -> None:
        self.login_of = Logins(cli_ctx).of
        self._cli_ctx = cli_ctx
        self._connections = connections
        self._lock = Lock()
        self._credentials: dict[Login | None, LoginCredential] = {}
        self._clients: dict[tuple[type, str], Any] = {}
        self._transport: dict[str, Any] | None = None

    def send(self, request: Request, subscription: str) -> Reply:
        """Send a request once. Raises an azclierror if the login fails, or the machine."""
        with self._lock:  # one thread imports azure-core, whose modules import each other
            # The login imports requests anyway, but so deep in the call stack that CPython 3.11 then takes longer for
            # urllib3.util.url alone, which compiles patterns, than for the rest of urllib3 (python -X importtime).
            import requests
            from azure.core.exceptions import AzureError, HttpResponseError
            from msal.exceptions import MsalError
            from urllib3.exceptions import HTTPError
        try:
            with self._lock:
                credential = self._credential(subscription)
                client = self._client(request, subscription, credential)
            address = getattr(request, "next_page", "") or request.path
            if not self._belongs_to_arm(address):
                return NoAnswer("The address doesn't belong to Azure Resource Manager: "
                                + for_display(address.partition("?")[0]),  # the query may contain a signature
                                permanent=True)
            credential.raise_if_failed()
            require_subscription(self.login_of(subscription), address)
            _call(client, request)
        except _AnswerReceived as received:
            return self._answer(received.args[0], credential)
        except HttpResponseError as error:  # the body is incomplete
            return NoAnswer(first_line(error), is_network=True)
        except (AzureError, requests.exceptions.RequestException, HTTPError, MsalError) as error:
            return NoAnswer(first_line(error), timed_out=_timed_out(error), is_network=True)
        except OSError as error:  # a certificate bundle that isn't there
            raise AzureConnectionError(f"Azure CLI can't send requests from this machine: {first_line(error)}",
                                       "If REQUESTS_CA_BUNDLE is set, check that it names a file.") from error
        except (ValueError, LookupError, RecursionError) as error:  # azure-core decodes challenges and addresses
            return _undecoded_challenge(error) or NoAnswer(f"The service's response can't be read: {first_line(error)}")
        raise AssertionError("an operation of the SDK ended without an answer")

    def _answer(self, response: Any, credential: LoginCredential) -> Answer:
        answer = read_answer(response)
        claims = challenge_of(answer)
        if answer.status == 401 and claims:  # azure-core has asked for a better token, and got none or it didn't help
            raise credential.fail_challenged(claims)
        return answer

    def _belongs_to_arm(self, address: str) -> bool:
        """Whether an address is a path, or on ARM's host or a subdomain of it. No other host gets a token."""
        arm = urlsplit(self._cli_ctx.cloud.endpoints.resource_manager)
        try:
            parts = urlsplit(address)
            origin = _origin(parts)
        except ValueError:  # a port above 65535, an incomplete IPv6 address
            return False
        if not parts.netloc:
            return address.startswith("/")
        host, arm_host = (parts.hostname or "").lower(), (arm.hostname or "").lower()
        # urllib3 ends a host at a backslash, urlsplit doesn't.
        is_plain = re.fullmatch(r"(?a:([-\w.]+|\[[\da-fA-F:.]+\])(:\d*)?)", parts.netloc) is not None
        return is_plain and origin == _origin(arm) and (host == arm_host or host.endswith(f".{arm_host}"))

    def _credential(self, subscription: str) -> LoginCredential:
        login = self.login_of(subscription)
        if login not in self._credentials:
            self._credentials[login] = credential_of(self._cli_ctx, login)
        return self._credentials[login]

    def _client(self, request: Request, subscription: str, credential: LoginCredential) -> Any:
        from azure.cli.core.commands.client_factory import get_mgmt_service_client
        if request.operations == "user_assigned_identities":
            from azure.mgmt.msi import ManagedServiceIdentityClient
            kind: Any = ManagedServiceIdentityClient
            subscription = request.path.split("/")[2]  # the identity's own
        else:
            from azure.mgmt.communication import CommunicationServiceManagementClient
            kind = CommunicationServiceManagementClient
        key = (kind, subscription.lower())
        if key not in self._clients:
            if self._transport is None:
                self._transport = _transport(self._connections)
            self._clients[key] = get_mgmt_service_client(
                self._cli_ctx, kind, subscription_id=subscription, credential=credential,
                retry_policy=_hand_over_policy(), **self._transport)
        return self._clients[key]


def _call(client: Any, request: Request) -> None:
    """Call the operation for a request. Raises _AnswerReceived."""
    options: dict[str, Any] = {"connection_timeout": min(request.timeout, 30.0), "read_timeout": request.timeout,
                               "permit_redirects": False}  # ARM never redirects, and it could lead to another host
    if not request.operations:
        _call_raw(client, request, options)
        return
    operations = getattr(client, request.operations)
    options["api_version"] = getattr(request, "api_version", API_VERSION)
    if isinstance(request, UpdateIdentity):
        operations.update(request.resource.group, request.resource.name, _as_model(request.body["identity"]),
                          headers={"If-Match": request.etag} if request.etag else {}, **options)
    elif isinstance(request, OneRequest):
        operations.get(request.resource.group, request.resource.name, **options)
    elif isinstance(request, ListRequest):
        found = (operations.list_by_resource_group(request.group, **options) if request.group
                 else operations.list_by_subscription(**options))
        next(found.by_page(request.next_page or None))


def _as_model(block: dict[str, Any]) -> Any:
    """The SDK's model of a PATCH, which core's hook for policy tokens needs. Nulls in the map stay."""
    from azure.mgmt.communication.models import (
        CommunicationServiceResourceUpdate,
        ManagedServiceIdentity,
        UserAssignedIdentity,
    )
    users = block.get("userAssignedIdentities")
    return CommunicationServiceResourceUpdate(identity=ManagedServiceIdentity(
        type=block["type"], user_assigned_identities=users and {
            identity: None if value is None else UserAssignedIdentity() for identity, value in users.items()}))


def _call_raw(client: Any, request: Request, options: dict[str, Any]) -> None:
    """Send what no SDK of the CLI has an operation for, such as the address of an operation, which has to be sent back
    unchanged, and Azure Resource Graph; and what only few commands need: azure-mgmt-authorization, for example, would
    take some 60 ms to load, and its create has no `tenantId`.
    """
    from azure.core.rest import HttpRequest
    body = getattr(request, "body", None)
    http_request = HttpRequest(request.method, quote(request.path, safe="/:?#[]@!$&'()*+,;=%-._~"),
                               **({} if body is None else {"json": body}))
    if request.kind == "query":  # core's hook gets a policy token, which only writes need
        options["raw_request_hook"] = lambda _: None
    # The SDK's documented way: https://aka.ms/azsdk/dpcodegen/python/send_request. It's public from 3.0 on.
    send = getattr(client, "send_request", None) or client._send_request  # noqa: SLF001  # pylint: disable=protected-access
    send(http_request, **options)


def _hand_over_policy() -> Any:
    """The replacement for azure-core's RetryPolicy: it sends a request once, because the runner decides when to retry,
    and hands over the answer, whatever its status, before other policies act on it. azure-mgmt-core's
    ARMAutoResourceProviderRegistrationPolicy would register Microsoft.Communication in the subscription on a 409, but
    the extension writes only the identity block; ContentDecodePolicy would fail on a body that it can't read.
    """
    from azure.core.pipeline.policies import HTTPPolicy

    class HandOverPolicy(HTTPPolicy):  # type: ignore[type-arg]  # pylint: disable=too-few-public-methods  # azure-core's
        def send(self, request: Any) -> Any:
            raise _AnswerReceived(self.next.send(request).http_response)

    return HandOverPolicy()


def _origin(parts: SplitResult) -> tuple[str, int | None, str | None]:
    """The scheme, the port and the user of an address. Raises ValueError for a port that is none."""
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, default if parts.port is None else parts.port, parts.username


def _transport(connections: int) -> dict[str, Any]:
    """A transport for more than the 10 connections of azure-core's own, which opens further ones for each request."""
    if connections <= 10:
        return {}
    from azure.cli.core.util import should_disable_connection_verify
    from azure.core.pipeline.transport import RequestsTransport  # pylint: disable=no-name-in-module  # it's lazy
    from requests import Session
    from requests.adapters import HTTPAdapter
    session = Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=connections))
    return {"transport": RequestsTransport(session=session, connection_verify=not should_disable_connection_verify())}


def read_answer(response: Any) -> Answer:
    """Only the parts of an answer that the code uses, because a fleet keeps thousands of them."""
    try:
        text = response.text()
    except (UnicodeError, LookupError):  # it isn't JSON, but is still shown
        content = response.body() if hasattr(response, "body") else response.content
        text = content.decode(errors="replace")
    try:
        body = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        body = None
    headers = {name.lower(): value for name, value in response.headers.items() if name.lower() in HEADERS}
    headers.setdefault("date", formatdate(usegmt=True))  # to compare a date in Retry-After with
    return Answer(response.status_code, body, headers, text if body is None or response.status_code >= 400 else "")


def _undecoded_challenge(error: Exception) -> Answer | None:
    """The 401 whose challenge azure-core couldn't decode; from 1.36 on, it's the cause of the error."""
    from azure.core.exceptions import HttpResponseError
    cause = error.__cause__
    return read_answer(cause.response) if isinstance(cause, HttpResponseError) and cause.response is not None else None


def _timed_out(error: BaseException) -> bool:
    """Whether an error comes from a time limit. Each layer wraps the errors of the one below, in various ways."""
    from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
    from requests.exceptions import Timeout
    from urllib3.exceptions import ReadTimeoutError
    known: set[BaseException] = set()
    left = [error]
    while left:
        one = left.pop()
        if isinstance(one, (ServiceRequestTimeoutError, ServiceResponseTimeoutError, Timeout, ReadTimeoutError)):
            return True
        known.add(one)
        inner = (one.__cause__, one.__context__, getattr(one, "inner_exception", None), *one.args)
        left += [other for other in inner if isinstance(other, BaseException) and other not in known]
    return False
