# SPDX-License-Identifier: MIT
"""Which addresses get a token, what goes over the wire, and what is read from an answer."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from azext_communication_identity.arm import client as clients
from azext_communication_identity.arm.client import Arm, read_answer
from azext_communication_identity.model.answers import Answer, NoAnswer, Reply
from azext_communication_identity.model.requests import (
    Delete,
    Get,
    GetResource,
    GetUserAssignedIdentity,
    ListResources,
    ListUserAssignedIdentities,
    Put,
    Query,
    Request,
    SharedGet,
    UpdateIdentity,
)
from azext_communication_identity.model.resource_id import IdentityId, ResourceId
from azure.cli.core.azclierror import AuthenticationError, AzureConnectionError, ResourceNotFoundError
from azure.core import exceptions
from azure.core.pipeline.transport import HttpTransport, RequestsTransportResponse
from azure.mgmt.communication import CommunicationServiceManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from requests import Response
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import ReadTimeout, SSLError
from urllib3.exceptions import IncompleteRead, ReadTimeoutError

ARM = "https://management.azure.com"
SUB = "00000000-0000-0000-0000-00000000000a"
RESOURCE = ResourceId(SUB, "gr\u00fcppe", "app")
IDENTITY = IdentityId(SUB, "rg", "one")


def is_arms(address: str, arm: str = f"{ARM}/") -> bool:
    """Whether the client takes the address for one of ARM's."""
    cloud = SimpleNamespace(endpoints=SimpleNamespace(resource_manager=arm))
    one = Arm.__new__(Arm)
    one._cli_ctx = SimpleNamespace(cloud=cloud)
    return one._belongs_to_arm(address)


@pytest.mark.parametrize("address", [f"{ARM}:443/x", f"{ARM}/x", "https://westus.management.azure.com:443/x", f"{ARM}:/x",
                                     "HTTPS://Management.Azure.com/x", "/x", "/x?y=https://evil"])
@pytest.mark.parametrize("arm", [ARM, f"{ARM}:443/"])
def test_addresses_of_arm(address: str, arm: str) -> None:
    assert is_arms(address, arm)


@pytest.mark.parametrize("address", [
    f"{ARM}:80/x", f"{ARM}:0/x", "http://management.azure.com:443/x", "http://management.azure.com/x", f"{ARM}:8443/x",
    "https://user@management.azure.com:443/x", "https://@management.azure.com/x", "https://xmanagement.azure.com/x",
    f"{ARM}.evil/x", "https://evil/management.azure.com", "//evil/x", "x", "", f"{ARM}:99999/x", "https://[::1/x",
    "ftp://management.azure.com/x", "https://evil.example\\.management.azure.com/x", "https://evil.example%2f.management.azure.com/x",
    "https://evil example.management.azure.com/x", "https://\u00e9vil.management.azure.com/x"])
def test_other_addresses(address: str) -> None:
    assert not is_arms(address)


def test_a_port_of_its_own_must_be_the_same() -> None:
    assert is_arms("https://arm.local:8443/x", "https://arm.local:8443")
    assert not is_arms("https://arm.local/x", "https://arm.local:8443")
    assert not is_arms("https://arm.local:443/x", "https://arm.local:8443")
    assert is_arms("http://arm.local:80/x", "http://arm.local")
    assert not is_arms("http://arm.local:81/x", "http://arm.local")


def test_an_ipv6_address() -> None:
    assert is_arms("https://[::1]:8443/x", "https://[::1]:8443")
    assert is_arms("https://[FE80::1]/x", "https://[fe80::1]:443/")
    assert not is_arms("https://[::2]:8443/x", "https://[::1]:8443")
    assert not is_arms("https://evil.example[::1]:8443/x", "https://[::1]:8443")


# ---- imports ---------------------------------------------------------------------------------------------------------

CLIENT_FIRST = """
import sys
from azext_communication_identity.arm import client, login
from azext_communication_identity.model.requests import Query

login.logins = lambda _: []
arm = client.Arm(None)

class Lock:
    is_held, imported = False, ["azure.core.exceptions" in sys.modules]
    def __enter__(self):
        self.is_held = True
    def __exit__(self, *_):
        self.is_held = False
        self.imported.append("azure.core.exceptions" in sys.modules)

arm._lock = Lock()
arm._client = lambda *_: sys.exit(arm._lock.imported != [False, True] or not arm._lock.is_held)
arm._credential = lambda _: None
arm.send(Query({}), "a subscription")
"""


def test_one_thread_makes_the_client_and_imports_azure_core() -> None:
    """Python hands a thread a module that another one has half imported where waiting for it could be a deadlock."""
    assert subprocess.run([sys.executable, "-c", CLIENT_FIRST], check=False).returncode == 0


# ---- over the wire ---------------------------------------------------------------------------------------------------

class Wire(HttpTransport):  # type: ignore[type-arg]  # azure-core 1.28 takes none at run time
    """Answers every request in the same way. `sent`: the requests, `options`: how they were sent."""

    def __init__(self, answer: tuple[int, bytes, dict[str, str]] | BaseException = (200, b"{}", {})) -> None:
        self.answer = answer
        self.sent: list[Any] = []
        self.options: dict[str, Any] = {}

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def send(self, request: Any, **options: Any) -> Any:
        self.sent.append(request)
        self.options = options
        if isinstance(self.answer, BaseException):
            raise self.answer
        response = Response()
        response.status_code, response._content = self.answer[:2]
        response.headers.update(self.answer[2])
        return RequestsTransportResponse(request, response)


class Token:
    """A credential, and what Arm asks of it. `failure`: why no request is sent."""

    failure: Exception | None = None
    challenges: list[str]

    def __init__(self) -> None:
        self.challenges = []

    def get_token(self, *_: str, **options: Any) -> Any:
        return SimpleNamespace(token="t", expires_on=10**10)

    def raise_if_failed(self) -> None:
        if self.failure:
            raise self.failure

    def fail_challenged(self, claims: str) -> Any:
        self.challenges.append(claims)
        return AuthenticationError("another proof")


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def token() -> Token:
    return Token()


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch, wire: Wire, token: Token) -> Arm:
    """The client with the CLI's own parts replaced: the SDKs are as they are."""
    monkeypatch.setattr("azext_communication_identity.arm.login.logins", lambda _: [])
    made = Arm(SimpleNamespace(cloud=SimpleNamespace(endpoints=SimpleNamespace(resource_manager=ARM))))
    made._credentials[None] = token  # type: ignore[assignment]  # as much as it needs

    def client(_cli_ctx: Any, kind: Any, subscription_id: str, **options: Any) -> Any:
        return kind(options.pop("credential"), subscription_id, base_url=ARM, transport=wire, **options)

    monkeypatch.setattr("azure.cli.core.commands.client_factory.get_mgmt_service_client", client)
    return made


COMMUNICATION, MSI = "Microsoft.Communication/communicationServices", "Microsoft.ManagedIdentity/userAssignedIdentities"
GROUP = f"{ARM}/subscriptions/{SUB}/resourceGroups/gr%C3%BCppe"
BLOCK = {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {IDENTITY.id: {}, "/two": None}}
VERSION = "api-version=2023-04-01"


@pytest.mark.parametrize(("request_", "method", "url", "body", "if_match"), [
    (GetResource(RESOURCE), "GET", f"{GROUP}/providers/{COMMUNICATION}/app?{VERSION}", None, None),
    (UpdateIdentity(RESOURCE, {"identity": {"type": "None"}}), "PATCH", f"{GROUP}/providers/{COMMUNICATION}/app?{VERSION}",
     {"identity": {"type": "None"}}, None),
    (UpdateIdentity(RESOURCE, {"identity": BLOCK}, 'W/"1"'), "PATCH", f"{GROUP}/providers/{COMMUNICATION}/app?{VERSION}",
     {"identity": BLOCK}, 'W/"1"'),
    (ListResources(SUB), "GET", f"{ARM}/subscriptions/{SUB}/providers/{COMMUNICATION}?{VERSION}", None, None),
    (ListResources(SUB, "rg"), "GET", f"{ARM}/subscriptions/{SUB}/resourceGroups/rg/providers/{COMMUNICATION}?{VERSION}", None, None),
    (ListResources(SUB, "rg", f"{ARM}/next?{VERSION}&$skipToken=a%2Bb%26c%3D"), "GET",
     f"{ARM}/next?{VERSION}&$skipToken=a%2Bb%26c%3D", None, None),
    (GetUserAssignedIdentity(IDENTITY, "2024-11-30"), "GET",
     f"{ARM}/subscriptions/{SUB}/resourceGroups/rg/providers/{MSI}/one?api-version=2024-11-30", None, None),
    (ListUserAssignedIdentities(SUB), "GET", f"{ARM}/subscriptions/{SUB}/providers/{MSI}?api-version=2023-01-31", None, None),
    (ListUserAssignedIdentities(SUB, "rg"), "GET",
     f"{ARM}/subscriptions/{SUB}/resourceGroups/rg/providers/{MSI}?api-version=2023-01-31", None, None),
    (Query({"query": "q"}), "POST", f"{ARM}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01", {"query": "q"}, None),
    (Get("/x y?a=b c"), "GET", f"{ARM}/x%20y?a=b%20c", None, None), (SharedGet("/x"), "GET", f"{ARM}/x", None, None),
    (Get(f"{ARM}/op/1?t=a*b(c)%2f&x"), "GET", f"{ARM}/op/1?t=a*b(c)%2f&x", None, None),
    (Put("/x?y=1", {"properties": {"a": None}}), "PUT", f"{ARM}/x?y=1", {"properties": {"a": None}}, None),
    (Delete("/x"), "DELETE", f"{ARM}/x", None, None),
])
def test_what_a_request_sends(arm: Arm, wire: Wire, request_: Request, method: str, url: str, body: Any, if_match: str | None) -> None:
    assert arm.send(request_, SUB).status == 200
    (sent,) = wire.sent
    assert (sent.method, unescaped(sent.url)) == (method, unescaped(url))
    assert (json.loads(sent.body) if sent.body else None) == body
    assert sent.headers.get("If-Match") == if_match
    assert sent.headers["Authorization"] == "Bearer t"
    assert (wire.options["connection_timeout"], wire.options["read_timeout"]) == (30.0, 60.0)


def unescaped(url: str) -> str:
    """`%C3%BC` and `%2F` are as good as `%c3%bc`; all else is compared as it is."""
    return url.replace("%2f", "%2F")


def test_a_request_that_may_not_take_long(arm: Arm, wire: Wire) -> None:
    arm.send(Get("/x", timeout=4.0), SUB)
    assert (wire.options["connection_timeout"], wire.options["read_timeout"]) == (4.0, 4.0)


@pytest.mark.parametrize("request_", [
    GetResource(RESOURCE), UpdateIdentity(RESOURCE, {"identity": {"type": "None"}}, "e"), ListResources(SUB),
    GetUserAssignedIdentity(IDENTITY, "2023-01-31"), ListUserAssignedIdentities(SUB), Query({}), Get("/x"),
    Put("/x", {}), Delete("/x")])
@pytest.mark.parametrize("answer", [
    (202, b"", {"Location": "/op"}), (302, b"", {"Location": "https://evil"}), (404, b'{"error": {"code": "X"}}', {}),
    (409, b'{"error": {"code": "MissingSubscriptionRegistration"}}', {}), (429, b"", {"Retry-After": "1"}), (503, b"<html>", {}),
    (200, b"\xff\xfe", {"Content-Type": "text/plain; charset=nonsense"})])
def test_every_answer_is_handed_over_as_it_is(arm: Arm, wire: Wire, request_: Request, answer: Any) -> None:
    """Nothing is sent again, registered or redirected, and no body is refused."""
    wire.answer = answer
    reply = arm.send(request_, SUB)
    assert isinstance(reply, Answer)
    assert reply.status == answer[0]
    assert len(wire.sent) == 1
    assert set(reply.headers) - {"date"} == {name.lower() for name in answer[2]} - {"content-type"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("request_", [GetResource(RESOURCE), ListResources(SUB), GetUserAssignedIdentity(IDENTITY, "2023-01-31")])
def test_no_redirect_is_followed_if_the_sdk_gets_the_answer(
        arm: Arm, wire: Wire, request_: Request, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second guard: the SDK's own policies, with nothing that hands the answer over before they see it."""
    monkeypatch.setattr("azure.cli.core.commands.client_factory.get_mgmt_service_client",
                        lambda _cli_ctx, kind, subscription_id, credential, **_: kind(
                            credential, subscription_id, base_url=ARM, transport=wire))
    wire.answer = (status, b"", {"Location": "https://evil"})
    arm.send(request_, SUB)
    assert [sent.url.partition("/subscriptions")[0] for sent in wire.sent] == [ARM]


def test_a_client_serves_a_subscription(arm: Arm) -> None:
    for subscription in (SUB, SUB.upper(), "other"):
        arm.send(Get("/x"), subscription)
        arm.send(ListUserAssignedIdentities(SUB), subscription)
    assert set(arm._clients) == {(CommunicationServiceManagementClient, SUB), (CommunicationServiceManagementClient, "other"),
                                 (ManagedServiceIdentityClient, SUB)}


# ---- logins ----------------------------------------------------------------------------------------------------------

CLI = SimpleNamespace(cloud=SimpleNamespace(endpoints=SimpleNamespace(resource_manager=ARM)))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, wire: Wire) -> list[str | None]:
    """Two logins, one of them without a subscription. What the CLI is asked for: the login of which subscription."""
    asked: list[str | None] = []

    class Profile:
        accounts = (("a", "t", "x"), ("A2", "t", "y"), ("ten", "ten", "N/A(tenant level account)"))

        def __init__(self, cli_ctx: Any) -> None:
            assert cli_ctx is CLI

        def load_cached_subscriptions(self) -> list[dict[str, Any]]:
            return [{"id": one, "tenantId": tenant, "user": {"name": "me"}, "name": name} for one, tenant, name in self.accounts]

        def get_login_credentials(self, subscription_id: str | None) -> tuple[Any, None, None]:
            asked.append(subscription_id)
            token = SimpleNamespace(token=f"of-{subscription_id}", expires_on=10**10)
            return SimpleNamespace(get_token=lambda *_scopes, **_options: token), None, None

    def client(cli_ctx: Any, kind: Any, subscription_id: str, credential: Any, **options: Any) -> Any:
        assert cli_ctx is CLI
        return kind(credential, subscription_id, base_url=ARM, **{**options, "transport": wire})

    monkeypatch.setattr("azure.cli.core._profile.Profile", Profile)
    monkeypatch.setattr("azure.cli.core.commands.client_factory.get_mgmt_service_client", client)
    return asked


def test_each_login_has_one_token(asked: list[str | None], wire: Wire) -> None:
    arm = Arm(CLI)
    for subscription in ("a", "a2", "A"):
        arm.send(Get("/x"), subscription)
    arm.send(Get("/x"), "ten")
    assert [sent.headers["Authorization"] for sent in wire.sent] == ["Bearer of-a"] * 3 + ["Bearer of-ten"]
    assert asked == ["a", "ten"]


def test_a_tenant_is_no_subscription(asked: list[str | None], wire: Wire) -> None:
    with pytest.raises(ResourceNotFoundError, match="logged in to tenant 'ten' without a subscription"):
        Arm(CLI).send(GetResource(ResourceId("ten", "rg", "app")), "ten")
    assert wire.sent == []


def test_without_a_login_the_cli_decides(asked: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azure.cli.core._profile.Profile.accounts", ())
    Arm(CLI).send(Get("/x"), "a")
    assert asked == [None]


@pytest.mark.usefixtures("asked")
def test_the_login_that_needs_another_proof_is_named(wire: Wire) -> None:
    wire.answer = (401, b"", challenge("eyJ4IjoxfQ=="))
    with pytest.raises(AuthenticationError, match="Your login to tenant 't' needs stronger authentication"):
        Arm(CLI).send(Get("/x"), "a")


@pytest.mark.usefixtures("asked")
def test_a_query_takes_no_policy_token(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-cli's hook would get one for each POST."""
    hooked: list[str] = []

    def client(_cli_ctx: Any, kind: Any, subscription_id: str, credential: Any, **options: Any) -> Any:
        return kind(credential, subscription_id, base_url=ARM, **{**options, "transport": wire},
                    raw_request_hook=lambda request: hooked.append(request.http_request.method))

    monkeypatch.setattr("azure.cli.core.commands.client_factory.get_mgmt_service_client", client)
    arm = Arm(CLI)
    for request in (Query({}), Put("/x", {}), UpdateIdentity(RESOURCE, {"identity": {"type": "None"}})):
        arm.send(request, "a")
    assert hooked == ["PUT", "PATCH"]
    assert len(wire.sent) == 3


def test_the_public_method_of_newer_sdks(arm: Arm, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = CommunicationServiceManagementClient
    if hasattr(kind, "_send_request"):
        monkeypatch.setattr(kind, "send_request", kind._send_request, raising=False)
        monkeypatch.delattr(kind, "_send_request")
    assert arm.send(Get("/x"), SUB).status == 200
    assert len(wire.sent) == 1


@pytest.mark.usefixtures("asked")
def test_all_clients_of_a_fleet_share_its_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def client(_cli_ctx: Any, _kind: Any, *, transport: Any = None, **_: Any) -> Any:
        given.append(transport)
        raise NotImplementedError

    monkeypatch.setattr("azure.cli.core.commands.client_factory.get_mgmt_service_client", client)
    for connections in (10, 11):
        arm = Arm(CLI, connections)
        for request in (Get("/x"), ListUserAssignedIdentities("a")):
            with pytest.raises(NotImplementedError):
                arm.send(request, "a")
    assert given[:2] == [None, None]
    assert given[2] is given[3] is not None


# ---- no answer -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("address", [
    "https://evil.example/op?sig=secret", "http://management.azure.com/x", "https://evil.example\\.management.azure.com"])
@pytest.mark.parametrize("kind", [Get, lambda address: ListResources(SUB, next_page=address)])
def test_no_other_host_gets_a_token(arm: Arm, wire: Wire, kind: Any, address: str) -> None:
    reply = arm.send(kind(address), SUB)
    assert reply == NoAnswer("The address doesn't belong to Azure Resource Manager: " + f"'{address.partition('?')[0]}'", permanent=True)
    assert wire.sent == []


def nested(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


LATE = ReadTimeoutError(None, "", "late")  # type: ignore[arg-type]  # it needs no pool


def broken(reason: str, *, timed_out: bool = False) -> NoAnswer:
    """What the failure of a connection is."""
    return NoAnswer(reason, timed_out=timed_out, is_network=True)


@pytest.mark.parametrize(("error", "reply"), [
    (exceptions.ServiceRequestError("refused\nmore"), broken("refused")),
    (exceptions.ServiceResponseError("reset"), broken("reset")), (NoConnection("reset"), broken("reset")),
    (IncompleteRead(1, 2), broken("IncompleteRead(1 bytes read, 2 more expected)")),
    (exceptions.IncompleteReadError("short"), broken("short")), (exceptions.HttpResponseError("short"), broken("short")),
    (exceptions.ServiceRequestTimeoutError("late"), broken("late", timed_out=True)),
    (exceptions.ServiceResponseTimeoutError("late"), broken("late", timed_out=True)),
    (ReadTimeout("late"), broken("late", timed_out=True)), (LATE, broken("None: late", timed_out=True)),
    (nested(NoConnection("x"), LATE), broken("x", timed_out=True)), (NoConnection(LATE), broken("None: late", timed_out=True)),
    (exceptions.ServiceResponseError("x", error=LATE), broken("x", timed_out=True)),
    (nested(NoConnection(NoConnection("y")), LATE), broken("y", timed_out=True)),
    (nested(exceptions.ServiceResponseError("x"), NoConnection("y")), broken("x")), (SSLError("certificate"), broken("certificate")),
    (ValueError("bad\nchallenge"), NoAnswer("The service's response can't be read: bad")),
    (KeyError("x"), NoAnswer("The service's response can't be read: 'x'")), (RecursionError(), NoAnswer("The service's response can't be read: RecursionError")),
], ids=lambda one: type(one).__name__)
def test_no_answer(arm: Arm, wire: Wire, error: Exception, reply: Reply) -> None:
    wire.answer = error
    assert arm.send(GetResource(RESOURCE), SUB) == reply


def test_errors_that_go_round(arm: Arm, wire: Wire) -> None:
    first = exceptions.ServiceResponseError("x")
    wire.answer = nested(first, nested(NoConnection("y"), first))
    assert arm.send(GetResource(RESOURCE), SUB) == broken("x")


def test_a_machine_that_cant_send(arm: Arm, wire: Wire) -> None:
    wire.answer = OSError("Could not find a suitable TLS CA certificate bundle")
    with pytest.raises(AzureConnectionError, match="can't send requests from this machine: Could not find") as caught:
        arm.send(GetResource(RESOURCE), SUB)
    assert caught.value.recommendations == ["If REQUESTS_CA_BUNDLE is set, check that it names a file."]


# ---- challenges ------------------------------------------------------------------------------------------------------

def challenge(claims: str) -> dict[str, str]:
    return {"WWW-Authenticate": f'Bearer error="insufficient_claims", claims="{claims}"'}


def test_a_challenge_that_stays(arm: Arm, wire: Wire, token: Token) -> None:
    wire.answer = (401, b"", challenge("eyJ4IjoxfQ=="))
    with pytest.raises(AuthenticationError):
        arm.send(Get("/x"), SUB)
    assert token.challenges == ['{"x":1}']


@pytest.mark.parametrize("headers", [{}, challenge("\u00fc"), {"WWW-Authenticate": 'Bearer claims="eyJ4IjoxfQ=="'}])
def test_another_401_is_an_answer(arm: Arm, wire: Wire, token: Token, headers: dict[str, str]) -> None:
    wire.answer = (401, b"", headers)
    assert arm.send(Get("/x"), SUB).status == 401
    assert token.challenges == []


def test_a_login_that_has_failed_sends_nothing(arm: Arm, wire: Wire, token: Token) -> None:
    token.failure = AuthenticationError("No token.")
    with pytest.raises(AuthenticationError):
        arm.send(Get("/x"), SUB)
    assert wire.sent == []


# ---- what is read ----------------------------------------------------------------------------------------------------

def response(status: int, content: bytes, headers: dict[str, str] | None = None) -> Any:
    def text() -> str:
        return content.decode()
    return SimpleNamespace(status_code=status, headers=headers or {}, text=text, content=content)


@pytest.mark.parametrize(("status", "content", "body", "text"), [
    (200, b'{"a": 1}', {"a": 1}, ""), (200, b"[]", [], ""), (200, b"null", None, "null"), (200, b" ", None, " "), (204, b"", None, ""),
    (200, b"<html>", None, "<html>"), (400, b'{"a": 1}', {"a": 1}, '{"a": 1}'), (399, b'{"a": 1}', {"a": 1}, ""),
    (200, b"\xffx", None, "\ufffdx"), (200, b"[" * 100_000, None, "[" * 100_000)])
def test_an_answer(status: int, content: bytes, body: Any, text: str) -> None:
    found = read_answer(response(status, content))
    assert (found.status, found.body, found.text) == (status, body, text)


def test_a_body_in_another_codec_is_shown_all_the_same() -> None:
    def text() -> str:
        raise LookupError("unknown encoding: hex")

    for more in ({"body": lambda: b"\xffx"}, {"content": b"\xffx"}):  # azure-core has two kinds of responses
        assert read_answer(SimpleNamespace(status_code=400, headers={}, text=text, **more)).text == "\ufffdx"


def test_only_the_headers_that_are_used_are_kept() -> None:
    headers = {"ETag": "e", "X-Other": "x", "Date": "d", "Location": "/x", "AZURE-AsyncOperation": "/y", "Retry-After": "1"}
    assert read_answer(response(200, b"", headers)).headers == {
        "etag": "e", "date": "d", "location": "/x", "azure-asyncoperation": "/y", "retry-after": "1"}
    assert read_answer(response(200, b"")).headers["date"].endswith("GMT")


@pytest.mark.parametrize(("connections", "own"), [(1, False), (10, False), (11, True)])
def test_a_fleet_has_a_transport_of_its_own(monkeypatch: pytest.MonkeyPatch, connections: int, own: bool) -> None:
    monkeypatch.setenv("AZURE_CLI_DISABLE_CONNECTION_VERIFICATION", "1")
    made = clients._transport(connections)
    assert bool(made) is own
    if own:
        assert made["transport"].session.get_adapter(ARM)._pool_maxsize == connections
        assert made["transport"].connection_config.verify is False
