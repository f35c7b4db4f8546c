# SPDX-License-Identifier: MIT
"""The token of a login: who asks for it, and who is told that the login has failed."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from azext_communication_identity.arm import login as logins
from azext_communication_identity.arm.login import Login, LoginCredential, Logins
from azure.cli.core.azclierror import AuthenticationError, AzCLIError, AzureResponseError, ResourceNotFoundError
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from msal.exceptions import MsalServiceError
from requests.exceptions import ConnectionError as NoConnection

SCOPE = "https://management.core.windows.net//.default"
CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
LOGIN = Login("a tenant", "me", "s", frozenset(["s"]))
NO_TOKEN = "Azure CLI couldn't get a token: the login service returned none, and gave no reason."
AGAIN = ["To log in again, run:\naz login"]


def token(seconds: float = 3600.0) -> Any:
    return SimpleNamespace(token="t", expires_on=time.time() + seconds)


class Entra:
    """Gives out tokens: each time the next outcome, the last one again and again."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[dict[str, Any]] = []

    def get_token(self, *scopes: str, **options: Any) -> Any:
        assert scopes == (SCOPE,)
        self.asked.append(options)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def credential(entra: Any, login: Login | None = LOGIN) -> LoginCredential:
    return LoginCredential(login, entra)


def attempt(one: LoginCredential, **options: Any) -> Any:
    """The token, or the failure."""
    try:
        return one.get_token(SCOPE, **options)
    except (AzCLIError, NoConnection, ServiceRequestError, ServiceResponseError) as error:
        return error


class CountingLock:
    """A lock. `all_came`: set once so many have come to it."""

    def __init__(self, number: int) -> None:
        self.all_came = threading.Event()
        self._lock = threading.Lock()
        self._left = [None] * number

    def __enter__(self) -> None:
        if self._left:
            self._left.pop()
        if not self._left:
            self.all_came.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def all_at_once(number: int, work: Callable[[], Any]) -> list[Any]:
    """What several threads get that begin together."""
    found: list[Any] = []
    start = threading.Barrier(number + 1)

    def run() -> None:
        start.wait(10)
        found.append(work())

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    start.wait(10)
    for thread in threads:
        thread.join(10)
    return found


def test_a_token_is_fetched_once() -> None:
    entra = Entra(token())
    one = credential(entra)
    assert len({id(found) for found in all_at_once(8, lambda: attempt(one))}) == 1
    assert len(entra.asked) == 1


@pytest.mark.parametrize(("left", "asked"), [(299.0, 2), (301.0, 1)])
def test_a_token_is_renewed_five_minutes_before_it_expires(left: float, asked: int) -> None:
    entra = Entra(token(left))
    one = credential(entra)
    for _ in range(2):
        attempt(one)
    assert len(entra.asked) == asked


@pytest.mark.parametrize(("outcome", "said", "ways"), [
    (AuthenticationError("No.", recommendation="az login"), "No.", ["az login"]),
    (AzureResponseError("Failed to connect to MSI.", "Try again."), "Failed to connect to MSI.", ["Try again."]),
    (KeyError("access_token"), NO_TOKEN, AGAIN), (AuthenticationError("None, None"), NO_TOKEN, AGAIN),
    (ValueError("bad cache\nmore"), "Azure CLI couldn't get a token: bad cache", AGAIN),
    (SimpleNamespace(token="t", expires_on="soon"), "Azure CLI couldn't get a token: invalid literal for int() with base 10: 'soon'", AGAIN),
    (None, NO_TOKEN, AGAIN), (SimpleNamespace(token="t", expires_on=None), NO_TOKEN, AGAIN),
])
def test_a_login_that_fails_is_asked_once(outcome: Any, said: str, ways: list[str]) -> None:
    entra = Entra(outcome)
    one = credential(entra)
    failures = [*all_at_once(5, lambda: attempt(one)), *all_at_once(5, lambda: attempt(one))]
    assert [(str(error), error.recommendations) for error in failures] == [(said, ways)] * 10
    assert len({type(error) for error in failures}) == 1
    assert len({id(error) for error in failures}) >= 9  # a copy for each thread: each adds its traceback
    assert len(entra.asked) == 1
    with pytest.raises(AzCLIError):
        one.raise_if_failed()


@pytest.mark.parametrize("error", [NoConnection("reset"), ServiceRequestError("reset"), MsalServiceError(
    "reset", error=None, error_description=None)])
def test_a_broken_connection_is_tried_again_but_not_by_those_that_waited_for_it(error: Exception) -> None:
    class Slow(Entra):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            lock.all_came.wait(10)
            return super().get_token(*scopes, **options)

    entra, lock = Slow(error, token()), CountingLock(5)
    one = credential(entra)
    one._lock = lock  # type: ignore[assignment]  # as much as it needs
    found = all_at_once(5, lambda: attempt(one))
    assert [str(failure) for failure in found] == ["reset"] * 5
    assert len(entra.asked) == 1
    one.raise_if_failed()
    assert attempt(one).token == "t"


# ---- challenges ------------------------------------------------------------------------------------------------------

def test_a_token_that_answered_a_challenge_replaces_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(logins, "time", SimpleNamespace(time=time.time, monotonic=lambda: now[0]))
    plain, better, other = token(), token(), token()
    entra = Entra(plain, better, other)
    one = credential(entra)
    assert attempt(one) is plain
    assert attempt(one, claims=CLAIMS) is better
    assert attempt(one) is better
    now[0] += 59.0
    assert attempt(one, claims=CLAIMS) is better  # another request that met the same challenge
    now[0] += 1.0
    assert attempt(one, claims=CLAIMS) is other
    assert attempt(one, claims="{}") is other
    assert [options.get("claims") for options in entra.asked] == [None, CLAIMS, CLAIMS, "{}"]


def test_a_renewed_token_is_as_strong_as_the_one_before() -> None:
    entra = Entra(token(), token(10.0), token())
    one = credential(entra)
    for options in ({}, {"claims": CLAIMS}, {}, {}):
        attempt(one, **options)
    assert entra.asked == [{}, {"claims": CLAIMS}, {"claims": CLAIMS}]


def needs_another_proof(login: Login | None, failed: Callable[[LoginCredential], Any]) -> tuple[str, list[str]]:
    error = failed(credential(Entra(KeyError("claims")), login))
    assert isinstance(error, AuthenticationError)
    return str(error), error.recommendations


@pytest.mark.parametrize("version", ["2.75.9", "2.76.0b1", "3.0.0"])
def test_a_challenge_that_the_login_cant_answer(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """The command of this CLI version, also where azure-core fails at it and where ARM isn't satisfied."""
    monkeypatch.setattr("azure.cli.core.__version__", version)
    challenge = b64encode(CLAIMS.encode()).decode()
    said = "needs stronger authentication, such as multifactor authentication."
    command = "az logout\naz login" if version == "2.75.9" else "az login"
    options = "" if version == "2.75.9" else f' --scope {SCOPE} --claims-challenge "{challenge}"'
    tenant = ' --tenant "a tenant"'
    assert needs_another_proof(LOGIN, lambda one: attempt(one, claims=CLAIMS)) == (
        f"Your login to tenant 'a tenant' {said}", [f"To log in with it, run:\n{command}{tenant}{options}"])
    without_scope = options.replace(f" --scope {SCOPE}", "")
    assert needs_another_proof(None, lambda one: one.fail_challenged(CLAIMS)) == (
        f"Your login {said}", [f"To log in with it, run:\n{command}{without_scope}"])


def test_after_a_challenge_nothing_of_the_login_is_sent() -> None:
    one = credential(Entra(token()))
    attempt(one)
    first = one.fail_challenged(CLAIMS)
    assert one.fail_challenged("{}") is first
    assert isinstance(attempt(one), AuthenticationError)


# ---- which login -----------------------------------------------------------------------------------------------------

CLI = SimpleNamespace()


def account(subscription: str, tenant: str = "t", user: str = "me", home: str | None = None) -> dict[str, Any]:
    return {"id": subscription, "tenantId": tenant, "user": {"name": user}, "homeTenantId": home}


def profile(monkeypatch: pytest.MonkeyPatch, *accounts: dict[str, Any]) -> None:
    def of(*, cli_ctx: Any) -> Any:
        assert cli_ctx is CLI
        return SimpleNamespace(load_cached_subscriptions=lambda: list(accounts))

    monkeypatch.setattr("azure.cli.core._profile.Profile", of)


def test_a_login_is_a_tenant_and_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    profile(monkeypatch, account("A"), account("b", "t2"), account("C"), account("d", user="you"))
    first = Login("t", "me", "A", frozenset("ac"))
    found = Logins(CLI)
    assert found.all == [first, Login("t2", "me", "b", frozenset("b")), Login("t", "you", "d", frozenset("d"))]
    assert [found.of(one) for one in ("a", "C", "B")] == [first, first, found.all[1]]
    profile(monkeypatch, account("a"), account("b", "t2"))
    for several in (found, Logins(CLI)):
        with pytest.raises(ResourceNotFoundError) as caught:
            several.of("x")
        assert str(caught.value) == "Azure CLI doesn't know the subscription 'x', and you are logged in to several tenants."
        assert caught.value.recommendations == [
            "If access was granted recently, run:\naz account list --refresh\nTo list the subscriptions that it knows, run:\n"
            "az account list --all --output table"]


def test_the_only_login_may_reach_what_the_profile_doesnt_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    profile(monkeypatch, account("a"))
    assert Logins(CLI).of("x") == Login("t", "me", "a", frozenset("a"))
    profile(monkeypatch)
    assert Logins(CLI).of("x") is None


def test_subscriptions_that_are_managed_from_another_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    profile(monkeypatch, account("A", "t", home="customer"), account("b", "t", home="t"), account("c"))
    assert logins.customer_tenants(CLI) == {"a": "customer"}


def test_the_tenant_that_a_subscription_belongs_to(monkeypatch: pytest.MonkeyPatch) -> None:
    profile(monkeypatch, account("A", "t", home="customer"), account("B", "t2"))
    assert logins.home_tenants(CLI) == {"a": "customer", "b": "t2"}


@pytest.mark.parametrize(("names", "is_tenant_only"), [
    (["N/A(tenant level account)"], True), (["N/A(tenant level account)", "production"], False), ([None], False), (["n/a"], False)])
def test_a_login_without_a_subscription(monkeypatch: pytest.MonkeyPatch, names: list[str | None], is_tenant_only: bool) -> None:
    profile(monkeypatch, *({**account(f"s{number}"), "name": name} for number, name in enumerate(names)))
    (login,) = Logins(CLI).all
    assert login.is_tenant_only is is_tenant_only


@pytest.mark.parametrize(("tenant", "path"), [("Ten", "/subscriptions/tEN/providers/x"), ("t", "/Subscriptions/T/resourceGroups")])
def test_a_tenant_is_no_subscription(tenant: str, path: str) -> None:
    login = Login(tenant, "me", tenant, frozenset([tenant.lower()]), is_tenant_only=True)
    with pytest.raises(ResourceNotFoundError) as caught:
        logins.require_subscription(login, path)
    assert str(caught.value) == f"You are logged in to tenant '{tenant}' without a subscription."
    assert caught.value.recommendations == [
        "Specify the subscription of the resource with --subscription. If access was granted recently, run:\naz account list --refresh"]
    for other in (None, login._replace(is_tenant_only=False)):
        logins.require_subscription(other, path)
    for elsewhere in ("/subscriptions/t-1/x", f"/providers/x/subscriptions/{tenant}/", f"/subscriptions/{tenant}"):
        logins.require_subscription(login, elsewhere)
