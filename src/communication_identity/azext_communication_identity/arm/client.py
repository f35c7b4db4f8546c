# --------------------------------------------------------------------------------------------
# Copyright (c) the communication-identity developers. All rights reserved.
# Licensed under the MIT License. See LICENSE in the project root for license information.
# --------------------------------------------------------------------------------------------

"""How requests reach ARM: through the communication SDK's client, with the CLI's login, proxy, logging and headers.

Every request of the extension goes through it, and every answer is the JSON from the wire: importing another SDK takes
longer than a request, and model objects print as {} on older versions of the CLI and don't have the ETag.
"""

from __future__ import annotations

import json
from copy import copy
from email.utils import formatdate
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from azure.cli.core.azclierror import AzCLIError, ResourceNotFoundError

from ..model.names import for_display
from ..model.steps import Answer, NoAnswer, Reply, Request
from .errors import first_line, login_failed

if TYPE_CHECKING:
    from azure.mgmt.communication import CommunicationServiceManagementClient

HEADERS = frozenset(("etag", "date", "retry-after", "azure-asyncoperation", "location", "x-ms-user-quota-remaining",
                     "x-ms-user-quota-resets-after", "x-ms-tenant-subscription-limit-hit"))


class Login(NamedTuple):
    """A tenant and a user that the CLI is logged in with. Both determine what is visible. `subscription`: one of its
    subscriptions, which selects the credentials.
    """

    tenant: str
    user: str
    subscription: str
    subscriptions: frozenset[str]  # all of them, in lower case


def logins(cli_ctx: Any) -> list[Login]:
    """Every login of the CLI."""
    from azure.cli.core._profile import Profile
    known: dict[tuple[str, str], list[str]] = {}
    for account in Profile(cli_ctx=cli_ctx).load_cached_subscriptions():
        known.setdefault((account["tenantId"], account["user"]["name"]), []).append(account["id"])
    return [Login(*login, ids[0], frozenset(one.lower() for one in ids)) for login, ids in known.items()]


class Arm:  # pylint: disable=too-few-public-methods  # it sends
    """Sends requests with the login that can see a subscription. Safe for threads."""

    def __init__(self, cli_ctx: Any, connections: int = 1) -> None:
        self._cli_ctx = cli_ctx
        self._connections = connections
        self._clients: dict[Login | None, CommunicationServiceManagementClient] = {}
        self._lock = Lock()
        self._logins: dict[str, Login] | None = None  # by subscription

    def send(self, request: Request, subscription: str) -> Reply:
        """Send a request once. Raises an azclierror if the login fails or the CLI doesn't know the subscription."""
        client = self._client(subscription)  # first: one thread imports azure-core, whose modules import each other
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest
        from requests.exceptions import RequestException
        if not self._belongs_to_arm(request.path):
            address = for_display(request.path.partition("?")[0])  # the query may contain a signature
            return NoAnswer(f"The address doesn't belong to Azure Resource Manager: {address}", final=True)
        http_request = HttpRequest(request.method, quote(request.path, safe="/:?#[]@!$&'()*+,;=%-._~"),
                                   headers={"If-Match": request.etag} if request.etag else {},
                                   **({} if request.body is None else {"json": request.body}))
        options: dict[str, Any] = {"connection_timeout": min(request.timeout, 30.0), "read_timeout": request.timeout,
                                   "permit_redirects": False}  # ARM never redirects, and it could lead to another host
        if request.query:  # core's hook gets a policy token, which only writes need
            options["raw_request_hook"] = lambda _: None
        try:
            return _answer(_response(client, http_request, options))
        except (AzureError, RequestException) as error:
            return NoAnswer(first_line(error), stalled=_timed_out(error))
        except (UnicodeError, LookupError, RecursionError) as error:  # azure-core decodes the body, and parses JSON
            return NoAnswer(f"The service's response can't be read: {first_line(error)}")

    def _belongs_to_arm(self, path: str) -> bool:
        """Whether an address is a path, or on ARM's host or a subdomain of it. No other host gets a token."""
        arm = urlsplit(self._cli_ctx.cloud.endpoints.resource_manager)
        try:
            parts = urlsplit(path)
            origin = _origin(parts)
        except ValueError:  # a port above 65535, an incomplete IPv6 address
            return False
        if not parts.netloc:
            return path.startswith("/")
        host, known = (parts.hostname or "").lower(), (arm.hostname or "").lower()
        return origin == _origin(arm) and (host == known or host.endswith(f".{known}"))

    def _client(self, subscription: str) -> CommunicationServiceManagementClient:
        with self._lock:
            if self._logins is None:
                self._logins = {one: login for login in logins(self._cli_ctx) for one in login.subscriptions}
            login = self._logins.get(subscription.lower())
            if login is None and self._logins:
                raise ResourceNotFoundError(
                    f"Azure CLI doesn't know the subscription '{subscription}'.",
                    "If access was granted recently, run:\naz account list --refresh\nTo list the subscriptions "
                    "that it knows, run:\naz account list --all --output table")
            if login not in self._clients:
                self._clients[login] = _make_client(self._cli_ctx, subscription, self._connections)
            return self._clients[login]


def _origin(parts: SplitResult) -> tuple[str, int | None, str | None]:
    """The scheme, the port and the user of an address. Raises ValueError for a port that is none."""
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, default if parts.port is None else parts.port, parts.username


def _make_client(cli_ctx: Any, subscription: str, connections: int) -> CommunicationServiceManagementClient:
    # The login imports it anyway, but so deep in the call stack that CPython 3.11 then takes longer for
    # urllib3.util.url alone, which compiles patterns, than for the rest of urllib3 (python -X importtime -m azure.cli).
    import requests  # noqa: F401  # pylint: disable=unused-import  # as above
    from azure.cli.core.commands.client_factory import get_mgmt_service_client
    from azure.mgmt.communication import CommunicationServiceManagementClient
    client: CommunicationServiceManagementClient = get_mgmt_service_client(
        cli_ctx, CommunicationServiceManagementClient, subscription_id=subscription, **_policies(),
        **_transport(connections))
    return client


def _policies() -> dict[str, Any]:
    """The replacement for azure-core's RetryPolicy. It sends a request once, because steps.py decides when to retry and
    a scheduler can't wait inside a thread. The first request goes alone until it has a token, so that only one thread
    fetches the token. If the login fails, no later request asks for a token again. A connection that fails is the
    failure of all requests that waited for it; the next request tries again.

    An error status is raised as an error. Otherwise, the policies next in the pipeline would act on it.
    azure-mgmt-core's ARMAutoResourceProviderRegistrationPolicy would register Microsoft.Communication in the
    subscription on a 409, but the extension writes only the identity block. ContentDecodePolicy would fail on a body
    that it can't read, and the status would be lost.
    """
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.core.pipeline.policies import HTTPPolicy, SansIOHTTPPolicy
    from requests.exceptions import RequestException
    lock, has_token = Lock(), Event()
    failures: list[Exception] = []  # of the requests that went alone; an AzCLIError is final

    def go_alone(request: Any) -> None:
        before = len(failures)
        lock.acquire()  # pylint: disable=consider-using-with  # TokenPolicy releases it in between
        known = failures[before:] or [failure for failure in failures if isinstance(failure, AzCLIError)]
        if known and not has_token.is_set():
            lock.release()
            raise copy(known[-1]) from known[-1]  # a copy, because each thread adds its traceback
        request.context["alone"] = True

    def failed(request: Any, failure: Exception) -> None:
        if request.context.get("alone"):
            failures.append(failure)

    class OncePolicy(HTTPPolicy):  # type: ignore[type-arg]  # pylint: disable=too-few-public-methods  # azure-core's
        def send(self, request: Any) -> Any:
            if not has_token.is_set():
                go_alone(request)
            try:
                response = self.next.send(request)
            # MSAL uses the parts of a token response without a check
            except (AzCLIError, ValueError, LookupError, TypeError, AttributeError) as error:
                if request.context.pop("signed", False):
                    raise
                failure = login_failed(error)
                failed(request, failure)
                raise failure from error
            except (AzureError, RequestException) as error:
                failed(request, error)
                raise
            finally:
                if request.context.pop("alone", False):
                    lock.release()
            if response.http_response.status_code >= 400:
                raise HttpResponseError(response=response.http_response)
            return response

    class TokenPolicy(SansIOHTTPPolicy):  # type: ignore[type-arg]  # azure-core 1.28 takes none at run time
        def on_request(self, request: Any) -> None:
            has_token.set()
            request.context["signed"] = True
            if request.context.pop("alone", False):
                lock.release()

    return {"retry_policy": OncePolicy(), "per_retry_policies": [TokenPolicy()]}


def _transport(connections: int) -> dict[str, Any]:
    """A transport that keeps this many connections; none if azure-core's own is enough, which keeps 10 and opens every
    other one anew for each request.
    """
    if connections <= 10:
        return {}
    from azure.cli.core.util import should_disable_connection_verify
    from azure.core.pipeline.transport import RequestsTransport  # pylint: disable=no-name-in-module  # it's lazy
    from requests import Session
    from requests.adapters import HTTPAdapter
    session = Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=connections))
    return {"transport": RequestsTransport(session=session,
                                           connection_verify=not should_disable_connection_verify())}


def _response(client: CommunicationServiceManagementClient, request: Any, options: dict[str, Any]) -> Any:
    """The response, also if it's raised as an error: one with an error status, or whose body isn't JSON."""
    from azure.core.exceptions import HttpResponseError
    try:
        # The SDK's documented way: https://aka.ms/azsdk/dpcodegen/python/send_request
        return client._send_request(request, **options)  # pylint: disable=protected-access
    except HttpResponseError as error:
        if error.response is None or error.status_code is None:  # the body is incomplete
            raise
        return error.response


def _answer(response: Any) -> Answer:
    """Only the parts of an answer that the code uses, because a fleet keeps thousands of them."""
    try:
        text = response.text()
    except (UnicodeError, LookupError):
        if response.status_code < 400:
            raise
        text = response.content.decode(errors="replace")  # to show, no more
    try:
        body = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        body = None
    headers = {name.lower(): value for name, value in response.headers.items() if name.lower() in HEADERS}
    headers.setdefault("date", formatdate(usegmt=True))  # to compare a date in Retry-After with
    return Answer(response.status_code, body, headers, text if body is None or response.status_code >= 400 else "")


def _timed_out(error: BaseException) -> bool:
    """Whether an error comes from a time limit. Each layer wraps the errors of the one below, and wraps an error in the
    middle of a body in another way than one before it.
    """
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
