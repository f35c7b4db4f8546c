# SPDX-License-Identifier: MIT
"""Claims challenges: ARM asks a login for another proof, such as multifactor authentication, mostly at writes. A login
that has it goes on; one that hasn't is told once how to get it, and sends nothing more.
"""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import standard_b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from armsim import Armsim, Fault
from armsim.http_types import Answer, Request, json_answer
from armsim.patch_shapes import SHAPES
from azure.cli.core.azclierror import AuthenticationError, AzCLIError
from in_process import InProcessAz, Input
from knack.log import get_logger
from scenes import APP, OTHER, SUB, has, line, said

MFA = '{"access_token":{"acrs":{"essential":true,"values":["p1"]}}}'  # as recorded of ARM
TENANT = "00000000-0000-0000-0000-0000000000aa"
ASSIGN, SHOW = line("assign", *APP, "--system-assigned"), line("show", *APP)


def header(claims: str) -> str:
    encoded = urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    return ('Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
            f'error="insufficient_claims", claims="{encoded}"')


def challenge(sim: Armsim, methods: tuple[str, ...], claims: str = MFA, kind: str = "plain") -> list[Request]:
    """Challenge requests with these methods and tokens of that kind; those that were."""
    real, challenged = sim.wire.answer, []

    def answer(request: Request) -> Answer:
        if request.method in methods and str(request.header("Authorization")).startswith(f"Bearer {kind}"):
            challenged.append(request)
            return json_answer(401, {"error": {"code": "RequestDisallowedByPolicy", "message": "Resource 'x' was "
                                               "disallowed by policy."}}, {"WWW-Authenticate": header(claims)})
        return real(request)
    sim.wire.answer = answer  # type: ignore[method-assign]  # the wire of this test
    return challenged


class Login:
    """The credential of a login. `strong`: whether it can answer challenges. Notes the claims that it's asked for, and
    how many ask at the same time.
    """

    def __init__(self, *, strong: bool, name: str = "", lives: float = 3600.0, ignores_claims: bool = False) -> None:
        self.strong, self.name, self.lives, self.ignores_claims = strong, name, lives, ignores_claims
        self.claims: list[str | None] = []
        self.asking = self.most_asking = 0
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> Any:
        from azure.core.credentials import AccessToken
        assert scopes
        with self._lock:
            self.asking += 1
            self.most_asking = max(self.asking, self.most_asking)
            self.claims.append(claims)
        try:
            time.sleep(0.02)  # for others to come
            if claims and not (self.strong or self.ignores_claims):
                raise AuthenticationError("AADSTS50076: you must use multi-factor authentication.")
            kind = "strong" if claims and self.strong else "plain"
            return AccessToken(kind + self.name, int(time.time() + self.lives))
        finally:
            with self._lock:
                self.asking -= 1


@pytest.fixture
def log_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Login]:
    """Logs in with one login for all subscriptions, or by subscription."""
    def set_logins(login: Login, **by_subscription: Login) -> Login:
        monkeypatch.setattr("azure.cli.core._profile.Profile.get_login_credentials", lambda *_, subscription_id=None: (
            by_subscription.get(subscription_id or "", login), subscription_id, TENANT))
        return login
    return set_logins


def fleet(sim: Armsim, number: int = 50, subscription: str = SUB) -> list[str]:
    return [sim.state.add_resource(f"app{count}", "rg", subscription=subscription) for count in range(number)]


def command(sim: Armsim, claims: str = MFA) -> str:
    return (f"az login --tenant {sim.state.TENANT} --scope {sim.url}/.default --claims-challenge "
            f"{standard_b64encode(claims.encode()).decode()}")


def flat(text: str) -> str:
    """Without the quotes that a shell needs."""
    return text.replace('"', "").replace("'", "")


# ---- a login that can answer -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("methods", [("PATCH",), ("GET", "PATCH"), ("GET",)])
def test_a_fleet_of_a_login_that_can_answer_goes_on(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login],
                                                    methods: tuple[str, ...]) -> None:
    login, ids, challenged = log_in(Login(strong=True)), fleet(sim), challenge(sim, methods)
    run = in_process.captured(line("assign", "--system-assigned", "--ids", *ids), Input())
    assert (run.exit_code, run.stderr) == (0, "")
    assert all(has(sim, resource)[0] for resource in ids)
    assert login.claims == [None, MFA]
    assert login.most_asking == 1
    assert len(challenged) <= 2
    assert [request.header("Authorization") for request in sim.requests][-50:] == ["Bearer strong"] * 50


def test_a_single_resource_of_a_login_that_can_answer(in_process: InProcessAz, sim: Armsim,
                                                      log_in: Callable[..., Login]) -> None:
    log_in(Login(strong=True))
    resource = sim.state.add_resource("myApp", "rg")
    challenge(sim, ("PATCH",))
    assert in_process(ASSIGN).exit_code == 0
    assert [request.method for request in sim.requests] == ["GET", "PATCH", "PATCH"]
    assert has(sim, resource) == (True, [])


def test_a_token_that_is_renewed_stays_as_strong(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login]
                                                 ) -> None:
    """These tokens end so soon that each request needs a new one: reads beside the writes fetch them too."""
    login, ids, challenged = log_in(Login(strong=True, lives=100.0)), fleet(sim, 20), challenge(sim, ("PATCH",))
    run = in_process.captured(line("assign", "--system-assigned", "--ids", *ids), Input())
    assert (run.exit_code, run.stderr) == (0, "")
    assert len(challenged) <= 2
    first = login.claims.index(MFA)
    assert set(login.claims[first:]) == {MFA}


# ---- a login that can't ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("methods", [("PATCH",), ("GET",)])
@pytest.mark.parametrize("ignores_claims", [False, True])  # a managed identity ignores them
@pytest.mark.parametrize("only_errors", [[], ["--only-show-errors"]])
def test_a_fleet_of_a_login_that_cannot_answer_ends_at_once(
        in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login], methods: tuple[str, ...],
        ignores_claims: bool, only_errors: list[str]) -> None:
    log_in(Login(strong=False, ignores_claims=ignores_claims))
    ids, challenged = fleet(sim), challenge(sim, methods)
    run = in_process.captured(line("assign", "--system-assigned", "--ids", *ids, *only_errors), Input())
    assert run.exit_code == 1
    assert run.stderr.count("needs stronger authentication") == 1
    assert flat(run.stderr).count(command(sim)) == 1
    assert len(challenged) <= 2
    assert [request for request in sim.requests if request.at > challenged[-1].at and request.method == "PATCH"] == []
    assert not any(has(sim, resource)[0] for resource in ids)


def test_the_command_is_named_once(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login]) -> None:
    """Since 2.76, azure-cli itself warns of it, for a user: `az logout` and `az login …`."""
    class Core(Login):
        def get_token(self, *scopes: str, claims: str | None = None, **more: Any) -> Any:
            if claims:
                get_logger("azure.cli.core.auth.util").warning("Run the command below:\naz logout\naz login --x")
            return super().get_token(*scopes, claims=claims, **more)
    log_in(Core(strong=False))
    ids = fleet(sim, 5)
    challenge(sim, ("PATCH",))
    run = in_process.captured(line("assign", "--system-assigned", "--ids", *ids), Input())
    assert flat(run.stderr).count("az login") == flat(run.stderr).count(command(sim)) == 1


@pytest.mark.parametrize("words", [SHOW, ASSIGN, line("list"), line("list", "--all-subscriptions"),
                                   line("remove", *APP, "--system-assigned"), line("wait", *APP, "--exists")],
                         ids=lambda words: " ".join(words[2:]))
def test_reads_may_be_challenged_too(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login],
                                     words: list[str]) -> None:
    log_in(Login(strong=False))
    sim.state.add_resource("myApp", "rg")
    challenge(sim, ("GET", "POST"))
    run = in_process.captured(words, Input())
    assert isinstance(run.error, AuthenticationError)
    assert command(sim) in flat(said(run.error))
    assert run.exit_code == 1
    assert len(sim.requests) == 1


def test_the_base64_of_the_command_is_standard_with_padding(in_process: InProcessAz, sim: Armsim,
                                                            log_in: Callable[..., Login]) -> None:
    """`az login --claims-challenge` drops - and _ in silence, and fails without padding."""
    log_in(Login(strong=False))
    claims = '{"access_token":{"x":{"value":"ÿûþ???>>>~~~  "}}}'
    standard = standard_b64encode(claims.encode()).decode()
    assert set("+/") & set(standard)
    assert standard.endswith("=")
    sim.state.add_resource("myApp", "rg")
    challenge(sim, ("GET",), claims)
    assert f"--claims-challenge {standard}" in flat(said(in_process(SHOW).error))


@pytest.mark.parametrize(("version", "way_on"), [
    ("2.75.0", "az logout\naz login --tenant {tenant}"), ("2.76.0", "--claims-challenge")])
def test_the_command_is_that_of_this_cli(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login],
                                         monkeypatch: pytest.MonkeyPatch, version: str, way_on: str) -> None:
    log_in(Login(strong=False))
    sim.state.add_resource("myApp", "rg")
    challenge(sim, ("PATCH",))
    monkeypatch.setattr("azure.cli.core.__version__", version)
    text = said(in_process(ASSIGN).error)
    assert way_on.format(tenant=sim.state.TENANT) in text
    assert ("--claims-challenge" in text) == (version != "2.75.0")


def test_another_login_goes_on(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login]) -> None:
    path = in_process.config / "azureProfile.json"
    data = json.loads(path.read_text(encoding="utf-8-sig"))
    mine = next(one for one in data["subscriptions"] if one["id"] == SUB)
    path.write_text(json.dumps({**data, "subscriptions": [
        mine, {**mine, "id": OTHER, "tenantId": TENANT, "isDefault": False}]}), encoding="utf-8")
    log_in(Login(strong=False), **{OTHER: Login(strong=False, name="-other")})
    sim.state.add_subscription(OTHER, "other")
    refused, done = fleet(sim, 10), fleet(sim, 10, OTHER)
    challenged = challenge(sim, ("PATCH",), kind="plain-other")
    run = in_process.captured(line("assign", "--system-assigned", "--ids", *refused, *done), Input())
    assert run.exit_code == 1
    assert [has(sim, resource)[0] for resource in (*refused, *done)] == [True] * 10 + [False] * 10
    assert flat(run.stderr).count(f"az login --tenant {TENANT}") == 1
    assert len(challenged) <= 2


def test_a_challenge_after_an_accepted_write(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login]
                                             ) -> None:
    log_in(Login(strong=False))
    sim.state.add_resource("myApp", "rg")
    sim.options.patch = SHAPES["load-test"]
    real = sim.wire.answer

    def answer(request: Request) -> Answer:
        if request.method == "PATCH":
            result = real(request)
            challenge(sim, ("GET",))
            return result
        return real(request)
    sim.wire.answer = answer  # type: ignore[method-assign]  # the wire of this test
    run = in_process.captured([*ASSIGN, "--only-show-errors"], Input())
    assert isinstance(run.error, AzCLIError)
    assert "The service accepted the change to 'myApp'" in run.stderr
    assert command(sim) in flat(said(run.error))
    assert "az communication identity show --ids" in said(run.error)


# ---- challenges that can't be read -----------------------------------------------------------------------------------

@pytest.mark.parametrize("value", [
    'Bearer error="insufficient_claims", claims="%%%"', 'Bearer error="insufficient_claims", claims="a"',
    'Bearer error="insufficient_claims", claims="//79"', 'Bearer error="insufficient_claims", claims=""',
    'Bearer error="insufficient_claims", claims="\u00e9"', 'Bearer error="insufficient_claims"',
    'Bearer claims="', "Bearer", "", ",", 'Bearer error="invalid_token"',
    'Basic realm="x", Bearer error="insufficient_claims", claims="_"', "\u00e9" * 40, "," * 1000])
@pytest.mark.parametrize("words", [SHOW, ASSIGN], ids=["show", "assign"])
def test_a_challenge_that_cannot_be_read(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login], value: str,
                                         words: list[str]) -> None:
    login = log_in(Login(strong=True))
    resource = sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="GET" if words is SHOW else "PATCH", status=401, code="InvalidAuthenticationToken",
                        message="Not with this token.", headers={"WWW-Authenticate": value}, times=10**6))
    run = in_process.captured(words, Input())
    assert isinstance(run.error, AzCLIError), repr(run.error)
    assert "Not with this token." in str(run.error)
    assert "az login" in said(run.error)
    assert run.exit_code == 1
    assert login.claims == [None]
    assert has(sim, resource) == (False, [])


def test_a_challenge_that_cannot_be_read_is_no_policy_to_change(in_process: InProcessAz, sim: Armsim,
                                                                log_in: Callable[..., Login]) -> None:
    log_in(Login(strong=True))
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(method="PATCH", status=401, code="RequestDisallowedByPolicy", message="Disallowed by policy.",
                        headers={"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="%%%"'}, times=10**6))
    text = said(in_process(ASSIGN).error)
    assert "Disallowed by policy." in text
    assert "az login" in text
    assert "az policy" not in text


@pytest.mark.parametrize("change", [lambda value: value.replace('claims="', 'claims = "'),
                                    lambda value: value.replace('"', "'"),
                                    lambda value: value.replace("insufficient", "Insufficient"),
                                    lambda value: re.sub('claims="(.*)"', r"claims=\1", value)])
def test_a_challenge_in_other_spellings(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login],
                                        change: Callable[[str], str]) -> None:
    log_in(Login(strong=False))
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(status=401, code="RequestDisallowedByPolicy", times=10**6, headers={
        "WWW-Authenticate": change(header(MFA))}))
    assert command(sim) in flat(said(in_process(SHOW).error))


def test_several_challenges(in_process: InProcessAz, sim: Armsim, log_in: Callable[..., Login]) -> None:
    log_in(Login(strong=False))
    sim.state.add_resource("myApp", "rg")
    sim.add_fault(Fault(status=401, code="InvalidAuthenticationToken", times=10**6, headers={
        "WWW-Authenticate": f'PoP realm="", {header(MFA)}, Bearer realm="x"'}))
    assert command(sim) in flat(said(in_process(SHOW).error))
